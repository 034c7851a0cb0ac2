"""Baselines for networks: one number per class, and classical classifiers.

A constant is what a model with one parameter per output learns, which sees labels and no features
(Beard 2018, section 4): under squared error or cross-entropy the mean of the training labels, under
absolute error their median. That paper's own is the mean of the labels it is then tested on: the
smallest squared error that a constant can have on these clips, and no prediction.

The classical ones see a clip through functionals: mean, standard deviation and largest value over
time of every dimension of every view, one after the other, z-scored by the training clips. A view
whose clips have one step each (an utterance's vector) is taken as it is. What a clip lacks counts
as the training clips' mean. Nothing is random.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest, Task
from emocli.data.samples import Samples
from emocli.errors import ConfigError, choice
from emocli.metrics.metrics import ERRORS, score
from emocli.models.settings import MONITORS

Matrix = NDArray[np.float64]

PRIOR, MEDIAN, TEST_PRIOR = "prior", "median", "test_prior"

C_VALUES = tuple(float(10**power) for power in np.arange(-2, 2.5, 0.5))
"""Values of C that are tried on the valid split: the inverse of the regularisation."""

MARGIN = 0.1
"""Error of an intensity that support vector regression does not count."""

ITERATIONS = 5000


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline.

    Attributes
    ----------
    name : str
        Which.
    predict : callable
        Samples -> probabilities or intensities, shape (n, C).
    C : float or None
        The chosen inverse of the regularisation, where there is one.
    valid : float or None
        The metric it was chosen by: the task's usual monitor, on the valid split.
    """

    name: str
    predict: Callable[[Samples], Matrix]
    C: float | None = None
    valid: float | None = None


def names() -> list[str]:
    """All baselines."""
    return [*CONSTANTS, *MODELS]


def fit(name: str, train: Samples, valid: Samples, test: Samples | None = None) -> Baseline:
    """Fit a baseline; C is chosen on the valid split, the smallest of equals.

    Parameters
    ----------
    name : {'prior', 'median', 'test_prior', 'logistic', 'svm', 'svm_linear'}
        The classes' frequencies, or the mean intensities; the median intensities; the first of
        ``test``, whose labels it sees; multinomial logistic regression (of each class of a
        multi-label task by itself; ridge regression for intensities); support vector machines with
        Gaussian or linear kernel (regression for intensities).
    train, valid : Samples
        Standardised.
    test : Samples, optional
        What ``test_prior`` alone looks at.

    Raises
    ------
    ConfigError
        If there is no such baseline, or it does not fit the task.
    """
    if name not in names():
        raise ConfigError(f"no baseline is called '{name}'", hint=choice(name, names()))
    manifest = train.manifest
    if name in CONSTANTS:
        constant = CONSTANTS[name](manifest, train.clips, () if test is None else test.clips)
        return Baseline(name, lambda samples: np.tile(constant, (len(samples), 1)))
    seen = Functionals.fit(train)
    inputs, targets = (seen(train), seen(valid)), manifest.targets(valid.clips)
    monitor = MONITORS[manifest.task]
    sign = -1 if monitor in ERRORS else 1
    best: tuple[float, float, Predictor] | None = None
    for C in C_VALUES:
        model = _fitted(name, C, inputs[0], manifest.targets(train.clips), manifest)
        value = score(manifest.task, targets, model(inputs[1]), manifest.classes).overall[monitor]
        if best is None or sign * value > sign * best[0]:
            best = (value, C, model)
    value, C, chosen = cast("tuple[float, float, Predictor]", best)
    return Baseline(name, lambda samples: chosen(seen(samples)), C, value)


def prior(manifest: Manifest, clips: Sequence[Clip]) -> Matrix:
    """Return how often clips show each class, or how strongly on average, shape (C,)."""
    targets = manifest.targets(clips)
    if manifest.task == "single":
        counts = np.bincount(targets, minlength=len(manifest.classes))
        return np.asarray(counts / len(targets), np.float64)
    return np.asarray(targets.mean(axis=0), np.float64)


def median(manifest: Manifest, clips: Sequence[Clip]) -> Matrix:
    """Return the median of each intensity, shape (C,): no constant has a smaller absolute error.

    Raises
    ------
    ConfigError
        If clips show one class each: the medians are then no probabilities.
    """
    if manifest.task == "single":
        what = f"'{MEDIAN}' is about intensities, and {manifest.dataset} has one class per clip"
        raise ConfigError(what, hint=f"choose '{PRIOR}'")
    return np.asarray(np.median(manifest.targets(clips), axis=0), np.float64)


def _test_prior(manifest: Manifest, tested: Sequence[Clip]) -> Matrix:
    if not tested:
        raise ConfigError(f"'{TEST_PRIOR}' needs the labels of the clips it is tested on")
    return prior(manifest, tested)


CONSTANTS: Mapping[str, Callable[[Manifest, Sequence[Clip], Sequence[Clip]], Matrix]] = (
    MappingProxyType(
        {
            PRIOR: lambda manifest, train, tested: prior(manifest, train),
            MEDIAN: lambda manifest, train, tested: median(manifest, train),
            TEST_PRIOR: lambda manifest, train, tested: _test_prior(manifest, tested),
        }
    )
)
"""Baselines without features: (manifest, training clips, tested clips) -> one number per class."""


@dataclass(frozen=True)
class Functionals:
    """Functionals of views, and their scaling.

    Attributes
    ----------
    vectors : frozenset of str
        Modalities with one step per clip.
    mean, std : ndarray, shape (D,)
        Of the training clips; ``std`` is 1 where a column does not vary.
    """

    vectors: frozenset[str]
    mean: Matrix
    std: Matrix

    @classmethod
    def fit(cls, train: Samples) -> Functionals:
        """Fit the scaling on training clips, and note the views that are sequences."""
        vectors = frozenset(
            modality
            for modality, store in train.stores.items()
            if all(store.length(clip.id) <= 1 for clip in train.clips)
        )
        raw = functionals(train, vectors)
        there = np.isfinite(raw)
        count = np.maximum(there.sum(axis=0), 1)
        mean = np.where(there, raw, 0).sum(axis=0) / count
        std = np.sqrt(np.where(there, (raw - mean) ** 2, 0).sum(axis=0) / count)
        return cls(vectors, mean, np.where(std > 0, std, 1))

    def __call__(self, samples: Samples) -> Matrix:
        """Return scaled functionals, shape (n, D)."""
        scaled: Matrix = (functionals(samples, self.vectors) - self.mean) / self.std
        filled: Matrix = np.where(np.isnan(scaled), 0, scaled)
        return filled


def functionals(samples: Samples, vectors: frozenset[str] = frozenset()) -> Matrix:
    """Return mean, standard deviation and maximum over time of each view, one after the other.

    Parameters
    ----------
    samples : Samples
        n clips.
    vectors : set of str
        Modalities that are taken as they are.

    Returns
    -------
    ndarray, shape (n, D)
        NaN where a clip lacks a view.
    """
    rows = []
    for clip in samples.clips:
        parts = []
        for modality in samples.stores:
            values = np.asarray(samples.array(clip.id, modality), np.float64)
            width = values.shape[1] * (1 if modality in vectors else 3)
            parts.append(_summary(values, modality in vectors) if len(values) else _nothing(width))
        rows.append(np.concatenate(parts))
    return np.stack(rows)


def _summary(values: Matrix, vector: bool) -> Matrix:
    parts = values if vector else (values.mean(axis=0), values.std(axis=0), values.max(axis=0))
    return np.concatenate(parts)


def _nothing(width: int) -> Matrix:
    return np.full(width, np.nan)


Predictor = Callable[[Matrix], Matrix]
"""Functionals (n, D) -> probabilities or intensities (n, C)."""

Make = Callable[[float], Any]
"""C -> a model of scikit-learn, not fitted."""


@dataclass(frozen=True)
class _Models:
    """The models of a baseline: one that tells classes apart, and one for intensities."""

    classifier: Make
    regressor: Make


def _support(kernel: str) -> _Models:
    def classifier(C: float) -> Any:
        from sklearn.svm import SVC

        return SVC(C=C, kernel=kernel)

    def regressor(C: float) -> Any:
        from sklearn.svm import SVR

        return SVR(C=C, kernel=kernel, epsilon=MARGIN)

    return _Models(classifier, regressor)


def _logistic(C: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, max_iter=ITERATIONS)


def _ridge(C: float) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(alpha=1 / C)


MODELS: Mapping[str, _Models] = MappingProxyType(
    {
        "logistic": _Models(_logistic, _ridge),
        "svm": _support("rbf"),
        "svm_linear": _support("linear"),
    }
)


def _fitted(name: str, C: float, x: Matrix, targets: NDArray[Any], manifest: Manifest) -> Predictor:
    return _FITTERS[manifest.task](MODELS[name], C, x, targets, len(manifest.classes))


def _single(models: _Models, C: float, x: Matrix, targets: NDArray[Any], count: int) -> Predictor:
    model = models.classifier(C).fit(x, targets)

    def predict(inputs: Matrix) -> Matrix:
        margins = model.decision_function(inputs)
        if margins.ndim == 1:
            margins = np.stack([-margins, margins], axis=1)
        # Classes that no training clip shows are less likely than any other.
        every = np.full((len(inputs), count), -np.inf)
        every[:, model.classes_] = margins - margins.max(axis=1, keepdims=True)
        likely = np.exp(every)
        total: Matrix = likely / likely.sum(axis=1, keepdims=True)
        return total

    return predict


def _multi(models: _Models, C: float, x: Matrix, targets: NDArray[Any], count: int) -> Predictor:
    columns = [_present(models, C, x, targets[:, k] > 0) for k in range(count)]
    return lambda inputs: np.stack([column(inputs) for column in columns], axis=1)


def _present(models: _Models, C: float, x: Matrix, shown: NDArray[np.bool_]) -> Predictor:
    """Fit a classifier of one class, constant if all or none of the training clips show it."""
    if shown.all() or not shown.any():
        return lambda inputs: np.full(len(inputs), float(shown[0]))
    model = models.classifier(C).fit(x, shown)
    return lambda inputs: 1 / (1 + np.exp(-np.clip(model.decision_function(inputs), -500, 500)))


def _intensity(
    models: _Models, C: float, x: Matrix, targets: NDArray[Any], count: int
) -> Predictor:
    columns = [models.regressor(C).fit(x, targets[:, k]) for k in range(count)]
    return lambda inputs: np.stack([column.predict(inputs) for column in columns], axis=1)


_FITTERS: Mapping[Task, Callable[[_Models, float, Matrix, NDArray[Any], int], Predictor]] = {
    "single": _single,
    "multi": _multi,
    "intensity": _intensity,
}
