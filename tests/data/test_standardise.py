from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from emocli.data import standardise
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.data.store import FeatureStore
from emocli.data.track import Track
from tests import toy


def make(folder: Path, arrays: dict[str, list[np.ndarray | None]]) -> Samples:
    """Make training samples; each modality has an array, or None, per clip."""
    count = len(next(iter(arrays.values())))
    clips = tuple(Clip(f"c{k}", label="a") for k in range(count))
    manifest = Manifest(clips=clips, classes=("a",), task="single", dataset="x", root=folder)
    stores: dict[str, FeatureStore] = {}
    for modality, rows in arrays.items():
        tracks = {f"c{k}": Track(row) for k, row in enumerate(rows) if row is not None}
        stores[modality] = toy.write_tracks(folder, modality, modality, manifest, tracks)
    return Samples.of(manifest, "train", stores)


def test_equals_statistics_over_all_steps(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    audio = [rng.normal(5, 3, (n, 4)).astype(np.float32) for n in (7, 1, 0, 30)]
    text = [None, rng.normal(size=(3, 2)).astype(np.float32), None, rng.normal(size=(1, 2))]
    standardiser = Standardiser.fit(make(tmp_path, {"audio": audio, "text": text}))
    steps = np.concatenate(audio).astype(np.float64)
    assert_allclose(standardiser.mean["audio"], steps.mean(axis=0), rtol=1e-6)
    assert_allclose(standardiser.std["audio"], steps.std(axis=0), rtol=1e-6)
    words = np.concatenate([text[1], text[3]]).astype(np.float64)  # type: ignore[list-item]
    assert_allclose(standardiser.std["text"], words.std(axis=0), rtol=1e-5)
    scaled = np.concatenate([standardiser("", "audio", array) for array in audio])
    assert scaled.dtype == np.float32
    assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    assert_allclose(scaled.std(axis=0), 1, atol=1e-5)


def test_large_offset_keeps_its_digits(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    arrays = [(1e4 + rng.normal(size=(50, 1))).astype(np.float32) for _ in range(40)]
    standardiser = Standardiser.fit(make(tmp_path, {"audio": arrays}))
    steps = np.concatenate(arrays).astype(np.float64)
    assert_allclose(standardiser.std["audio"], steps.std(axis=0), rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, -3e7, 1e-30])
def test_constant_dimension_is_not_blown_up(tmp_path: Path, value: float) -> None:
    arrays = [np.full((n, 1), value, np.float32) for n in (3, 5, 9)]
    standardiser = Standardiser.fit(make(tmp_path, {"audio": arrays}))
    assert standardiser.std["audio"] == 1
    assert_array_equal(standardiser("", "audio", arrays[0]), np.zeros((3, 1)))


def test_modality_without_a_step(tmp_path: Path) -> None:
    arrays = {"audio": [np.ones((2, 3)), None], "text": [np.zeros((0, 2)), None]}
    standardiser = Standardiser.fit(make(tmp_path, arrays))
    assert_array_equal(standardiser.mean["text"], [0, 0])
    assert_array_equal(standardiser.std["text"], [1, 1])


def test_only_the_given_samples_count(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    samples = make(tmp_path, {"audio": [rng.normal(k, 1, (9, 2)) for k in range(4)]})
    half = Samples(samples.manifest, samples.clips[:2], samples.stores)
    assert not np.allclose(
        Standardiser.fit(half).mean["audio"], Standardiser.fit(samples).mean["audio"]
    )


def test_tensors_and_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    arrays = {"audio": [rng.normal(size=(5, 3))], "eye.gaze": [rng.normal(size=(5, 2))]}
    standardiser = Standardiser.fit(make(tmp_path, arrays))
    tensors = standardiser.tensors()
    assert set(tensors) == {
        f"standardise.{kind}.{modality}"
        for kind in ("mean", "std", "low", "high")
        for modality in arrays
    }
    again = Standardiser.from_tensors({**tensors, "network.weight": np.zeros(3)})
    for modality in arrays:
        assert_array_equal(again.mean[modality], standardiser.mean[modality])
        assert_array_equal(again.std[modality], standardiser.std[modality])
        assert_array_equal(again.low[modality], standardiser.low[modality])
        assert_array_equal(again.high[modality], standardiser.high[modality])


def test_it_is_a_transform_of_samples(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    samples = make(tmp_path, {"audio": [rng.normal(9, 2, (n, 3)) for n in (4, 6)]})
    batch = next(samples.then(Standardiser.fit(samples)).batches(2))
    rows = np.concatenate(batch.views["audio"].rows())
    assert_allclose(rows.mean(axis=0), 0, atol=1e-5)
    assert_allclose(rows.std(axis=0), 1, atol=1e-5)


def test_absurd_numbers_are_clipped_and_counted(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    arrays = [rng.normal(3, 2, (20, 3)).astype(np.float32) for _ in range(30)]
    plain = Standardiser.fit(make(tmp_path / "plain", {"audio": arrays}))
    for k in (2, 9, 17):
        arrays[k][4, 1] = -1e30
    samples = make(tmp_path / "absurd", {"audio": arrays})
    standardiser = Standardiser.fit(samples)
    assert standardiser.clipped(samples) == {"audio": 3}
    # Twenty robust standard deviations: of a normal distribution, twenty standard deviations.
    assert_allclose(standardiser.low["audio"], 3 - 40, atol=8)
    assert_allclose(standardiser.high["audio"], 3 + 40, atol=8)
    assert np.all(standardiser.std["audio"] < 2.5 * plain.std["audio"])
    scaled = standardiser("", "audio", arrays[2])
    assert -25 < scaled[4, 1] < -6
    others = [row for row in range(20) if row != 4]
    assert np.abs(scaled[others]).max() < 5
    assert np.abs(standardiser("", "audio", np.full((1, 3), np.float32(450)))).max() < 25


def test_absurd_numbers_are_clipped_where_the_train_split_never_varies(tmp_path: Path) -> None:
    constant = np.full((30, 2), 0.5, np.float32)
    samples = make(tmp_path, {"audio": [constant]})
    standardiser = Standardiser.fit(samples)
    later = np.array([[-3e38, 0.5], [0.7, 1e30]], np.float32)
    shown = standardiser("", "audio", later)
    assert_allclose(shown, [[-20, 0], [0.2, 20]], atol=1e-5)
    assert standardiser.clipped(make(tmp_path / "later", {"audio": [later]})) == {"audio": 2}


def test_clipping_can_be_switched_off(tmp_path: Path) -> None:
    array = np.random.default_rng(6).normal(size=(400, 2)).astype(np.float32)
    array[7, 0] = 1e6
    samples = make(tmp_path, {"audio": [array]})
    free = Standardiser.fit(samples, outliers=0)
    assert free.clipped(samples) == {}
    assert free.std["audio"][0] > 1e4
    assert Standardiser.fit(samples).std["audio"][0] < 2
    loose = Standardiser.fit(samples, outliers=40)
    assert loose.high["audio"][0] > 1.5 * Standardiser.fit(samples).high["audio"][0]


def test_rare_events_are_not_absurd(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    blinks = (rng.random((2000, 1)) < 0.02).astype(np.float32)
    flag = (np.arange(2000)[:, None] == 5).astype(np.float32)  # once: 45 standard deviations out
    pose = rng.normal(size=(2000, 1)).astype(np.float32)
    samples = make(tmp_path, {"visual": [np.concatenate([blinks, flag, pose], axis=1)]})
    standardiser = Standardiser.fit(samples)
    assert standardiser.high["visual"][0] > 1
    assert standardiser.clipped(samples) == {"visual": 1}


def test_padding_does_not_hide_what_is_usual(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    spoken = rng.normal(200, 30, (100, 1)).astype(np.float32)
    silent = np.zeros((5000, 1), np.float32)
    samples = make(tmp_path, {"audio": [silent, spoken]})
    assert Standardiser.fit(samples).clipped(samples) == {"audio": 0}


@pytest.mark.parametrize("rows", [1, 2, 3, 9])
def test_few_rows_are_left_alone(tmp_path: Path, rows: int) -> None:
    array = np.random.default_rng(rows).normal(size=(rows, 4)).astype(np.float32)
    samples = make(tmp_path, {"audio": [array]})
    standardiser = Standardiser.fit(samples)
    assert standardiser.clipped(samples) == {"audio": 0}
    assert_allclose(standardiser.mean["audio"], array.mean(axis=0), atol=1e-6)


def test_a_sample_of_the_clips_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = [np.random.default_rng(k).normal(size=(50, 2)).astype(np.float32) for k in range(40)]
    samples = make(tmp_path, {"audio": arrays})
    whole = Standardiser.fit(samples)
    monkeypatch.setattr(standardise, "SAMPLE", 1000)
    some = Standardiser.fit(samples)
    assert not np.array_equal(some.high["audio"], whole.high["audio"])
    assert_allclose(some.high["audio"], whole.high["audio"], rtol=0.2)
    assert_array_equal(some.mean["audio"], whole.mean["audio"])
