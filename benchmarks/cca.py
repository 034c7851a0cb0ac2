"""Fitting canonical correlation analysis: `emocli.robust.cca` against cca-zoo.

    pip install cca-zoo            # for the comparison only; emocli does not need it
    python benchmarks/cca.py [--clips 20000] [--widths 300 512] [--components 100] [--rounds 5]

Both fit the same double-precision arrays with the same regularisation, in turns in this process,
and medians are compared. cca-zoo blends a covariance C to (1 - c) C + c I; ours is
C + reg tr(C) / d I, so c follows from reg and the mean variance of each view. First, the
correlations of all pairs of canonical variates must agree to 1e-6.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from options import make_parser

from emocli.robust.cca import CCA

Array = NDArray[np.float64]
T = TypeVar("T")

CLOSE = 1e-6


def main() -> None:
    parser = make_parser(__doc__, clips=20_000, components=100, reg=0.1, rounds=5)
    parser.add_argument("--widths", type=int, nargs=2, default=(300, 512))
    options = parser.parse_args()
    try:
        from cca_zoo.linear import RidgeCCA
    except ImportError:
        print("skipped: cca-zoo is not installed (pip install cca-zoo)")
        return
    x, y = views(options.clips, *options.widths)
    ridge = RidgeCCA(
        n_components=options.components,
        shrinkage=[shrinkage(view, options.reg) for view in (x, y)],
    )

    def ours() -> CCA:
        return CCA.fit(x, y, options.components, options.reg)

    def theirs() -> Any:
        return ridge.fit([x, y])

    times: dict[str, list[float]] = {"cca-zoo": [], "emocli": []}
    for turn in range(options.rounds + 1):
        model, slow = timed(theirs)
        fitted, fast = timed(ours)
        if not turn:  # the first turn warms up, and is compared
            agree(fitted, model, x, y)
            continue
        times["cca-zoo"].append(slow)
        times["emocli"].append(fast)
    show(times, options)


def views(clips: int, *widths: int) -> tuple[Array, ...]:
    """Two sets of variables that share as many sources as the narrower has, ever weaker ones."""
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((clips, min(widths))) * np.linspace(2, 0.1, min(widths))
    found = []
    for width in widths:
        seen = shared @ rng.standard_normal((min(widths), width)) / np.sqrt(min(widths))
        found.append(3 * (seen + rng.standard_normal((clips, width))) + 1)
    return tuple(found)


def shrinkage(view: Array, reg: float) -> float:
    ridge = reg * float(view.var(axis=0, ddof=1).mean())
    return ridge / (1 + ridge)


def agree(ours: CCA, theirs: Any, x: Array, y: Array) -> None:
    """Compare the correlations of every pair of canonical variates."""
    mine = correlations(ours.transform_x(x), ours.transform_y(y))
    other = correlations(*theirs.transform([x, y]))
    worst = float(np.abs(mine - other).max())
    assert worst < CLOSE, f"correlations differ by {worst:g}"
    print(f"{len(mine)} correlations, {mine[0]:.3f} to {mine[-1]:.3f}, agree to {worst:.1e}")


def correlations(x: Array, y: Array) -> Array:
    x, y = (values - values.mean(axis=0) for values in (x, y))
    scale = np.sqrt((x * x).sum(axis=0) * (y * y).sum(axis=0))
    found: Array = (x * y).sum(axis=0) / scale
    return found


def timed(call: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    return call(), time.perf_counter() - start


def show(times: dict[str, list[float]], options: argparse.Namespace) -> None:
    first, second = options.widths
    print(f"{options.clips} x ({first}, {second}), median of {options.rounds} fits each")
    for name, found in times.items():
        print(f"{name:8} {statistics.median(found) * 1e3:8.0f} ms")
    ratios = [a / b for a, b in zip(times["cca-zoo"], times["emocli"], strict=True)]
    ratio = statistics.median(ratios)
    print(f"ratio: {ratio:.1f} times as fast (rounds: {min(ratios):.1f} to {max(ratios):.1f})")


if __name__ == "__main__":
    main()
