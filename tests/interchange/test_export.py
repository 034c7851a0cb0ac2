from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from emocli.data.clip import Clip
from emocli.data.durable import write_lock
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore
from emocli.data.track import Track
from emocli.errors import StoreError
from emocli.interchange.csd import Csd
from emocli.interchange.export import export
from emocli.interchange.import_features import import_features
from emocli.interchange.mmsa import read_mmsa
from emocli.interchange.npz import read_ragged
from tests import toy

CLIPS = (
    Clip("v[0]", "train", dialogue="v", start=2.0, end=4.0, text="one", label="b"),
    Clip("v[1]", "train", dialogue="v", turn=1, start=4.0, text="two", label="a"),
    Clip("w[0]", "valid", dialogue="w", label=None),
    Clip("x[0]", "test", dialogue="x", start=1.0, end=2.0, label="a"),
)


def corpus(root: Path, **changes: Any) -> Manifest:
    given = {"clips": CLIPS, "classes": ("a", "b"), "task": "single", "dataset": "toy", **changes}
    return Manifest(root=root, citation="Someone (2020)", **given)


def make(
    store: Path, name: str, tracks: dict[str, Track], names: tuple[str, ...] = (), **rate: float
) -> None:
    toy.write_tracks(store, name, name, corpus(store), tracks, names=names, **rate).close()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)

    def values(n: int, dims: int) -> np.ndarray:
        return rng.normal(size=(n, dims)).astype(np.float32)

    store = tmp_path / "store"
    audio = {
        "v[0]": Track(values(4, 2), np.array([0.25, 0.75, 1.25, 1.75])),
        "v[1]": Track(values(1, 2), np.array([0.1])),
        "x[0]": Track(values(0, 2), np.zeros(0)),
    }
    audio["v[0]"].values[1, 0] = np.nan
    make(store, "audio", audio, ("f0", "vuv"))
    make(
        store, "text", {i: Track(values(n, 3)) for i, n in (("v[0]", 2), ("v[1]", 3), ("w[0]", 1))}
    )
    return store


def test_npz(tmp_path: Path, store: Path) -> None:
    summary = export(tmp_path / "a.npz", corpus(tmp_path), store, ["audio"])
    assert (summary.clips, summary.rows, summary.features) == (3, 5, {"audio": "audio"})
    ragged = read_ragged(tmp_path / "a.npz")
    with FeatureStore.open(store / "audio.h5") as result:
        assert ragged.ids == result.ids
        assert ragged.names == ("f0", "vuv")
        assert_array_equal(ragged.values, result.rows("values", 0, 5))
        assert np.isnan(ragged.values[1, 0])
        assert_array_equal(ragged.times, result.rows("times", 0, 5))


def test_csd_is_timed_in_the_recording(tmp_path: Path, store: Path) -> None:
    export(tmp_path / "a.csd", corpus(tmp_path), store, ["audio"])
    with Csd(tmp_path / "a.csd") as file:
        assert file.names == ("f0", "vuv")
        assert file.metadata["dataset name"] == "toy"
        assert file.metadata["dataset bib citation"] == "Someone (2020)"
        rows = file.rows("v[0]")
        assert_allclose(rows.intervals, [[2, 2.5], [2.5, 3], [3, 3.5], [3.5, 4]])
        assert_allclose(file.rows("v[1]").intervals, [[3.6, 4.6]])  # alone: a second around it
        assert len(file.rows("x[0]").values) == 0
    export(tmp_path / "t.csd", corpus(tmp_path), store, ["text"])
    with Csd(tmp_path / "t.csd") as file:
        assert_allclose(file.rows("v[0]").intervals, [[2, 3], [3, 4]])  # share the clip
        assert_allclose(file.rows("v[1]").intervals, [[4, 5], [5, 6], [6, 7]])  # no end known
        assert_allclose(file.rows("w[0]").intervals, [[0, 1]])


def test_intervals_follow_the_rate(tmp_path: Path) -> None:
    track = Track(np.ones((2, 1), np.float32), np.array([0.1, 0.3]))
    make(tmp_path / "s", "audio", {"v[0]": track}, rate=10.0)
    export(tmp_path / "a.csd", corpus(tmp_path), tmp_path / "s", ["audio"])
    with Csd(tmp_path / "a.csd") as file:
        assert_allclose(file.rows("v[0]").intervals, [[2.05, 2.15], [2.25, 2.35]])


def test_times_may_be_unknown_in_some_clips(tmp_path: Path) -> None:
    """Words have times only where a file of words is at hand."""
    manifest, store = corpus(tmp_path), tmp_path / "s"
    rows = np.arange(3, dtype=np.float32)[:, None]
    known, unknown = np.array([0.1, 0.4, 0.6]), np.full(3, np.nan)
    make(store, "text", {"v[0]": Track(rows, known), "x[0]": Track(rows, unknown)})
    for suffix in (".npz", ".csd"):
        export(tmp_path / f"text{suffix}", manifest, store)
        back = import_features(
            tmp_path / f"text{suffix}", suffix[1:], "text", manifest, tmp_path / "back"
        )
        with FeatureStore.open(back.path) as result:
            assert_array_equal(result["x[0]"], rows)
            if suffix == ".npz":
                assert_array_equal(result.track("v[0]").times, known)
                assert np.isnan(result.track("x[0]").times).all()
    with Csd(tmp_path / "text.csd") as file:
        assert_allclose(file.rows("x[0]").intervals[:, 0], [1, 4 / 3, 5 / 3])  # share the clip


@pytest.mark.parametrize("suffix", [".npz", ".csd", ".pkl"])
def test_what_is_exported_can_be_imported(tmp_path: Path, store: Path, suffix: str) -> None:
    manifest = corpus(tmp_path)
    output = tmp_path / f"out{suffix}"
    export(output, manifest, store, ["audio"])
    result = import_features(output, "again", "audio", manifest, tmp_path / "new")
    with FeatureStore.open(result.path) as new, FeatureStore.open(store / "audio.h5") as old:
        for clip_id in old.ids:
            assert_array_equal(new[clip_id], old[clip_id])
            if suffix != ".pkl":
                assert_allclose(new.track(clip_id).times, old.track(clip_id).times)  # type: ignore[arg-type]


def test_pickle(tmp_path: Path, store: Path) -> None:
    summary = export(tmp_path / "sub" / "a.pkl", corpus(tmp_path), store)
    assert summary.features == {"audio": "audio", "text": "text"}
    assert (summary.clips, summary.rows) == (4, 11)
    content = pickle.loads((tmp_path / "sub" / "a.pkl").read_bytes())
    assert list(content) == ["train", "valid", "test"]
    train = content["train"]
    assert train["id"] == ["v$_$0", "v$_$1"]
    assert train["raw_text"].tolist() == ["one", "two"]
    assert train["audio"].shape == (2, 4, 2)
    assert train["audio_lengths"] == [4, 1]
    assert not train["audio"][1, 1:].any()
    assert train["annotations"] == ["b", "a"]
    assert train["classification_labels"].tolist() == [1, 0]
    assert np.isnan(content["valid"]["classification_labels"]).all()
    assert content["test"]["text_lengths"] == [0]
    assert read_mmsa(tmp_path / "sub" / "a.pkl").modalities == ("text", "audio")


def test_intensities(tmp_path: Path, store: Path) -> None:
    clips = tuple(Clip(c.id, c.split, c.dialogue, labels={"a": 1.5, "b": 0}) for c in CLIPS[:1])
    bare = Clip("u", labels={})
    manifest = corpus(tmp_path, clips=(*clips, bare), task="intensity")
    folder = tmp_path / "own"
    toy.write_feature(folder, "audio", "audio", manifest, {"v[0]": np.ones((1, 1))})
    export(tmp_path / "a.pkl", manifest, folder)
    labels = pickle.loads((tmp_path / "a.pkl").read_bytes())["train"]["regression_labels"]
    assert_array_equal(labels, [[1.5, 0], [np.nan, np.nan]])


def test_what_cannot_be_exported(tmp_path: Path, store: Path) -> None:
    manifest = corpus(tmp_path)
    with pytest.raises(StoreError, match=r"choose \.npz, \.csd or \.pkl"):
        export(tmp_path / "a.mat", manifest, store)
    with pytest.raises(StoreError, match=r"holds one feature, not audio, text; choose one with -f"):
        export(tmp_path / "a.npz", manifest, store)
    with pytest.raises(StoreError, match="has no feature 'face'"):
        export(tmp_path / "a.npz", manifest, store, ["face"])
    make(store, "faces", {"v[0]": Track(np.ones((2, 4, 4, 3), np.uint8))})
    with pytest.raises(StoreError, match="which no network takes"):
        export(tmp_path / "a.npz", manifest, store, ["faces"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store"]


def test_hdf5_tools_read_it(tmp_path: Path, store: Path) -> None:
    export(tmp_path / "a.csd", corpus(tmp_path), store, ["audio"])
    with h5py.File(tmp_path / "a.csd") as file:
        assert set(file["audio"]) == {"data", "metadata"}
        assert file["audio/data/v[0]/features"].shape == (4, 2)


def test_two_exports_to_one_file_do_not_mix(tmp_path: Path, store: Path) -> None:
    target = tmp_path / "out.npz"
    busy = pytest.raises(StoreError, match=r"out\.npz: is being written by process")
    with write_lock(target), busy:
        export(target, corpus(store), store, ["audio"])
    assert not target.exists()
    export(target, corpus(store), store, ["audio"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.npz", "store"]


def test_processes_that_export_to_one_file_leave_a_whole_one(tmp_path: Path, store: Path) -> None:
    corpus(store).write(tmp_path / "m.csv")
    target = tmp_path / "out.npz"
    command = [sys.executable, "-c", "from emocli.cli.app import main; main()", "export"]
    command += [str(target), "--manifest", str(tmp_path / "m.csv"), "--store", str(store)]
    started = [
        subprocess.Popen([*command, "-f", name], stderr=subprocess.PIPE, text=True)
        for name in ("audio", "text")
    ]
    ended = [(child.communicate(timeout=120)[1], child.returncode) for child in started]
    assert any(code == 0 for _, code in ended)
    for err, code in ended:
        assert code == 0 or (code == 2 and "is being written by process" in err)
    assert read_ragged(target).values.shape[1] in (2, 3)
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
