"""The support vector machines beside a network, against scikit-learn fitted for each C by itself.

    python benchmarks/baselines.py [--clips 2000] [--width 200]

Both are fitted for every C that `train` tries, to the same drawn clips of four classes: seconds of
processor (OMP_NUM_THREADS=1: a single thread), their ratio, and C by C the share of new clips that
both give the same class. emocli's approximated machine is a least-squares one, its peer has a
squared hinge.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from options import make_parser
from sklearn.kernel_approximation import Nystroem
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC

from emocli.models.baselines import C_VALUES
from emocli.models.classical import LANDMARKS, ClassicalModel, Fitter
from emocli.models.functionals import Matrix

PEERS: Mapping[str, Callable[[float], Any]] = {
    "svm": lambda C: SVC(C=C),
    "svm_nystroem": lambda C: make_pipeline(
        Nystroem(n_components=LANDMARKS, random_state=0), LinearSVC(C=C, dual=False, tol=1e-3)
    ),
}


def main() -> None:
    """Measure each kind."""
    given = make_parser(__doc__, clips=2000, width=200).parse_args()
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 2 * given.clips)
    x = rng.normal(size=(len(labels), given.width))
    x += rng.normal(size=(4, given.width))[labels] / 6
    x @= rng.normal(size=(given.width, given.width))  # columns that depend on each other
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    train, new = x[: given.clips], x[given.clips :]
    for name, peer in PEERS.items():
        start = time.process_time()
        theirs = [peer(C).fit(train, labels[: given.clips]) for C in C_VALUES]
        between = time.process_time()
        fitter = Fitter.of(name, train, labels[: given.clips], "single", 4)
        ours = [fitter(C) for C in C_VALUES]
        slow, fast = between - start, time.process_time() - between
        print(f"{name}: scikit-learn {slow:.1f} s, emocli {fast:.1f} s, ratio {slow / fast:.1f}")
        print("same classes, C by C:", *agreement(ours, theirs, new))


def agreement(ours: Sequence[ClassicalModel], theirs: Sequence[Any], x: Matrix) -> list[float]:
    """Compare the classes of clips, C by C."""
    chosen = [
        (a(x).argmax(axis=1), b.decision_function(x).argmax(axis=1))
        for a, b in zip(ours, theirs, strict=True)
    ]
    return [round(float((one == other).mean()), 4) for one, other in chosen]


if __name__ == "__main__":
    main()
