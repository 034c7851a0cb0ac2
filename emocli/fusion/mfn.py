"""Memory fusion network: one LSTM per modality, attention over their cells, a gated memory.

At every step attention looks at what the cells of all LSTMs held before and hold now, and what it
finds is written to a memory that the LSTMs do not have: what modalities say together. Neither cells
nor attention depend on the memory (without ``feedback``), so they are computed for all steps at
once, and only the memory is stepped through.

Source: Zadeh et al. 2018, AAAI; as used by Mittal et al. 2020, AAAI (sec. 4.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from emocli.config import Settings, Tree
from emocli.data.batch import Batch, FusionOutput, Padded
from emocli.data.resample import resample
from emocli.data.samples import Level
from emocli.fusion._layers import PerView, Size

Share = Annotated[float, Field(ge=0, lt=1)]
Views = Mapping[str, Padded]


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
        Numbers in the memory.
    nn1, nn2, gamma1, gamma2, out : int
        Hidden units of the networks of attention, of what is written to the memory, of the gates
        that keep and that write, and of the last two layers.
    nn1_dropout, nn2_dropout, gamma1_dropout, gamma2_dropout, out_dropout : float
        Share of each network's hidden units that is dropped in training.
    """

    hidden: Size = 32
    hiddens: dict[str, Size] = Field({})
    channel: Literal["lstm", "ff"] = "lstm"
    steps: Annotated[int, Field(ge=1)] | Literal["longest"] = 20
    feedback: Literal["none", "mem"] = "none"
    window: Annotated[int, Field(ge=1, le=64)] = 2
    memory: Size = 128
    nn1: Size = 256
    nn1_dropout: Share = 0.5
    nn2: Size = 64
    nn2_dropout: Share = 0.5
    gamma1: Size = 64
    gamma1_dropout: Share = 0.5
    gamma2: Size = 64
    gamma2_dropout: Share = 0.5
    out: Size = 64
    out_dropout: Share = 0.5

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

PLUS: Tree = PAPER | {"lr": 1e-3, "batch_size": 64, "scheduler": "plateau", "patience": 30}

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


class Core(nn.Module):
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
        self.memory = Memory(seen, config)

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
        """Weigh the cells of a window, and make of them what is written to the memory.

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
        start = [(own.new_zeros(n, w), own.new_zeros(n, w)) for own, w in self._with_width(inputs)]
        recent = [torch.cat([c for _, c in start], dim=-1)] * self.config.window
        states, memories = [], []
        for step in zip(*inputs, strict=True):
            start = [
                _cell(self.channels[name], torch.cat([x, memory], dim=-1), *state)
                for name, x, state in zip(self.names, step, start, strict=True)
            ]
            recent = [*recent[1:], torch.cat([c for _, c in start], dim=-1)]
            memory = self.memory(*self.attend(torch.cat(recent, dim=-1)[None]), memory)[0]
            states.append([h for h, _ in start])
            memories.append(memory)
        return [torch.stack(own) for own in zip(*states, strict=True)], torch.stack(memories)

    def _with_width(self, inputs: Sequence[Tensor]) -> list[tuple[Tensor, int]]:
        return list(zip(inputs, self.widths, strict=True))


class Memory(nn.Module):
    """The memory, gated by what attention found and by itself.

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
        found = functional.linear(attended, self.first.weight[:, : self.inputs], self.first.bias)
        start = torch.zeros_like(content[0]) if memory is None else memory
        recalled = self.first.weight[:, self.inputs :].T
        gates = (self.gamma1.weight.T, self.gamma1.bias, self.gamma2.weight.T, self.gamma2.bias)
        return in_full_precision(Gated, found, self._kept(found), content, start, recalled, *gates)

    def _kept(self, found: Tensor) -> Tensor:
        """Draw what dropout lets pass of the hidden units, (T, n, both widths)."""
        shape = found.shape[:-1]
        pairs = zip(self.widths, self.dropouts, strict=True)
        masks = [kept(found.new_empty(*shape, w), p, self.training) for w, p in pairs]
        return torch.cat(masks, dim=-1)


class Gated(torch.autograd.Function):
    """The recurrence of the memory with its derivative.

    For each step t, with p what dropout lets pass and h1, h2 the two parts of h,

        h = relu(found[t] + memory @ recalled) * p[t]
        keep, write = sigmoid(h1 @ weight1 + bias1), sigmoid(h2 @ weight2 + bias2)
        memory = keep * memory + write * content[t]

    Derivatives of the weights are sums over the steps, which one product of matrices computes at
    the end; PyTorch by itself would make one product per step, and twice as many operations.
    """

    @staticmethod
    def forward(ctx: Any, *given: Tensor) -> Tensor:
        """Return the memory after each step, (T, n, D)."""
        found, passed, content, start, recalled, weight1, bias1, weight2, bias2 = given
        inner = torch.empty_like(found)
        gates = found.new_empty(2, *content.shape)
        memories = torch.cat([start[None], torch.empty_like(content)])
        size = len(weight1)
        steps = zip(
            *(found, passed, content, memories[:-1], memories[1:]),
            *(inner, inner[..., :size], inner[..., size:], gates[0], gates[1]),
            strict=True,
        )
        for seen, mask, new, before, after, both, first, second, keep, write in steps:
            torch.addmm(seen, before, recalled, out=both).relu_().mul_(mask)
            torch.addmm(bias1, first, weight1, out=keep).sigmoid_()
            torch.addmm(bias2, second, weight2, out=write).sigmoid_()
            torch.mul(keep, before, out=after).addcmul_(write, new)
        ctx.save_for_backward(passed, content, recalled, weight1, weight2, inner, gates, memories)
        return memories[1:].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Go back through the steps."""
        passed, content, recalled, weight1, weight2, inner, gates, memories = ctx.saved_tensors
        size = len(weight1)
        slope = gates * (1 - gates) * torch.stack([memories[:-1], content])
        passed = passed * (inner > 0)
        d_gates, d_found = torch.empty_like(gates), torch.empty_like(inner)
        d_memories = torch.empty_like(content)
        d_memory = torch.zeros_like(memories[0])
        steps = zip(
            *(gradient, passed, gates[0], slope[0], slope[1], d_memories),
            *(d_gates[0], d_gates[1], d_found, d_found[..., :size], d_found[..., size:]),
            strict=True,
        )
        recall, first, second = recalled.T, weight1.T, weight2.T
        for d, mask, keep, slope1, slope2, total, d1, d2, both, part1, part2 in reversed([*steps]):
            torch.add(d, d_memory, out=total)
            torch.mm(torch.mul(total, slope1, out=d1), first, out=part1)
            torch.mm(torch.mul(total, slope2, out=d2), second, out=part2)
            d_memory = torch.addmm(total * keep, both.mul_(mask), recall)
        before, flat, hidden = (x.flatten(0, 1) for x in (memories[:-1], d_found, inner))
        d1, d2 = d_gates.flatten(1, 2)
        return (
            *(d_found, None, d_memories * gates[1], d_memory, before.T @ flat),
            *(hidden[:, :size].T @ d1, d1.sum(dim=0), hidden[:, size:].T @ d2, d2.sum(dim=0)),
        )


class Cells(torch.autograd.Function):
    """Several LSTMs of one width, side by side, with their derivative; the cells are returned too.

    PyTorch's own keeps the cells to itself, and one LSTM after the other costs as many times the
    operations.
    """

    @staticmethod
    def forward(ctx: Any, *given: Tensor) -> tuple[Tensor, Tensor]:
        """Return states and cells, shape (M, T, n, D).

        Given are M inputs (T, n, D_m), as many weights (4 D, D_m) of theirs, the biases (M, 4 D),
        and the weights of the states (M, D, 4 D); gates in the order enter, keep, new, leave.
        """
        *both, bias, weight = given
        inputs, maps = both[: len(bias)], both[len(bias) :]
        size = weight.shape[1]
        gates = bias.new_empty(len(bias), *inputs[0].shape[:2], 4 * size)
        for own, b, x, w in zip(gates, bias, inputs, maps, strict=True):
            torch.addmm(b, x.flatten(0, 1), w.T, out=own.flatten(0, 1))
        shape = (2, len(bias), inputs[0].shape[0] + 1, inputs[0].shape[1], size)
        states, cells = bias.new_zeros(shape)
        enter, keep, new, leave = gates.chunk(4, dim=-1)
        sliced = (
            *(gates, gates[..., : 2 * size], enter, keep, new, leave),
            *(states[:, :-1], states[:, 1:], cells[:, :-1], cells[:, 1:]),
        )
        steps = zip(*(values.unbind(1) for values in sliced), strict=True)
        for own, doors, i, f, g, o, before, state, old, cell in steps:
            own.baddbmm_(before, weight)
            doors.sigmoid_()
            torch.mul(f, old, out=cell).addcmul_(i, g.tanh_())
            torch.mul(o.sigmoid_(), cell.tanh(), out=state)
        ctx.save_for_backward(*inputs, *maps, weight, gates, states, cells)
        return states[:, 1:].clone(), cells[:, 1:].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_states: Tensor, d_cells: Tensor) -> tuple[Tensor | None, ...]:
        """Go back through the steps."""
        *both, weight, gates, states, cells = ctx.saved_tensors
        inputs, maps = both[: len(weight)], both[len(weight) :]
        enter, keep, new, leave = gates.chunk(4, dim=-1)
        shown = cells[:, 1:].tanh()
        slopes = torch.stack(
            [
                new * enter * (1 - enter),
                cells[:, :-1] * keep * (1 - keep),
                enter * (1 - new * new),
                shown * leave * (1 - leave),
            ],
            dim=-2,
        )
        d_gates = torch.empty_like(slopes)
        flat = d_gates.flatten(-2)
        sliced = (
            *(d_states, d_cells, leave * (1 - shown * shown), keep),
            *(slopes[..., :3, :], slopes[..., 3, :]),
            *(flat, d_gates[..., :3, :], d_gates[..., 3, :]),
        )
        steps = [*zip(*(values.unbind(1) for values in sliced), strict=True)]
        d_state, d_cell = torch.zeros_like(states[:, 0]), torch.zeros_like(cells[:, 0])
        back = weight.transpose(1, 2)
        for seen, seen_cell, through, f, inner, last, own, d_inner, d_last in reversed(steps):
            d_state = d_state + seen
            d_cell = torch.addcmul(d_cell + seen_cell, d_state, through)
            torch.mul(inner, d_cell[..., None, :], out=d_inner)
            torch.mul(last, d_state, out=d_last)
            d_cell = d_cell * f
            d_state = torch.bmm(own, back)
        flat = flat.flatten(1, 2)
        wanted = zip(flat, inputs, maps, ctx.needs_input_grad, strict=False)
        return (
            *((d @ w).view_as(x) if needed else None for d, x, w, needed in wanted),
            *(d.T @ x.flatten(0, 1) for d, x in zip(flat, inputs, strict=True)),
            flat.sum(dim=1),
            states[:, :-1].flatten(1, 2).transpose(1, 2) @ flat,
        )


class Dropout(nn.Module):
    """PyTorch's dropout in a third of its time on a CPU."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Drop a share of the numbers, in training."""
        return x * kept(x, self.share, self.training) if self.training and self.share else x


class Model(nn.Module):
    """Memory fusion network: the last states and the memory, joined, go to two layers."""

    level: ClassVar[Level] = "clip"

    def __init__(self, dims: Mapping[str, int], outputs: int, config: Config) -> None:
        super().__init__()
        self.core = Core(dims, config)
        joined = sum(self.core.widths) + config.memory
        self.head = mlp(joined, config.out, outputs, config.out_dropout)

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips."""
        ends, memory = self.core(batch.views)
        return FusionOutput(self.head(torch.cat([*ends.values(), memory], dim=-1)))


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


def kept(like: Tensor, share: float, training: bool) -> Tensor:
    """Draw what dropout multiplies numbers by: 0, or what keeps their mean; 1 outside training."""
    if not training or not share:
        return torch.ones_like(like)
    # PyTorch draws uniform numbers four times as fast as the coins its own dropout tosses.
    return torch.rand_like(like).ge_(share).div_(1 - share)


def in_full_precision(function: type[torch.autograd.Function], *given: Tensor) -> Any:
    """Compute a recurrence in the precision of its last weight, whatever layers around it use."""
    with torch.autocast(given[-1].device.type, enabled=False):
        inputs = (tensor.to(given[-1].dtype) for tensor in given)
        return function.apply(*inputs)  # type: ignore[no-untyped-call]


def lstms(
    modules: Sequence[nn.Module], inputs: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Run LSTMs over inputs (T, n, D) each, side by side: their states and cells at every step.

    Units that narrower ones lack are filled up with some that stay zero and teach nothing.
    """
    weights = [_weights(module) for module in modules]
    widths = [w_h.shape[1] for _, w_h, _, _ in weights]
    more = [max(widths) - width for width in widths]
    maps = [_filled(w_x, lack) for (w_x, _, _, _), lack in zip(weights, more, strict=True)]
    biases = [
        _filled(b_x + b_h, lack) for (_, _, b_x, b_h), lack in zip(weights, more, strict=True)
    ]
    own = [
        functional.pad(_filled(w_h, lack), (0, lack)).T
        for (_, w_h, _, _), lack in zip(weights, more, strict=True)
    ]
    found = in_full_precision(Cells, *inputs, *maps, torch.stack(biases), torch.stack(own))
    states, cells = (
        [values[..., :width] for values, width in zip(side, widths, strict=True)] for side in found
    )
    return states, cells


def _filled(gates: Tensor, lack: int) -> Tensor:
    """Append zero rows to each of the four gates of an LSTM's weights (4 D, ...)."""
    if not lack:
        return gates
    each = gates.unflatten(0, (4, -1)).transpose(1, -1)
    return functional.pad(each, (0, lack)).transpose(1, -1).flatten(0, 1)


def mlp(inputs: int, hidden: int, outputs: int, dropout: float) -> nn.Sequential:
    """Two layers."""
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), Dropout(dropout), nn.Linear(hidden, outputs)
    )


def _channel(inputs: int, modality: str, config: Config) -> nn.Module:
    units = config.units(modality)
    if config.channel == "lstm":
        return nn.LSTM(inputs + (config.memory if config.feedback == "mem" else 0), units)
    return nn.Sequential(nn.Linear(inputs, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU())


def _weights(lstm: nn.Module) -> list[Any]:
    return [
        getattr(lstm, f"{kind}_l0") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]


def _cell(lstm: nn.Module, x: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """One step of an LSTM."""
    state: tuple[Tensor, Tensor] = torch.lstm_cell(x, (hidden, cell), *_weights(lstm))
    return state


def _last(values: Tensor, lengths: Tensor) -> Tensor:
    """Pick each clip's last step, (T, n, D) -> (n, D); what follows it is never read."""
    return values[lengths - 1, torch.arange(values.shape[1], device=values.device)]
