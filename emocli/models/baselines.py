"""Baselines for networks: one number per class, and classical classifiers.

A constant is what a model with one parameter per output learns, which sees labels and no features
(Beard 2018, section 4): under squared error or cross-entropy the mean of the training labels, under
absolute error their median. That paper's own is the mean of the labels it is then tested on: the
smallest squared error that a constant can have on these clips, and no prediction.

The classical ones (`emocli.models.classical`) see a clip through its functionals
(`emocli.models.functionals`). Nothing is random: seeds are fixed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.samples import Samples
from emocli.display import number_of
from emocli.errors import ConfigError, EmocliWarning, suggestion
from emocli.metrics.metrics import ERRORS, Metrics, score
from emocli.models.classical import KINDS, ClassicalModel, Fitter
from emocli.models.functionals import Functionals, Matrix
from emocli.models.settings import MONITORS, TrainConfig

PRIOR, MEDIAN, TEST_PRIOR = "prior", "median", "test_prior"

C_VALUES = tuple(float(10**power) for power in np.arange(-2, 2.5, 0.5))
"""Values of C that are tried on the valid split: the inverse of the regularisation."""

MANY = 5000
"""Training clips beyond which classical baselines are fitted in less time: the support vector
machine is approximated, and the search for C ends after `PATIENCE` values that were worse on the
valid split than one before (the larger C is, the longer a fit takes)."""

PATIENCE = 2

UNCONVERGED = "fits of '{}' stopped short of convergence; its results may be too low"


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
    return [*CONSTANTS, *KINDS]


def unknown_baseline(name: str, where: str = "") -> ConfigError:
    """Return the error of a baseline that there is not, with those that there are."""
    hint = " ".join(filter(None, (suggestion(name, names()), f"there are: {', '.join(names())}")))
    return ConfigError(f"no baseline is called '{name}'", where=where, hint=hint)


def fit(name: str, train: Samples, valid: Samples, test: Samples | None = None) -> Baseline:
    """Fit a baseline; C is chosen on the valid split, the smallest of equals.

    Parameters
    ----------
    name : {'prior', 'median', 'test_prior', 'logistic', 'svm', 'svm_linear', 'svm_nystroem'}
        The classes' frequencies, or the mean intensities; the median intensities; the first of
        ``test``, whose labels it sees; multinomial logistic regression (of each class of a
        multi-label task by itself; ridge regression for intensities); support vector machines with
        Gaussian or linear kernel (regression for intensities), or an approximated Gaussian one.
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
        raise unknown_baseline(name)
    manifest = train.manifest
    if name in CONSTANTS:
        constant = CONSTANTS[name](manifest, train.clips, () if test is None else test.clips)
        return Baseline(name, lambda samples: np.tile(constant, (len(samples), 1)))
    (best,) = fit_classical([name], train, valid).models
    return Baseline(name, best, best.C, best.valid[MONITORS[manifest.task]])


@dataclass(frozen=True)
class ChosenModel:
    """A classical model whose C was chosen; called with samples, it predicts them, shape (n, C).

    Attributes
    ----------
    name : str
        Which of `emocli.models.classical`.
    C : float
        The inverse of the regularisation.
    valid : mapping
        Metrics on the valid split, by which it was chosen.
    functionals : Functionals
        Its inputs: a vector of fixed length of each clip.
    model : ClassicalModel
        The fitted classifier or regression.
    """

    name: str
    C: float
    valid: Metrics
    functionals: Functionals
    model: ClassicalModel

    def __call__(self, samples: Samples) -> Matrix:
        """Return its predictions."""
        return self.model(self.functionals(samples))


@dataclass(frozen=True)
class ClassicalModels:
    """Classical models as baselines of a network.

    Attributes
    ----------
    models : tuple of ChosenModel
        Each.
    refitted : bool
        Whether their last fit was on the train and the valid split.
    """

    models: tuple[ChosenModel, ...]
    refitted: bool = False


def fit_classical(
    names: Sequence[str],
    train: Samples,
    valid: Samples,
    whole: Samples | None = None,
    settings: TrainConfig | None = None,
) -> ClassicalModels:
    """Fit models on the train split; C is chosen on the valid split, the smallest of equals.

    Parameters
    ----------
    names : sequence of str
        Of `emocli.models.classical`.
    train, valid : Samples
        Standardised.
    whole : Samples, optional
        What the last fit is on, with the C that was chosen: train and valid split together.
    settings : TrainConfig, optional
        Those of the network: the limit of functionals, and the metric that decides on the valid
        split; by default no limit, and the task's usual monitor.
    """
    settings = settings or TrainConfig()
    functionals, x = Functionals.fit_transform(train, settings.functionals_limit)
    held = functionals(valid)
    monitor = settings.compared(train.manifest.task)
    models = [
        _chosen(name, _fitter(name, x, train), held, valid, functionals, monitor) for name in names
    ]
    if whole is not None:
        again, x = Functionals.fit_transform(whole, settings.functionals_limit)
        models = [replace(m, functionals=again, model=_last(m, x, whole)) for m in models]
    return ClassicalModels(tuple(models), whole is not None)


def _fitter(name: str, x: Matrix, samples: Samples) -> Fitter:
    manifest = samples.manifest
    targets = manifest.targets(samples.clips)
    return Fitter.of(name, x, targets, manifest.task, len(manifest.classes))


def _chosen(
    name: str, fitter: Fitter, held: Matrix, valid: Samples, functionals: Functionals, monitor: str
) -> ChosenModel:
    manifest = valid.manifest
    labels = manifest.targets(valid.clips)
    sign = -1 if monitor in ERRORS else 1
    tried: list[ChosenModel] = []
    with _convergence(name):
        for C in C_VALUES:
            model = fitter(C)
            metrics = score(manifest.task, labels, model(held), manifest.classes).overall
            tried.append(ChosenModel(name, C, metrics, functionals, model))
            if len(fitter.targets) > MANY and _fell([sign * e.valid[monitor] for e in tried]):
                break
    return max(tried, key=lambda each: sign * each.valid[monitor])


def _fell(values: Sequence[float]) -> bool:
    """Whether the last `PATIENCE` values are all below one before."""
    return len(values) > PATIENCE and max(values[-PATIENCE:]) < max(values[:-PATIENCE])


def _last(chosen: ChosenModel, x: Matrix, whole: Samples) -> ClassicalModel:
    with _convergence(chosen.name):
        return _fitter(chosen.name, x, whole)(chosen.C)


@contextmanager
def _convergence(name: str) -> Iterator[None]:
    """Count the fits that did not converge, and warn of them in one line."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        yield
    others = [each for each in caught if not issubclass(each.category, ConvergenceWarning)]
    for each in others:
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    if count := len(caught) - len(others):
        message = number_of(count, UNCONVERGED.format(name))
        warnings.warn(message, EmocliWarning, stacklevel=2)


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
