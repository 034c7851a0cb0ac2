"""Brent's method for the minima of many functions of one variable at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from emocli.features.covarep._signal import Flags, Real, Whole

STEPS = 32
GOLDEN = (3 - 5**0.5) / 2


def minimise(
    function: Callable[[Real, Whole], Real],
    count: int,
    bounds: tuple[float, float],
    precision: float,
) -> tuple[Real, Real]:
    """Return where many functions of one variable are least between two bounds, and how much.

    ``function(x, rows)`` returns the values of functions ``rows`` at ``x``. Each takes its own
    steps of Brent's method, golden sections and parabolas, until its place is known to the
    precision, or after 32 steps; those that are drop out.

    Source: Brent 1973, Algorithms for Minimization without Derivatives, chapter 5.
    """
    rows = np.arange(count)
    lowest, highest = bounds
    start = np.full(count, lowest + GOLDEN * (highest - lowest))
    value = function(start, rows)
    still = np.zeros(count)
    a, b = still + lowest, still + highest
    state = _State(a, b, start, start, start, value, value, value, still, still)
    best = np.empty((2, count))
    for _ in range(STEPS):
        best[:, rows] = state.x, state.fx
        left = ~state.known(precision)
        rows, state = rows[left], state.of(left)
        if not len(rows):
            break
        point, d, e = state.next(precision)
        state = state.taking(point, function(point, rows))._replace(d=d, e=e)
    best[:, rows] = state.x, state.fx
    return best[0], best[1]


class _State(NamedTuple):
    """The variables of Brent's method: bounds, best three points, their values, last two steps."""

    a: Real
    b: Real
    x: Real
    w: Real
    v: Real
    fx: Real
    fw: Real
    fv: Real
    d: Real
    e: Real

    def of(self, rows: Flags) -> _State:
        return _State(*(variable[rows] for variable in self))

    def least(self, precision: float) -> Real:
        """Return the least step."""
        return np.asarray(np.finfo(float).eps ** 0.5 * np.abs(self.x) + precision / 3)

    def known(self, precision: float) -> Flags:
        a, b, x, *_ = self
        return np.asarray(np.abs(x - (a + b) / 2) <= 2 * self.least(precision) - (b - a) / 2)

    def next(self, precision: float) -> tuple[Real, Real, Real]:
        """Return the next point, by a parabola where that is safe, and the step and last step.

        With r = (x - w)(fx - fv) and q = (x - v)(fx - fw), the parabola through the best three
        points has its vertex at ``x - ((x - v) q - (x - w) r) / (2 (q - r))``, kept as x + p / q
        with q > 0. It is safe inside the bounds and less than half the step before the last, which
        makes steps shrink; else the longer side is cut by the golden section. Nothing is evaluated
        nearer than the least step to x, or a vertex nearer than two of them to a bound.
        """
        a, b, x, w, v, fx, fw, fv, d, e = self
        least = self.least(precision)
        r, q = (x - w) * (fx - fv), (x - v) * (fx - fw)
        p, q = (x - v) * q - (x - w) * r, 2 * (q - r)
        p, q = np.where(q > 0, -p, p), np.abs(q)
        inside = (p > q * (a - x)) & (p < q * (b - x))
        parabola = (np.abs(e) > least) & (np.abs(p) < np.abs(q * e / 2)) & inside
        vertex = p / np.where(parabola, q, 1)
        at_bound = (x + vertex - a < 2 * least) | (b - x - vertex < 2 * least)
        vertex = np.where(at_bound, np.where(x <= (a + b) / 2, least, -least), vertex)
        longer = np.where(x >= (a + b) / 2, a - x, b - x)
        e = np.where(parabola, d, longer)
        d = np.where(parabola, vertex, GOLDEN * longer)
        return x + np.where(d >= 0, 1, -1) * np.maximum(np.abs(d), least), d, e

    def taking(self, u: Real, fu: Real) -> _State:
        """Take in a new point u, of which there are four cases.

        It is the best: x becomes the bound on its other side, and u, x, w are the best three. Else
        u becomes the bound on its own side, and is the second best (x, u, w), the third best (x, w,
        u), where places that coincide count as free, or none of them (x, w, v).
        """
        a, b, x, w, v, fx, fw, fv, d, e = self
        better, right = fu <= fx, u >= x
        a = np.where(better & right, x, np.where(~better & ~right, u, a))
        b = np.where(better & ~right, x, np.where(~better & right, u, b))
        second = ~better & ((fu <= fw) | (w == x))
        third = ~better & ~second & ((fu <= fv) | (v == x) | (v == w))
        v = np.where(better | second, w, np.where(third, u, v))
        fv = np.where(better | second, fw, np.where(third, fu, fv))
        w = np.where(better, x, np.where(second, u, w))
        fw = np.where(better, fx, np.where(second, fu, fw))
        x, fx = np.where(better, u, x), np.where(better, fu, fx)
        return _State(a, b, x, w, v, fx, fw, fv, d, e)
