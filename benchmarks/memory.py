"""Memory of a training: one epoch over a store that is many times as large.

    python benchmarks/memory.py [--clips 10000] [--steps 1500] [--hidden 16] [--folder DIR]

Writes a corpus of so many clips with so many rows of 74 numbers (sound) and 110 of 7 (face), trains
the RRNN on it for one epoch in a process of its own, batches of 32, and says how much memory that
took at its peak, beyond what the process holds once libraries, corpus and network are there. The
store (4.4 GB at full size) is deleted afterwards.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from options import make_parser

from emocli.data.clip import SPLITS, Clip
from emocli.data.manifest import Manifest
from emocli.data.store import Recipe, store_path
from emocli.data.store.format import StoreContents, write_store
from emocli.data.store.header import Column

CLASSES = tuple("abcdefgh")
WIDTHS = {"covarep": ("audio", 74), "face": ("visual", 7)}
FACES = 110
DIFFERENT = 64
"""Arrays of which the clips are copies: writing 4 GB of noise takes longer than drawing it."""


def main() -> None:
    parser = make_parser(__doc__, clips=10_000, steps=1500, hidden=16)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary one)")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.hidden)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        generate(Path(name), options.clips, options.steps)
        again = ["--measure", name, "--hidden", str(options.hidden)]
        subprocess.run([sys.executable, __file__, *again], check=True)


def generate(folder: Path, clips: int, steps: int) -> None:
    """Write manifest and store."""
    splits = {"valid": clips // 10, "test": clips // 10}
    splits["train"] = clips - sum(splits.values())
    rows = [
        Clip(f"{split}{k:05d}", split=split, speaker=f"{split}{k % 9}", label=CLASSES[k % 8])
        for split in SPLITS
        for k in range(splits[split])
    ]
    path = folder / "noise.csv"
    manifest = Manifest(tuple(rows), CLASSES, "single", "noise", folder, "none", "none", path=path)
    manifest.write(path)
    (folder / "store").mkdir()
    rng = np.random.default_rng(0)
    for (feature, (modality, width)), length in zip(WIDTHS.items(), (steps, FACES), strict=True):
        drawn = [rng.standard_normal((length, width), np.float32) for _ in range(DIFFERENT)]
        recipe = Recipe(feature, modality, manifest.fingerprint)
        contents = StoreContents(
            ids=[clip.id for clip in rows],
            lengths=[length] * clips,
            columns={"values": Column(np.dtype("<f4"), (width,))},
            blocks=(("values", drawn[k % DIFFERENT]) for k in range(clips)),
            names=(),
            notes=(),
            absent=(),
            attributes=recipe.attributes(None, {}),
        )
        path = store_path(folder / "store", feature)
        write_store(path, contents)
        print(f"{feature}: {clips} clips x {length} x {width}, {path.stat().st_size / 1e9:.2f} GB")


def measure(folder: Path, hidden: int) -> None:
    """Train for an epoch, and tell the peak."""
    from emocli.training.train import TrainRequest

    manifest = Manifest.read(folder / "noise.csv")
    request = TrainRequest(
        manifest=manifest,
        store=folder / "store",
        fusion="rrnn",
        run=folder / "run",
        settings={
            "network": {"hidden": hidden},
            "train": {"epochs": 1, "accelerator": "cpu", "threads": 1},
        },
        baselines=False,
    )
    planned = request.plan()
    before = peak()
    start = time.perf_counter()
    request.train()
    seconds = time.perf_counter() - start
    after = peak()
    clips, cache = planned.clips["train"], planned.train["cache_mb"]
    print(f"{planned.parameters:,} parameters, {clips} clips in an epoch, {seconds:.0f} s")
    print(
        f"peak {after:.0f} MB: {before:.0f} MB before the first clip, {after - before:.0f} MB for "
        f"the training, of which up to {cache} MB are features kept (train.cache_mb)"
    )


def peak() -> float:
    """Most memory this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
