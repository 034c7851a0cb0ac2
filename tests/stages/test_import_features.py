from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from emocli.data.clip import Clip
from emocli.data.interchange import Ragged, read_ragged, write_ragged
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore
from emocli.data.writer import FeatureWriter, Recipe
from emocli.errors import StoreError
from emocli.stages import import_features as stage
from emocli.stages.import_features import import_features


def corpus(ids: list[str], root: Path) -> Manifest:
    clips = tuple(Clip(clip_id) for clip_id in ids)
    return Manifest(clips=clips, classes=("a",), task="single", dataset="x", root=root)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    values[4, 1] = np.nan
    values[8, 2] = np.inf
    names = ("x", "y", "z")
    ids = ("c", "a", "other", "b")
    write_ragged(
        tmp_path / "in.npz", Ragged(ids, np.array([0, 4, 6, 8, 9]), values, np.arange(9.0), names)
    )
    return tmp_path / "in.npz"


def test_import(tmp_path: Path, source: Path) -> None:
    manifest = corpus(["a", "b", "c", "d"], tmp_path)
    result = import_features(source, "posteriors", "visual", manifest, tmp_path / "store")
    assert (result.clips, result.unknown, result.missing, result.non_finite) == (3, 1, 1, 2)
    assert "3 clips as posteriors (visual)" in str(result)
    ragged = read_ragged(source)
    with FeatureStore.open(result.path) as store:
        assert store.ids == ("a", "b", "c")
        assert store.modality == "visual"
        assert store.dim_names == ("x", "y", "z")
        assert store.manifest_fingerprint == manifest.fingerprint
        assert store.settings["source"] == "in.npz"
        assert_array_equal(store["c"], ragged.values[:4])
        assert_array_equal(store.track("a").times, [4, 5])
        assert store["a"][0, 1] == 0
        assert store["b"][0, 2] == 0
        assert np.isnan(store.rows("values", 0, 1)[0, 1])  # kept in the file


def test_import_in_several_parts(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = corpus(["a", "b", "c"], tmp_path)
    one = import_features(source, "f", "visual", manifest, tmp_path / "one")
    monkeypatch.setattr(stage, "PART", 1)
    many = import_features(source, "f", "visual", manifest, tmp_path / "many")
    assert one.path.read_bytes() == many.path.read_bytes()


def test_import_again(tmp_path: Path, source: Path) -> None:
    manifest, store = corpus(["a", "b", "c"], tmp_path), tmp_path / "store"
    first = import_features(source, "f", "visual", manifest, store)
    before = first.path.read_bytes()
    assert import_features(source, "f", "visual", manifest, store) == first
    ragged = read_ragged(source)
    write_ragged(source, Ragged(ragged.ids, ragged.offsets, ragged.values * 2))
    with pytest.raises(StoreError, match=r"other settings \(sha256 was .*--overwrite"):
        import_features(source, "f", "visual", manifest, store)
    assert first.path.read_bytes() == before
    import_features(source, "f", "visual", manifest, store, overwrite=True)
    with FeatureStore.open(first.path) as made:
        assert_array_equal(made["c"], ragged.values[:4] * 2)


def test_no_clip_in_common(tmp_path: Path, source: Path) -> None:
    manifest = corpus(["A", "B"], tmp_path)
    with pytest.raises(
        StoreError, match=r"no clip of the manifest \(its first entry is 'c', .*'A'\)"
    ):
        import_features(source, "f", "visual", manifest, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_broken_npz_leaves_the_store(tmp_path: Path, source: Path) -> None:
    manifest, store = corpus(["a", "b", "c"], tmp_path), tmp_path / "store"
    before = import_features(source, "f", "visual", manifest, store).path.read_bytes()
    source.write_bytes(source.read_bytes()[:-30])
    with pytest.raises(StoreError, match="is not a whole npz"):
        import_features(source, "f", "visual", manifest, store, overwrite=True)
    assert (store / "f.h5").read_bytes() == before


@pytest.mark.parametrize("name", ["", ".", "..", ".f", "a/b", "../f", "a\\b", "check"])
def test_impossible_names(tmp_path: Path, source: Path, name: str) -> None:
    with pytest.raises(StoreError, match="name"):
        import_features(source, name, "visual", corpus(["a"], tmp_path), tmp_path / "store")
    with pytest.raises(StoreError, match="modality"):
        import_features(source, "f", " ", corpus(["a"], tmp_path), tmp_path / "store")


def test_second_writer_is_refused(tmp_path: Path, source: Path) -> None:
    manifest = corpus(["a"], tmp_path)
    with (
        FeatureWriter(tmp_path / "store", Recipe("f", "visual", "m"), ["a"]),
        pytest.raises(StoreError, match="is being written by process"),
    ):
        import_features(source, "f", "visual", manifest, tmp_path / "store")


def test_real_posteriors(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "ravdess" / "face_posteriors.npz"
    ragged = read_ragged(source)
    manifest = corpus(sorted(ragged.ids), tmp_path)
    result = import_features(source, "face_posteriors", "visual", manifest, tmp_path)
    assert (result.clips, result.unknown, result.missing) == (1200, 0, 0)
    with FeatureStore.open(result.path) as store:
        assert store.is_intact()
        for k, clip_id in enumerate(ragged.ids):
            assert_array_equal(store[clip_id], ragged.values[ragged.rows(k)])
