from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest, Task
from emocli.data.samples import BUCKET, Samples
from emocli.data.store import FeatureStore
from emocli.data.track import Track
from emocli.errors import StoreError
from tests import toy

Arrays = Mapping[str, Mapping[str, NDArray[np.float32]]]
CLASSES = ("joy", "anger")


def manifest_of(clips: Sequence[Clip], root: Path, task: Task = "single") -> Manifest:
    return Manifest(clips=tuple(clips), classes=CLASSES, task=task, dataset="x", root=root)


def stores_of(folder: Path, manifest: Manifest, arrays: Arrays) -> dict[str, FeatureStore]:
    tracks = {m: {i: Track(values) for i, values in own.items()} for m, own in arrays.items()}
    return {
        m: toy.write_tracks(folder, f"{m}_feature", m, manifest, own) for m, own in tracks.items()
    }


def steps(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)[:, None]


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    """Two dialogues and a clip by itself; b1 has no sound, a0 and s no text."""
    clips = [
        Clip("b1", dialogue="B", turn=1, label="joy"),
        Clip("a0", dialogue="A", turn=0, label="joy"),
        Clip("b0", dialogue="B", turn=0, label="anger"),
        Clip("s", label="anger"),
        Clip("b2", dialogue="B", turn=2, label="joy"),
        Clip("unlabelled", dialogue="B", turn=3),
        Clip("elsewhere", split="test", label="joy"),
    ]
    arrays = {
        "audio": {
            "a0": steps(1, 3),
            "b0": steps(10),
            "s": steps(4, 5, 6),
            "b2": steps(7, 9),
            "elsewhere": steps(0),
        },
        "text": {
            "b0": np.full((2, 2), 5, np.float32),
            "b1": np.full((1, 2), 6, np.float32),
            "b2": np.zeros((0, 2), np.float32),
        },
    }
    manifest = manifest_of(clips, tmp_path)
    return Samples.of(manifest, "train", stores_of(tmp_path, manifest, arrays))


def test_labelled_clips_of_the_split(samples: Samples) -> None:
    assert [clip.id for clip in samples.clips] == ["b1", "a0", "b0", "s", "b2"]
    assert len(samples) == 5
    assert samples.dims == {"audio": 1, "text": 2}
    assert samples.missing() == {"audio": 1, "text": 3}
    assert [samples.length(clip) for clip in samples.clips] == [1, 2, 2, 3, 2]


def test_clips_are_padded_and_missing_views_are_empty(samples: Samples) -> None:
    batch = samples.batch(samples.clips)
    assert batch.ids == ("b1", "a0", "b0", "s", "b2")
    audio, text = batch.views["audio"], batch.views["text"]
    assert audio.lengths.tolist() == [0, 2, 1, 3, 2]
    assert audio.values[..., 0].tolist() == [[0, 0, 0], [1, 3, 0], [10, 0, 0], [4, 5, 6], [7, 9, 0]]
    assert text.lengths.tolist() == [1, 0, 2, 0, 0]
    assert text.values.shape == (5, 2, 2)
    assert batch.targets is not None
    assert batch.targets.tolist() == [0, 0, 1, 1, 0]
    assert batch.turns is None


def test_order_of_the_manifest(samples: Samples) -> None:
    ids = [batch.ids for batch in samples.batches(2)]
    assert ids == [("b1", "a0"), ("b0", "s"), ("b2",)]


def test_dialogues_are_in_the_order_of_their_turns(samples: Samples) -> None:
    ids = [[clip.id for clip in dialogue] for dialogue in samples.dialogues()]
    assert ids == [["b0", "b1", "b2"], ["a0"], ["s"]]


def test_dialogue_batch(samples: Samples) -> None:
    (batch,) = samples.batches(8, "dialogue")
    assert batch.ids == ("b0", "b1", "b2", "a0", "s")
    assert batch.turns is not None
    assert batch.turns.tolist() == [3, 1, 1]
    audio, text = batch.views["audio"], batch.views["text"]
    assert audio.lengths.tolist() == [len(samples.array(i, "audio")) for i in batch.ids]
    assert text.observed.tolist() == [True, True, False, False, False]
    for row, clip_id in zip(audio.rows(), batch.ids, strict=True):
        assert_array_equal(row, samples.array(clip_id, "audio"))
    assert batch.targets is not None
    assert batch.targets.tolist() == [1, 0, 0, 0, 1]
    assert batch.in_dialogue.sum(dim=1).tolist() == [3, 1, 1]


def test_speakers_are_numbered_within_their_dialogue(tmp_path: Path) -> None:
    who = {"a": ["Ann", "Bob", "Ann"], "b": ["Bob", "", ""]}
    clips = [
        Clip(f"{name}{turn}", dialogue=name, turn=turn, speaker=speaker, label="joy")
        for name, speakers in who.items()
        for turn, speaker in enumerate(speakers)
    ]
    manifest = manifest_of(clips, tmp_path)
    arrays = {clip.id: steps(1) for clip in clips}
    samples = Samples.of(manifest, "train", stores_of(tmp_path, manifest, {"audio": arrays}))
    (batch,) = samples.batches(8, "dialogue")
    assert batch.speakers is not None
    assert batch.speakers.tolist() == [0, 1, 0, 0, 1, 2]
    (alone,) = samples.batches(8)
    assert alone.speakers is None


def test_batches_of_dialogues(samples: Samples) -> None:
    assert [len(batch) for batch in samples.batches(2, "dialogue")] == [4, 1]
    order = np.random.default_rng(0)
    shuffled = [i for batch in samples.batches(1, "dialogue", order) for i in batch.ids]
    assert sorted(shuffled) == sorted(clip.id for clip in samples.clips)
    assert shuffled.index("b0") + 2 == shuffled.index("b1") + 1 == shuffled.index("b2")


def test_transforms_in_turn_and_where_nothing_is_too(samples: Samples) -> None:
    seen: list[tuple[str, str]] = []

    def add(clip_id: str, modality: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append((clip_id, modality))
        return values + 1

    def double(clip_id: str, modality: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return values * 2

    changed = samples.then(add).then(double)
    assert_array_equal(changed.array("a0", "audio"), steps(4, 8))
    assert_array_equal(samples.array("a0", "audio"), steps(1, 3))
    assert changed.array("b1", "audio").shape == (0, 1)
    assert ("b1", "audio") in seen  # a transform may put something where nothing was
    (batch,) = changed.batches(8, "dialogue")
    assert batch.views["audio"].mean()[0].tolist() == [22]


def test_targets_of_intensities(tmp_path: Path) -> None:
    clips = [Clip("a", labels={"joy": 0.5, "anger": 3.0}), Clip("b"), Clip("c", label=None)]
    manifest = manifest_of(clips, tmp_path, "intensity")
    samples = Samples.of(
        manifest, "train", stores_of(tmp_path, manifest, {"audio": {"a": steps(1)}})
    )
    batch = samples.batch(samples.clips)
    assert batch.targets is not None
    assert batch.targets.dtype == torch.float32
    assert batch.targets.tolist() == [[0.5, 3.0]]


def test_split_without_clips_or_features(tmp_path: Path) -> None:
    clips = [Clip("a", label="joy"), Clip("t", split="test", label="joy"), Clip("v", split="valid")]
    manifest = manifest_of(clips, tmp_path)
    stores = stores_of(tmp_path, manifest, {"audio": {"a": steps(1)}})
    with pytest.raises(StoreError, match="split 'valid' has no labelled clip"):
        Samples.of(manifest, "valid", stores)
    with pytest.raises(StoreError, match="no clip of split 'test' has any of the features"):
        Samples.of(manifest, "test", stores)


# -- order


@pytest.fixture
def many(tmp_path: Path) -> Samples:
    rng = np.random.default_rng(0)
    clips = [Clip(f"c{k:03d}", label=CLASSES[k % 2]) for k in range(300)]
    lengths = rng.integers(1, 100, len(clips))
    arrays = {clip.id: steps(*range(n)) for clip, n in zip(clips, lengths, strict=True)}
    manifest = manifest_of(clips, tmp_path)
    return Samples.of(manifest, "train", stores_of(tmp_path, manifest, {"audio": arrays}))


def epoch(samples: Samples, seed: int | None, size: int = 8) -> list[tuple[str, ...]]:
    order = None if seed is None else np.random.default_rng(seed)
    return [batch.ids for batch in samples.batches(size, order=order)]


def test_every_clip_once_whatever_the_order(many: Samples) -> None:
    everyone = sorted(clip.id for clip in many.clips)
    for seed in (None, 0, 1):
        assert sorted(i for ids in epoch(many, seed) for i in ids) == everyone


def test_order_comes_from_the_generator(many: Samples) -> None:
    assert epoch(many, 3) == epoch(many, 3)
    assert epoch(many, 3) != epoch(many, 4)
    order = np.random.default_rng(3)
    first = [batch.ids for batch in many.batches(8, order=order)]
    second = [batch.ids for batch in many.batches(8, order=order)]
    assert first != second


def test_similar_lengths_share_a_batch(many: Samples) -> None:
    def padding(seed: int | None) -> float:
        batches = [[many.length(many.manifest.clip(i)) for i in ids] for ids in epoch(many, seed)]
        padded = sum(max(lengths) * len(lengths) for lengths in batches)
        return padded / sum(map(sum, batches)) - 1

    assert padding(None) > 0.5
    assert padding(0) < 0.15


def test_short_clips_do_not_come_first(many: Samples) -> None:
    longest = [max(many.length(many.manifest.clip(i)) for i in ids) for ids in epoch(many, 0)]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)


def test_clips_change_company(many: Samples) -> None:
    assert len(many) > 8 * BUCKET  # more than one bucket
    together = [{frozenset(ids) for ids in epoch(many, seed)} for seed in (0, 1)]
    assert not together[0] & together[1]
