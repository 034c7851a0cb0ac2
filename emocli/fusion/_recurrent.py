"""Recurrences whose derivatives are written out, and dropout: what makes `mfn` fast on a CPU.

Stepping costs operations, not arithmetic. So whatever does not depend on the step before is
computed for all steps at once, what is left is done for all modalities together, and going back the
derivatives of the weights, sums over the steps, are one product of matrices each at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

aten = torch.ops.aten
"""Derivatives of functions, given the function's value: one pass over the numbers each."""


class Gated(torch.autograd.Function):
    """The recurrence of the memory with its derivative.

    For each step t, with p what dropout lets pass and h1, h2 the two parts of h,

        h = relu(found[t] + memory @ recalled) * p[t]
        keep, write = sigmoid(h1 @ weight1 + bias1), sigmoid(h2 @ weight2 + bias2)
        memory = keep * memory + write * content[t]
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
        return memories[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Go back through the steps."""
        passed, content, recalled, weight1, weight2, inner, gates, memories = ctx.saved_tensors
        size = len(weight1)
        before, (keep, write) = memories[:-1], gates
        # What both gates and the content are told of a memory's derivative.
        factors = torch.stack(
            [aten.sigmoid_backward(before, keep), aten.sigmoid_backward(content, write), write]
        )
        parts, d_found = torch.empty_like(factors), torch.empty_like(inner)
        passed = aten.threshold_backward(passed, inner, 0)
        steps = zip(
            *(gradient, passed, keep, factors.unbind(1), parts.unbind(1)),
            *(parts[0], parts[1], d_found, d_found[..., :size], d_found[..., size:]),
            strict=True,
        )
        recall, first, second = recalled.T, weight1.T, weight2.T
        d_memory = torch.zeros_like(memories[0])
        for d, mask, door, factor, part, d1, d2, both, part1, part2 in reversed([*steps]):
            torch.mul(d_memory.add_(d), factor, out=part)
            torch.mm(d1, first, out=part1)
            torch.mm(d2, second, out=part2)
            d_memory.mul_(door).addmm_(both.mul_(mask), recall)
        d1, d2 = parts[:2].flatten(1, 2)
        before, flat, hidden = (x.flatten(0, 1) for x in (before, d_found, inner))
        return (
            *(d_found, None, parts[2], d_memory, before.T @ flat),
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
        shown = torch.empty_like(cells[:, 1:])
        enter, keep, new, leave = gates.chunk(4, dim=-1)
        sliced = (
            *(gates, gates[..., : 2 * size], enter, keep, new, leave),
            *(states[:, :-1], states[:, 1:], cells[:, :-1], cells[:, 1:], shown),
        )
        steps = zip(*(values.unbind(1) for values in sliced), strict=True)
        for own, doors, i, f, g, o, before, state, old, cell, bounded in steps:
            own.baddbmm_(before, weight)
            doors.sigmoid_()
            torch.mul(f, old, out=cell).addcmul_(i, g.tanh_())
            torch.mul(o.sigmoid_(), torch.tanh(cell, out=bounded), out=state)
        ctx.save_for_backward(*inputs, *maps, weight, gates, states, cells, shown)
        return states[:, 1:], cells[:, 1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_states: Tensor, d_cells: Tensor) -> tuple[Tensor | None, ...]:
        """Go back through the steps."""
        *both, weight, gates, states, cells, shown = ctx.saved_tensors
        inputs, maps = both[: len(weight)], both[len(weight) :]
        enter, keep, new, leave = gates.chunk(4, dim=-1)
        slopes = torch.stack(
            [
                aten.sigmoid_backward(new, enter),
                aten.sigmoid_backward(cells[:, :-1], keep),
                aten.tanh_backward(enter, new),
                aten.sigmoid_backward(shown, leave),
            ],
            dim=-2,
        )
        d_gates = torch.empty_like(slopes)
        flat = d_gates.flatten(-2)
        sliced = (
            *(d_states, d_cells, aten.tanh_backward(leave, shown), keep),
            *(slopes[..., :3, :], slopes[..., 3, :]),
            *(flat, d_gates[..., :3, :], d_gates[..., 3, :]),
        )
        steps = [*zip(*(values.unbind(1) for values in sliced), strict=True)]
        d_state, d_cell = torch.zeros_like(states[:, 0]), torch.zeros_like(cells[:, 0])
        back = weight.transpose(1, 2)
        for seen, seen_cell, through, f, inner, last, own, d_inner, d_last in reversed(steps):
            d_state += seen
            d_cell.add_(seen_cell).addcmul_(d_state, through)
            torch.mul(inner, d_cell[..., None, :], out=d_inner)
            torch.mul(last, d_state, out=d_last)
            d_cell *= f
            torch.bmm(own, back, out=d_state)
        flat = flat.flatten(1, 2)
        wanted = zip(flat, inputs, maps, ctx.needs_input_grad, strict=False)
        return (
            *((d @ w).view_as(x) if needed else None for d, x, w, needed in wanted),
            *((x.flatten(0, 1).T @ d).T for d, x in zip(flat, inputs, strict=True)),
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


def lstm_cell(lstm: nn.Module, x: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """One step of an LSTM."""
    state: tuple[Tensor, Tensor] = torch.lstm_cell(x, (hidden, cell), *_weights(lstm))
    return state


def mlp(inputs: int, hidden: int, outputs: int, dropout: float) -> nn.Sequential:
    """Two layers."""
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), Dropout(dropout), nn.Linear(hidden, outputs)
    )


def _weights(lstm: nn.Module) -> list[Any]:
    return [
        getattr(lstm, f"{kind}_l0") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]


def _filled(gates: Tensor, lack: int) -> Tensor:
    """Append zero rows to each of the four gates of an LSTM's weights (4 D, ...)."""
    if not lack:
        return gates
    each = gates.view(4, -1, *gates.shape[1:]).transpose(1, -1)
    return functional.pad(each, (0, lack)).transpose(1, -1).flatten(0, 1)
