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
import statistics
import time

import torch
from options import make_parser
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
        self.names, self.inputs = core.names, memory.inputs
        self.cells = nn.ModuleList()
        for name, width in zip(core.names, core.widths, strict=True):
            cell = nn.LSTMCell(DIMS[name], width)
            state = core.channels[name].state_dict()
            cell.load_state_dict({k.removesuffix("_l0"): value for k, value in state.items()})
            self.cells.append(cell)
        self.nn1, self.nn2, self.head = (copied(part) for part in (core.nn1, core.nn2, model.head))
        self.gates = nn.ModuleList()
        start = 0
        for width, last, share in zip(
            memory.widths, (memory.gamma1, memory.gamma2), memory.dropouts, strict=True
        ):
            gate = usual(memory.first.in_features, width, last.out_features, share)
            rows = slice(start, start + width)
            with torch.no_grad():
                gate[0].weight.copy_(memory.first.weight[rows])
                gate[0].bias.copy_(memory.first.bias[rows])
            gate[3].load_state_dict(last.state_dict())
            self.gates.append(gate)
            start += width

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips, all of which have the same number of steps."""
        views = [batch.views[name].values for name in self.names]
        n, steps, _ = views[0].shape
        hidden = [views[0].new_zeros(n, cell.hidden_size) for cell in self.cells]
        cells = list(hidden)
        memory = views[0].new_zeros(n, self.gates[0][3].out_features)
        for step in range(steps):
            before = cells
            hidden, cells = zip(
                *(
                    cell(view[:, step], (h, c))
                    for cell, view, h, c in zip(self.cells, views, hidden, cells, strict=True)
                ),
                strict=True,
            )
            window = torch.cat([*before, *cells], dim=1)
            attended = functional.softmax(self.nn1(window), dim=1) * window
            content = torch.tanh(self.nn2(attended))
            both = torch.cat([attended, memory], dim=1)
            keep, write = (torch.sigmoid(gate(both)) for gate in self.gates)
            memory = keep * memory + write * content
        return FusionOutput(self.head(torch.cat([*hidden, memory], dim=1)))


def copied(part: nn.Sequential) -> nn.Sequential:
    first, _, dropout, last = part
    copy = usual(first.in_features, first.out_features, last.out_features, dropout.share)
    copy.load_state_dict(part.state_dict())
    return copy


def usual(inputs: int, hidden: int, outputs: int, share: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(share), nn.Linear(hidden, outputs)
    )


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
    functional.cross_entropy(network(batch).logits, batch.targets).backward()
    optimiser.step()


def agree(batch: Batch, steps: int) -> None:
    """Compare outputs and gradients, in evaluation mode."""
    model = mfn.Model(DIMS, CLASSES, mfn.Config(steps=steps)).eval()
    loop = Loop(model).eval()
    outputs = []
    for network in (model, loop):
        output = network(batch).logits
        functional.cross_entropy(output, batch.targets).backward()
        outputs.append(output)
    pairs = [outputs, *gradients(model, loop)]
    worst = max(float((a - b).detach().abs().max()) for a, b in pairs)
    assert worst < CLOSE, f"outputs or gradients differ by {worst:g}"
    print(f"outputs and {len(pairs) - 1} gradients agree to {worst:.1e}")


def gradients(model: mfn.Model, loop: Loop) -> list[tuple[Tensor, Tensor]]:
    core, memory = model.core, model.core.memory
    first = [gate[0] for gate in loop.gates]
    pairs = [
        (memory.first.weight.grad, torch.cat([part.weight.grad for part in first])),
        (memory.first.bias.grad, torch.cat([part.bias.grad for part in first])),
    ]
    modules = [
        (core.nn1, loop.nn1),
        (core.nn2, loop.nn2),
        (model.head, loop.head),
        (memory.gamma1, loop.gates[0][3]),
        (memory.gamma2, loop.gates[1][3]),
        *zip((core.channels[name] for name in core.names), loop.cells, strict=True),
    ]
    for ours, theirs in modules:
        own = zip(ours.parameters(), theirs.parameters(), strict=True)
        pairs += [(a.grad, b.grad) for a, b in own]
    return pairs


if __name__ == "__main__":
    main()
