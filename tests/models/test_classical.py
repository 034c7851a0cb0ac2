"""Classical models as arrays: equal to scikit-learn's, also after they were kept in a file."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, SVR

from emocli.data.manifest import Task
from emocli.data.samples import Samples
from emocli.data.store import open_features
from emocli.errors import EmocliWarning, RunError
from emocli.metrics.metrics import score
from emocli.models import baselines, classical
from emocli.models.baselines import C_VALUES, fit_classical
from emocli.models.baselines_io import KEY, read_models, save_models
from emocli.models.classical import KINDS, ClassicalModel, Fitter
from emocli.models.functionals import Functionals, Matrix
from emocli.models.rundir import BASELINES
from emocli.models.settings import TrainConfig
from tests import toy

rng = np.random.default_rng(0)
X, NEW = rng.normal(size=(60, 5)), rng.normal(size=(40, 5))


@pytest.fixture(autouse=True)
def few_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer than there are clips here."""
    monkeypatch.setattr(classical, "LANDMARKS", 20)


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines solved so far that rounding of their similarities makes no difference."""
    monkeypatch.setattr(classical, "TOLERANCE", 1e-10)


def fitted(name: str, C: float, x: Matrix, targets: NDArray[Any], task: Task) -> ClassicalModel:
    classes = targets.max() + 1 if task == "single" else targets.shape[1]
    return Fitter.of(name, x, targets, task, classes)(C)


def sklearns(name: str, C: float, classifier: bool) -> Any:
    """The same model as scikit-learn has it, with kernels of its own."""
    landmarks = Nystroem(n_components=20, random_state=0)
    models = {
        "logistic": (LogisticRegression(C=C), Ridge(alpha=1 / C)),
        "svm": (SVC(C=C, tol=1e-10), SVR(C=C, tol=1e-10, epsilon=0.1)),
        "svm_linear": (
            SVC(C=C, tol=1e-10, kernel="linear"),
            SVR(C=C, tol=1e-10, kernel="linear", epsilon=0.1),
        ),
        "svm_nystroem": (
            make_pipeline(landmarks, RidgeClassifier(alpha=1 / C)),
            make_pipeline(landmarks, Ridge(alpha=1 / C)),
        ),
    }
    return models[name][0 if classifier else 1]


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("name", list(KINDS))
def test_classes_are_told_apart_as_by_scikit_learn(name: str, classes: int) -> None:
    labels = (X[:, 0] * 2 + rng.normal(size=60)).argsort().argsort() * classes // 60
    model = fitted(name, 3.0, X, labels, "single")
    expected = sklearns(name, 3.0, classifier=True).fit(X, labels)
    values = model(NEW)
    np.testing.assert_allclose(values.sum(axis=1), 1)
    np.testing.assert_array_equal(values.argmax(axis=1), expected.predict(NEW))
    margins = expected.decision_function(NEW)
    if classes > 2:
        softmax = np.exp(margins) / np.exp(margins).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(values, softmax, rtol=1e-6)


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("name", list(KINDS))
def test_intensities_are_those_of_scikit_learn(name: str) -> None:
    levels = np.stack([X[:, 0] + X[:, 1] ** 2, X[:, 2]], axis=1)
    values = fitted(name, 3.0, X, levels, "intensity")(NEW)
    for k in range(2):
        expected = sklearns(name, 3.0, classifier=False).fit(X, levels[:, k]).predict(NEW)
        np.testing.assert_allclose(values[:, k], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", list(KINDS))
def test_each_of_several_classes_has_a_model_of_its_own(name: str) -> None:
    shown = np.stack([X[:, 0] > 0, np.ones(60, bool)], axis=1)
    values = fitted(name, 3.0, X, shown, "multi")(NEW)
    expected = sklearns(name, 3.0, classifier=True).fit(X, shown[:, 0])
    np.testing.assert_array_equal(values[:, 0] > 0.5, expected.predict(NEW))
    np.testing.assert_allclose(values[:, 1], 1)


@pytest.mark.parametrize("name", ["svm", "svm_linear", "svm_nystroem"])
def test_similarities_are_computed_once_for_all_c(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, valid, _ = splits(tmp_path, "single")
    kind, seen = KINDS[name], []

    def view(x: Matrix) -> tuple[Matrix, classical.Read]:
        seen.append(len(x))
        return kind.view(x)

    monkeypatch.setattr(classical, "KINDS", {name: replace(kind, view=view)})
    fit_classical([name], train, valid, whole=valid)
    assert seen == [len(train), len(valid)]


def test_fits_that_do_not_converge_are_counted_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, valid, _ = splits(tmp_path, "single")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_classical(["logistic", "svm"], train, valid)
    monkeypatch.setattr(classical, "ITERATIONS", 1)
    with pytest.warns(EmocliWarning) as told:
        fit_classical(["logistic", "svm"], train, valid, whole=train)
    assert [str(each.message)[:25] for each in told] == [
        "9 fits of 'logistic' stop",
        "1 fit of 'logistic' stopp",
    ]


def test_of_many_clips_no_larger_c_is_tried_once_the_valid_split_got_worse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, valid, _ = splits(tmp_path, "single")
    scores = dict(zip(C_VALUES, [0.4, 0.4, 0.3, 0.5, 0.4, 0.4, 0.4, 0.9, 0.3], strict=True))
    tried: list[float] = []

    def scored(*_: object) -> SimpleNamespace:
        return SimpleNamespace(overall={"accuracy": scores[tried[-1]]})

    fit = Fitter.__call__

    def noted(self: Fitter, C: float) -> ClassicalModel:
        tried.append(C)
        return fit(self, C)

    monkeypatch.setattr(baselines, "score", scored)
    monkeypatch.setattr(Fitter, "__call__", noted)
    (few,) = fit_classical(["logistic"], train, valid).models
    assert (tried, few.C) == (list(C_VALUES), C_VALUES[7])
    tried.clear()
    monkeypatch.setattr(baselines, "MANY", len(train) - 1)
    (many,) = fit_classical(["logistic"], train, valid).models
    assert (tried, many.C) == (list(C_VALUES[:6]), C_VALUES[3])


def test_the_approximated_machine_comes_near_the_whole_one() -> None:
    spread = np.random.default_rng(1)
    x, labels = spread.normal(size=(200, 5)), spread.integers(0, 2, 200)
    x[:, 0] += 2 * labels
    whole, part = (fitted(name, 1.0, x, labels, "single") for name in ("svm", "svm_nystroem"))
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
    models = fit_classical(list(KINDS), train, valid, settings=TrainConfig(functionals_limit=1.0))
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


def test_c_is_the_best_by_what_stops_the_network(tmp_path: Path) -> None:
    train, valid, _ = splits(tmp_path, "single")
    seen = Functionals.fit(train)
    targets, labels = (s.manifest.targets(s.clips) for s in (train, valid))
    fitter = Fitter.of("svm", seen(train), targets, "single", len(toy.CLASSES))
    scores = [
        score("single", labels, fitter(C)(seen(valid)), toy.CLASSES).overall for C in C_VALUES
    ]
    for monitor in ("accuracy", "weighted_f1", "brier"):
        settings = TrainConfig(monitor=monitor)
        (chosen,) = fit_classical(["svm"], train, valid, settings=settings).models
        best = min if monitor == "brier" else max
        assert chosen.valid[monitor] == pytest.approx(best(each[monitor] for each in scores))


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
