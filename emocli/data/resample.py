"""Resampling of sequences of different rates to a common number of steps."""

from __future__ import annotations

import torch
from torch import Tensor


def resample(values: Tensor, lengths: Tensor, steps: Tensor) -> Tensor:
    """Average over equal shares of each sequence's duration.

    Parameters
    ----------
    values : Tensor, shape (B, T, D)
        Sequences, zero past their lengths.
    lengths, steps : Tensor of int64, shape (B,)
        Steps of each sequence, and how many it is to have; at least 1.

    Returns
    -------
    Tensor, shape (B, max steps, D)
        Zero past the steps asked for. A sequence that has them already is returned as it is.
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
