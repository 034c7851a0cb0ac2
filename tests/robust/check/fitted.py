"""Checks that are fitted to generated clips, and what they flag."""

from __future__ import annotations

from emocli.robust.check.model import ModalityCheck
from emocli.robust.check.settings import CheckConfig
from tests.robust.latent import Rows, clips, padded

TRAIN, VALID, TEST = clips(500, 1), clips(200, 2), clips(300, 3)
LLR = CheckConfig(score="llr")


def fit(config: CheckConfig, train: Rows = TRAIN, valid: Rows = VALID) -> ModalityCheck:
    return ModalityCheck.fit(padded(train), padded(valid), config)


def flagged(check: ModalityCheck, rows: Rows) -> dict[str, float]:
    return {m: 1 - kept.mean() for m, kept in check.effective(padded(rows)).items()}


def replace_(config: CheckConfig, **settings: object) -> CheckConfig:
    return CheckConfig(**{**config.model_dump(), **settings})
