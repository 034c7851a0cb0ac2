"""The kinds of encoders: one file for each, of its name."""

from __future__ import annotations

from typing import get_args

import pytest

from emocli import plugins
from emocli.cli.commands.fit_encoder import KindName
from emocli.errors import ConfigError
from emocli.plugin.feature import PictureKind
from emocli.training.picture_source import PACKAGE, picture_source


def test_every_kind_is_a_file() -> None:
    kinds = get_args(PictureKind)
    assert set(kinds) == set(KindName) == set(plugins.files(PACKAGE))
    assert [picture_source(kind).kind for kind in kinds] == [*kinds]


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no encoder is of kind 'fac'; did you mean 'face'"):
        picture_source("fac")
