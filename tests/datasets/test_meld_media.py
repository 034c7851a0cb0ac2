"""MELD as it is published, from the tables to features: clips as long as the table says."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emocli.cli.app import run
from emocli.data.manifest import Manifest
from emocli.data.media.content import read_sound
from emocli.data.media.writing import write_video
from emocli.data.store import FeatureStore
from emocli.datasets import meld
from tests import media_factory as factory
from tests.datasets.test_meld import row, table

FPS = Fraction(24000, 1001)
RATE = 16000
AAC = 1024 / RATE
OFF = (0.0, 1 / float(FPS), -1 / float(FPS), AAC, -AAC, 0.02)
"""Seconds by which the clips' lengths differ from the table's: a picture, a frame of aac."""

LENGTHS = {
    "train": (5.672, 1.502, 2.947, 0.25, 0.084, 3.3),
    "dev": (2.454, 0.7),
    "test": (1.2,),
}
FOLDERS = {
    "train": "train/train_splits",
    "dev": "dev/dev_splits_complete",
    "test": "test/output_repeated_splits_test",
}
ROWS = 100
"""Rows of mel per second."""


def stamp(seconds: float) -> str:
    whole = int(seconds)
    milliseconds = round((seconds - whole) * 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{milliseconds:03d}"


def write_clip(path: Path, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    count = max(1, round(seconds * FPS))
    images = (np.full((64, 64, 3), 40 + k % 100, np.uint8) for k in range(count))
    write_video(path, images, FPS, factory.tone(max(seconds, AAC), RATE), RATE)


def tree(root: Path, lengths: dict[str, Iterable[float]]) -> Path:
    """The folders and tables of MELD.Raw, with a clip for every row."""
    for name, told in lengths.items():
        rows = []
        for k, seconds in enumerate(told):
            begins = 60.0 + 7 * k
            times = {"start": stamp(begins), "end": stamp(begins + seconds)}
            rows.append(row(k // 4, k % 4, **times))
            path = root / FOLDERS[name] / f"dia{k // 4}_utt{k % 4}.mp4"
            write_clip(path, max(seconds + OFF[k % len(OFF)], 0.042))
        table(root / Path(FOLDERS[name]).parent, name, *rows)
    return root


def extracted(root: Path, folder: Path) -> tuple[Manifest, FeatureStore]:
    manifest, store = folder / "meld.csv", folder / "store"
    assert run(["manifest", "meld", str(root), "-o", str(manifest)]) == 0
    assert (
        run(["extract", str(manifest), "--root", str(root), "-f", "mel", "--store", str(store)])
        == 0
    )
    return Manifest.read(manifest), FeatureStore(store / "mel.h5")


def check(manifest: Manifest, mel: FeatureStore) -> None:
    assert set(mel.ids) == {clip.id for clip in manifest.clips}
    for clip in manifest.clips:
        seconds = len(read_sound(clip.media["audio"], RATE)) / RATE
        limited = min(seconds, clip.end or seconds)
        assert len(mel[clip.id]) == pytest.approx(limited * ROWS, abs=2)


def test_every_clip_of_the_raw_corpus_is_extracted(tmp_path: Path) -> None:
    root = tree(tmp_path / "MELD.Raw", LENGTHS)
    long = root / FOLDERS["test"] / "dia0_utt0.mp4"
    write_clip(long, 9.0)  # one clip of the corpus goes on for five minutes
    manifest, mel = extracted(root, tmp_path)
    assert len(manifest.clips) == 9
    check(manifest, mel)
    assert len(mel["test_dia0_utt0"]) == pytest.approx((1.2 + meld.SLACK) * ROWS, abs=2)


@pytest.mark.slow
def test_clips_as_long_as_the_real_tables_say(tmp_path: Path, shared_data: Path) -> None:
    real = meld.build(shared_data / "meld", meld.Config(tables=("train", "dev")))
    assert real.clips
    lengths: dict[str, Iterable[float]] = {}
    for name in ("train", "dev"):
        read = meld._table(shared_data / "meld" / f"{name}_sent_emo.csv")
        told = [meld._length(record) for record in read.records()]
        known = sorted(length - meld.SLACK for length in told if length is not None)
        lengths[name] = known[:: len(known) // 60]  # the shortest, the longest and between
    manifest, mel = extracted(tree(tmp_path / "MELD.Raw", lengths), tmp_path)
    assert len(manifest.clips) > 120
    check(manifest, mel)
