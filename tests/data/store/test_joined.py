"""Features that are joined: rows, columns, times, missing steps, and what cannot be joined."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.store import open_features, open_joined
from emocli.data.track import Array, Track
from emocli.errors import StoreError
from emocli.pipeline.align import align
from tests.toy import write_tracks

IDS = ("a", "b", "c")


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    clips = tuple(Clip(id=i, split="train", label="joy") for i in IDS)
    return Manifest(clips=clips, classes=("joy",), task="single", dataset="toy", root=tmp_path)


def rows(count: int, width: int = 2, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def frames(count: int, rate: float, width: int = 2, seed: int = 0, start: float = 0.0) -> Track:
    return Track(rows(count, width, seed), start + np.arange(count) / rate)


def test_rows_at_the_same_times_stand_side_by_side(tmp_path: Path, manifest: Manifest) -> None:
    a, b = frames(5, 25.0), frames(5, 25.0, 3, seed=1)
    write_tracks(tmp_path, "hog", "visual", manifest, {"a": a}, 25.0, ("x", "y"))
    write_tracks(tmp_path, "units", "visual", manifest, {"a": b}, 25.0)
    joined = open_joined(tmp_path, "hog+units", manifest)
    assert np.array_equal(joined["a"], np.concatenate([a.values, b.values], axis=1))
    assert (joined.name, joined.modality, joined.dim) == ("hog+units", "visual", 5)
    assert joined.dim_names == ("hog.x", "hog.y", "units.0", "units.1", "units.2")
    assert np.array_equal(joined.track("a").times, a.times)
    assert joined.header.settings == {"hog": {}, "units": {}}
    other = open_joined(tmp_path, "units+hog", manifest)
    assert np.array_equal(other["a"], np.concatenate([b.values, a.values], axis=1))
    assert other.fingerprint != joined.fingerprint


def test_the_faster_one_gives_the_steps_and_the_slower_one_its_nearest_row(
    tmp_path: Path, manifest: Manifest
) -> None:
    fast, slow = frames(8, 100.0), frames(2, 25.0, seed=1)  # at 0 to .07, and at 0 and .04
    write_tracks(tmp_path, "slow", "audio", manifest, {"a": slow}, 25.0)
    write_tracks(tmp_path, "fast", "audio", manifest, {"a": fast}, 100.0)
    joined = open_joined(tmp_path, "slow+fast", manifest)
    # .02 lies half-way: the earlier row is taken. The last row lasts to .06.
    expected = np.repeat(slow.values, (3, 4), axis=0)
    expected = np.concatenate([expected, np.zeros((1, 2), np.float32)])
    assert np.array_equal(joined["a"], np.concatenate([expected, fast.values], axis=1))
    assert joined.lacking("a") == {"slow": 1}
    assert joined.header.rate == 100.0


def test_even_times_need_no_stated_rate(tmp_path: Path, manifest: Manifest) -> None:
    fast, slow = frames(40, 100.0), frames(10, 25.0, seed=1)
    write_tracks(tmp_path, "slow", "audio", manifest, {"a": slow})
    write_tracks(tmp_path, "fast", "audio", manifest, {"a": fast})
    joined = open_joined(tmp_path, "slow+fast", manifest)
    assert joined.length("a") == 40
    assert joined.header.rate == pytest.approx(100.0)


def test_words_give_the_steps_and_get_what_align_gives_them(
    tmp_path: Path, manifest: Manifest
) -> None:
    words = Track(rows(4), np.array([0.1, 0.2, 0.65, 1.4]))
    video = frames(25, 25.0, 3, seed=1)
    write_tracks(tmp_path, "words", "visual", manifest, {"a": words})
    write_tracks(tmp_path, "video", "visual", manifest, {"a": video}, 25.0)
    joined = open_joined(tmp_path, "video+words", manifest)
    aligned = align(manifest, tmp_path, "video", "words")
    hand = open_joined(tmp_path, aligned.feature, manifest)
    assert np.array_equal(joined["a"], np.concatenate([hand["a"], words.values], axis=1))
    assert joined.lacking("a") == {"video": 1} == {"video": aligned.silent}


def test_one_row_per_clip_is_repeated(tmp_path: Path, manifest: Manifest) -> None:
    video, whole = frames(5, 25.0), Track(rows(1, 3, seed=1))
    write_tracks(tmp_path, "video", "visual", manifest, {"a": video}, 25.0)
    write_tracks(tmp_path, "whole", "visual", manifest, {"a": whole})
    joined = open_joined(tmp_path, "whole+video", manifest)
    expected = np.concatenate([np.repeat(whole.values, 5, axis=0), video.values], axis=1)
    assert np.array_equal(joined["a"], expected)
    assert joined.lacking("a") == {}


def test_without_times_rows_are_joined_by_their_number(tmp_path: Path, manifest: Manifest) -> None:
    a, b = rows(5), rows(5, 3, seed=1)
    write_tracks(tmp_path, "hog", "visual", manifest, {"a": Track(a)})
    write_tracks(tmp_path, "units", "visual", manifest, {"a": frames(5, 25.0, 3, seed=1)}, 25.0)
    joined = open_joined(tmp_path, "hog+units", manifest)
    assert np.array_equal(joined["a"], np.concatenate([a, b], axis=1))
    write_tracks(tmp_path, "more", "visual", manifest, {"a": Track(rows(7))})
    with pytest.raises(StoreError, match=r"'more' has 7 rows of clip 'a', 'units' has 5.*no times"):
        open_joined(tmp_path, "units+more", manifest)


def test_a_clip_without_one_of_them_misses_its_steps_alone(
    tmp_path: Path, manifest: Manifest
) -> None:
    fast = {"a": frames(8, 50.0), "b": frames(4, 50.0, seed=1)}
    slow = {"a": frames(4, 25.0, 3), "c": frames(3, 25.0, 3, seed=1)}
    write_tracks(tmp_path, "fast", "visual", manifest, fast, 50.0)
    write_tracks(tmp_path, "slow", "visual", manifest, slow, 25.0)
    joined = open_joined(tmp_path, "fast+slow", manifest)
    assert joined.ids == IDS
    assert [joined.length(i) for i in IDS] == [8, 4, 3]
    assert joined.steps == 15
    none = np.zeros((4, 3), np.float32)
    assert np.array_equal(joined["b"], np.concatenate([fast["b"].values, none], axis=1))
    # The steps of the one that is there.
    none = np.zeros((3, 2), np.float32)
    assert np.array_equal(joined["c"], np.concatenate([none, slow["c"].values], axis=1))
    assert joined.lacking("b") == {"slow": 4}
    assert joined.lacking("c") == {"fast": 3}
    assert np.array_equal(joined.track("c").times, slow["c"].times)


def test_other_content_is_another_feature(tmp_path: Path, manifest: Manifest) -> None:
    write_tracks(tmp_path, "hog", "visual", manifest, {"a": frames(5, 25.0)}, 25.0)
    write_tracks(tmp_path, "units", "visual", manifest, {"a": frames(5, 25.0)}, 25.0)
    before = open_joined(tmp_path, "hog+units", manifest).fingerprint
    assert open_joined(tmp_path, "hog+units", manifest).fingerprint == before
    write_tracks(tmp_path, "units", "visual", manifest, {"a": frames(5, 25.0, seed=1)}, 25.0)
    assert open_joined(tmp_path, "hog+units", manifest).fingerprint != before


def test_non_finite_numbers_are_counted_and_read_as_0(tmp_path: Path, manifest: Manifest) -> None:
    values = rows(5)
    values[2, 1] = np.nan
    times = np.arange(5) / 25
    write_tracks(tmp_path, "hog", "visual", manifest, {"a": Track(values, times)}, 25.0)
    write_tracks(tmp_path, "units", "visual", manifest, {"a": frames(5, 25.0)}, 25.0)
    joined = open_joined(tmp_path, "hog+units", manifest)
    assert joined.header.non_finite == 1
    assert joined["a"][2, 1] == 0


def test_processes_hand_it_to_each_other(tmp_path: Path, manifest: Manifest) -> None:
    for name in ("hog", "units"):
        write_tracks(tmp_path, name, "visual", manifest, {"a": frames(5, 25.0)}, 25.0)
    with open_joined(tmp_path, "hog+units", manifest) as joined:
        assert np.array_equal(pickle.loads(pickle.dumps(joined))["a"], joined["a"])


def test_what_cannot_be_joined_is_refused(tmp_path: Path, manifest: Manifest) -> None:
    write_tracks(tmp_path, "hog", "visual", manifest, {"a": frames(5, 25.0)}, 25.0)
    write_tracks(tmp_path, "mel", "audio", manifest, {"a": frames(5, 25.0)}, 25.0)
    crops = {"a": Track(np.zeros((5, 4, 4), np.float32))}
    write_tracks(tmp_path, "crops", "visual", manifest, crops, 25.0)
    nowhere = {"a": Track(rows(5), np.full(5, np.nan))}
    write_tracks(tmp_path, "nowhere", "visual", manifest, nowhere)
    refused = {
        "hog+hog": "names 'hog' twice",
        "hog+": "names a feature that has no name",
        "hog+mel": "'hog' is visual and 'mel' is audio; .* of one modality",
        "hog+nothing": "has no feature 'nothing'",
        "hog+crops": "rows of shape",
    }
    for name, message in refused.items():
        with pytest.raises(StoreError, match=message):
            open_features(tmp_path, [name], manifest)
    with pytest.raises(StoreError, match="'hog' and 'hog\\+nowhere' are both visual; choose one"):
        open_features(tmp_path, ["hog", "hog+nowhere"], manifest)
    joined = open_joined(tmp_path, "hog+nowhere", manifest)
    with pytest.raises(StoreError, match="the times of clip 'a' are not known"):
        _ = joined["a"]
