"""Classical models as arrays: fitted by scikit-learn, kept and used without it.

A linear model and a support vector machine are both functions of the functionals x of a clip,
f(x) = k(x) W + b, where k(x) is x itself or its Gaussian similarities exp(-gamma |x - s|^2) to the
support vectors s. So a fitted model is a few arrays, which a file can hold and no code has to be
executed to read.

More than two classes are told apart one against one: of each pair of classes i < j there is a
function f, and f > 0 is a vote for class i. The class with most votes is predicted. Among equal
votes the sum of a class's margins decides, squeezed below a third of a vote so that it cannot
outweigh one.

The time to fit grows with the square of the number of clips: minutes for thousands. The
approximation is a linear machine on the similarities to a few of the clips, the landmarks. It
learns a function of the same form, with the landmarks in place of the support vectors.

Source: Williams and Seeger 2001, NeurIPS, "Using the Nyström method to speed up kernel machines".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.manifest import Task
from emocli.models.functionals import Matrix

MARGIN = 0.1
"""Error of an intensity that support vector regression does not count."""

ITERATIONS = 5000

LANDMARKS = 1000
"""Clips at which the kernel of many is approximated, drawn with the same seed always."""

CERTAIN = 500.0
"""Margin of a class that all or none of the training clips show; its probability is 1 or 0."""


@dataclass(frozen=True)
class Margins:
    """Real functions of functionals, f(x) = k(x) W + b.

    Attributes
    ----------
    weights : ndarray, shape (D, M) or (S, M)
        W, of M functions.
    bias : ndarray, shape (M,)
        b.
    support : ndarray, shape (S, D)
        The support vectors s; none of a linear model.
    gamma : float
        Of the similarity; 0 for a linear model.
    """

    weights: Matrix
    bias: Matrix
    support: Matrix
    gamma: float = 0.0

    @classmethod
    def linear(cls, weights: Matrix, bias: Matrix) -> Margins:
        """Return linear functions."""
        return cls(weights, bias, np.empty((0, len(weights))))

    def __call__(self, x: Matrix) -> Matrix:
        """Return f(x), shape (n, M), of functionals, shape (n, D)."""
        inputs = x if self.gamma == 0 else np.exp(-self.gamma * _distances(x, self.support))
        values: Matrix = inputs @ self.weights + self.bias
        return values

    def arrays(self) -> dict[str, Matrix]:
        """Return all of it, to be kept."""
        gamma = np.array([self.gamma])
        return {
            "weights": self.weights,
            "bias": self.bias,
            "support": self.support,
            "gamma": gamma,
        }

    @classmethod
    def of(cls, arrays: Mapping[str, Matrix], width: int) -> Margins:
        """Inverse of `arrays`.

        Raises
        ------
        KeyError, ValueError
            If an array is missing, or they do not fit each other or so many functionals.
        """
        (gamma,) = arrays["gamma"].tolist()
        machine = cls(arrays["weights"], arrays["bias"], arrays["support"], gamma)
        rows = width if gamma == 0 else len(machine.support)
        if machine.weights.shape != (rows, len(machine.bias)) or machine.support.shape[1] != width:
            raise ValueError("its arrays do not fit each other")
        return machine


def _distances(x: Matrix, support: Matrix) -> Matrix:
    """Squared distances, shape (n, S)."""
    squares = (x**2).sum(axis=1)[:, None] + (support**2).sum(axis=1) - 2 * x @ support.T
    distances: Matrix = np.maximum(squares, 0)
    return distances


@dataclass(frozen=True)
class ClassicalModel:
    """A fitted model: functionals (n, D) -> probabilities or intensities (n, C).

    Attributes
    ----------
    task : {'single', 'multi', 'intensity'}
        Which of them.
    classes : int
        C.
    parts : tuple of Margins
        One for all classes of a task of one class per clip; else one for each.
    known : tuple of int
        Classes that a training clip shows, of a task of one class per clip.
    pairwise : bool
        Whether the functions are those of pairs of them.
    """

    task: Task
    classes: int
    parts: tuple[Margins, ...]
    known: tuple[int, ...] = ()
    pairwise: bool = False

    def require(self) -> None:
        """Raise `ValueError` if its parts do not fit each other."""
        widths = [len(part.bias) for part in self.parts]
        if self.task != "single":
            expected = [1] * self.classes
        elif self.pairwise:
            expected = [len(self.known) * (len(self.known) - 1) // 2]
        else:
            expected = [1 if len(self.known) == 2 else len(self.known)]
        if widths != expected or not all(0 <= k < self.classes for k in self.known):
            raise ValueError("its functions do not fit its classes")

    def __call__(self, x: Matrix) -> Matrix:
        """Return the predictions."""
        if self.task == "single":
            return self._likely(self.parts[0](x))
        values: Matrix = np.concatenate([part(x) for part in self.parts], axis=1)
        if self.task == "intensity":
            return values
        shown: Matrix = 1 / (1 + np.exp(-np.clip(values, -CERTAIN, CERTAIN)))
        return shown

    def _likely(self, margins: Matrix) -> Matrix:
        if self.pairwise:
            margins = _votes(margins, len(self.known))
        elif margins.shape[1] == 1:
            margins = np.concatenate([-margins, margins], axis=1)
        # Classes that no training clip shows are less likely than any other.
        every = np.full((len(margins), self.classes), -np.inf)
        every[:, self.known] = margins - margins.max(axis=1, keepdims=True)
        likely = np.exp(every)
        total: Matrix = likely / likely.sum(axis=1, keepdims=True)
        return total


def _votes(margins: Matrix, count: int) -> Matrix:
    """Return how strongly each of the classes stands, shape (n, K), by margins of their pairs."""
    votes, sums = np.zeros((len(margins), count)), np.zeros((len(margins), count))
    for k, (i, j) in enumerate(combinations(range(count), 2)):
        first = margins[:, k] >= 0
        votes[:, i] += first
        votes[:, j] += ~first
        sums[:, i] += margins[:, k]
        sums[:, j] -= margins[:, k]
    strengths: Matrix = votes + sums / (3 * (np.abs(sums) + 1))
    return strengths


Make = Callable[[float], Any]
"""C -> a model of scikit-learn, not fitted."""

Read = Callable[[Any, Matrix], Margins]
"""A fitted model of scikit-learn, and its training functionals -> its functions."""


@dataclass(frozen=True)
class ModelKind:
    """A kind of model: one that tells classes apart, and one for intensities.

    Attributes
    ----------
    what : str
        What it is, for a reader.
    classifier, regressor : callable
        Make it.
    read : callable
        Takes its functions.
    pairwise : bool
        Whether it tells more than two classes apart pair by pair.
    """

    what: str
    classifier: Make
    regressor: Make
    read: Read
    pairwise: bool = False


def _support(kernel: str, what: str) -> ModelKind:
    def classifier(C: float) -> Any:
        from sklearn.svm import SVC

        return SVC(C=C, kernel=kernel)

    def regressor(C: float) -> Any:
        from sklearn.svm import SVR

        return SVR(C=C, kernel=kernel, epsilon=MARGIN)

    return ModelKind(what, classifier, regressor, _machine, pairwise=True)


def _machine(model: Any, x: Matrix) -> Margins:
    """Take the functions of a support vector machine, one for each pair of classes."""
    support, bias = x[model.support_], np.asarray(model.intercept_, np.float64)
    weights = np.zeros((len(support), len(bias)))
    dual = np.asarray(model.dual_coef_, np.float64)
    if len(bias) == 1:
        weights[:, 0] = dual[0]
    else:
        ends = np.cumsum(model.n_support_)
        own = [slice(end - n, end) for n, end in zip(model.n_support_, ends, strict=True)]
        for k, (i, j) in enumerate(combinations(range(len(own)), 2)):
            weights[own[i], k] = dual[j - 1, own[i]]
            weights[own[j], k] = dual[i, own[j]]
    if model.kernel == "linear":
        return Margins.linear(support.T @ weights, bias)
    # The default gamma, which scikit-learn does not give away.
    return Margins(weights, bias, support, 1 / (x.shape[1] * x.var()) if x.var() else 1.0)


def _logistic(C: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, max_iter=ITERATIONS)


def _ridge(C: float) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(alpha=1 / C)


def _line(model: Any, x: Matrix) -> Margins:
    """Take the functions of a linear model."""
    weights = np.atleast_2d(np.asarray(model.coef_, np.float64)).T
    return Margins.linear(weights, np.atleast_1d(np.asarray(model.intercept_, np.float64)))


def _approximated(machine: Any) -> Any:
    from sklearn.kernel_approximation import Nystroem
    from sklearn.pipeline import make_pipeline

    return make_pipeline(Nystroem(n_components=LANDMARKS, random_state=0), machine)


def _nystroem_classifier(C: float) -> Any:
    from sklearn.svm import LinearSVC

    return _approximated(LinearSVC(C=C, dual=False, tol=1e-3))


def _nystroem_regressor(C: float) -> Any:
    from sklearn.svm import LinearSVR

    loss = "squared_epsilon_insensitive"
    return _approximated(LinearSVR(C=C, loss=loss, dual=False, epsilon=MARGIN, tol=1e-3))


def _landmarks(model: Any, x: Matrix) -> Margins:
    """Take the functions of a linear machine of similarities to landmarks."""
    kernel, machine = (step for _, step in model.steps)
    line = _line(machine, x)
    weights = np.asarray(kernel.normalization_, np.float64).T @ line.weights
    # The default gamma of that kernel.
    return Margins(weights, line.bias, np.asarray(kernel.components_), 1 / x.shape[1])


KINDS: Mapping[str, ModelKind] = MappingProxyType(
    {
        "logistic": ModelKind(
            "a linear model: logistic regression, of intensities ridge regression",
            _logistic,
            _ridge,
            _line,
        ),
        "svm": _support("rbf", "a support vector machine with a Gaussian kernel"),
        "svm_linear": _support("linear", "a support vector machine without a kernel"),
        "svm_nystroem": ModelKind(
            "a support vector machine whose Gaussian kernel is approximated at "
            f"{LANDMARKS:,} of the many training clips",
            _nystroem_classifier,
            _nystroem_regressor,
            _landmarks,
        ),
    }
)


def fitted(
    name: str, C: float, x: Matrix, targets: NDArray[Any], task: Task, classes: int
) -> ClassicalModel:
    """Fit a model of `KINDS` to functionals (n, D) and the targets of a task of so many classes."""
    kind = KINDS[name]
    if task == "single":
        model = kind.classifier(C).fit(x, targets)
        known = tuple(map(int, model.classes_))
        pairwise = kind.pairwise and len(known) > 2
        return ClassicalModel(task, classes, (kind.read(model, x),), known, pairwise)
    each = _present if task == "multi" else _intensity
    return ClassicalModel(task, classes, tuple(each(kind, C, x, targets)))


def _present(kind: ModelKind, C: float, x: Matrix, targets: NDArray[Any]) -> Iterator[Margins]:
    """Fit a classifier of each class, constant if all or none of the training clips show it."""
    for shown in (targets > 0).T:
        if shown.all() or not shown.any():
            certain = np.array([CERTAIN if shown[0] else -CERTAIN])
            yield Margins.linear(np.zeros((x.shape[1], 1)), certain)
        else:
            yield kind.read(kind.classifier(C).fit(x, shown), x)


def _intensity(kind: ModelKind, C: float, x: Matrix, targets: NDArray[Any]) -> Iterator[Margins]:
    for column in targets.T:
        yield kind.read(kind.regressor(C).fit(x, column), x)
