"""Batches of stretches of a signal: pitch periods and what surrounds closure instants.

Stretches of about the same length are worked on together, as rows filled up with zeros.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emocli.features.covarep._signal import Flags, Real, Whole


def periods(gcis: Whole) -> Whole:
    """Return the distance of each closure instant from the one before it, in samples.

    The first has the distance of the second. At least two instants are needed.
    """
    return np.diff(gcis, prepend=2 * gcis[0] - gcis[1])


def batches_by_length(lengths: Whole, samples: int = 1 << 15) -> Iterator[Whole]:
    """Yield indices of stretches such that no batch is much longer than its shortest member.

    A batch has at most ``samples``, filling included; a longer stretch is alone.
    """
    order = np.argsort(lengths, kind="stable")
    ranked = lengths[order]
    begin = 0
    while begin < len(order):
        stop = int(np.searchsorted(ranked, 1.25 * ranked[begin] + 16, "right"))
        stop = min(stop, begin + max(1, samples // int(ranked[stop - 1])))
        yield order[begin:stop]
        begin = stop


def gather(x: Real, starts: Whole, lengths: Whole) -> tuple[Real, Flags]:
    """Return stretches as rows (stretches, longest), and which of their entries are inside.

    After the end of each are zeros.
    """
    at = np.arange(lengths.max())
    inside = at < lengths[:, None]
    rows = x[np.minimum(starts[:, None] + at, len(x) - 1)]
    return np.where(inside, rows, 0.0), inside


def windows(lengths: Whole, raised: float, *, ends: bool) -> Real:
    """Return raised-cosine windows as rows, zeros after the end of each.

    ``raised`` is the cosine's weight: 0.5 is Hann's, 0.46 Hamming's window. Without ``ends`` the
    window of L samples is that of L + 2 without its first and last.
    """
    at = np.arange(lengths.max())
    size = lengths[:, None]
    phase = at / np.maximum(size - 1, 1) if ends else (at + 1) / (size + 1)
    window: Real = (1 - raised) - raised * np.cos(2 * np.pi * phase)
    return np.where(at < size, window, 0.0)
