"""What a GPU is measured by: sizes, corpora, rates, comparisons with the CPU, and its own bound."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from emocli import plugins
from emocli.config import build
from emocli.data.clip import Clip
from emocli.data.durable import write_text
from emocli.data.manifest import Manifest
from emocli.data.store import Recipe
from emocli.data.store.writer import write_feature
from emocli.data.track import Track
from emocli.models.settings import Accelerator

PRECISIONS = ("32-true", "bf16-mixed")


BOUNDS: Mapping[str, float] = MappingProxyType(
    {
        "probabilities": 5e-3,  # largest difference; cuDNN's LSTMs round products to 10 bits (TF32)
        "gradient 32-true": 2e-2,  # of the norm, without dropout
        "gradient bf16-mixed": 0.2,  # numbers of 8 bits, through every step
        "first loss 32-true": 1e-2,  # mean over the first epoch, relative, without dropout
        "first loss bf16-mixed": 5e-2,
        "text vectors": 1e-2,  # largest difference, of the largest number
        "embeddings": 2e-2,  # likewise
        "face boxes": 1e-2,  # one less the least overlap of a box with its twin
    }
)
"""What may lie between the device and the CPU."""


VIEWS = {"glove": ("text", 300, 20), "covarep": ("audio", 74, 200), "face": ("visual", 35, 60)}
"""Feature to modality, width and steps; small ones have a tenth of the steps, at least 3."""


@dataclass(frozen=True)
class Size:
    """How much is done."""

    dialogues: Mapping[str, int]
    drawn: Mapping[str, int]
    shorter: int
    epochs: int
    network: Mapping[str, Any]
    text: Mapping[str, Any]
    encoder: Mapping[str, Any]
    pictures_per_second: float
    product: int


FULL = Size(
    dialogues={"train": 200, "valid": 20, "test": 20},
    drawn={"train": 4, "valid": 2, "test": 1},
    shorter=1,
    epochs=3,
    network={},
    text={"layers": 4, "width": 256, "heads": 4, "tokens": 256},
    encoder={},
    pictures_per_second=6.0,
    product=8192,
)


SMALL = Size(
    dialogues={"train": 2, "valid": 1, "test": 1},
    drawn={"train": 1, "valid": 1, "test": 1},
    shorter=10,
    epochs=1,
    network={"hidden": 8, "memory": 8, "width": 8, "heads": 2, "stride": 1},
    text={"layers": 1, "width": 16, "heads": 2, "tokens": 64, "vocabulary": 300},
    encoder={"side": 32, "depths": [1], "hidden_sizes": [8], "embedding_size": 8, "dim": 8},
    pictures_per_second=2.0,
    product=256,
)


@dataclass(frozen=True)
class Rate:
    """Items per second, on the device and on the CPU; teraflops and their share of the bound."""

    what: str
    precision: str
    unit: str
    device: float
    cpu: float
    teraflops: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class Comparison:
    """How far the device is from the CPU, and how far it may be."""

    what: str
    kind: str
    difference: float
    bound: float

    @property
    def within(self) -> bool:
        """Whether it is near enough; what is no number is not."""
        return self.difference <= self.bound


class OutOfTime(BaseException):
    """The time is over: no error, which what runs could take for its own."""


@dataclass
class Bench:
    """What is measured, where, and what has come out so far."""

    device: Accelerator
    size: Size
    folder: Path
    seconds: float
    rates: list[Rate] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    bound: dict[str, float] = field(default_factory=dict)
    start: float = field(default_factory=time.monotonic)
    keep: Callable[[Bench], None] = lambda bench: None
    """Told after each section."""

    def attempt(self, what: str, action: Callable[[Bench], None]) -> None:
        """Do it if there is time, cut it off where that ends; note so, and what fails."""
        left = self.seconds - (time.monotonic() - self.start)
        try:
            with alarm(left):
                print(f"[{time.monotonic() - self.start:5.0f} s] {what}", file=sys.stderr)
                action(self)
        except OutOfTime:
            self.skipped.append(what)
        except Exception:  # whatever it is, the rest is worth its minutes on a lent machine
            self.failures[what] = traceback.format_exc()
            print(self.failures[what], file=sys.stderr)
        self.keep(self)

    def compare(self, what: str, kind: str, difference: float) -> None:
        """Note how far the device is from the CPU."""
        self.comparisons.append(Comparison(what, kind, float(difference), BOUNDS[kind]))

    def rate(self, what: str, precision: str, unit: str, device: float, cpu: float) -> None:
        """Note items per second."""
        self.rates.append(Rate(what, precision, unit, device, cpu))

    @property
    def accelerators(self) -> tuple[Accelerator, Accelerator]:
        """The device, and what it is compared with."""
        return self.device, "cpu"


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` after so many seconds, at once if none are left."""

    def ring(*_: object) -> None:
        raise OutOfTime

    if seconds <= 0:
        raise OutOfTime
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def relative(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """Return the largest difference, of the largest number."""
    ours, theirs = ours.astype(float), theirs.astype(float)
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


# -- corpora


def demo_settings(bench: Bench, dialogues: Mapping[str, int]) -> Any:
    demo = plugins.load("datasets", "demo")
    speakers = dict.fromkeys(dialogues, 2)
    wanted = {"dialogues": dialogues, "speakers": speakers, "turns": 4, "seconds": [0.6, 0.7]}
    return build(demo.Config, wanted, "demo")


def spoken(bench: Bench) -> Manifest:
    """Plan the generated corpus, of which no clip is drawn: its texts, dialogues and emotions."""
    corpus = plugins.load("datasets", "demo").corpus
    clips = [
        Clip(u.id, u.split, u.speaker.name, u.dialogue, u.turn, text=u.text, label=u.emotion)
        for u in corpus.plan(demo_settings(bench, bench.size.dialogues))
    ]
    path = bench.folder / "spoken.csv"
    whole = Manifest(tuple(clips), corpus.EMOTIONS, "single", "demo", bench.folder, path=path)
    whole.write(path)
    return Manifest.read(path)


def sequences(bench: Bench, manifest: Manifest) -> Path:
    """Write what networks fuse: noise around a direction for each emotion."""
    store, rng = bench.folder / "sequences", np.random.default_rng(0)
    for name, (modality, width, steps) in VIEWS.items():
        length = max(3, steps // bench.size.shorter)
        directions = rng.normal(size=(len(manifest.classes), width)) / 4

        def track(clip: str, directions: Any = directions, length: int = length) -> Track:
            centre = directions[manifest.classes.index(manifest.clip(clip).label or "")]
            noise = rng.normal(size=(length + int(rng.integers(-1, 2)), len(centre)))
            return Track((centre + noise).astype(np.float32))

        recipe = Recipe(name, modality, manifest.fingerprint, {})
        write_feature(store, recipe, [clip.id for clip in manifest.clips], track)
    return store


# -- the card's bound


def largest_product(device: str, size: int, precision: str) -> float:
    """Measure the teraflops of a product of two square matrices; the best of five."""
    kind = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    a = torch.randn(size, size, device=device, dtype=kind)
    best = min(timed(lambda: a @ a, device) for _ in range(6))
    return 2 * size**3 / best / 1e12


def timed(action: Callable[[], object], device: str) -> float:
    synchronise(device)
    start = time.perf_counter()
    action()
    synchronise(device)
    return time.perf_counter() - start


def synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def machine(device: str) -> dict[str, Any]:
    found = {"torch": torch.__version__, "cores": os.cpu_count(), "device": device}
    if device != "cuda":
        return found
    return found | {"gpu": torch.cuda.get_device_name(), "cuda": torch.version.cuda}


def report(bench: Bench) -> dict[str, Any]:
    return {
        "format": 1,
        "machine": machine(bench.device),
        "small": bench.size is SMALL,
        "seconds": time.monotonic() - bench.start,
        "bound_teraflops": bench.bound,
        "rates": [asdict(rate) for rate in bench.rates],
        "comparisons": [asdict(c) | {"within": c.within} for c in bench.comparisons],
        "skipped": bench.skipped,
        "failures": bench.failures,
    }


def written(path: Path, bench: Bench) -> None:
    write_text(path, json.dumps(report(bench), indent=2) + "\n")


def show(found: Mapping[str, Any]) -> None:
    print(", ".join(f"{key} {value}" for key, value in found["machine"].items()))
    bounds = found["bound_teraflops"].items()
    print("largest product: " + ", ".join(f"{name} {value:.2f} TFLOP/s" for name, value in bounds))
    print(f"\n{'':44}{'per second':>12}{'CPU':>10}{'ratio':>8}{'of bound':>10}")
    for rate in found["rates"]:
        share = "" if rate["share"] is None else f"{rate['share']:.2%}"
        name = f"{rate['what']}, {rate['precision']} ({rate['unit']})"
        ratio = rate["device"] / rate["cpu"]
        print(f"{name:44}{rate['device']:12.1f}{rate['cpu']:10.1f}{ratio:8.1f}{share:>10}")
    print("\nworst differences from the CPU")
    for kind, bound in BOUNDS.items():
        own = [c for c in found["comparisons"] if c["kind"] == kind]
        if own:
            worst = max(own, key=lambda c: c["difference"] - c["bound"])
            said = "" if all(c["within"] for c in own) else "  BEYOND"
            print(f"{kind:24}{worst['difference']:10.2g}  bound {bound:g} ({worst['what']}){said}")
    for what in found["skipped"]:
        print(f"left out, no time: {what}")
    for what in found["failures"]:
        print(f"FAILED: {what}")
