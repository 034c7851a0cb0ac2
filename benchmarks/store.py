"""Reading a shuffled epoch: the ragged store against one HDF5 dataset per clip.

    python benchmarks/store.py [--clips 2000] [--rounds 7] [--folder DIR]

Both files hold the same clips of 20 to 400 steps x 74 float32 and are read in the same shuffled
orders, alternately, in this process. Every array is materialised in memory, and the bytes are
compared once. What is timed is an epoch of reads from an open file; opening is shown apart. The
files are in the page cache, as they are from the second epoch on.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray
from options import make_parser

from emocli.data.store import FeatureStore, FeatureWriter, Recipe
from emocli.data.track import Track

WIDTH = 74
Read = Callable[[str], NDArray[np.float32]]
T = TypeVar("T")


def main() -> None:
    parser = make_parser(__doc__, clips=2000, rounds=7)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        compare(Path(name), options.clips, options.rounds)


def compare(folder: Path, clips: int, rounds: int) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        f"clip_{k:06d}": rng.standard_normal((rng.integers(20, 401), WIDTH), np.float32)
        for k in range(clips)
    }
    ids = list(arrays)
    write_store(folder, arrays)
    write_datasets(folder / "datasets.h5", arrays)
    store, opening = timed(lambda: FeatureStore.open(folder / "bench.h5"))
    file, opening_datasets = timed(lambda: h5py.File(folder / "datasets.h5", "r"))

    def from_datasets(clip_id: str) -> NDArray[np.float32]:
        return np.asarray(file[clip_id])

    for clip_id in ids:
        assert np.array_equal(store[clip_id], arrays[clip_id])
        assert np.array_equal(from_datasets(clip_id), arrays[clip_id])
    ragged, datasets = [], []
    for _ in range(rounds):
        order = [ids[k] for k in rng.permutation(clips)]
        ragged.append(timed(partial(epoch, store.__getitem__, order))[1])
        datasets.append(timed(partial(epoch, from_datasets, order))[1])
    size = sum(array.nbytes for array in arrays.values()) / 2**20
    print(f"{clips} clips, {size:.0f} MiB, median of {rounds} shuffled epochs")
    show("one dataset per clip", datasets, clips, size, opening_datasets)
    show("ragged store", ragged, clips, size, opening)
    ratios = [slow / fast for slow, fast in zip(datasets, ragged, strict=True)]
    ratio = statistics.median(ratios)
    print(f"ratio: {ratio:.1f} times as fast (rounds: {min(ratios):.1f} to {max(ratios):.1f})")


def epoch(read: Read, order: Sequence[str]) -> int:
    return sum(len(read(clip_id)) for clip_id in order)


def timed(call: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    return call(), time.perf_counter() - start


def show(name: str, seconds: Sequence[float], clips: int, size: float, opening: float) -> None:
    typical = statistics.median(seconds)
    print(
        f"{name:21} {typical * 1e3:7.1f} ms  {typical / clips * 1e6:6.1f} us a clip"
        f"  {size / typical:6.0f} MiB/s  (opening {opening * 1e3:.1f} ms)"
    )


def write_store(folder: Path, arrays: dict[str, NDArray[np.float32]]) -> None:
    recipe = Recipe("bench", "audio", "benchmark")
    with FeatureWriter(folder, recipe, list(arrays)) as writer:
        writer.complete(list(arrays), lambda clip_id: Track(arrays[clip_id])).close()


def write_datasets(path: Path, arrays: dict[str, NDArray[np.float32]]) -> None:
    with h5py.File(path, "w") as file:
        for clip_id, array in arrays.items():
            file[clip_id] = array


if __name__ == "__main__":
    main()
