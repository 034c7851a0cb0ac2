"""Classical models as arrays: fitted by scikit-learn, kept and used without it.

A linear model and a support vector machine are both functions of the functionals x of a clip,
f(x) = k(x) W + b, where k(x) is x itself or its Gaussian similarities exp(-gamma |x - s|^2) to the
support vectors s. So a fitted model is a few arrays, which a file can hold and no code has to be
executed to read.

More than two classes are told apart one against one: of each pair of classes i < j there is a
function f, and f > 0 is a vote for class i. The class with most votes is predicted. Among equal
votes the sum of a class's margins decides, squeezed below a third of a vote so that it cannot
outweigh one.

The similarities of the clips, as many as the square of their number, are computed once for all C.
The approximation knows those to a few clips alone, the landmarks, which stand in place of the
support vectors. It is the least-squares machine, solved without iterations: W and b minimise
``|W|^2 + C sum (y - f(x))^2``, y being 1 for clips of the class and -1 for others.

Sources: Williams and Seeger 2001, NeurIPS, "Using the Nyström method to speed up kernel machines";
Suykens and Vandewalle 1999, Neural Processing Letters 9(3), "Least squares support vector machine
classifiers".
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

TOLERANCE = 1e-3
"""Of the solution of a support vector machine."""

ITERATIONS = 5000
"""At most, of logistic regression."""

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
        inputs = x if self.gamma == 0 else _similarities(x, self.support, self.gamma)
        return np.asarray(inputs @ self.weights + self.bias)

    def arrays(self) -> dict[str, Matrix]:
        """Return all of it, to be kept."""
        return {
            "weights": self.weights,
            "bias": self.bias,
            "support": self.support,
            "gamma": np.array([self.gamma]),
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


def _similarities(x: Matrix, support: Matrix, gamma: float) -> Matrix:
    """Return exp(-gamma |x - s|^2), shape (n, S); in place, for there are many."""
    values: Matrix = x @ support.T
    values *= 2
    values -= (x**2).sum(axis=1)[:, None]
    values -= (support**2).sum(axis=1)
    np.minimum(values, 0, out=values)
    values *= gamma
    return np.exp(values, out=values)


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

Read = Callable[[Any], Margins]
"""A fitted model of scikit-learn -> its functions of functionals."""

View = Callable[[Matrix], tuple[Matrix, Read]]
"""Training functionals (n, D) -> what is fitted to them for every C, and how it is read."""


@dataclass(frozen=True)
class ModelKind:
    """A kind of model: one that tells classes apart, and one for intensities.

    Attributes
    ----------
    what : str
        What it is, for a reader.
    classifier, regressor : callable
        Make it.
    view : callable
        What it is fitted to.
    pairwise : bool
        Whether it tells more than two classes apart pair by pair.
    """

    what: str
    classifier: Make
    regressor: Make
    view: View
    pairwise: bool = False


def _svc(C: float) -> Any:
    from sklearn.svm import SVC

    return SVC(C=C, kernel="precomputed", tol=TOLERANCE)


def _svr(C: float) -> Any:
    from sklearn.svm import SVR

    return SVR(C=C, kernel="precomputed", epsilon=MARGIN, tol=TOLERANCE)


def _gaussian(x: Matrix) -> tuple[Matrix, Read]:
    """Similarities of all clips: scikit-learn's own take ten times as long, for each C anew."""
    gamma = 1 / (x.shape[1] * x.var()) if x.var() else 1.0  # scikit-learn's default

    def read(model: Any) -> Margins:
        weights, bias = _dual(model)
        return Margins(weights, bias, x[model.support_], gamma)

    return _similarities(x, x, gamma), read


def _products(x: Matrix) -> tuple[Matrix, Read]:
    """Scalar products of all clips."""

    def read(model: Any) -> Margins:
        weights, bias = _dual(model)
        return Margins.linear(x[model.support_].T @ weights, bias)

    return x @ x.T, read


def _dual(model: Any) -> tuple[Matrix, Matrix]:
    """Weights of a machine's support vectors and bias, of a function for each pair of classes."""
    bias, dual = (np.asarray(a, np.float64) for a in (model.intercept_, model.dual_coef_))
    if len(bias) == 1:
        return dual.T, bias
    weights = np.zeros((dual.shape[1], len(bias)))
    ends = np.cumsum(model.n_support_)
    # Vectors are sorted by class; rows of dual_coef_ weigh one of class i against all others but i:
    # against j it is row j - 1 if j comes after i, else row j.
    own = [slice(end - n, end) for n, end in zip(model.n_support_, ends, strict=True)]
    for k, (i, j) in enumerate(combinations(range(len(own)), 2)):
        weights[own[i], k] = dual[j - 1, own[i]]
        weights[own[j], k] = dual[i, own[j]]
    return weights, bias


def _logistic(C: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, max_iter=ITERATIONS)


def _ridge(C: float) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(alpha=1 / C)


def _functionals(x: Matrix) -> tuple[Matrix, Read]:
    return x, _line


def _line(model: Any) -> Margins:
    """Take the functions of a linear model."""
    weights = np.atleast_2d(np.asarray(model.coef_, np.float64)).T
    return Margins.linear(weights, np.atleast_1d(np.asarray(model.intercept_, np.float64)))


def _least_squares(C: float) -> Any:
    from sklearn.linear_model import RidgeClassifier

    return RidgeClassifier(alpha=1 / C)


def _landmarks(x: Matrix) -> tuple[Matrix, Read]:
    """Similarities to some of the clips, made orthogonal."""
    from sklearn.kernel_approximation import Nystroem

    kernel = Nystroem(gamma=1 / x.shape[1], n_components=LANDMARKS, random_state=0)
    mapped = np.asarray(kernel.fit_transform(x), np.float64)

    def read(model: Any) -> Margins:
        line = _line(model)
        weights = np.asarray(kernel.normalization_, np.float64).T @ line.weights
        return Margins(weights, line.bias, np.asarray(kernel.components_), kernel.gamma)

    return mapped, read


KINDS: Mapping[str, ModelKind] = MappingProxyType(
    {
        "logistic": ModelKind(
            "a linear model: logistic regression, of intensities ridge regression",
            _logistic,
            _ridge,
            _functionals,
        ),
        "svm": ModelKind(
            "a support vector machine with a Gaussian kernel", _svc, _svr, _gaussian, pairwise=True
        ),
        "svm_linear": ModelKind(
            "a support vector machine without a kernel", _svc, _svr, _products, pairwise=True
        ),
        "svm_nystroem": ModelKind(
            "a least-squares support vector machine whose Gaussian kernel is approximated at "
            f"{LANDMARKS:,} of the many training clips",
            _least_squares,
            _ridge,
            _landmarks,
        ),
    }
)


@dataclass(frozen=True)
class Fitter:
    """A kind of model and its training clips, to be fitted for one C after the other.

    Attributes
    ----------
    kind : ModelKind
        Of `KINDS`.
    inputs, read
        Its view of the clips.
    targets : ndarray
        Theirs, of a task of so many classes.
    width : int
        Functionals of a clip.
    """

    kind: ModelKind
    inputs: Matrix
    read: Read
    targets: NDArray[Any]
    task: Task
    classes: int
    width: int

    @classmethod
    def of(cls, name: str, x: Matrix, targets: NDArray[Any], task: Task, classes: int) -> Fitter:
        """Prepare a model of `KINDS` for functionals (n, D) and targets."""
        kind = KINDS[name]
        return cls(kind, *kind.view(x), targets, task, classes, x.shape[1])

    def __call__(self, C: float) -> ClassicalModel:
        """Fit it.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            For each fit that ended before its solution.
        """
        if self.task == "single":
            model = self.kind.classifier(C).fit(self.inputs, self.targets)
            known = tuple(map(int, model.classes_))
            pairwise = self.kind.pairwise and len(known) > 2
            return ClassicalModel(self.task, self.classes, (self.read(model),), known, pairwise)
        each = self._present if self.task == "multi" else self._intensities
        return ClassicalModel(self.task, self.classes, tuple(each(C)))

    def _present(self, C: float) -> Iterator[Margins]:
        """Fit a classifier of each class, constant if all or none of the training clips show it."""
        for shown in (self.targets > 0).T:
            if shown.all() or not shown.any():
                certain = np.array([CERTAIN if shown[0] else -CERTAIN])
                yield Margins.linear(np.zeros((self.width, 1)), certain)
            else:
                yield self.read(self.kind.classifier(C).fit(self.inputs, shown))

    def _intensities(self, C: float) -> Iterator[Margins]:
        for column in self.targets.T:
            yield self.read(self.kind.regressor(C).fit(self.inputs, column))
