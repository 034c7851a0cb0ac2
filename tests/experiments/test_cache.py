"""What cached evaluations depend on: the code that computes them, and its inputs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

import pytest

import emocli
from emocli import plugins
from emocli.experiments.cache import CachedEvaluation, EvaluationJob, code_digest
from emocli.experiments.feature_rows import FittedBaseline
from emocli.plugin.experiment import CLEAN, Condition, RobustOptions
from emocli.plugin.robustness import on, read
from tests import toy

ROOT = Path(emocli.__file__).parent
SHOWING = {"cli", "report"}
DECIDING = sorted(
    {path.relative_to(ROOT).parts[0] for path in ROOT.rglob("*.py")} - SHOWING - {"__init__.py"}
)
"""Packages and modules of emocli, as they are in its folder, but those that only show."""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of small files in the place of this one."""
    folder = tmp_path / "package"
    for name in (*DECIDING, *SHOWING):
        file = folder / name if name.endswith(".py") else folder / name / "inner" / "code.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x = 1\n")
    monkeypatch.setattr(emocli, "__file__", str(folder / "__init__.py"))
    return folder


def test_metrics_and_ranges_are_among_what_decides() -> None:
    assert {"metrics", "models", "config.py", "quantities.py", "parsing.py"} <= set(DECIDING)


@pytest.mark.parametrize("name", DECIDING)
def test_code_that_decides_what_is_predicted_counts(package: Path, name: str) -> None:
    before = code_digest()
    assert code_digest() == before
    file = package / name if name.endswith(".py") else package / name / "inner" / "code.py"
    file.write_text("x = 2\n")
    changed = code_digest()
    assert changed != before
    file.rename(file.with_name("renamed.py"))
    assert code_digest() not in (before, changed)


def test_other_code_does_not(package: Path) -> None:
    before = code_digest()
    for name in SHOWING:
        (package / name / "inner" / "code.py").write_text("x = 2\n")
    (package / "metrics" / "drawing.py").write_text("x = 2\n")
    assert code_digest() == before


def installed(site: Path, name: str, files: Mapping[str, str]) -> type:
    """Write a distribution of somebody else; return the class ``Config`` of its module."""
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    importlib.invalidate_caches()
    config: type = importlib.import_module(name).Config
    return config


def test_all_files_of_the_package_of_a_plugin_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    files = {
        "other_cache/__init__.py": "",
        "other_cache/inner/noise.py": "from other_cache.helper import LEVEL\nclass Config: ...\n",
        "other_cache/helper.py": "LEVEL = 1\n",
    }
    plugin = installed(tmp_path, "other_cache.inner.noise", files)
    before = code_digest([plugin])
    assert before == code_digest([plugin]) != code_digest()
    (tmp_path / "other_cache" / "helper.py").write_text("LEVEL = 2\n")
    assert code_digest([plugin]) != before


def test_a_plugin_that_is_a_single_module_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    files = {"single_cache.py": "class Config: ...\n", "beside_cache.py": "x = 1\n"}
    plugin = installed(tmp_path, "single_cache", files)
    before = code_digest([plugin])
    (tmp_path / "beside_cache.py").write_text("x = 2\n")
    assert before == code_digest([plugin]) != code_digest()
    (tmp_path / "single_cache.py").write_text("class Config: 'Another.'\n")
    assert code_digest([plugin]) != before


def test_a_plugin_of_emocli_counts_with_emocli() -> None:
    network = plugins.load("fusion", "late").Model
    noise, zero = (type(each.config) for each in on(read(["audio", "audio:zero"]), ["audio"]))
    assert code_digest([network, noise, zero]) == code_digest()


def evaluations(corpus: toy.Toy, folder: Path, name: str = "svm") -> tuple[CachedEvaluation, ...]:
    subject = FittedBaseline(name, ("mel",), {})
    tested = (CLEAN, Condition("noise", ("audio:gaussian@0dB",)))
    job = EvaluationJob(
        subject, tested, ("mel",), RobustOptions(), corpus.manifest, corpus.store, folder, 0
    )
    return job()


def test_an_evaluation_is_kept_until_the_code_or_a_library_is_another(
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
    others = {"code_digest": lambda plugins: "other", "version_of": lambda library: "0.1"}
    for name, other in others.items():
        monkeypatch.setattr(f"emocli.experiments.cache.{name}", other)
        evaluations(corpus, folder)
        assert all(path.stat().st_mtime_ns > files[path.name] for path in folder.iterdir())
        files = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
