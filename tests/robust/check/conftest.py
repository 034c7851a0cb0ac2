"""Checks that nobody changes."""

from __future__ import annotations

import pytest

from emocli.robust.check.model import ModalityCheck
from emocli.robust.check.settings import CheckConfig
from tests.robust.check.fitted import LLR, fit, replace_


@pytest.fixture(scope="session")
def llr() -> ModalityCheck:
    return fit(LLR)


@pytest.fixture(scope="session")
def paper() -> ModalityCheck:
    return fit(CheckConfig())


@pytest.fixture(scope="session")
def step() -> ModalityCheck:
    return fit(replace_(LLR, representation="step", outliers="quantile"))
