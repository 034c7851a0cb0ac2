"""Recurrent encoders over views, their settings, and the decoder: layers that networks share.

>>> import torch
>>> config = NetworkSettings(hidden=4)
>>> view = Padded(torch.randn(2, 5, 3), torch.tensor([5, 2]))
>>> states = ViewEncoders({"audio": 3}, config)(Batch(("a", "b"), {"audio": view}))
>>> last_step(states["audio"]).shape
torch.Size([2, 8])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emocli.config import Settings, Tree
from emocli.data.batch import Batch as Batch
from emocli.data.batch import Padded as Padded
from emocli.plugin.blocks import Blocks
from emocli.plugin.network import Network, PerView
from emocli.plugin.training import PLUS
from emocli.quantities import Dropped as Dropped
from emocli.quantities import Size as Size
from emocli.quantities import Steps as Steps
from emocli.rules import UNITS
from emocli.rules import Rules as Rules
from emocli.space import Choice, Uniform
from emocli.space import Space as Space

PoolName = Literal["mean", "statistics"]


class NetworkSettings(Settings):
    """Settings of every network with recurrent encoders.

    Attributes
    ----------
    hidden : int
        Units of each direction of an encoder, and of the decoder; an encoder's state has twice
        as many (Beard 2018: 128 for CREMA-D and RAVDESS, 512 for CMU-MOSEI).
    dropout : float
        Share of the inputs of the encoders and of the decoder that is dropped in training.
    stride : int or mapping of view to int
        Steps whose mean is one step of the encoder. A view that a mapping does not name keeps its
        steps, and names of views that are not there do no harm: one file of settings serves runs
        on one modality and on several.
    max_len : int
        Steps of an encoder at most: of a longer sequence more steps make one.
    pool : {'mean', 'statistics'} or mapping of view to them
        What an encoder sees of such a block of steps: their mean; or mean, standard deviation and
        largest value. A view that a mapping does not name gives means.
    """

    SPACE: ClassVar[Space] = {
        "hidden": Choice((16, 32, 64, 128, 256)),
        "dropout": Uniform(0.0, 0.6),
    }
    RULES: ClassVar[Rules] = {"hidden": UNITS}

    hidden: Size = 128
    dropout: Dropped = 0.2
    stride: Size | dict[str, Size] = 1
    max_len: Steps = 1500
    pool: PoolName | dict[str, PoolName] = "mean"

    @property
    def width(self) -> int:
        """Width of an encoder's state, [forward; backward]."""
        return 2 * self.hidden

    def stride_of(self, view: str) -> int:
        """Return the steps of a view whose mean is one step of its encoder."""
        return self.stride.get(view, 1) if isinstance(self.stride, dict) else self.stride

    def pool_of(self, view: str) -> PoolName:
        """Return what an encoder sees of a block of a view's steps."""
        return self.pool.get(view, "mean") if isinstance(self.pool, dict) else self.pool


def presets(*, literal: Tree, plus: Tree) -> dict[str, Tree]:
    """Lay the presets out: ``paper`` is the defaults; training is the paper's but in ``plus``."""
    train: Tree = {
        "loss": "l2",
        "lr": 1e-3,
        "batch_size": 32,
        "weight_decay": 1e-5,
        "epochs": 100,
        "patience": 10,
        "clip": 1.0,
    }
    defaults: Tree = {"dropout": 0.4, "max_len": 20, "pool": "statistics"}
    return {
        "literal": {"network": literal, "train": train},
        "paper": {"network": {}, "train": train},
        "plus": {"network": defaults | plus, "train": PLUS | {"mixup": 0.4}},
    }


class ViewEncoder(nn.Module):
    """Bidirectional LSTM over one view (Beard 2018 eq. 1-3).

    Two LSTMs over padded arrays, the second over each sequence turned round within its own length:
    the same numbers as one packed bidirectional LSTM. PyTorch differentiates a packed sequence in
    time quadratic in its length on a CPU (18 times as long at 400 steps).
    """

    def __init__(self, inputs: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.ahead = nn.LSTM(inputs, hidden, batch_first=True)
        self.back = nn.LSTM(inputs, hidden, batch_first=True)

    def forward(self, view: Padded) -> Padded:
        """Encode; values outside the mask of the result are arbitrary, but finite."""
        values = self.dropout(view.values.masked_fill(~view.mask[..., None], 0))
        ahead, _ = self.ahead(values)  # Beard 2018 eq. 1
        back, _ = self.back(_turned(values, view.lengths))
        back = _turned(back, view.lengths)  # Beard 2018 eq. 2
        return view.with_values(torch.cat([ahead, back], dim=-1))  # Beard 2018 eq. 3


def _turned(values: Tensor, lengths: Tensor) -> Tensor:
    """Turn each sequence round within its length; padding stays where it is."""
    steps = torch.arange(values.shape[1], device=values.device)
    last = lengths[:, None] - 1
    index = torch.where(steps <= last, last - steps, steps)
    return take(values, index)


def take(values: Tensor, steps: Tensor) -> Tensor:
    """Pick steps (B, K) from values (B, T, D): (B, K, D)."""
    return values.gather(1, steps[..., None].expand(-1, -1, values.shape[-1]))


class ViewEncoders(PerView):
    """An encoder for each view, over blocks of its steps; views of other names are left out."""

    def __init__(self, dims: Mapping[str, int], config: NetworkSettings) -> None:
        widths = {v: n * (3 if config.pool_of(v) == "statistics" else 1) for v, n in dims.items()}
        super().__init__(
            {
                view: ViewEncoder(size, config.hidden, config.dropout)
                for view, size in sorted(widths.items())
            }
        )
        self.config = config

    def forward(self, batch: Batch) -> dict[str, Padded]:
        """Encode the views, in the order of their names; a state per block of steps."""
        views = batch.views
        inputs = {n: views[n] if batch.condensed else self.encoder_input(n, views[n]) for n in self}
        return {name: self[name](view) for name, view in inputs.items()}

    def encoder_input(self, name: str, view: Padded) -> Padded:
        """Return the input of a view's encoder."""
        blocks = self.blocks(name, view)
        return blocks.mean() if self.config.pool_of(name) == "mean" else blocks.statistics()

    def blocks(self, name: str, view: Padded) -> Blocks:
        """Gather a view's steps into blocks."""
        return Blocks.of(view, self.config.stride_of(name), self.config.max_len)

    def over_steps(self, attention: Mapping[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Turn attention over states (B, hops, K) into that over the views' steps (B, hops, T)."""
        if batch.condensed:
            return dict(attention)
        return {n: self.blocks(n, batch.views[n]).spread(a) for n, a in attention.items()}


class Encoded(Network):
    """A network of clips that begins with encoders; it condenses steps into blocks."""

    condenses: ClassVar[bool] = True

    def __init__(self, dims: Mapping[str, int], config: NetworkSettings) -> None:
        super().__init__()
        self.encoders = ViewEncoders(dims, config)

    def condense(
        self, clip_id: str, modality: str, values: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Turn a clip's steps (T, D) into what the encoder is given, blocks of them (K, D')."""
        if modality not in self.encoders.names:
            return values
        (condensed,) = self.encoders.encoder_input(modality, Padded.from_rows([values])).rows()
        return condensed


def last_step(states: Padded) -> Tensor:
    """Where both directions end, [forward(K); backward(1)], (B, D); zero for a missing view."""
    ahead, back = states.values.chunk(2, dim=-1)
    last = (states.lengths - 1).clamp(min=0)
    ends = torch.cat([take(ahead, last[:, None])[:, 0], back[:, 0]], dim=-1)
    return ends.masked_fill(~states.observed[:, None], 0)


def decoder(inputs: int, outputs: int, config: NetworkSettings) -> nn.Sequential:
    """Build the two layers from a clip's vector to the logits."""
    return nn.Sequential(
        nn.Dropout(config.dropout),
        nn.Linear(inputs, config.hidden),
        nn.ReLU(),
        nn.Linear(config.hidden, outputs),
    )
