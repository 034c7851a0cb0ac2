from __future__ import annotations

import multiprocessing
import os
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.store import (
    FeatureStore,
    FeatureWriter,
    Recipe,
    features_in,
    open_feature,
    open_features,
    store_path,
)
from emocli.data.store.parts import write_part
from emocli.data.track import Track
from emocli.errors import StoreError

RAGGED = st.dictionaries(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1),
    st.integers(0, 6).flatmap(
        lambda steps: hnp.arrays(
            np.float32, (steps, 3), elements=st.floats(width=32, allow_nan=True)
        )
    ),
    min_size=1,
    max_size=8,
)


def test_a_folder_is_told_from_a_damaged_file(tmp_path: Path) -> None:
    empty = "is a folder, not the file of a feature, and has none; run emocli extract or"
    with pytest.raises(StoreError, match=empty):
        FeatureStore(tmp_path)
    write(tmp_path, {"a": Track(np.ones((2, 3), np.float32))}).close()
    (tmp_path / "check.h5").touch()
    with pytest.raises(StoreError, match=r"not the file of a feature; name .* files: mel\.h5$"):
        FeatureStore(tmp_path)


def write(
    folder: Path,
    tracks: dict[str, Track],
    *,
    feature: str = "mel",
    modality: str = "audio",
    manifest: str = "m",
    absent: tuple[str, ...] = (),
    parts: int = 1,
) -> FeatureStore:
    recipe = Recipe(feature, modality, manifest, {"bands": 3})
    with FeatureWriter(folder, recipe, [*tracks, *absent]) as writer:
        for k, path in enumerate(writer.reserve(parts)):
            some = {clip_id: tracks[clip_id] for clip_id in list(tracks)[k::parts]}
            write_part(path, recipe, some, absent, rate=25.0)
        store = writer.finish()
    assert store is not None
    return store


def corpus(ids: list[str], root: Path) -> Manifest:
    clips = tuple(Clip(clip_id) for clip_id in ids)
    return Manifest(clips=clips, classes=("a",), task="single", dataset="x", root=root)


@pytest.fixture
def tracks() -> dict[str, Track]:
    rng = np.random.default_rng(0)
    return {
        f"clip {k}": Track(
            rng.normal(size=(steps, 4)).astype(np.float32),
            np.arange(steps) / 25,
            {"flag": rng.random(steps) > 0.5, "box": rng.integers(0, 255, (steps, 2, 2), np.uint8)},
            {"faces": steps},
        )
        for k, steps in enumerate([3, 0, 7, 1])
    }


@settings(max_examples=40)
@given(arrays=RAGGED, parts=st.integers(1, 3))
def test_ragged_round_trip(
    tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, np.ndarray], parts: int
) -> None:
    folder = tmp_path_factory.mktemp("store")
    tracks = {clip_id: Track(array) for clip_id, array in arrays.items()}
    with write(folder, tracks, parts=parts) as store:
        assert store.ids == tuple(arrays)
        for clip_id, array in arrays.items():
            assert store.length(clip_id) == len(array)
            assert_array_equal(store[clip_id], np.where(np.isfinite(array), array, 0))
        whole = np.concatenate(list(arrays.values()))
        assert store.header.non_finite == (~np.isfinite(whole)).sum()
        assert_array_equal(store.rows("values", 0, store.steps), whole)
        assert store.is_intact()


def test_tracks_come_back(tmp_path: Path, tracks: dict[str, Track]) -> None:
    with write(tmp_path, tracks, absent=("none",)) as store:
        assert (store.name, store.modality, store.header.rate) == ("mel", "audio", 25.0)
        assert store.header.settings == {"bands": 3}
        assert (store.dim, store.shape, len(store), store.steps) == (4, (4,), 4, 11)
        assert store.absent == ("none",)
        assert "none" not in store
        assert tuple(store) == store.ids
        assert store.length("none") == 0
        assert store.header.attributes["notes"] == {"faces": 11}
        assert store.header.attributes["clips"] == 4
        for clip_id, track in tracks.items():
            read = store.track(clip_id)
            assert_array_equal(read.values, track.values)
            assert_array_equal(read.times, track.times)
            assert read.notes == track.notes
            for name, array in track.extra.items():
                assert_array_equal(read.extra[name], array)
                assert read.extra[name].dtype == array.dtype


def test_file_is_plain_hdf5(tmp_path: Path, tracks: dict[str, Track]) -> None:
    path = write(tmp_path, tracks).path
    with h5py.File(path) as file:
        assert file["ids"].asstr()[:].tolist() == list(tracks)
        assert file["offsets"][:].tolist() == [0, 3, 3, 10, 11]
        assert_array_equal(file["values"][3:10], tracks["clip 2"].values)
        assert_array_equal(file["extra/flag"][10:], tracks["clip 3"].extra["flag"])
        assert file["times"].dtype == np.float64


def test_chunked_and_compressed_arrays_are_read(tmp_path: Path, tracks: dict[str, Track]) -> None:
    path = write(tmp_path, tracks).path
    with h5py.File(path, "r+") as file:
        values = file["values"][:]
        del file["values"]
        file.create_dataset("values", data=values, chunks=(2, 4), compression="gzip")
    with FeatureStore.open(path) as store:
        assert store.columns["values"].offset is None
        for clip_id, track in tracks.items():
            assert_array_equal(store[clip_id], track.values)


def test_images_are_kept_as_they_are(tmp_path: Path) -> None:
    crops = np.arange(2 * 5 * 5 * 3, dtype=np.uint8).reshape(2, 5, 5, 3)
    with write(tmp_path, {"a": Track(crops)}) as store:
        assert store["a"].dtype == np.uint8
        assert_array_equal(store["a"], crops)
        with pytest.raises(StoreError, match=r"rows of shape \(5, 5, 3\), which no network takes"):
            _ = store.dim


def test_content_decides_the_fingerprint(tmp_path: Path, tracks: dict[str, Track]) -> None:
    first = write(tmp_path / "a", tracks)
    same = write(tmp_path / "b", tracks, parts=3, manifest="other")
    assert first.fingerprint == same.fingerprint
    values = tracks["clip 3"].values.copy()
    values[0, 0] += 1e-3
    changed = {**tracks, "clip 3": Track(values, tracks["clip 3"].times, tracks["clip 3"].extra)}
    assert write(tmp_path / "c", changed).fingerprint != first.fingerprint
    renamed = {f"{clip_id}!": track for clip_id, track in tracks.items()}
    assert write(tmp_path / "d", renamed).fingerprint != first.fingerprint


def test_damaged_values_are_detected(tmp_path: Path, tracks: dict[str, Track]) -> None:
    path = write(tmp_path, tracks).path
    with h5py.File(path, "r+") as file:
        file["values"][2, 1] += 1
    with FeatureStore.open(path) as store:
        assert not store.is_intact()


@pytest.mark.parametrize("keep", [0, 5, 500, 0.5, 0.99])
def test_truncated_file(tmp_path: Path, tracks: dict[str, Track], keep: float) -> None:
    path = write(tmp_path, tracks).path
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data) if keep < 1 else keep)])
    with pytest.raises(StoreError, match=r"mel\.h5: is damaged or not") as caught:
        FeatureStore.open(path)
    assert "\n" not in str(caught.value)


def test_every_flipped_byte_of_the_structure_is_an_error_or_harmless(
    tmp_path: Path, tracks: dict[str, Track]
) -> None:
    path = write(tmp_path, tracks).path
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    messages = []
    for position in rng.integers(0, len(data), 150):
        broken = bytearray(data)
        broken[position] ^= 0xFF
        path.write_bytes(broken)
        try:
            with FeatureStore.open(path) as store:
                for clip_id in store.ids:
                    _ = store[clip_id]
        except StoreError as error:
            messages.append(str(error))
    assert len(messages) > 50
    assert not any("\n" in message for message in messages)


def test_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no such file"):
        FeatureStore.open(tmp_path / "none.h5")
    text = tmp_path / "text.h5"
    text.write_text("not HDF5 at all")
    with pytest.raises(StoreError, match="is damaged or not HDF5"):
        FeatureStore.open(text)
    foreign = tmp_path / "foreign.h5"
    with h5py.File(foreign, "w") as file:
        file["x"] = 1
    with pytest.raises(StoreError, match="has format none, not 1"):
        FeatureStore.open(foreign)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("offsets", np.array([0, 3, 3, 10, 12])),
        ("offsets", np.array([0, 5, 3, 10, 11])),
        ("offsets", np.array([0, 11])),
        ("ids", np.array([b"a", b"a", b"b", b"c"])),
        ("times", np.zeros(5)),
        ("values", np.array([b"text"] * 11)),
        ("ids", None),
        ("values", None),
    ],
)
def test_inconsistent_file(
    tmp_path: Path, tracks: dict[str, Track], name: str, value: np.ndarray | None
) -> None:
    path = write(tmp_path, tracks).path
    with h5py.File(path, "r+") as file:
        del file[name]
        if value is not None:
            file[name] = value
    with pytest.raises(StoreError, match="is damaged or not a feature store"):
        FeatureStore.open(path)


def test_unknown_clip(tmp_path: Path, tracks: dict[str, Track]) -> None:
    with write(tmp_path, tracks) as store, pytest.raises(StoreError, match="has no clip 'nobody'"):
        store["nobody"]


def read_in_child(store: FeatureStore, connection: object) -> None:
    connection.send((os.getpid(), store["clip 2"].tolist()))  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_read_on_their_own(
    tmp_path: Path, tracks: dict[str, Track], method: str
) -> None:
    store = write(tmp_path, tracks)
    expected = store["clip 2"].tolist()
    context = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    process = context.Process(target=read_in_child, args=(store, theirs))
    process.start()
    pid, values = ours.recv()
    process.join()
    assert pid != os.getpid()
    assert values == expected
    assert store["clip 2"].tolist() == expected


def test_replaced_file_is_not_mixed_up(tmp_path: Path, tracks: dict[str, Track]) -> None:
    store = write(tmp_path / "a", tracks)
    before = store["clip 2"]
    other = write(tmp_path / "b", {"clip 2": Track(np.ones((5, 4), np.float32))})
    os.replace(other.path, store.path)  # noqa: PTH105
    assert_array_equal(store["clip 2"], before)
    with pytest.raises(StoreError, match="was replaced while in use"):
        pickle.loads(pickle.dumps(store))["clip 2"]


def test_open_features(tmp_path: Path, tracks: dict[str, Track]) -> None:
    manifest = corpus(list(tracks), tmp_path)
    mine = manifest.fingerprint
    write(tmp_path, tracks, manifest=mine)
    write(tmp_path, tracks, feature="hog", modality="visual", manifest=mine)
    crops = {"clip 0": Track(np.zeros((1, 2, 2, 3), np.uint8))}
    write(tmp_path, crops, feature="faces", modality="visual", manifest=mine)
    (tmp_path / "check.h5").write_bytes(b"of another kind")
    assert features_in(tmp_path) == ["faces", "hog", "mel"]
    result = open_features(tmp_path, None, manifest)
    assert {modality: store.name for modality, store in result.items()} == {
        "audio": "mel",
        "visual": "hog",
    }
    assert list(open_features(tmp_path, ["mel"], manifest)) == ["audio"]
    with pytest.raises(StoreError, match=r"has no feature 'mle'; it has: faces, hog, mel"):
        open_features(tmp_path, ["mle"], manifest)
    with pytest.raises(StoreError, match="which no network takes"):
        open_features(tmp_path, ["faces"], manifest)
    write(tmp_path, tracks, feature="covarep", manifest=mine)
    with pytest.raises(StoreError, match=r"'covarep' and 'mel' are both audio; choose one"):
        open_features(tmp_path, None, manifest)
    assert len(open_features(tmp_path, ["hog", "mel"], manifest)) == 2


def test_store_of_another_manifest(tmp_path: Path, tracks: dict[str, Track]) -> None:
    write(tmp_path, tracks, manifest="another")
    with pytest.raises(StoreError, match=r"made for another manifest.*--update.*--overwrite"):
        open_feature(tmp_path, "mel", corpus(list(tracks), tmp_path))


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="has no feature a network could take"):
        open_features(tmp_path, None, corpus(["a"], tmp_path))
    with pytest.raises(StoreError, match="no such folder of features; run emocli extract"):
        open_features(tmp_path / "nowhere", ["mel"], corpus(["a"], tmp_path))
    assert store_path(tmp_path, "mel") == tmp_path / "mel.h5"


def spoil(path: Path, **attributes: Any) -> None:
    with h5py.File(path, "r+") as file:
        for key, value in attributes.items():
            del file.attrs[key]
            if value is not None:
                file.attrs[key] = value


@pytest.mark.parametrize(
    "attributes",
    [
        *({key: None} for key in ("feature", "modality", "manifest", "recipe", "digest")),
        *({key: 3} for key in ("feature", "modality", "manifest", "recipe", "digest", "settings")),
        {"non_finite": None},
        {"non_finite": -1},
        {"non_finite": "0"},
        {"non_finite": np.float64(1)},
        {"non_finite": True},
        {"settings": "{"},
        {"settings": "[]"},
        {"settings": "[" * 100_000},
        {"settings": "{" + '"a":' * 9999},
        {"notes": '{"words": "many"}'},
        {"notes": "3"},
        {"versions": '{"numpy": [1]}'},
        {"upstream": "null"},
        {"upstream": np.zeros(3)},
    ],
)
def test_damaged_attributes(
    tmp_path: Path, tracks: dict[str, Track], attributes: dict[str, Any]
) -> None:
    path = write(tmp_path, tracks).path
    spoil(path, **attributes)
    message = r"(not a feature store|cannot be read) .*; extract or import it again"
    with pytest.raises(StoreError, match=message) as caught:
        FeatureStore.open(path)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ids", np.arange(3)),
        ("ids", np.array([b"\xff", b"b", b"c"])),
        ("ids", np.array([[b"a", b"b", b"c"]])),
        ("notes", np.zeros(3)),
        ("names", np.float64(1)),
        ("offsets", np.array([0.0, 1.0])),
        ("offsets", np.array([0, 2**63, 5], "u8")),
        ("offsets", np.array([0, -1, 5])),
        ("offsets", np.array([0, 10**15])),
        ("offsets", np.zeros(0, int)),
        ("offsets", np.int64(0)),
        ("values", np.array([b"a", b"b"])),
        ("values", np.float32(1)),
        ("values", np.zeros((2, 2), complex)),
    ],
)
def test_damaged_arrays(tmp_path: Path, tracks: dict[str, Track], name: str, value: Any) -> None:
    path = write(tmp_path, tracks).path
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = value
    with pytest.raises(StoreError, match="is damaged or not a feature store"):
        FeatureStore.open(path)
