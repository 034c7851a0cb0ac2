"""A training step of `mfn` against the same mathematics written as a loop over the steps.

    python benchmarks/mfn.py [--batch 32] [--steps 50] [--rounds 15] [--threads N]

The loop is how the network is usually written: at every step one LSTMCell per modality, then
attention, then the gates. Both have the same parameters and see the same batch; a step is forward,
loss, backward and Adam, in the arithmetic of a training. They take turns in this process; medians
are compared, and the fastest steps, which a busy machine disturbs least. First, in 32 bits and
without dropout, their outputs and gradients must agree to 1e-5.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time

import torch
from options import make_parser
from steps import cross_entropy, derivative
from torch import Tensor, nn
from torch.nn import functional

from emocli.data.batch import Batch, FusionOutput, Padded
from emocli.fusion import mfn
from emocli.training.compute import deterministic_torch

DIMS = {"audio": 74, "text": 300, "visual": 35}
CLASSES = 6
CLOSE = 1e-5


class Loop(nn.Module):
    """The memory fusion network, step by step, with the parameters of another one."""

    def __init__(self, model: mfn.Model) -> None:
        super().__init__()
        core, memory = model.core, model.core.memory
        self.names, self.widths, self.memory_width = core.names, core.widths, core.config.memory
        self.cells = nn.ModuleList()
        for name, width in zip(core.names, core.widths, strict=True):
            cell = nn.LSTMCell(DIMS[name], width)
            state = core.channels[name].state_dict()
            cell.load_state_dict({k.removesuffix("_l0"): value for k, value in state.items()})
            self.cells.append(cell)
        self.nn1 = copied(core.nn1, core.config.nn1_dropout)
        self.nn2 = copied(core.nn2, core.config.nn2_dropout)
        self.head = copied(model.head, core.config.out_dropout)
        first, (keep, write) = memory.first, memory.dropouts
        size = memory.widths[0]
        self.keep = gate(first.weight[:size], first.bias[:size], memory.gamma1, keep)
        self.write = gate(first.weight[size:], first.bias[size:], memory.gamma2, write)

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips, all of which have the same number of steps."""
        views = [batch.views[name].values for name in self.names]
        n, steps, _ = views[0].shape
        hidden = [views[0].new_zeros(n, width) for width in self.widths]
        cells = list(hidden)
        memory = views[0].new_zeros(n, self.memory_width)
        for step in range(steps):
            before = cells
            states = [
                cell(view[:, step], (h, c))
                for cell, view, h, c in zip(self.cells, views, hidden, cells, strict=True)
            ]
            hidden, cells = [h for h, _ in states], [c for _, c in states]
            window = torch.cat([*before, *cells], dim=1)
            attended = functional.softmax(self.nn1(window), dim=1) * window
            content = torch.tanh(self.nn2(attended))
            both = torch.cat([attended, memory], dim=1)
            keep, write = torch.sigmoid(self.keep(both)), torch.sigmoid(self.write(both))
            memory = keep * memory + write * content
        return FusionOutput(self.head(torch.cat([*hidden, memory], dim=1)))


class TwoLayers(nn.Module):
    """Two linear layers with ReLU and dropout between them."""

    def __init__(self, first: nn.Linear, last: nn.Linear, dropout: float) -> None:
        super().__init__()
        self.first, self.last, self.dropout = first, last, nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)."""
        outputs: Tensor = self.last(self.dropout(functional.relu(self.first(x))))
        return outputs


def copied(part: nn.Sequential, dropout: float) -> TwoLayers:
    first, *_, last = copy.deepcopy(part)
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    return TwoLayers(first, last, dropout)


def gate(weight: Tensor, bias: Tensor, last: nn.Linear, dropout: float) -> TwoLayers:
    """Take a gate out of the memory, whose gates have their first layers in one."""
    first = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        first.weight.copy_(weight)
        first.bias.copy_(bias)
    return TwoLayers(first, copy.deepcopy(last), dropout)


def main() -> None:
    parser = make_parser(__doc__, batch=32, steps=50, rounds=15)
    parser.add_argument("--threads", type=int, default=0, help="of the CPU (0: PyTorch's choice)")
    options = parser.parse_args()
    with deterministic_torch(options.threads):
        compare(options)


def compare(options: argparse.Namespace) -> None:
    torch.manual_seed(0)
    batch = noise(options.batch, options.steps)
    agree(batch, options.steps)
    model = mfn.Model(DIMS, CLASSES, mfn.Config(steps=options.steps))
    loop = Loop(model)
    networks = {"loop": loop, "mfn": model}
    optimisers = {
        name: torch.optim.Adam(n.parameters(), fused=True) for name, n in networks.items()
    }
    times: dict[str, list[float]] = {name: [] for name in networks}
    for turn in range(options.rounds + 1):
        for name, network in networks.items():
            start = time.perf_counter()
            step(network, optimisers[name], batch)
            if turn:  # the first one warms up
                times[name].append(time.perf_counter() - start)
    print(
        f"batch {options.batch}, {options.steps} steps, {torch.get_num_threads()} threads, "
        f"median of {options.rounds} trainings each"
    )
    for name, found in times.items():
        median, fastest = statistics.median(found) * 1e3, min(found) * 1e3
        print(f"{name:5} {median:7.1f} ms  (fastest: {fastest:.1f} ms)")
    ratios = [a / b for a, b in zip(times["loop"], times["mfn"], strict=True)]
    ratio = statistics.median(ratios)
    fastest = min(times["loop"]) / min(times["mfn"])
    print(
        f"ratio: {ratio:.1f} times as fast (rounds: {min(ratios):.1f} to {max(ratios):.1f}; "
        f"fastest: {fastest:.1f})"
    )


def noise(count: int, steps: int) -> Batch:
    lengths = torch.full((count,), steps)
    views = {n: Padded(torch.randn(count, steps, d), lengths) for n, d in DIMS.items()}
    return Batch(tuple(map(str, range(count))), views, torch.arange(count) % CLASSES)


def step(network: nn.Module, optimiser: torch.optim.Optimizer, batch: Batch) -> None:
    optimiser.zero_grad()
    torch.autograd.backward(cross_entropy(network(batch).logits, batch))
    optimiser.step()


def agree(batch: Batch, steps: int) -> None:
    """Compare outputs and gradients, in evaluation mode."""
    model = mfn.Model(DIMS, CLASSES, mfn.Config(steps=steps)).eval()
    loop = Loop(model).eval()
    outputs = []
    for network in (model, loop):
        output = network(batch).logits
        torch.autograd.backward(cross_entropy(output, batch))
        outputs.append(output)
    ours, theirs = outputs
    pairs = [(ours, theirs), *gradients(model, loop)]
    worst = max(float((a - b).detach().abs().max()) for a, b in pairs)
    assert worst < CLOSE, f"outputs or gradients differ by {worst:g}"
    print(f"outputs and {len(pairs) - 1} gradients agree to {worst:.1e}")


def gradients(model: mfn.Model, loop: Loop) -> list[tuple[Tensor, Tensor]]:
    core, memory = model.core, model.core.memory
    first = [loop.keep.first, loop.write.first]
    pairs = [
        (derivative(memory.first.weight), torch.cat([derivative(part.weight) for part in first])),
        (derivative(memory.first.bias), torch.cat([derivative(part.bias) for part in first])),
    ]
    modules: list[tuple[nn.Module, nn.Module]] = [
        (core.nn1, loop.nn1),
        (core.nn2, loop.nn2),
        (model.head, loop.head),
        (memory.gamma1, loop.keep.last),
        (memory.gamma2, loop.write.last),
        *zip((core.channels[name] for name in core.names), loop.cells, strict=True),
    ]
    for ours, theirs in modules:
        own = zip(ours.parameters(), theirs.parameters(), strict=True)
        pairs += [(derivative(a), derivative(b)) for a, b in own]
    return pairs


if __name__ == "__main__":
    main()
