"""Classical models as arrays: equal to scikit-learn's, also after they were kept in a file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from emocli.data.samples import Samples
from emocli.data.store import open_features
from emocli.errors import RunError
from emocli.models import classical
from emocli.models.baselines import fit_classical
from emocli.models.beside import KEY, read_models, save_models
from emocli.models.classical import KINDS, fitted
from emocli.models.rundir import BASELINES
from tests import toy

rng = np.random.default_rng(0)
X, NEW = rng.normal(size=(60, 5)), rng.normal(size=(40, 5))


@pytest.fixture(autouse=True)
def few_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer than there are clips here."""
    monkeypatch.setattr(classical, "LANDMARKS", 20)


@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("name", list(KINDS))
def test_classes_are_told_apart_as_by_scikit_learn(name: str, classes: int) -> None:
    labels = (X[:, 0] * 2 + rng.normal(size=60)).argsort().argsort() * classes // 60
    model = fitted(name, 3.0, X, labels, "single", classes)
    expected = KINDS[name].classifier(3.0).fit(X, labels)
    values = model(NEW)
    np.testing.assert_allclose(values.sum(axis=1), 1)
    np.testing.assert_array_equal(values.argmax(axis=1), expected.predict(NEW))
    margins = expected.decision_function(NEW)
    if classes > 2:
        softmax = np.exp(margins) / np.exp(margins).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(values, softmax, rtol=1e-6)


@pytest.mark.parametrize("name", list(KINDS))
def test_intensities_are_those_of_scikit_learn(name: str) -> None:
    levels = np.stack([X[:, 0] + X[:, 1] ** 2, X[:, 2]], axis=1)
    values = fitted(name, 3.0, X, levels, "intensity", 2)(NEW)
    for k in range(2):
        expected = KINDS[name].regressor(3.0).fit(X, levels[:, k]).predict(NEW)
        np.testing.assert_allclose(values[:, k], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", list(KINDS))
def test_each_of_several_classes_has_a_model_of_its_own(name: str) -> None:
    shown = np.stack([X[:, 0] > 0, np.ones(60, bool)], axis=1)
    values = fitted(name, 3.0, X, shown, "multi", 2)(NEW)
    expected = KINDS[name].classifier(3.0).fit(X, shown[:, 0])
    np.testing.assert_array_equal(values[:, 0] > 0.5, expected.predict(NEW))
    np.testing.assert_allclose(values[:, 1], 1)


def test_the_approximated_machine_comes_near_the_whole_one() -> None:
    spread = np.random.default_rng(1)
    x, labels = spread.normal(size=(200, 5)), spread.integers(0, 2, 200)
    x[:, 0] += 2 * labels
    whole, part = (fitted(name, 1.0, x, labels, "single", 2) for name in ("svm", "svm_nystroem"))
    assert len(part.parts[0].support) == 20
    agree = whole(NEW).argmax(axis=1) == part(NEW).argmax(axis=1)
    assert agree.mean() > 0.9


def splits(folder: Path, task: str) -> tuple[Samples, Samples, Samples]:
    corpus = toy.build(folder / "toy", task)  # type: ignore[arg-type]
    stores = open_features(corpus.store, None, corpus.manifest)
    train, valid, test = (
        Samples.of(corpus.manifest, name, stores) for name in ("train", "valid", "test")
    )
    return train, valid, test


@pytest.mark.parametrize("task", ["single", "multi", "intensity"])
def test_what_is_kept_predicts_the_same(task: str, tmp_path: Path) -> None:
    train, valid, test = splits(tmp_path, task)
    models = fit_classical(list(KINDS), train, valid, limit=1.0)
    save_models(tmp_path, models)
    again = read_models(tmp_path)
    assert again is not None
    for one, other in zip(models.models, again.models, strict=True):
        assert (one.name, one.C, one.valid) == (other.name, other.C, other.valid)
        np.testing.assert_allclose(one(test), other(test), rtol=1e-9)


def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path) -> None:
    train, valid, _ = splits(tmp_path, "single")
    assert read_models(tmp_path) is None
    save_models(tmp_path, fit_classical(["svm"], train, valid))
    path = tmp_path / BASELINES
    whole, arrays = path.read_bytes(), load_file(path)

    def refused(content: bytes | dict[str, NDArray[np.float64]]) -> None:
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            save_file(content, path)
        with pytest.raises(RunError, match="baselines"):
            read_models(tmp_path)

    refused(whole[:-9])
    refused(arrays)  # without what it says of them
    path.write_bytes(whole.replace(b'"known', b'"knows'))
    with pytest.raises(RunError, match="does not hold classical models"):
        read_models(tmp_path)
    path.write_bytes(whole)
    assert read_models(tmp_path) is not None


def test_files_from_before_the_limit_have_none(tmp_path: Path) -> None:
    train, valid, test = splits(tmp_path, "single")
    models = fit_classical(["svm"], train, valid)
    save_models(tmp_path, models)
    path = tmp_path / BASELINES
    with safe_open(path, "pt") as file:
        about = file.metadata()[KEY]
    older = re.sub(r',\s*"limit": 0.0', "", about)
    assert older != about
    save_file(load_file(path), path, {KEY: older})
    again = read_models(tmp_path)
    assert again is not None
    np.testing.assert_allclose(models.models[0](test), again.models[0](test), rtol=1e-9)


def test_the_last_fit_can_have_the_valid_split_too(tmp_path: Path) -> None:
    train, valid, test = splits(tmp_path, "single")
    alone = fit_classical(["svm", "logistic"], train, valid)
    again = fit_classical(["svm", "logistic"], train, valid, whole=train)
    more = fit_classical(["svm", "logistic"], train, valid, whole=valid)
    assert (alone.refitted, more.refitted) == (False, True)
    for one, same, other in zip(alone.models, again.models, more.models, strict=True):
        assert one.C == other.C
        assert one.valid == other.valid
        np.testing.assert_allclose(one(test), same(test))
        assert not np.allclose(one(test), other(test))
