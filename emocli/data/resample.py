"""Resampling of sequences of different rates to a common number of steps."""

from __future__ import annotations

import torch
from torch import Tensor


def resample(values: Tensor, lengths: Tensor, steps: Tensor) -> Tensor:
    """Average (B, T, D) over equal shares of each sequence's duration: (B, max steps, D).

    Values are zero past the ``lengths`` before, and past the ``steps`` asked for (at least 1)
    after. A sequence that has them already is returned as it is.
    """
    if torch.equal(lengths, steps):
        return values[:, : int(steps.max())]
    share = lengths / steps.double()
    edges = share[:, None] * torch.arange(int(steps.max()) + 1, device=values.device)
    edges = edges.minimum(lengths[:, None])
    own = torch.arange(values.shape[1], device=values.device)
    start, end = edges[:, :-1, None], edges[:, 1:, None]
    overlap = (end.minimum(own + 1) - start.maximum(own)).clamp(min=0)
    return (overlap / share[:, None, None]).to(values.dtype) @ values
