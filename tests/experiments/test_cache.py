"""What cached evaluations depend on: the code that computes them, and its inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

import emocli
from emocli import plugins
from emocli.experiments.cache import PACKAGES, CachedEvaluation, EvaluationJob, code_digest
from emocli.experiments.feature_rows import FittedBaseline
from emocli.plugin.experiment import CLEAN, Condition, RobustOptions
from emocli.plugin.robustness import parse_all
from tests import toy


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of small files in the place of this one."""
    for name in (*PACKAGES, "cli"):
        (tmp_path / name / "inner").mkdir(parents=True)
        (tmp_path / name / "inner" / "code.py").write_text("x = 1\n")
    monkeypatch.setattr(emocli, "__file__", str(tmp_path / "__init__.py"))
    return tmp_path


@pytest.mark.parametrize("name", PACKAGES)
def test_code_that_decides_what_is_predicted_counts(package: Path, name: str) -> None:
    before = code_digest()
    assert code_digest() == before
    (package / name / "inner" / "code.py").write_text("x = 2\n")
    changed = code_digest()
    assert changed != before
    (package / name / "inner" / "code.py").rename(package / name / "code.py")
    assert code_digest() not in (before, changed)


def test_other_code_does_not(package: Path) -> None:
    before = code_digest()
    (package / "cli" / "inner" / "code.py").write_text("x = 2\n")
    assert code_digest() == before


def test_a_plugin_of_another_distribution_counts(package: Path) -> None:
    noise, zero = (type(each.config) for each in parse_all(["audio", "audio:zero"], ["audio"]))
    assert len({code_digest(), code_digest([noise]), code_digest([zero])}) == 3
    network = plugins.load("fusion", "late").Model
    assert code_digest([network]) != code_digest()


def evaluations(corpus: toy.Toy, folder: Path, name: str = "svm") -> tuple[CachedEvaluation, ...]:
    subject = FittedBaseline(name, ("mel",), {})
    tested = (CLEAN, Condition("noise", ("audio:gaussian@0dB",)))
    job = EvaluationJob(
        subject, tested, ("mel",), RobustOptions(), corpus.manifest, corpus.store, folder, 0
    )
    return job()


def test_an_evaluation_is_kept_until_the_code_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, folder = toy.build(tmp_path / "toy"), tmp_path / "evaluations"
    first = evaluations(corpus, folder)
    files = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert set(files) == {"clean.npz", "noise.npz"}
    again = evaluations(corpus, folder)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == files
    for ours, theirs in zip(first, again, strict=True):
        assert ours.C == theirs.C
        assert (ours.predictions.values[0] == theirs.predictions.values[0]).all()
    monkeypatch.setattr("emocli.experiments.cache.code_digest", lambda plugins: "other")
    evaluations(corpus, folder)
    assert all(path.stat().st_mtime_ns > files[path.name] for path in folder.iterdir())
