"""The first trial of a search: the default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import emocli
from emocli.config import parse_sets
from emocli.errors import ConfigError
from emocli.models import rundir
from tests import toy
from tests.training.tuning.searches import QUICK, command, spaced, tuned

corpus = toy.fixture()

RANGES = ("network.hidden=2..64", "train.lr=0.01..0.1:log", "network.dropout=0.4,0.5")


def test_it_is_tried_as_far_as_a_range_holds_it(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of ``late`` under ``plus``: 16 units by the rule of size, dropout .4, a rate of .001."""
    search = command(corpus, tmp_path / "study", *spaced(*RANGES), trials=1)
    found = tuned(search, capsys)
    (first,) = (trial["settings"] for trial in found["trials"])
    assert (first["network.hidden"], first["network.dropout"]) == (16, 0.4)
    assert 0.01 <= first["train.lr"] <= 0.1
    # From Python it is the same search.
    summary = emocli.tune(
        str(corpus.manifest.path),
        str(corpus.store),
        fusion="late",
        study=str(tmp_path / "again"),
        space=dict(text.split("=", 1) for text in RANGES),
        trials=1,
        settings=parse_sets(QUICK),
    )
    assert (summary.chosen, summary.best.valid) == (first, found["best"]["valid"])
    assert summary.run.is_dir()


def test_from_python_its_settings_train_the_network_again(corpus: toy.Toy, tmp_path: Path) -> None:
    where = (str(corpus.manifest.path), str(corpus.store))
    summary = emocli.tune(
        *where, fusion="late", study=tmp_path / "study", trials=1, settings=parse_sets(QUICK)
    )
    again = emocli.train(*where, fusion="late", run=tmp_path / "run", settings=summary.settings)
    assert rundir.read_config(again.run).network == rundir.read_config(summary.run).network


@pytest.mark.parametrize("trials", [0, "3", -1])
def test_from_python_trials_are_a_number(corpus: toy.Toy, tmp_path: Path, trials: Any) -> None:
    with pytest.raises(ConfigError, match=r"^trials = .*; choose a whole number from 1 on$"):
        emocli.tune(
            corpus.manifest, corpus.store, fusion="late", study=tmp_path / "s", trials=trials
        )
