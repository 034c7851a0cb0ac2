"""What a run's card says of the epoch that is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import toy

corpus = toy.fixture()


def test_with_early_stopping_the_card_says_that_the_metrics_flatter(
    corpus: toy.Toy, tmp_path: Path
) -> None:
    body = (corpus.request(tmp_path / "run").train().run / "README.md").read_text()
    assert "Of the best epoch (" in body
    assert "chosen on this split, so that the metrics flatter" in body


def test_without_early_stopping_the_card_says_that_the_last_epoch_is_kept(
    corpus: toy.Toy, tmp_path: Path
) -> None:
    settings = {**toy.QUICK, "train": {**toy.QUICK["train"], "patience": 0}}
    request = corpus.request(tmp_path / "run", settings=settings)
    body = (request.train().run / "README.md").read_text()
    assert "Of the last epoch (4; seed 0); where settings were searched on this split" in body
    assert "chosen on this split" not in body


def test_the_card_names_only_files_that_are_there(corpus: toy.Toy, tmp_path: Path) -> None:
    run = corpus.request(tmp_path / "run", seeds=2).train().run
    body = (run / "README.md").read_text()
    assert "(in `seed-N/calibration.json`)" in body
    assert (run / "seed-1" / "calibration.json").is_file()
    assert "(in `calibration.json`)" in (run / "seed-1" / "README.md").read_text()
    assert "`reports/`" not in body  # there is none before an evaluation, and in a packed run


@pytest.mark.parametrize("baselines", [True, False])
def test_the_card_tells_of_a_last_fit_what_was_fitted(
    corpus: toy.Toy, tmp_path: Path, baselines: bool
) -> None:
    settings = {**toy.QUICK, "train": {**toy.QUICK["train"], "refit": True}}
    request = corpus.request(tmp_path / "run", settings=settings)
    body = (replace(request, baselines=baselines).train().run / "README.md").read_text()
    assert "trained anew, on train and valid split together" in body
    assert ("classical models" in body) == baselines
