"""Losses of logits, and the probabilities or intensities that logits stand for.

Every loss is the mean over the clips of a sum over the classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from emocli.data.manifest import Task
from emocli.errors import ConfigError

LossName = Literal["auto", "ce", "l2", "bce", "huber", "ccc"]

Terms = Callable[[Tensor, Tensor], Tensor]
"""(logits (n, C), dense targets (n, C)) -> loss of each class, (n, C)."""

CHOICES: dict[Task, tuple[LossName, ...]] = {
    "single": ("ce", "l2", "bce", "huber"),
    "multi": ("bce", "l2", "huber"),
    "intensity": ("huber", "l2", "ccc"),
}
"""Losses each task can be trained with; the first one is its ``auto``."""


def resolve(name: LossName, task: Task) -> LossName:
    """Turn ``auto`` into the task's loss.

    Raises
    ------
    ConfigError
        If the task cannot be trained with that loss.
    """
    choices = CHOICES[task]
    if name == "auto":
        return choices[0]
    if name not in choices:
        raise ConfigError(
            f"loss '{name}' does not fit a task of kind '{task}'",
            hint=f"there are: auto, {', '.join(choices)}",
        )
    return name


@dataclass(frozen=True)
class BaseLoss:
    """The loss of a task: `base_loss` makes it.

    Attributes
    ----------
    task : {'single', 'multi', 'intensity'}
        What the targets mean.
    terms : callable
        Loss of each class.
    class_weights : Tensor, optional
        Weights of the classes.
    label_smoothing : float
        Share of a target that is spread.
    """

    task: Task
    terms: Terms
    class_weights: Tensor | None
    label_smoothing: float

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Compare logits (n, C) with targets, as a Batch holds them: a scalar."""
        wanted = _dense(targets, logits)
        smoothed = _smoothed(wanted, self.label_smoothing, self.task)
        return self.mean(self.terms(logits, smoothed), wanted)

    def mean(self, terms: Tensor, targets: Tensor) -> Tensor:
        """Average a loss over the clips under the weights of the classes.

        Terms have shape (n, C); (n, 1) will do for a task of one class per clip.
        """
        wanted = targets
        if not targets.is_floating_point() and self.class_weights is not None:
            wanted = functional.one_hot(targets, len(self.class_weights))
        clips, columns = _weights(wanted.to(terms.dtype), self.class_weights, self.task)
        return ((terms * columns).sum(dim=-1) * clips).sum() / clips.sum()


def base_loss(
    name: LossName,
    task: Task,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> BaseLoss:
    """Make the loss of a task.

    Parameters
    ----------
    name : {'auto', 'ce', 'l2', 'bce', 'huber', 'ccc'}
        Cross-entropy of the softmax, squared error, cross-entropy of the sigmoid of each class, or
        Huber's loss (delta 1). ``auto`` is ``ce`` for one class per clip, ``bce`` for any number of
        them and ``huber`` for intensities. Squared error and Huber's loss compare the logits
        themselves with the targets, which for one class per clip are one-hot. ``ccc`` is one minus
        the concordance correlation of the clips of a batch, for intensities.
    task : {'single', 'multi', 'intensity'}
        Targets of a single-label task are class indices (n,), or probabilities (n, C); otherwise
        they are (n, C).
    class_weights : Tensor, shape (C,), optional
        In a single-label task the weight of a clip, by its class, in the mean over the clips;
        otherwise the weight of a class in the sum over the classes.
    label_smoothing : float
        Share of a target that is spread evenly over the alternatives: the classes of a single-label
        task, present and absent in a multi-label one. Intensities are left as they are.

    Raises
    ------
    ConfigError
        If the task cannot be trained with that loss, or the smoothing is outside 0 to 1.
    """
    if not 0 <= label_smoothing < 1:
        raise ConfigError(f"label smoothing of {label_smoothing} is outside [0, 1)")
    return BaseLoss(task, _TERMS[resolve(name, task)], class_weights, label_smoothing)


def probabilities(
    task: Task, loss: LossName, logits: Tensor, temperature: float | None = None
) -> Tensor:
    """Turn logits (n, C) into probabilities, or intensities, of the same shape.

    One class per clip: softmax after ``ce``; sigmoids, scaled to sum to one, after ``bce``; after
    ``l2`` and ``huber`` the logits estimate the one-hot target itself, and the nearest distribution
    is taken (the Euclidean projection onto the simplex, which keeps the order of the classes).
    Any number of classes: sigmoid after ``bce``, else the logits clipped to 0 and 1. Intensities:
    the logits.

    A calibrated network has a temperature T, by which its logits are divided. After ``l2`` and
    ``huber`` its probabilities are then the softmax of them, or, for any number of classes, the
    sigmoid of (logit - 0.5) / T: neither is ever exactly 0 or 1. The class of the highest
    probability, and whether one is at least 0.5, are the same with and without.
    """
    name = resolve(loss, task)
    if task == "intensity":
        return logits
    if temperature is not None:
        return _calibrated(task, name, logits, temperature)
    if name == "ce":
        return torch.softmax(logits, dim=-1)
    if name == "bce":
        logs = functional.logsigmoid(logits)
        return torch.softmax(logs, dim=-1) if task == "single" else logs.exp()
    return _nearest_distribution(logits) if task == "single" else logits.clamp(0, 1)


def _calibrated(task: Task, name: LossName, logits: Tensor, temperature: float) -> Tensor:
    """Probabilities of logits that are divided by a temperature (Guo et al. 2017)."""
    if task == "single":
        scores = logits / temperature
        return torch.softmax(functional.logsigmoid(scores) if name == "bce" else scores, dim=-1)
    centre = 0.0 if name == "bce" else 0.5
    return torch.sigmoid((logits - centre) / temperature)


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of the softmax (Chudasama 2022 eq. 14)."""
    # Chudasama 2022 eq. 14, its mean taken by the caller
    return -targets * torch.log_softmax(logits, dim=-1)


def _squared(logits: Tensor, targets: Tensor) -> Tensor:
    return (logits - targets) ** 2


def _binary(logits: Tensor, targets: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def _huber(logits: Tensor, targets: Tensor) -> Tensor:
    return functional.huber_loss(logits, targets, reduction="none")


def _concordance(logits: Tensor, targets: Tensor) -> Tensor:
    """One minus the concordance correlation of each column over the batch (Lin 1989).

    It is no mean over clips: every clip has the same.
    """
    x, y = logits - logits.mean(dim=0), targets - targets.mean(dim=0)
    shift = logits.mean(dim=0) - targets.mean(dim=0)
    scale = (x**2).mean(dim=0) + (y**2).mean(dim=0) + shift**2
    agreement = 2 * (x * y).mean(dim=0) / scale.clamp(min=torch.finfo(scale.dtype).tiny)
    return (1 - agreement).expand_as(logits)


_TERMS: dict[LossName, Terms] = {
    "ce": _cross_entropy,
    "l2": _squared,
    "bce": _binary,
    "huber": _huber,
    "ccc": _concordance,
}


def _dense(targets: Tensor, logits: Tensor) -> Tensor:
    """Targets of shape (n, C) and the logits' type: one-hot where they are class indices."""
    if not targets.is_floating_point():
        targets = functional.one_hot(targets, logits.shape[-1])
    return targets.to(logits.dtype)


def _weights(targets: Tensor, weights: Tensor | None, task: Task) -> tuple[Tensor, Tensor]:
    """Weights of the clips (n,) and of the classes (C,), or one number for all of them."""
    clips, same = targets.new_ones(len(targets)), targets.new_ones(())
    if weights is None:
        return clips, same
    weights = weights.to(targets)
    return (targets @ weights, same) if task == "single" else (clips, weights)


def _smoothed(targets: Tensor, share: float, task: Task) -> Tensor:
    if task == "intensity":
        return targets
    alternatives = targets.shape[-1] if task == "single" else 2
    return targets * (1 - share) + share / alternatives


def _nearest_distribution(values: Tensor) -> Tensor:
    """Euclidean projection of rows onto the probability simplex (Held, Wolfe & Crowder 1974)."""
    ordered = values.sort(dim=-1, descending=True).values
    ranks = torch.arange(1, values.shape[-1] + 1, device=values.device)
    excess = (ordered.cumsum(dim=-1) - 1) / ranks
    kept = (ordered > excess).sum(dim=-1, keepdim=True)
    return (values - excess.gather(-1, (kept - 1).clamp(min=0))).clamp(min=0)
