"""Parts of training steps that benchmarks of networks share."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from emocli.data.batch import Batch


def cross_entropy(logits: Tensor, batch: Batch, reduction: str = "mean") -> Tensor:
    """Return the loss of a batch's clips."""
    assert batch.targets is not None
    return functional.cross_entropy(logits, batch.targets, reduction=reduction)


def derivative(parameter: Tensor) -> Tensor:
    """Return the derivative of the loss by a parameter."""
    assert parameter.grad is not None
    return parameter.grad
