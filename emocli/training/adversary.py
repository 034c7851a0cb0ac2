"""Speaker-adversarial training by gradient reversal.

A classifier learns to tell the training clips' speakers by the vector of which the network's last
layers make the logits. Between the two lies a layer that passes the vector and reverses the
gradient: by the same loss the network learns what makes speakers hard to tell. With the loss of the
task L, that of the classifier S, and parameters f of the network up to the vector, y of its last
layers and d of the classifier, an epoch descends

    dL/df - w dS/df,    dL/dy,    dS/dd,    w = adversary (2 / (1 + exp(-10 p)) - 1),

where p, the share of the training that is done, lets w rise from 0: at first the classifier knows
nothing. It is needed for training alone, and is not kept. Of mixed clips it is to tell the speaker
of the one that has the larger share.

Source: Ganin and Lempitsky 2015, ICML, whose domains are speakers here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from emocli.data.batch import Batch, FusionOutput
from emocli.data.samples import Samples
from emocli.errors import ConfigError
from emocli.models.settings import TrainConfig
from emocli.plugin.network import Network
from emocli.training.compute import seeded

UNITS = 100
"""Hidden units of the classifier, as in the paper."""

RISE = 10.0
"""How fast the weight rises, as in the paper."""

UNKNOWN = -100
"""Stands for the number of a speaker nobody knows."""

OFF = "choose train.adversary=0"


class _Reversal(torch.autograd.Function):
    """The identity, whose gradient is minus so many times the one behind it."""

    @staticmethod
    def forward(context: Any, values: Tensor, strength: float) -> Tensor:
        context.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -context.strength * gradient, None


def reversed_gradient(values: Tensor, strength: float) -> Tensor:
    """Return the values; what is learnt from the result changes them the other way."""
    reversal: Tensor = _Reversal.apply(values, strength)  # type: ignore[no-untyped-call]
    return reversal


def rise(progress: float) -> float:
    """Return the share of the weight that holds after a share of the training."""
    return 2 / (1 + math.exp(-RISE * progress)) - 1


class Adversary(nn.Module):
    """A classifier of speakers, against which a network learns.

    Shapes: vectors (n, W) -> logits of S speakers (n, S) -> loss ().

    Parameters
    ----------
    width : int
        Width W of the vectors.
    speakers : mapping
        Training clip to the number of its speaker; clips of unknown speakers are not in it.
    weight : float
        Of the reversed gradient, at the end of the training.
    """

    def __init__(self, width: int, speakers: Mapping[str, int], weight: float) -> None:
        super().__init__()
        self.speakers, self.weight = speakers, weight
        count = 1 + max(speakers.values())
        self.layers = nn.Sequential(nn.Linear(width, UNITS), nn.ReLU(), nn.Linear(UNITS, count))

    def forward(self, output: FusionOutput, batch: Batch, progress: float) -> Tensor:
        """Return the classifier's loss, the mean over clips of known speakers; 0 if there is none.

        ``progress`` is the share of the training that is done.
        """
        assert output.vector is not None
        vectors = reversed_gradient(output.vector.float(), self.weight * rise(progress))
        numbers = [self.speakers.get(clip, UNKNOWN) for clip in batch.ids]
        wanted = torch.tensor(numbers, device=vectors.device)
        total = functional.cross_entropy(
            self.layers(vectors), wanted, ignore_index=UNKNOWN, reduction="sum"
        )
        return total / (wanted != UNKNOWN).sum().clamp(min=1)


def make_adversary(network: Network, train: Samples, config: TrainConfig) -> Adversary | None:
    """Build the classifier that settings ask for; None without one.

    Raises
    ------
    ConfigError
        If there is nothing to tell, or no vector to tell it by.
    """
    if not config.adversary:
        return None
    speakers = numbered_speakers(network, train)
    with seeded(config.seed, 0, 1):
        return Adversary(network.vector_width, speakers, config.adversary)


def numbered_speakers(network: Network, train: Samples) -> dict[str, int]:
    """Return the number of each training clip's speaker; errors as of `make_adversary`."""
    if not network.vector_width:
        what = "setting 'train.adversary': the network does not tell what it classifies clips by"
        raise ConfigError(what, hint=OFF)
    names = sorted({clip.speaker for clip in train.clips if clip.speaker})
    if len(names) < 2:
        what = f"setting 'train.adversary' needs several speakers; the train split has {len(names)}"
        raise ConfigError(what, where=train.manifest.dataset, hint=OFF)
    numbers = {name: number for number, name in enumerate(names)}
    return {clip.id: numbers[clip.speaker] for clip in train.clips if clip.speaker}
