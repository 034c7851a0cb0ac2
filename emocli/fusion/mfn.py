"""Memory fusion network: one LSTM per modality, attention over their cells, a gated memory.

At every step attention weighs the cells of all LSTMs at this step and at the one before, and the
result is written to a memory across modalities, which the LSTMs do not have. Neither cells
nor attention depend on the memory (without ``feedback``), so they are computed for all steps at
once, and only the memory is stepped through.

Source: Zadeh et al. 2018, AAAI; as used by Mittal et al. 2020, AAAI (sec. 4.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from emocli.config import Settings, Tree
from emocli.data.batch import Views
from emocli.data.resample import resample
from emocli.fusion._recurrent import Gated, dropout_mask, in_full_precision, lstm_cell, lstms, mlp
from emocli.plugin.network import Batch, Choice, FusionOutput, Network, PerView, Space, Uniform
from emocli.plugin.training import PLUS
from emocli.quantities import Dropped, Size, Steps


class Config(Settings):
    """Settings of the memory fusion network.

    Attributes
    ----------
    hidden : int
        Units of each modality's channel (Mittal 2020: 32).
    hiddens : mapping
        Modality to the units of its channel where they are others than ``hidden``; names of
        modalities that are not there have no effect.
    channel : {'lstm', 'ff'}
        What reads a modality: an LSTM, step by step (Mittal 2020, sec. 4.2), or two linear layers
        with ReLU over the mean of the steps ("feed-forward channels", sec. 3.2), for features that
        are one vector per clip; the memory then makes a single step.
    steps : int or 'longest'
        Attention needs modalities that step together. Views of a clip that have the same number of
        steps, ``steps`` at most, stay as they are (words); otherwise each is averaged over
        ``steps`` equal parts of its duration, or over as many as the clip's longest view has
        (Mittal 2020: 20). A missing modality is a sequence of zeros.
    feedback : {'none', 'mem'}
        Whether the LSTMs also read the memory of the step before (Mittal 2020, sec. 4.2, against
        Zadeh 2018). Everything is then computed step by step, which takes several times as long.
    window : int
        Steps whose cells attention sees, the present one included.
    memory : int
        Units of the memory that all modalities share.
    nn1 : int
        Hidden units of the network of attention over the cells.
    nn2 : int
        Hidden units of the network of what is written to the memory.
    gamma1 : int
        Hidden units of the gate that keeps the memory.
    gamma2 : int
        Hidden units of the gate that writes to the memory.
    out : int
        Hidden units of the last two layers.
    nn1_dropout : float
        Dropout of the network of attention: share of its hidden units.
    nn2_dropout : float
        Dropout of the network of what is written: share of its hidden units.
    gamma1_dropout : float
        Dropout of the gate that keeps: share of its hidden units.
    gamma2_dropout : float
        Dropout of the gate that writes: share of its hidden units.
    out_dropout : float
        Dropout of the last two layers: share of their hidden units.
    """

    SPACE: ClassVar[Space] = {
        "hidden": Choice((16, 32, 64, 128)),
        "memory": Choice((32, 64, 128, 256)),
        "out_dropout": Uniform(0.0, 0.6),
    }

    hidden: Size = 32
    hiddens: dict[str, Size] = Field(default={})
    channel: Literal["lstm", "ff"] = "lstm"
    steps: Steps | Literal["longest"] = 20
    feedback: Literal["none", "mem"] = "none"
    window: Annotated[int, Field(ge=1, le=64)] = 2
    memory: Size = 128
    nn1: Size = 256
    nn1_dropout: Dropped = 0.5
    nn2: Size = 64
    nn2_dropout: Dropped = 0.5
    gamma1: Size = 64
    gamma1_dropout: Dropped = 0.5
    gamma2: Size = 64
    gamma2_dropout: Dropped = 0.5
    out: Size = 64
    out_dropout: Dropped = 0.5

    @model_validator(mode="after")
    def _feedback_needs_steps(self) -> Config:
        if self.channel == "ff" and self.feedback == "mem":
            raise ValueError("channel = ff has no steps to feed the memory back to")
        return self

    def units(self, modality: str) -> int:
        """Units of a modality's channel."""
        return self.hiddens.get(modality, self.hidden)


PAPER: Tree = {"lr": 0.01, "batch_size": 256, "epochs": 500, "patience": 20, "weight_decay": 0.0}
"""Training of Mittal 2020; it does not say when to stop early."""

TUNED: Tree = {
    "network": {
        "hiddens": {"text": 128, "audio": 32, "visual": 128},
        "nn1": 128,
        "nn1_dropout": 0.2,
        "nn2": 128,
        "gamma1": 256,
        "gamma1_dropout": 0.7,
        "gamma2": 256,
        "gamma2_dropout": 0.0,
        "out": 128,
    },
    "train": PAPER | {"lr": 5e-4, "weight_decay": 1e-4, "batch_size": 64, "patience": 8},
}
"""Tuned for CMU-MOSEI by the authors of MMSA (Mao et al. 2022)."""

PRESETS: dict[str, Tree] = {
    "literal": {"network": {"feedback": "mem"}, "train": PAPER},
    "paper": {"network": {}, "train": PAPER},
    "plus": {"network": {}, "train": PLUS},
    "mfn_mmsa": TUNED,
}


class MemoryCore(nn.Module):
    """Channels, attention and memory: everything before the fusion.

    Attributes
    ----------
    names : tuple of str
        The modalities, in alphabetical order.
    widths : tuple of int
        Units of their channels.
    """

    def __init__(self, dims: Mapping[str, int], config: Config) -> None:
        super().__init__()
        self.config = config
        self.names = tuple(sorted(dims))
        self.widths = tuple(config.units(name) for name in self.names)
        seen = config.window * sum(self.widths)
        self.channels = PerView({name: _channel(dims[name], name, config) for name in self.names})
        self.nn1 = mlp(seen, config.nn1, seen, config.nn1_dropout)
        self.nn2 = mlp(seen, config.nn2, config.memory, config.nn2_dropout)
        self.memory = GatedMemory(seen, config)

    def forward(self, views: Views) -> tuple[dict[str, Tensor], Tensor]:
        """Return each channel's last state, (n, hidden), and the last memory, (n, memory)."""
        if self.config.channel == "ff":
            return self._pooled(views)
        inputs, lengths = aligned({name: views[name] for name in self.names}, self.config.steps)
        run = self._all_at_once if self.config.feedback == "none" else self._stepwise
        states, memory = run(inputs)
        ends = {name: _last(own, lengths) for name, own in zip(self.names, states, strict=True)}
        return ends, _last(memory, lengths)

    def attend(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Attend to the cells of a window, and compute the update of the memory.

        Parameters
        ----------
        cells : Tensor, shape (T, n, window x all units)
            The oldest step first, modalities in their order.

        Returns
        -------
        attended : Tensor, of the same shape
            Weights sum to one over all dimensions of a window.
        content : Tensor, shape (T, n, memory)
            In [-1, 1].
        """
        attended = torch.softmax(self.nn1(cells), dim=-1) * cells
        return attended, torch.tanh(self.nn2(attended))

    def _pooled(self, views: Views) -> tuple[dict[str, Tensor], Tensor]:
        ends = {name: self.channels[name](views[name].mean()) for name in self.names}
        cells = torch.cat(list(ends.values()), dim=-1)[None]
        memory = self.memory(*self.attend(windows(cells, self.config.window)))
        return ends, memory[-1]

    def _all_at_once(self, inputs: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
        states, cells = lstms([self.channels[name] for name in self.names], inputs)
        seen = windows(torch.cat(cells, dim=-1), self.config.window)
        return states, self.memory(*self.attend(seen))

    def _stepwise(self, inputs: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
        n = inputs[0].shape[1]
        memory = inputs[0].new_zeros(n, self.config.memory)
        start = [(memory.new_zeros(n, w), memory.new_zeros(n, w)) for w in self.widths]
        recent = [torch.cat([c for _, c in start], dim=-1)] * self.config.window
        states, memories = [], []
        for step in zip(*inputs, strict=True):
            start = [
                lstm_cell(self.channels[name], torch.cat([x, memory], dim=-1), *state)
                for name, x, state in zip(self.names, step, start, strict=True)
            ]
            recent = [*recent[1:], torch.cat([c for _, c in start], dim=-1)]
            memory = self.memory(*self.attend(torch.cat(recent, dim=-1)[None]), memory)[0]
            states.append([h for h, _ in start])
            memories.append(memory)
        return [torch.stack(own) for own in zip(*states, strict=True)], torch.stack(memories)


class GatedMemory(nn.Module):
    """The memory, gated by attended cells and by itself.

    Its gates are two networks of two layers; their first layers see the same and are one here, and
    what they make of the attention is computed for all steps at once.
    """

    def __init__(self, inputs: int, config: Config) -> None:
        super().__init__()
        self.inputs = inputs
        self.widths = (config.gamma1, config.gamma2)
        self.dropouts = (config.gamma1_dropout, config.gamma2_dropout)
        self.first = nn.Linear(inputs + config.memory, sum(self.widths))
        self.gamma1 = nn.Linear(config.gamma1, config.memory)
        self.gamma2 = nn.Linear(config.gamma2, config.memory)

    def forward(self, attended: Tensor, content: Tensor, memory: Tensor | None = None) -> Tensor:
        """Return the memory after each step, (T, n, memory), from ``memory`` or zeros on."""
        hidden = functional.linear(attended, self.first.weight[:, : self.inputs], self.first.bias)
        start = torch.zeros_like(content[0]) if memory is None else memory
        recalled = self.first.weight[:, self.inputs :].T
        gates = (self.gamma1.weight.T, self.gamma1.bias, self.gamma2.weight.T, self.gamma2.bias)
        inputs = (hidden, self._kept(hidden), content, start, recalled, *gates)
        memories: Tensor = in_full_precision(Gated, *inputs)
        return memories

    def _kept(self, hidden: Tensor) -> Tensor:
        """Draw what dropout lets pass of the hidden units, (T, n, both widths)."""
        shape = hidden.shape[:-1]
        pairs = zip(self.widths, self.dropouts, strict=True)
        masks = [dropout_mask(hidden.new_empty(*shape, w), p, self.training) for w, p in pairs]
        return torch.cat(masks, dim=-1)


class Model(Network):
    """Memory fusion network: the last states and the memory, joined, go to two layers.

    Shapes: M views (n, T_m, D_m) -> aligned (T, n, D_m) -> cells (T, n, H), H units of all channels
    -> windows (T, n, window H) -> memories (T, n, memory) -> joined (n, H + memory) -> logits
    (n, C).
    """

    def __init__(self, dims: Mapping[str, int], outputs: int, config: Config) -> None:
        super().__init__()
        self.core = MemoryCore(dims, config)
        self.vector_width = sum(self.core.widths) + config.memory
        self.head = mlp(self.vector_width, config.out, outputs, config.out_dropout)

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips."""
        ends, memory = self.core(batch.views)
        joined = torch.cat([*ends.values(), memory], dim=-1)
        return FusionOutput(self.head(joined), vector=joined)


def aligned(views: Views, steps: int | Literal["longest"]) -> tuple[list[Tensor], Tensor]:
    """Bring views to common steps.

    Returns
    -------
    list of Tensor, shapes (T, n, D)
        Views in their order, zero where nothing was observed.
    lengths : Tensor of int64, shape (n,)
        Common steps of each clip, at least 1.
    """
    own = torch.stack([view.lengths * view.observed for view in views.values()])
    longest = own.amax(dim=0).clamp(min=1)
    common = longest
    if steps != "longest":
        together = ((own == longest) | (own == 0)).all(dim=0) & (longest <= steps)
        common = torch.where(together, longest, steps)
    inputs = []
    for view, lengths in zip(views.values(), own, strict=True):
        mask = view.mask
        values = view.values if mask.all() else view.values.masked_fill(~mask[..., None], 0)
        # What is missing has no duration: it is zero, however many steps that takes.
        inputs.append(resample(values, torch.where(lengths > 0, lengths, 1), common))
    return [values.transpose(0, 1).contiguous() for values in inputs], common


def windows(cells: Tensor, size: int) -> Tensor:
    """Put the cells of ``size`` steps side by side, zeros before the first: (T, n, size x D)."""
    padded = functional.pad(cells, (0, 0, 0, 0, size - 1, 0))
    return torch.cat([padded[k : k + len(cells)] for k in range(size)], dim=-1)


def _channel(inputs: int, modality: str, config: Config) -> nn.Module:
    units = config.units(modality)
    if config.channel == "lstm":
        return nn.LSTM(inputs + (config.memory if config.feedback == "mem" else 0), units)
    return nn.Sequential(nn.Linear(inputs, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU())


def _last(values: Tensor, lengths: Tensor) -> Tensor:
    """Pick each clip's last step, (T, n, D) -> (n, D); what follows it is never read."""
    return values[lengths - 1, torch.arange(values.shape[1], device=values.device)]
