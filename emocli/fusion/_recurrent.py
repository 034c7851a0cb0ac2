"""Recurrences with written-out derivatives, and dropout: the fast layers of `mfn` on a CPU.

At the sizes of these layers a step's time goes into starting operations, hardly into arithmetic, so
the fewer operations the faster. Whatever does not depend on the step before is computed for all
steps at once; the rest of a step is computed for all modalities together; and in the backward pass
the derivative of each weight matrix, a sum over the steps, is one product of matrices at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

aten = torch.ops.aten
"""PyTorch's operations; its ``*_backward`` are derivatives from a function's value, in one pass."""


class Gated(torch.autograd.Function):
    """The gated memory of a memory fusion network, with its derivative.

    Shapes: inputs a (T, n, H), with H units for both gates, dropout masks p (T, n, H), contents c
    (T, n, D), start m[0] (n, D), recalled R (D, H), weights W1 (H1, D) and W2 (H2, D) with
    H1 + H2 = H, biases b1 and b2 (D,); the memories are (T, n, D). For each step t, with h1 and h2
    the two parts of h and * between numbers,

        h[t] = relu(a[t] + m[t-1] R) * p[t]
        k[t] = sigmoid(u[t]),  u[t] = h1[t] W1 + b1      what is kept
        w[t] = sigmoid(v[t]),  v[t] = h2[t] W2 + b2      what is written
        m[t] = k[t] * m[t-1] + w[t] * c[t]
    """

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Tensor:
        """Return the memory after each step, (T, n, D)."""
        inputs, masks, content, start, recalled, weight1, bias1, weight2, bias2 = tensors
        inner = torch.empty_like(inputs)
        gates = inputs.new_empty(2, *content.shape)
        memories = torch.cat([start[None], torch.empty_like(content)])
        size = len(weight1)
        steps = zip(
            *(inputs, masks, content, memories[:-1], memories[1:]),
            *(inner, inner[..., :size], inner[..., size:], gates[0], gates[1]),
            strict=True,
        )
        for seen, mask, new, before, after, both, first, second, keep, write in steps:
            torch.addmm(seen, before, recalled, out=both).relu_().mul_(mask)
            torch.addmm(bias1, first, weight1, out=keep).sigmoid_()
            torch.addmm(bias2, second, weight2, out=write).sigmoid_()
            torch.mul(keep, before, out=after).addcmul_(write, new)
        ctx.save_for_backward(masks, content, recalled, weight1, weight2, inner, gates, memories)
        return memories[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Go back through the steps.

        With dX for the derivative of the loss by X, and g[t] for what comes from the output m[t]
        itself, the chain rule gives, from the last step to the first,

            dm[t]   = g[t] + dm[t+1] * k[t+1] + da[t+1] R'
            du[t]   = dm[t] * m[t-1] * k[t] (1 - k[t])      since dk[t] = dm[t] * m[t-1]
            dv[t]   = dm[t] * c[t] * w[t] (1 - w[t])        since dw[t] = dm[t] * c[t]
            dc[t]   = dm[t] * w[t]
            dh[t]   = [du[t] W1', dv[t] W2']
            da[t]   = dh[t] * p[t] * (1 where h[t] > 0, else 0)

        The memory before step 1 gets dm[0], without a g[0]. Parameters serve every step, so that
        their derivatives are sums over the steps, one product of matrices each:

            dR = sum m[t-1]' da[t],  dW1 = sum h1[t]' du[t],  db1 = sum du[t]
        """
        masks, content, recalled, weight1, weight2, inner, gates, memories = ctx.saved_tensors
        size = len(weight1)
        before, (keep, write) = memories[:-1], gates
        # What dm[t] is multiplied by in du[t], dv[t] and dc[t]: known for all steps beforehand.
        factors = torch.stack(
            [aten.sigmoid_backward(before, keep), aten.sigmoid_backward(content, write), write]
        )
        parts, d_inputs = torch.empty_like(factors), torch.empty_like(inner)
        # p[t], and zero where the rectifier is shut; where p[t] is zero, h[t] is too.
        masks = aten.threshold_backward(masks, inner, 0)
        steps = zip(
            *(gradient, masks, keep, factors.unbind(1), parts.unbind(1)),
            *(parts[0], parts[1], d_inputs, d_inputs[..., :size], d_inputs[..., size:]),
            strict=True,
        )
        recall, first, second = recalled.T, weight1.T, weight2.T
        d_memory = torch.zeros_like(memories[0])
        for d, mask, door, factor, part, d1, d2, both, part1, part2 in reversed([*steps]):
            torch.mul(d_memory.add_(d), factor, out=part)  # du, dv, dc
            torch.mm(d1, first, out=part1)  # dh
            torch.mm(d2, second, out=part2)
            d_memory.mul_(door).addmm_(both.mul_(mask), recall)  # da; then dm of the step before
        d1, d2 = parts[:2].flatten(1, 2)
        before, flat, hidden = (x.flatten(0, 1) for x in (before, d_inputs, inner))
        return (
            *(d_inputs, None, parts[2], d_memory, before.T @ flat),
            *(hidden[:, :size].T @ d1, d1.sum(dim=0), hidden[:, size:].T @ d2, d2.sum(dim=0)),
        )


class Cells(torch.autograd.Function):
    """Several LSTMs of one width, side by side, with their derivative; the cells are returned too.

    PyTorch's own keeps the cells to itself, and one LSTM after the other costs as many times the
    operations. Each of the M is, for each step t, with z in four parts of width D,

        z[t] = x[t] W' + b + s[t-1] U
        i[t] = sigmoid(z_i[t])      enter
        f[t] = sigmoid(z_f[t])      keep
        g[t] = tanh(z_g[t])         new
        o[t] = sigmoid(z_o[t])      leave
        c[t] = f[t] * c[t-1] + i[t] * g[t]
        s[t] = o[t] * tanh(c[t])
    """

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        """Return states and cells, shape (M, T, n, D).

        Tensors are M inputs x (T, n, D_m), as many weights W (4 D, D_m) of theirs, the biases b
        (M, 4 D), and the weights U of the states (M, D, 4 D); gates in the order i, f, g, o.
        """
        *both, bias, weight = tensors
        inputs, maps = both[: len(bias)], both[len(bias) :]
        size = weight.shape[1]
        gates = bias.new_empty(len(bias), *inputs[0].shape[:2], 4 * size)
        for own, b, x, w in zip(gates, bias, inputs, maps, strict=True):
            torch.addmm(b, x.flatten(0, 1), w.T, out=own.flatten(0, 1))
        shape = (2, len(bias), inputs[0].shape[0] + 1, inputs[0].shape[1], size)
        states, cells = bias.new_zeros(shape)
        tanh_cells = torch.empty_like(cells[:, 1:])
        enter, keep, new, leave = gates.chunk(4, dim=-1)
        sliced = (
            *(gates, gates[..., : 2 * size], enter, keep, new, leave),
            *(states[:, :-1], states[:, 1:], cells[:, :-1], cells[:, 1:], tanh_cells),
        )
        steps = zip(*(values.unbind(1) for values in sliced), strict=True)
        for own, doors, i, f, g, o, before, state, old, cell, bounded in steps:
            own.baddbmm_(before, weight)
            doors.sigmoid_()
            torch.mul(f, old, out=cell).addcmul_(i, g.tanh_())
            torch.mul(o.sigmoid_(), torch.tanh(cell, out=bounded), out=state)
        ctx.save_for_backward(*inputs, *maps, weight, gates, states, cells, tanh_cells)
        return states[:, 1:], cells[:, 1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_states: Tensor, d_cells: Tensor) -> tuple[Tensor | None, ...]:
        """Go back through the steps.

        With dX for the derivative of the loss by X, and S[t] and C[t] for what comes from the
        outputs s[t] and c[t] themselves, the chain rule gives, from the last step to the first,

            ds[t]   = S[t] + dz[t+1] U'
            dc[t]   = C[t] + ds[t] * o[t] (1 - tanh(c[t])^2) + dc[t+1] * f[t+1]
            dz_i[t] = dc[t] * g[t] * i[t] (1 - i[t])
            dz_f[t] = dc[t] * c[t-1] * f[t] (1 - f[t])
            dz_g[t] = dc[t] * i[t] * (1 - g[t]^2)
            dz_o[t] = ds[t] * tanh(c[t]) * o[t] (1 - o[t])

        The factors of dc[t] and ds[t] in dz[t] are known for all steps beforehand: the slopes.
        Inputs and parameters then take one product of matrices each,

            dx[t] = dz[t] W,  dW = sum dz[t]' x[t],  db = sum dz[t],  dU = sum s[t-1]' dz[t]
        """
        *both, weight, gates, states, cells, tanh_cells = ctx.saved_tensors
        inputs, maps = both[: len(weight)], both[len(weight) :]
        enter, keep, new, leave = gates.chunk(4, dim=-1)
        slopes = torch.stack(
            [
                aten.sigmoid_backward(new, enter),
                aten.sigmoid_backward(cells[:, :-1], keep),
                aten.tanh_backward(enter, new),
                aten.sigmoid_backward(tanh_cells, leave),
            ],
            dim=-2,
        )
        d_gates = torch.empty_like(slopes)
        flat = d_gates.flatten(-2)
        sliced = (
            *(d_states, d_cells, aten.tanh_backward(leave, tanh_cells), keep),
            *(slopes[..., :3, :], slopes[..., 3, :]),
            *(flat, d_gates[..., :3, :], d_gates[..., 3, :]),
        )
        steps = [*zip(*(values.unbind(1) for values in sliced), strict=True)]
        d_state, d_cell = torch.zeros_like(states[:, 0]), torch.zeros_like(cells[:, 0])
        back = weight.transpose(1, 2)
        for seen, seen_cell, through, f, inner, last, own, d_inner, d_last in reversed(steps):
            d_state += seen
            d_cell.add_(seen_cell).addcmul_(d_state, through)  # dc of this step
            torch.mul(inner, d_cell[..., None, :], out=d_inner)
            torch.mul(last, d_state, out=d_last)
            d_cell *= f  # what the step before gets
            torch.bmm(own, back, out=d_state)
        flat = flat.flatten(1, 2)
        # Features ask for no derivative.
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
        return x * dropout_mask(x, self.share, self.training) if self.training and self.share else x


def dropout_mask(like: Tensor, share: float, training: bool) -> Tensor:
    """Draw a mask of inverted dropout: 0 or 1 / (1 - p); 1 outside training."""
    if not training or not share:
        return torch.ones_like(like)
    # PyTorch draws uniform numbers four times as fast as the coins its own dropout tosses.
    return torch.rand_like(like).ge_(share).div_(1 - share)


def in_full_precision(function: type[torch.autograd.Function], *tensors: Tensor) -> Any:
    """Compute a recurrence in the precision of its last weight, whatever layers around it use."""
    with torch.autocast(tensors[-1].device.type, enabled=False):
        inputs = (tensor.to(tensors[-1].dtype) for tensor in tensors)
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
    outputs = in_full_precision(Cells, *inputs, *maps, torch.stack(biases), torch.stack(own))
    states, cells = (
        [values[..., :width] for values, width in zip(side, widths, strict=True)]
        for side in outputs
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
