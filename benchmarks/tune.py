"""Searching for settings: TPE against drawing at random, and two workers against one.

    python benchmarks/tune.py [--trials 30] [--studies 5] [--epochs 12] [--rounds 3]
    python benchmarks/tune.py --manifest ravdess.csv --store store    # of your own corpus
    python benchmarks/tune.py --set train.refit=false                 # not searched, but fixed

Without a manifest the corpus is generated: 300 clips of 24 speakers, three modalities of a vector
each in which four classes overlap. Every study searches what the network and the training declare,
without pruning, so that both samplers have the same number of trials of the same length; the first
ten are the same, for TPE begins at random. What is compared is the validation accuracy of the best
trial so far, and the test accuracy of the one that was chosen, which no search has seen; the
intervals are t intervals over the studies' seeds, paired by seed.

Workers are timed on one study of random draws, alternately with one and with two, one thread of
PyTorch each. The wall clock is that of a machine on which other things may run (its load is shown);
the processor time of all processes is not, and says what two workers would reach on two idle cores:
the time of one worker by half of that of two.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from options import make_parser
from scipy import stats

from emocli.config import merge, parse_sets
from emocli.data.clip import SPLITS, Clip
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureWriter, Recipe
from emocli.data.track import Track
from emocli.evaluation.evaluator import RunEvaluator
from emocli.training.train import TrainRequest
from emocli.training.tuning.chosen import train_chosen
from emocli.training.tuning.journal import Sampler
from emocli.training.tuning.ranges import declared
from emocli.training.tuning.search import Search

CLASSES = ("anger", "joy", "neutral", "sadness")
FEATURES = {"voice": ("audio", 20), "words": ("text", 16), "face": ("visual", 12)}
"""Feature to modality and width; of a row per clip, which keeps a trial short."""
SPEAKERS = {"train": 12, "valid": 6, "test": 6}
CLIPS = {"train": 150, "valid": 75, "test": 75}


def main() -> None:
    parser = make_parser(__doc__, trials=30, studies=5, epochs=12, rounds=3)
    parser.add_argument("--fusion", default="late")
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--store", type=Path, default=Path("store"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest, store = generated(folder) if options.manifest is None else (None, options.store)
        corpus = manifest or Manifest.read(options.manifest)
        fixed = {"train": {"epochs": options.epochs, "threads": 1, "accelerator": "cpu"}}
        base = TrainRequest(
            manifest=corpus,
            store=store,
            fusion=options.fusion,
            run=folder,
            preset="plus",
            settings=merge(fixed, parse_sets(options.set)),
            baselines=False,
        )
        if options.studies:
            compare(base, options.trials, options.studies)
        if options.rounds:
            share(base, options.trials, options.rounds)


def compare(base: TrainRequest, trials: int, studies: int) -> None:
    """Search with both samplers, with so many seeds each."""
    best: dict[str, list[list[float]]] = {"tpe": [], "random": []}
    test: dict[str, list[float]] = {"tpe": [], "random": []}
    marks = sorted({min(trials, mark) for mark in (10, (trials + 10) // 2, trials)})
    for seed in range(studies):
        for sampler in ("tpe", "random"):
            search = study(base, sampler, trials, seed)
            search.carry_out(1)
            values = np.array([each.valid or 0.0 for each in search.ended()])
            best[sampler].append([float(values[:mark].max()) for mark in marks])
            tested = RunEvaluator.open(
                train_chosen(search, search.best()).run, "test", None, None
            ).predict((), 0)
            hits = tested.values[0].argmax(axis=1) == tested.targets
            test[sampler].append(float(hits.mean()))
            shown = " ".join(f"{value:.3f}" for value in best[sampler][-1])
            print(f"seed {seed} {sampler:6} best valid {shown}  test {test[sampler][-1]:.3f}")
    clips = {split: len(base.manifest.split(split)) for split in ("train", "valid", "test")}
    print(
        f"\n{base.fusion} on {base.manifest.dataset} {clips}, {studies} studies of {trials} trials"
    )
    rows = [*zip(map(str, marks), *_turned(best), strict=True)]
    for mark, tpe, random in [*rows, ("test", test["tpe"], test["random"])]:
        name = f"best valid after {mark}" if mark != "test" else "test accuracy of the chosen"
        print(f"{name:28} tpe {_spread(tpe)}  random {_spread(random)}  {_gain(tpe, random)}")


def _turned(best: dict[str, list[list[float]]]) -> list[list[tuple[float, ...]]]:
    """Return the values by mark, of each sampler."""
    return [list(zip(*best[sampler], strict=True)) for sampler in ("tpe", "random")]


def _spread(values: object) -> str:
    numbers = np.asarray(values, float)
    return f"{numbers.mean():.3f} ± {numbers.std(ddof=1):.3f}"


def _gain(one: object, other: object) -> str:
    gains = np.asarray(one, float) - np.asarray(other, float)
    half = stats.t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / len(gains) ** 0.5
    return (
        f"difference {gains.mean():+.3f} ({gains.mean() - half:+.3f} to {gains.mean() + half:+.3f})"
    )


def share(base: TrainRequest, trials: int, rounds: int) -> None:
    """Time the same trials with one worker and with two."""
    walls: dict[int, list[float]] = {1: [], 2: []}
    spent: dict[int, list[float]] = {1: [], 2: []}
    for number in range(rounds):
        for workers in (1, 2):
            search = study(base, "random", trials, number, f"workers-{workers}")
            before, start = processor(), time.perf_counter()
            search.carry_out(workers)
            walls[workers].append(time.perf_counter() - start)
            spent[workers].append(processor() - before)
    pairs = list(zip(walls[1], walls[2], strict=True))
    print(f"\n{trials} trials, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for workers in (1, 2):
        print(
            f"{workers} workers: {statistics.median(walls[workers]):6.1f} s on the wall, "
            f"{statistics.median(spent[workers]):6.1f} s of processors"
        )
    ratios = [one / two for one, two in pairs]
    low, high = min(ratios), max(ratios)
    print(f"ratio on the wall: {statistics.median(ratios):.2f} (rounds: {low:.2f} to {high:.2f})")
    ideal = [2 * one / two for one, two in zip(spent[1], spent[2], strict=True)]
    print(f"by processor time, on two idle cores: {statistics.median(ideal):.2f} at most")


def processor() -> float:
    """Return seconds of processors that this process and those it has ended have taken."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


def study(
    base: TrainRequest, sampler: Sampler, trials: int, seed: int, name: str = "study"
) -> Search:
    space = declared(base.fusion, base.settings, {})
    request = replace(base, run=base.run / f"{name}-{sampler}-{seed}")
    return Search(request, space, trials, sampler, seed, prune=False)


def generated(folder: Path) -> tuple[Manifest, Path]:
    """Write a corpus whose modalities each show the class in part."""
    rng = np.random.default_rng(0)
    clips = tuple(
        Clip(
            f"{split}{k:03d}",
            split=split,
            speaker=f"{split}-{k % SPEAKERS[split]}",
            label=CLASSES[k % len(CLASSES)],
        )
        for split in SPLITS
        for k in range(CLIPS[split])
    )
    made = Manifest(clips=clips, classes=CLASSES, task="single", dataset="generated", root=folder)
    made.write(folder / "corpus.csv")
    manifest, store = Manifest.read(folder / "corpus.csv"), folder / "store"
    for name, (modality, width) in FEATURES.items():
        directions = rng.normal(size=(len(CLASSES), width))
        people = {s: rng.normal(size=width) for s in {clip.speaker for clip in clips}}
        tracks = {}
        for clip in clips:
            shown = CLASSES.index(clip.label or "")
            if rng.random() < 0.35:
                shown = int(rng.integers(len(CLASSES)))
            level = 0.6 * directions[shown] + people[clip.speaker]
            values = level + rng.normal(size=(1, width))
            tracks[clip.id] = Track(values.astype(np.float32))
        recipe = Recipe(name, modality, manifest.fingerprint)
        with FeatureWriter(store, recipe, [clip.id for clip in clips]) as writer:
            writer.complete(list(tracks), tracks.__getitem__).close()
    return manifest, store


if __name__ == "__main__":
    main()
