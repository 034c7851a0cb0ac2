"""A run that was trained on a generated corpus of real media."""

from __future__ import annotations

from pathlib import Path

import pytest

from emocli.cli.app import run
from emocli.data.manifest import Manifest
from emocli.extraction.extract import extract
from emocli.plugin.robustness import RobustOptions
from emocli.training.fit_cca import fit_cca
from emocli.training.train import train
from tests import toy

FEATURES = ("mel", "glove", "face_hog")

PROGRAM = "from emocli.cli.app import main; main()"
"""The command line, in a process of its own."""


@pytest.fixture(scope="session")
def trained(corpus: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two seeds, with check and proxies, beside its store."""
    folder = tmp_path_factory.mktemp("trained")
    vectors = str(corpus.root / "vectors.txt")
    settings = {"glove": {"vectors": vectors}, "faces": {"min_share": 0.2}}
    extract(corpus, ["faces", *FEATURES], folder / "store", settings=settings)
    fit_cca(corpus, folder / "store", features=FEATURES)
    robust = RobustOptions(check=True, proxy="paper")
    summary = train(
        corpus,
        folder / "store",
        fusion="late",
        run=folder / "run",
        features=FEATURES,
        settings=toy.QUICK,
        robust=robust,
        seeds=2,
        baselines=False,
    )
    return summary.run


@pytest.fixture(scope="session")
def heard(corpus: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that only hears: it predicts in a moment."""
    folder = tmp_path_factory.mktemp("heard")
    extract(corpus, ["mel"], folder / "store")
    where = {"run": folder / "run", "features": ["mel"], "settings": toy.QUICK, "baselines": False}
    return train(corpus, folder / "store", fusion="unimodal", **where).run


def emocli(*arguments: object) -> int:
    """Run a command line."""
    return run([*map(str, arguments)])
