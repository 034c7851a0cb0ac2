"""Training the RRNN: emocli's network against the same one written as a plain loop over steps.

    python benchmarks/rrnn.py [--clips 720] [--rounds 3] [--threads 1] [--paper-clips 96]

An epoch, validation included, of the experiment on RAVDESS with three folds to train on: 720 clips
of about 370 steps of 74 numbers (sound) and 110 of 7 (face), here noise, and a third as many to
validate on; settings of `examples/rrnn_ravdess.toml`. Then the preset `paper`, whose encoders read
every step, on fewer clips.

The plain loop has the same parameters, data and training, from mixing the clips to the optimiser.
Its network gathers the steps into blocks, block by block; takes an LSTM cell from block to block;
and asks and adds up block by block in every hop: over padded batches, with masks, and clip by clip,
which needs none but is so slow that it sees every eighth clip only. Outputs and gradients are
compared first. What emocli does once and keeps, the gathering, it does in its first epoch, which is
given by itself: the others, of all, are medians, taken in turns in this process. On a GPU, if there
is one, emocli's network is also timed there, in 32 bits and in bfloat16.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from options import make_parser
from steps import cross_entropy, derivative
from torch import Tensor, nn
from torch.nn import functional

from emocli.config import Tree
from emocli.data.batch import Batch, FusionOutput, Padded
from emocli.data.cached_samples import CachedSamples, FeatureCache
from emocli.data.clip import Clip, Split
from emocli.data.manifest import Manifest
from emocli.data.samples import Samples
from emocli.data.store import FeatureStore, Recipe, store_path
from emocli.data.store.format import StoreContents, write_store
from emocli.data.store.header import Column
from emocli.fusion import rrnn
from emocli.fusion.gca import Attention
from emocli.models.settings import TrainConfig
from emocli.plugin.layers import ViewEncoder
from emocli.plugin.network import Network
from emocli.training.compute import deterministic_torch
from emocli.training.fusion_task import FusionTask
from emocli.training.settings import resolve

EXAMPLE = Path(__file__).parents[1] / "examples" / "rrnn_ravdess.toml"
FEATURES = {"audio": ("covarep", 74, (300, 440)), "visual": ("face_posteriors", 7, (90, 130))}
CLASSES = tuple("abcdefgh")
TOLERANCE = 1e-5
EVERY = 8
"""The slowest sees one clip in so many."""


@dataclass(frozen=True)
class Splits:
    """The clips to train on, and those to validate on."""

    train: Samples
    valid: Samples

    def thinned(self, kept: slice) -> Splits:
        """Keep some clips of both."""
        return Splits(*(replace(s, clips=s.clips[kept]) for s in (self.train, self.valid)))


def main() -> None:
    options = make_parser(__doc__, clips=720, paper_clips=96, rounds=3, threads=1).parse_args()
    example = tomllib.loads(EXAMPLE.read_text())
    with tempfile.TemporaryDirectory() as folder, deterministic_torch(options.threads):
        splits = generate(Path(folder), options.clips)
        compare(EXAMPLE.name, *settings(example["reproduce"]["preset"], example), splits, options)
        few = splits.thinned(slice(options.paper_clips))
        compare("preset paper", *settings("paper", {}), few, options)


def settings(preset: str, tree: Tree) -> tuple[rrnn.Config, TrainConfig]:
    """Return a preset's settings with others over them."""
    own: Tree = {part: tree[part] for part in ("network", "train") if part in tree}
    network, train, _ = resolve("rrnn", preset, own, "single", CLASSES)
    return network, train


def generate(folder: Path, clips: int) -> Splits:
    """Write a corpus of noise, and open it."""
    counts: dict[Split, int] = {"train": clips, "valid": clips // 3}
    rows = [
        Clip(f"{split}{k:04d}", split=split, label=CLASSES[k % len(CLASSES)])
        for split, count in counts.items()
        for k in range(count)
    ]
    manifest = Manifest(tuple(rows), CLASSES, "single", "noise", folder, "none", "none")
    rng = np.random.default_rng(0)
    for modality, (feature, width, (least, most)) in FEATURES.items():
        lengths = rng.integers(least, most + 1, len(rows)).tolist()
        recipe = Recipe(feature, modality, manifest.fingerprint)
        contents = StoreContents(
            ids=[clip.id for clip in rows],
            lengths=lengths,
            columns={"values": Column(np.dtype("<f4"), (width,))},
            blocks=(("values", rng.standard_normal((n, width), np.float32)) for n in lengths),
            names=(),
            notes=(),
            absent=(),
            attributes=recipe.attributes(None, {}),
        )
        write_store(store_path(folder, feature), contents)
    stores = {
        m: FeatureStore.open(store_path(folder, feature)) for m, (feature, *_) in FEATURES.items()
    }
    return Splits(Samples.of(manifest, "train", stores), Samples.of(manifest, "valid", stores))


class Cells(nn.Module):
    """Both directions of an encoder, a step at a time, on its parameters."""

    def __init__(self, encoder: ViewEncoder) -> None:
        super().__init__()
        self.ahead, self.back = cell(encoder.ahead), cell(encoder.back)


class Plain(Network):
    """The RRNN step by step, on the parameters of emocli's."""

    level = "clip"

    def __init__(self, network: rrnn.Model) -> None:
        super().__init__()
        self.config = network.encoders.config
        self.recursion, self.decoder = network.recursion, network.decoder
        self.cells = nn.ModuleDict({view: Cells(encoder) for view, encoder in encoders(network)})

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips."""
        blocks = {view: self.gather(view, batch.views[view]) for view in sorted(batch.views)}
        states = {view: self.encode(view, padded) for view, padded in blocks.items()}
        masks = {view: padded.mask for view, padded in blocks.items()}
        memory = torch.stack(
            [
                sum(h * there[:, None] for h, there in zip(rows, masks[view].T, strict=True))
                / blocks[view].lengths[:, None]
                for view, rows in states.items()
            ]
        ).sum(dim=0)
        observed = torch.ones(len(batch), len(states), dtype=torch.bool)
        for attention in self.recursion.attention:
            contexts = [
                attend(attention[view], rows, masks[view], memory)  # type: ignore[index]
                for view, rows in states.items()
            ]
            memory, _ = self.recursion.update(memory, torch.stack(contexts, dim=1), observed)
        return FusionOutput(self.decoder(memory))

    def gather(self, view: str, padded: Padded) -> Padded:
        """Make one step of a block of steps: their mean, or also their spread and their peak."""
        size = self.config.stride_of(view)
        if size == 1:
            return padded
        blocks = []
        for start in range(0, padded.values.shape[1], size):
            values = padded.values[:, start : start + size]
            there = padded.mask[:, start : start + size, None]
            count = there.sum(dim=1).clamp(min=1)
            block = [(values * there).sum(dim=1) / count]
            if self.config.pool_of(view) == "statistics":
                off = (values - block[0][:, None]) * there
                largest = values.masked_fill(~there, -torch.inf).amax(dim=1)
                block += [(off.square().sum(dim=1) / count).sqrt(), largest]
            blocks.append(torch.cat(block, dim=-1))
        lengths = -(-padded.lengths // size)
        gathered = Padded(torch.stack(blocks, dim=1), lengths)
        return gathered.with_values(gathered.values.masked_fill(~gathered.mask[..., None], 0))

    def encode(self, view: str, padded: Padded) -> list[Tensor]:
        """States of a view, step by step in both directions (eq. 1-3)."""
        cells = self.cells[view]
        assert isinstance(cells, Cells)
        values = functional.dropout(padded.values, self.config.dropout, self.training)
        steps = range(values.shape[1])
        rows = zip(
            run(cells.ahead, values, padded.mask, steps),
            reversed(run(cells.back, values, padded.mask, steps[::-1])),
            strict=True,
        )
        return [torch.cat(pair, dim=-1) for pair in rows]


class ClipByClip(Network):
    """The plain network, one clip at a time."""

    level = "clip"

    def __init__(self, plain: Plain) -> None:
        super().__init__()
        self.plain = plain

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips."""
        return FusionOutput(torch.cat([self.plain(clip).logits for clip in clips(batch)]))


def encoders(network: rrnn.Model) -> Iterator[tuple[str, ViewEncoder]]:
    for view in network.encoders:
        encoder = network.encoders[view]
        assert isinstance(encoder, ViewEncoder)
        yield view, encoder


def cell(lstm: nn.LSTM) -> nn.LSTMCell:
    made = nn.LSTMCell(lstm.input_size, lstm.hidden_size)
    made.load_state_dict({name.removesuffix("_l0"): p for name, p in lstm.state_dict().items()})
    return made


def run(cell: nn.LSTMCell, values: Tensor, mask: Tensor, steps: Sequence[int]) -> list[Tensor]:
    """Take a cell from step to step; padding leaves it as it is."""
    hidden = memory = values.new_zeros(len(values), cell.hidden_size)
    padded = not mask.all()
    states = []
    for step in steps:
        new_hidden, new_memory = cell(values[:, step], (hidden, memory))
        if padded:
            there = mask[:, step, None]
            new_hidden = torch.where(there, new_hidden, hidden)
            new_memory = torch.where(there, new_memory, memory)
        hidden, memory = new_hidden, new_memory
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


def compare(
    title: str,
    config: rrnn.Config,
    train: TrainConfig,
    splits: Splits,
    options: argparse.Namespace,
) -> None:
    """Check that all say the same, and time their epochs."""
    torch.manual_seed(0)
    network = rrnn.Model(splits.train.dims, len(CLASSES), config)
    whole, single = Plain(copy.deepcopy(network)), ClipByClip(Plain(copy.deepcopy(network)))
    print(f"{title}: {len(splits.train)} clips, {options.threads} threads")
    check(copy.deepcopy(network), copy.deepcopy(whole), splits.train)
    few = splits.thinned(slice(None, None, EVERY))
    on_cpu = train.model_copy(update={"accelerator": "cpu", "threads": options.threads})
    learners = {
        "emocli": learner(network, splits, on_cpu),
        "plain loop over batches": learner(whole, splits, on_cpu),
        "plain loop clip by clip": learner(single, few, on_cpu),
    }
    seconds: dict[str, list[float]] = {name: [] for name in learners}
    for number in range(1, options.rounds + 2):
        for name, each in learners.items():
            clips = len(splits.train) / len(each.train)
            seconds[name].append(timed(each, number) * clips)
    fast = statistics.median(seconds["emocli"][1:])
    print(f"  the first epoch of emocli's: {seconds['emocli'][0]:.2f} s; then, an epoch:")
    for name, spent in seconds.items():
        median = statistics.median(spent[1:])
        print(f"  {name:24} {median:7.2f} s   emocli is {median / fast:5.1f} times as fast")
    for precision in ("32-true", "bf16-mixed") if torch.cuda.is_available() else ():
        on_gpu = train.model_copy(update={"accelerator": "cuda", "precision": precision})
        each = learner(copy.deepcopy(network), splits, on_gpu)
        spent = [timed(each, number) for number in range(1, options.rounds + 2)]
        median = statistics.median(spent[1:])
        print(f"  {torch.cuda.get_device_name()}, {precision}: {median:.2f} s an epoch")


def check(network: rrnn.Model, plain: Plain, samples: Samples) -> None:
    """Make sure that outputs and gradients are the same."""
    pair = (network.eval(), samples.condensed_by(network)), (plain.eval(), samples)
    outputs, gradients = [], []
    for each, read in pair:
        batch = read.batch(samples.clips[:32])
        output = each(batch).logits
        torch.autograd.backward(cross_entropy(output, batch))
        outputs.append(output.detach())
        gradients.append(gradient(each))
    apart = float((outputs[0] - outputs[1]).abs().max())
    off = float((gradients[0] - gradients[1]).abs().max())
    assert apart < TOLERANCE, apart
    assert off < TOLERANCE, off
    print(f"  outputs agree to {apart:.1e}, {len(gradients[0]):,} derivatives to {off:.1e}")


def gradient(network: rrnn.Model | Plain) -> Tensor:
    """Return all derivatives, in the same order for both."""
    own = network.cells.values() if isinstance(network, Plain) else dict(encoders(network)).values()
    parts = [*own, network.recursion, network.decoder]
    return torch.cat([derivative(p).flatten() for part in parts for p in part.parameters()])


def learner(network: Network, splits: Splits, config: TrainConfig) -> FusionTask:
    """Prepare a training; what is read, and condensed by networks that do so, is kept."""
    memory = FeatureCache(config.cache_mb << 20)
    train, valid = (
        CachedSamples.through(part.condensed_by(network), memory)
        for part in (splits.train, splits.valid)
    )
    return FusionTask(network, train, valid, config)


def timed(each: FusionTask, number: int) -> float:
    start = time.perf_counter()
    each.epoch(number, each.config.lr)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
