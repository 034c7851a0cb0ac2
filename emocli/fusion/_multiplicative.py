"""Multiplicative combination: loss and weights from the belief in each modality, by clip.

Every modality predicts the class of a clip, or for each class whether it is there, or how strong it
is. Predictions are log probabilities, shape (M, n, K, A): modalities, clips, predictions of a clip
(one, or one for each class), alternatives. An intensity has no alternatives: A is 1, and the log
probability, up to a constant, is minus Huber's loss, against the label or against the modalities'
mean.

Source: Liu et al. 2018 (arXiv:1805.11730); Mittal et al. 2020, AAAI, sec. 3.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from emocli.data.manifest import Task

ExponentKind = Literal["mod", "orig", "sum_ce"]

NEARLY_SURE = -1e-7
"""Largest log probability that differs from 0: the logarithm of its complement is finite."""


def log_probabilities(task: Task, logits: Tensor, targets: Tensor | None = None) -> Tensor:
    """Turn logits (M, n, C) into log probabilities (M, n, K, A); intensities need a reference.

    The reference of intensities is ``targets`` (n, C), or the modalities' mean without them.
    """
    if task == "single":
        return torch.log_softmax(logits, dim=-1)[:, :, None]
    if task == "multi":
        return functional.logsigmoid(torch.stack([-logits, logits], dim=-1))
    reference = logits.mean(dim=0) if targets is None else targets.to(logits)
    target = reference.detach().expand_as(logits)
    return -functional.huber_loss(logits, target, reduction="none")[..., None]


def truth(task: Task, targets: Tensor, count: int) -> Tensor:
    """Return how far alternatives are true, 0 to 1, shape (n, K, A), of ``count`` classes.

    Targets are those of a Batch: classes (n,); or shares of each class (n, C), votes or mixtures,
    0 and 1 among them.
    """
    if task == "intensity":
        return torch.ones_like(targets)[..., None]
    dense = targets if targets.dim() > 1 else functional.one_hot(targets, count)
    return dense[:, None] if task == "single" else torch.stack([1 - dense, dense], dim=-1)


@dataclass(frozen=True)
class Combination:
    """Eq. 2 and 3 and what the weights of modalities are made of (Mittal 2020 eq. 2-3).

    Attributes
    ----------
    kind : {'mod', 'orig', 'sum_ce'}
        A modality is believed as far as it is sure itself (eq. 3), as far as the others are unsure
        (eq. 2), or always.
    beta : float
        How much that matters; 0 is ``sum_ce``.
    detach : bool
        Whether beliefs are constants to the gradient.
    """

    kind: ExponentKind
    beta: float
    detach: bool

    def log_beliefs(self, logs: Tensor) -> Tensor:
        """Return ln q, the belief in each prediction, from log probabilities (M, ...)."""
        gamma = self.beta / max(len(logs) - 1, 1)
        if self.kind == "mod":
            return gamma * logs  # Mittal 2020 eq. 3: p_i ^ (beta / (M - 1))
        if self.kind == "orig":
            unsure = torch.log(-torch.expm1(logs.clamp(max=NEARLY_SURE)))
            # Mittal 2020 eq. 2: prod (1 - p_j) ^ (beta / (M - 1))
            return gamma * (unsure.sum(dim=0) - unsure)
        return torch.zeros_like(logs)

    def terms(self, logs: Tensor) -> Tensor:
        """Return the loss of log probabilities (M, ...) if they are of the truth, over modalities.

        Of a truth that is shared, votes for several classes, the loss is the mean under the shares.
        """
        beliefs = self.log_beliefs(logs).exp()
        beliefs = beliefs.detach() if self.detach else beliefs
        return -(beliefs * logs).sum(dim=0)  # Mittal 2020 eq. 2, 3

    def scores(self, logs: Tensor) -> Tensor:
        """Score every alternative, the higher the better, shape (n, K, A): minus eq. 2 or 3."""
        return (self.log_beliefs(logs).exp() * logs).sum(dim=0)

    def weights(self, logs: Tensor, target: Tensor | None = None) -> Tensor:
        """Weigh the modalities, shape (M, n), without gradient; they sum to one over modalities.

        By how far they are believed about what is true, ``wanted`` (n, K, A), or without labels
        about each alternative, as probable as the modalities find it on average.
        """
        logs = logs.detach()
        if target is None:
            target = logs.exp().mean(dim=0)
            target = target / target.sum(dim=-1, keepdim=True)
        reliable = (target * self.log_beliefs(logs).exp()).sum(dim=-1).mean(dim=-1)
        # Where nobody can be believed at all, all count alike.
        reliable = reliable.clamp(min=torch.finfo(reliable.dtype).tiny)
        return reliable / reliable.sum(dim=0)


def violated(scores: Tensor, target: Tensor, margin: float) -> Tensor:
    """Return where the truth does not lead by the margin, 0 or 1, shape (n, K) (Liu 2018).

    Of a truth that is shared it is the greatest part.
    """
    most = target == target.amax(dim=-1, keepdim=True)
    of_truth = scores.masked_fill(~most, -torch.inf).amax(dim=-1)
    rival = scores.masked_fill(most, -torch.inf).amax(dim=-1)
    return (of_truth < rival + margin).to(scores.dtype)
