"""A small table of one's own, and how it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emocli.config import Settings, merge
from emocli.experiments.runner import Reproduction, reproduce
from emocli.plugin.experiment import CLEAN, Condition, RepairOptions, Row
from tests import toy

NOISE = Condition("noise", ("visual:gaussian@-10dB",))
CHECKED = Condition("noise", NOISE.corrupt, repair=RepairOptions(check=True))
QUICK = merge(toy.QUICK, {"train": {"threads": 1}})
SETTINGS = {**QUICK, "reproduce": {"folds": 3, "seeds": 2}}
ROWS = (
    Row("prior", baseline="prior"),
    Row("face", fusion="unimodal", modalities=("visual",), conditions=(CLEAN, NOISE)),
    Row("Both + more", fusion="late", conditions=(CLEAN, NOISE), printed={"clean": {"uar": 0.5}}),
    Row("both, checked", like="Both + more", conditions=(CLEAN, CHECKED)),
    Row("smell", fusion="unimodal", modalities=("olfactory",)),
    Row("SVM", baseline="svm_linear", conditions=(CLEAN, NOISE)),
)


PAIRS = (("Both + more", "face"), ("Both + more", "SVM"), ("Both + more", "smell"))
ONCE = {"reproduce": {"seeds": 1}}


class Config(Settings):
    """None."""


def run(corpus: toy.Toy, out: Path, **options: Any) -> Reproduction:
    settings = merge(SETTINGS, options.pop("settings", {}))
    return reproduce("rrnn-t2", corpus.manifest, corpus.store, out, settings=settings, **options)
