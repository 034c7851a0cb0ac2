"""Experiments on features that are normalised by speaker: rows, baselines and the check alike."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from emocli import plugins
from emocli.config import Settings, merge
from emocli.errors import ConfigError
from emocli.experiments.runner import Reproduction, reproduce
from emocli.plugin.experiment import CLEAN, Condition, RepairOptions, Row, Table
from tests import toy

pytestmark = pytest.mark.usefixtures("undrawn")

NOISE = ("visual:gaussian@-10dB",)
CHECKED = Condition("noise", NOISE, repair=RepairOptions(check=True))
ROWS = (
    Row("Both", fusion="late", conditions=(CLEAN,)),
    Row("checked", like="Both", conditions=(CHECKED,)),
    Row("SVM", baseline="svm_linear", conditions=(CLEAN,)),
)
SETTINGS = merge(toy.QUICK, {"train": {"threads": 1}, "reproduce": {"folds": 0, "seeds": 1}})
RELATIVE = {"train": {"normalise": "speaker", "least_clips": 2}}
corpus = toy.fixture()


class Config(Settings):
    """None."""


def run(
    patch: pytest.MonkeyPatch, corpus: toy.Toy, out: Path, table: tuple[Row, ...], **settings: Any
) -> Reproduction:
    module = SimpleNamespace(
        __name__="toy", Config=Config, table=lambda config: Table("A table", table)
    )
    load = plugins.load
    with patch.context() as inside:
        inside.setattr(plugins, "load", lambda k, n: module if k == "experiments" else load(k, n))
        chosen = merge(SETTINGS, settings)
        return reproduce("rrnn-t2", corpus.manifest, corpus.store, out, settings=chosen)


def test_all_rows_read_the_same_and_say_so(
    corpus: toy.Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(monkeypatch, corpus, tmp_path / "a", ROWS, **RELATIVE)
    assert any("unlabelled clips of the tested speakers" in w for w in result.report.warnings)
    check = corpus.store / "check_by_speaker.h5"
    before = check.stat().st_mtime_ns
    again = run(monkeypatch, corpus, tmp_path / "a", ROWS, **RELATIVE)
    assert check.stat().st_mtime_ns == before
    assert again.data["rows"] == result.data["rows"]
    plain = run(monkeypatch, corpus, tmp_path / "b", ROWS[2:])
    assert not any("unlabelled" in warning for warning in plain.report.warnings)
    values = [np.load(tmp_path / out / "evaluations/svm/clean.npz")["values"] for out in "ab"]
    assert np.abs(values[0] - values[1]).max() > 1e-3


def test_one_check_is_not_of_other_features_than_a_row(
    corpus: toy.Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="reads other features than the modality check"):
        run(monkeypatch, corpus, tmp_path, ROWS, rows={"both": RELATIVE})
