"""Training the RRNN: emocli's network against the same one written as a plain loop over steps.

    python benchmarks/rrnn.py [--clips 720] [--threads 1]

One epoch of the experiment on RAVDESS with three folds to train on: 720 clips of about 370 steps of
74 numbers (sound) and 110 of 7 (face), preset ``paper``, batches of 32. The plain loop has the same
parameters, takes an LSTM cell from step to step, and asks and adds up step by step in every hop:
once clip by clip, which needs no masks, and once over whole batches, with masks. The first is so
slow that it sees every eighth batch only. All see the same batches, in turns, in this process, and
take the same optimiser steps; outputs and gradients are compared first. On a GPU, if there is one,
emocli's network is also timed there, in 32 bits and in bfloat16.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from emocli.config import build
from emocli.data.batch import Batch, Padded
from emocli.fusion import rrnn
from emocli.fusion.gca import Attention
from emocli.learn.loop import arithmetic

DIMS = {"audio": 74, "visual": 7}
STEPS = {"audio": (300, 440), "visual": (90, 130)}
CLASSES = 8
SIZE = 32
TOLERANCE = 1e-5
EVERY = 8
"""The slowest sees one batch in so many."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=720)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(0)
    config = build(rrnn.Config, rrnn.PRESETS["paper"]["network"], "network")
    network = rrnn.Model(DIMS, CLASSES, config)
    data = batches(options.clips)
    with arithmetic(options.threads):
        check(network, Plain(copy.deepcopy(network)), data[0])
        compare(network, data)
    if torch.cuda.is_available():
        for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
            on_gpu(copy.deepcopy(network), data, name, kind)
    else:
        print("GPU: there is none here, so nothing was measured")


def batches(clips: int) -> list[Batch]:
    """Clips of noise, lengths as in the corpus, similar ones together."""
    lengths = {
        view: torch.randint(low, high + 1, (clips,)).sort().values
        for view, (low, high) in STEPS.items()
    }
    targets = torch.randint(CLASSES, (clips,))
    found = []
    for start in range(0, clips, SIZE):
        part = slice(start, start + SIZE)
        views = {
            view: Padded(torch.randn(len(own[part]), int(own[part].max()), DIMS[view]), own[part])
            for view, own in lengths.items()
        }
        count = len(targets[part])
        found.append(Batch(tuple(map(str, range(count))), views, targets[part]))
    return found


class Plain(nn.Module):
    """The RRNN step by step, on the parameters of emocli's."""

    def __init__(self, network: rrnn.Model) -> None:
        super().__init__()
        self.network = network
        self.dropout = rrnn.Config().dropout
        self.cells = nn.ModuleDict(
            {
                view: nn.ModuleList(cell(part) for part in (encoder.ahead, encoder.back))
                for view in network.encoders
                for encoder in [network.encoders[view]]
            }
        )
        del network.encoders  # its parameters are those of the cells now

    def forward(self, batch: Batch) -> Tensor:
        """Logits of the clips."""
        states = {view: self.encode(view, batch.views[view]) for view in sorted(batch.views)}
        masks = {view: batch.views[view].mask for view in states}
        recursion = self.network.recursion
        memory = torch.stack(
            [
                sum(h * there[:, None] for h, there in zip(rows, masks[view].T, strict=True))
                / batch.views[view].lengths[:, None]
                for view, rows in states.items()
            ]
        ).sum(dim=0)
        observed = torch.ones(len(batch), len(states), dtype=torch.bool)
        for attention in recursion.attention:
            contexts = [
                attend(attention[view], rows, masks[view], memory) for view, rows in states.items()
            ]
            memory, _ = recursion.update(memory, torch.stack(contexts, dim=1), observed)
        logits: Tensor = self.network.decoder(memory)
        return logits

    def encode(self, view: str, padded: Padded) -> list[Tensor]:
        """States of a view, step by step in both directions (eq. 1-3)."""
        ahead, back = self.cells[view]
        values = functional.dropout(padded.values, self.dropout, self.training)
        steps = range(values.shape[1])
        rows = zip(
            run(ahead, values, padded.mask, steps),
            reversed(run(back, values, padded.mask, steps[::-1])),
            strict=True,
        )
        return [torch.cat(pair, dim=-1) for pair in rows]


def cell(lstm: nn.LSTM) -> nn.LSTMCell:
    made = nn.LSTMCell(lstm.input_size, lstm.hidden_size)
    made.load_state_dict({name.removesuffix("_l0"): p for name, p in lstm.state_dict().items()})
    return made


def run(cell: nn.LSTMCell, values: Tensor, mask: Tensor, steps: Sequence[int]) -> list[Tensor]:
    """Take a cell from step to step; padding leaves it as it is."""
    hidden = memory = values.new_zeros(len(values), cell.hidden_size)
    states = []
    for step in steps:
        there = mask[:, step, None]
        new_hidden, new_memory = cell(values[:, step], (hidden, memory))
        hidden = torch.where(there, new_hidden, hidden)
        memory = torch.where(there, new_memory, memory)
        states.append(hidden)
    return states


def attend(attention: Attention, rows: list[Tensor], mask: Tensor, memory: Tensor) -> Tensor:
    """Context of a view, step by step (eq. 5-8)."""
    query = torch.tanh(attention.memory(memory))
    scores = [attention.out(torch.tanh(attention.states(h)) * query) for h in rows]
    weights = torch.softmax(torch.cat(scores, dim=1).masked_fill(~mask, -torch.inf), dim=1)
    context = torch.zeros_like(memory)
    for step, h in enumerate(rows):
        context = context + weights[:, step, None] * h
    return context


def check(network: rrnn.Model, plain: Plain, batch: Batch) -> None:
    """Make sure that outputs and gradients are the same."""
    network.eval()
    plain.eval()
    got, wanted = network(batch).logits, plain(batch)
    worst = float((got - wanted).detach().abs().max())
    assert worst < TOLERANCE, worst
    for output in (got, wanted):
        functional.cross_entropy(output, batch.targets).backward()
    gradients = norm(network), norm(plain)
    apart = abs(gradients[0] / gradients[1] - 1)
    assert apart < 1e-3, gradients
    print(f"outputs differ by at most {worst:.1e}, the gradients' norms by {100 * apart:.3f} %")


def norm(network: nn.Module) -> float:
    """Norm of the gradient."""
    return float(torch.cat([p.grad.flatten() for p in network.parameters()]).norm())


def compare(network: rrnn.Model, data: list[Batch]) -> None:
    """Time an epoch of each, batch by batch in turns."""
    whole, single = (Plain(copy.deepcopy(network)) for _ in range(2))
    seconds: dict[str, list[float]] = {}
    steps = {
        "emocli": stepper(network, lambda batch: network(batch).logits),
        "plain loop over batches": stepper(whole, whole),
        "plain loop clip by clip": stepper(
            single, lambda batch: torch.cat([single(clip) for clip in clips(batch)])
        ),
    }
    for number, batch in enumerate(data):
        for name, step in steps.items():
            if number % EVERY == 0 or "clip by clip" not in name:
                spent = timed(lambda step=step, batch=batch: step(batch))
                seconds.setdefault(name, []).append(spent / len(batch))
    count = sum(map(len, data))
    fast = statistics.mean(seconds["emocli"])
    print(f"CPU, an epoch of {count} clips:")
    for name, spent in seconds.items():
        mean = statistics.mean(spent)
        print(f"  {name:24} {count * mean:7.1f} s   emocli is {mean / fast:5.1f} times as fast")


def clips(batch: Batch) -> list[Batch]:
    """Return the clips of a batch one by one, without padding."""
    found = []
    for item, name in enumerate(batch.ids):
        views = {
            view: Padded(
                padded.values[item : item + 1, : int(padded.lengths[item])],
                padded.lengths[item : item + 1],
            )
            for view, padded in batch.views.items()
        }
        found.append(Batch((name,), views))
    return found


def stepper(network: nn.Module, logits: Callable[[Batch], Tensor]) -> Callable[[Batch], None]:
    """Make a step of training, with settings of the preset."""
    train = rrnn.PRESETS["paper"]["train"]
    optimiser = torch.optim.Adam(
        network.parameters(), train["lr"], weight_decay=train["weight_decay"], fused=True
    )
    network.train()

    def step(batch: Batch) -> None:
        target = functional.one_hot(batch.targets, CLASSES)
        loss = (logits(batch).float() - target).square().sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), train["clip"])
        optimiser.step()

    return step


def on_gpu(network: rrnn.Model, data: list[Batch], name: str, kind: torch.dtype) -> None:
    """Time epochs on the GPU, the first one not counted."""
    network = network.to("cuda")
    there = [batch.to("cuda") for batch in data]
    step = stepper(network, lambda batch: network(batch).logits)

    def epoch() -> None:
        with torch.autocast("cuda", kind, enabled=kind != torch.float32):
            for batch in there:
                step(batch)
        torch.cuda.synchronize()

    epoch()
    seconds = statistics.median(timed(epoch) for _ in range(3))
    print(f"{torch.cuda.get_device_name()}, {name}: {seconds:.2f} s an epoch")


def timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
