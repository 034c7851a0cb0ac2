"""Runs on a corpus whose texts are markup, and their pages, which nobody changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from emocli.config import merge
from emocli.evaluation.evaluate import evaluate
from emocli.models.commands import record
from emocli.pages.page import report
from emocli.training.fit_cca import fit_cca
from tests import toy
from tests.pages.example import CLASSES, NASTY, SIZES


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs on a corpus whose classes, words and paths are markup, analysed in every way."""
    folder = tmp_path_factory.mktemp("toy") / "a <b> & c"
    clips = toy._clips
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toy, "CLASSES", CLASSES)
        patch.setattr(toy, "_clips", lambda *how: [replace(c, text=NASTY) for c in clips(*how)])
        corpus = toy.build(folder, sizes=SIZES)
    corpus.trained("late", seeds=2, baselines=True)
    to_the_end = merge(toy.QUICK, {"train": {"epochs": 2, "patience": 0}})
    corpus.trained("gated", "rrnn", settings=to_the_end)
    fit_cca(corpus.manifest, corpus.store)
    for run in ("late", "gated"):
        evaluate(folder / run, sweep=["0dB"], by=["speaker"], figures=False)
    evaluate(folder / "late", corrupt=["visual:drop"], figures=False)
    for name in ("examples", "weights"):
        toy.analysis(name)(folder / "late", figures=False)
    toy.analysis("check")(folder / "late", figures=False, levels="0dB")
    toy.analysis("gates")(folder / "gated", figures=False)
    toy.analysis("confusion")(folder / "late")
    record(folder / "late" / "reports", ["train", "toy.csv", f"--run={NASTY}"])
    return folder


@pytest.fixture(scope="session")
def one(place: Path) -> Path:
    return report([place / "late"], place / "one.html")


@pytest.fixture(scope="session")
def both(place: Path) -> Path:
    return report([place / "late", place / "gated"], place / "both.html")
