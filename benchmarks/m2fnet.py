"""M2FNet: a training step of 16 dialogues at once, and clips embedded by its extractor.

    python benchmarks/m2fnet.py [--dialogues 16] [--rounds 7] [--clips 100] [--frames 15]
                                [--side 224] [--threads 1]

The step is that of preset ``paper`` on vectors of the paper's widths (text 1024, sound 300, vision
600) and dialogues as long as MELD's (2 to 24 utterances). Its counterpart takes the dialogues one
at a time, without any padding, adds up their gradients, and then takes the same step of AdamW: both
have the same parameters and see the same dialogues, in turns, in this process, and medians are
compared. First, without dropout, logits and gradients must agree.

The extractor is a ResNet-18 with random parameters; each clip is that many frames of 256 x 256
pixels, which are scaled to the side too. On a GPU, if there is one, both are also timed there.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from options import make_parser
from steps import cross_entropy
from torch import Tensor, nn

from emocli.data.batch import Batch, Padded
from emocli.fusion import m2fnet
from emocli.models.encoder import EncoderConfig, PictureTransform, PixelArray, embed, make_encoder
from emocli.training.compute import deterministic_torch
from emocli.training.settings import resolve

DIMS = {"text": 1024, "audio": 300, "visual": 600}
TURNS = (2, 24)
CLASSES = tuple("abcdefg")
TOLERANCE = 1e-4
PIXELS = 256


def main() -> None:
    options = make_parser(
        __doc__, dialogues=16, rounds=7, clips=100, frames=15, side=224, threads=1
    ).parse_args()
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    with deterministic_torch(options.threads):
        for device in devices:
            name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
            print(f"{name}, {torch.get_num_threads()} threads")
            if options.dialogues:
                train(options.dialogues, options.rounds, device)
            if options.clips:
                embedding(options.clips, options.frames, options.side, device)


def train(count: int, rounds: int, device: str) -> None:
    """Time a step with all dialogues at once against one dialogue at a time."""
    torch.manual_seed(0)
    batch = dialogues(count).to(device)
    alone = [part.to(device) for part in parts(batch.to("cpu"))]
    config, *_ = resolve("m2fnet", "paper", {}, "single", CLASSES)
    network = m2fnet.Model(DIMS, len(CLASSES), config).to(device)
    agree(network, batch, alone)
    steps: dict[str, Callable[[nn.Module], None]] = {
        "one dialogue at a time": lambda model: one_by_one(model, alone),
        "all dialogues at once": lambda model: at_once(model, batch),
    }
    models = {name: copy.deepcopy(network).train() for name in steps}
    optimisers = {n: torch.optim.AdamW(m.parameters(), fused=True) for n, m in models.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, compute in steps.items():
            start = now(device)
            optimisers[name].zero_grad()
            compute(models[name])
            optimisers[name].step()
            if turn:  # the first one warms up
                times[name].append(now(device) - start)
    turns = len(batch)
    print(f"{count} dialogues of {turns} utterances, median of {rounds} training steps each")
    for name, found in times.items():
        print(f"  {name:24} {statistics.median(found) * 1e3:8.1f} ms")
    ratios = [a / b for a, b in zip(*times.values(), strict=True)]
    low, high = min(ratios), max(ratios)
    print(f"  {statistics.median(ratios):.1f} times as fast (rounds: {low:.1f} to {high:.1f})")


def dialogues(count: int) -> Batch:
    """Draw dialogues; a twentieth of the utterances has no face."""
    rng = np.random.default_rng(0)
    turns = torch.from_numpy(rng.integers(TURNS[0], TURNS[1] + 1, count))
    total = int(turns.sum())
    seen = torch.from_numpy((rng.random(total) > 0.05).astype(np.int64))
    views = {
        name: Padded(
            torch.randn(total, 1, width), seen if name == "visual" else torch.ones_like(seen)
        )
        for name, width in DIMS.items()
    }
    targets = torch.from_numpy(rng.integers(0, len(CLASSES), total))
    return Batch(tuple(map(str, range(total))), views, targets, turns, torch.zeros(total).long())


def parts(batch: Batch) -> Iterator[Batch]:
    """Take the dialogues apart."""
    assert batch.turns is not None
    assert batch.targets is not None
    assert batch.speakers is not None
    start = 0
    for turns in batch.turns.tolist():
        rows = slice(start, start + turns)
        views = {n: Padded(v.values[rows], v.lengths[rows]) for n, v in batch.views.items()}
        yield replace(
            batch,
            ids=batch.ids[rows],
            views=views,
            targets=batch.targets[rows],
            turns=torch.tensor([turns]),
            speakers=batch.speakers[rows],
        )
        start += turns


def at_once(network: nn.Module, batch: Batch) -> None:
    torch.autograd.backward(cross_entropy(network(batch).logits, batch))


def one_by_one(network: nn.Module, alone: list[Batch]) -> None:
    total = sum(len(batch) for batch in alone)
    for batch in alone:
        loss = cross_entropy(network(batch).logits, batch, reduction="sum")
        torch.autograd.backward(loss / total)


def agree(network: nn.Module, batch: Batch, alone: list[Batch]) -> None:
    """Compare logits and gradients, in evaluation mode."""
    network.eval()
    with torch.no_grad():
        apart = torch.cat([network(part).logits for part in alone])
        worst = float((network(batch).logits - apart).abs().max())
    found: list[list[Tensor]] = []
    for compute in (partial(at_once, network, batch), partial(one_by_one, network, alone)):
        network.zero_grad()
        compute()
        found.append([p.grad.clone() for p in network.parameters() if p.grad is not None])
    gradients = max(float((a - b).abs().max()) for a, b in zip(*found, strict=True))
    assert max(worst, gradients) < TOLERANCE, f"differ by {worst:g}, gradients by {gradients:g}"
    print(f"logits agree to {worst:.1e}, {len(found[0])} gradients to {gradients:.1e}")
    network.zero_grad()


def embedding(clips: int, frames: int, side: int, device: str) -> None:
    """Time the embedding of clips, as the features do it: frame by frame of a clip."""
    config = EncoderConfig(side=side)
    encoder, screen = make_encoder(config).to(device), PictureTransform(config)
    rng = np.random.default_rng(0)
    clip: list[PixelArray] = list(rng.integers(0, 256, (frames, PIXELS, PIXELS, 3), np.uint8))
    embed(encoder, screen, clip)
    start = now(device)
    for _ in range(clips):
        embed(encoder, screen, clip).max(axis=0)
    seconds = now(device) - start
    print(f"{clips} clips of {frames} frames, side {side}: {clips * frames / seconds:.1f} frames/s")


def now(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
