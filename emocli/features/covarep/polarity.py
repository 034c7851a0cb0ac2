"""Polarity of a recording: whether the sound pressure was recorded upright or inverted.

Source: Drugman 2013, IEEE Signal Processing Letters 20(4) (RESKEW).

The residual's peaks at closures of the glottis make it skew to one side. Prediction from the sound
without its low frequencies leaves the glottal flow in the residual, prediction from the whole takes
it out; which of the two residuals is the more skew tells the polarity.
"""

from __future__ import annotations

import numpy as np

from emocli.features.covarep._blocks import BLOCK_S, blocks
from emocli.features.covarep._signal import Real, high_pass
from emocli.features.covarep.residual import lp_residual, vocal_tract_order

EDGE_HZ = 480
BEYOND_HZ = 500


def polarity(x: Real, fs: float, block_s: float = BLOCK_S, residual: Real | None = None) -> int:
    """Return -1 for a recording that is inverted, else, also if it is skew to neither side, 1.

    Its ``residual`` need not be known, nor turned upright.
    """
    order = vocal_tract_order(fs)
    if residual is None:
        residual = lp_residual(x, fs, order)
    whole, low_left = np.zeros(4), np.zeros(4)
    for block in blocks(len(x), fs, block_s):
        part = x[block.begin : block.stop]
        source = high_pass(part, fs, EDGE_HZ, BEYOND_HZ)
        inside = slice(block.first - block.begin, block.last - block.begin)
        whole += _powers(residual[block.first : block.last])
        low_left += _powers(lp_residual(part, fs, order, source, normalised=False)[inside])
    return -1 if _skewness(*whole) < _skewness(*low_left) else 1


def _powers(x: Real) -> Real:
    """Return the sums of the powers 0 to 3."""
    square = x * x
    return np.array([len(x), x.sum(), square.sum(), (square * x).sum()])


def _skewness(count: float, first: float, second: float, third: float) -> float:
    """Return the skewness from sums of powers; of a constant, 0."""
    if not count:
        return 0.0
    mean, square, cube = first / count, second / count, third / count
    variance = square - mean**2
    if variance <= 0:
        return 0.0
    return float((cube - 3 * mean * square + 2 * mean**3) / variance**1.5)
