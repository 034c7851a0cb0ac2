from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore, FeatureWriter, Recipe
from emocli.data.store import writer as parts
from emocli.errors import EmocliWarning, StoreError
from emocli.interchange.import_features import import_all, import_features
from emocli.interchange.npz import Ragged, read_ragged, write_ragged
from emocli.interchange.sources import importable, words_in


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
        assert store.header.manifest == manifest.fingerprint
        assert store.header.settings["source"] == "in.npz"
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
    monkeypatch.setattr(parts, "PART", 1)
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
    with FeatureStore.open(first.path) as result:
        assert_array_equal(result["c"], ragged.values[:4] * 2)


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


# -- computational sequences, pickles, segments and words


VIDEO = (
    Clip("v[0]", dialogue="v", turn=0, start=0.0, end=1.0),
    Clip("v[1]", dialogue="v", turn=1, start=1.0, end=2.5),
    Clip("w[0]", dialogue="w", start=0.5),
    Clip("u[0]", dialogue="u", start=0.0, end=1.0),
)
WORDS = {
    "v": ["so", "sp", "good", "yes"],
    "w": ["no", "no"],
}
WORD_SPANS = {
    "v": [[0.1, 0.5], [0.5, 0.9], [1.0, 1.5], [1.5, 2.4]],
    "w": [[0.0, 0.4], [2.0, 2.4]],
}


def videos(root: Path) -> Manifest:
    return Manifest(clips=VIDEO, classes=("a",), task="single", dataset="x", root=root)


def sequence(path: Path, entries: dict[str, tuple[object, object]]) -> Path:
    with h5py.File(path, "w") as file:
        for entry, (features, intervals) in entries.items():
            file[f"x/data/{entry}/features"] = features
            file[f"x/data/{entry}/intervals"] = intervals
    return path


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Ten frames per second for three seconds, each the number of its place, and its square."""
    starts = np.arange(30) / 10
    values = np.stack([np.arange(30), np.arange(30) ** 2], axis=1)
    spans = np.stack([starts, starts + 0.1], axis=1)
    entries = {"v": (values, spans), "w": (values[:8], spans[:8]), "z": (values, spans)}
    return sequence(tmp_path / "COVAREP.csd", entries)  # type: ignore[arg-type]


@pytest.fixture
def words(tmp_path: Path) -> Path:
    entries = {
        video: (np.array(texts, "S8")[:, None], np.array(WORD_SPANS[video]))
        for video, texts in WORDS.items()
    }
    return sequence(tmp_path / "words.csd", entries)  # type: ignore[arg-type]


def test_clips_are_cut_out_of_recordings(tmp_path: Path, frames: Path) -> None:
    (result,) = import_all([frames], videos(tmp_path), tmp_path / "store")
    assert (result.feature, result.modality) == ("COVAREP", "audio")
    assert (result.clips, result.unknown, result.missing, result.empty) == (3, 1, 1, 0)
    with FeatureStore.open(result.path) as store:
        assert store["v[0]"][:, 0].tolist() == list(range(10))
        assert store["v[1]"][:, 0].tolist() == list(range(10, 25))
        assert store["w[0]"][:, 0].tolist() == [5, 6, 7]
        assert_allclose(store.track("v[1]").times, np.arange(15) / 10 + 0.05)


def test_rows_become_words(tmp_path: Path, frames: Path, words: Path) -> None:
    manifest = videos(tmp_path)
    (result,) = import_all([frames], manifest, tmp_path / "store", align_to=words)
    assert (result.words, result.silent) == (4, 1)
    assert "4 words, zero in 1" in str(result)
    with FeatureStore.open(result.path) as store:
        assert store["v[0]"][:, 0].tolist() == [2.5]  # frames 1 to 4; a pause is no word
        assert store["v[1]"][:, 0].tolist() == [12, 19]
        assert store["w[0]"][:, 0].tolist() == [0]  # the frames end before the word
        assert_allclose(store.track("v[1]").times, [0.25, 0.95])
        assert store.header.settings["align_to"] == "words.csd"
    early = Clip("w[1]", dialogue="w", start=1.5)  # it has a word, but none of the frames
    alone = Manifest(clips=(early,), classes=("a",), task="single", dataset="x", root=tmp_path)
    (without,) = import_all([frames], alone, tmp_path / "without", align_to=words)
    assert (without.words, without.empty) == (0, 1)
    (plain,) = import_all([frames], manifest, tmp_path / "plain")
    assert plain.words is None
    with pytest.raises(StoreError, match="other settings"):
        import_all([frames], manifest, tmp_path / "plain", align_to=words)


def test_entries_may_be_segments(tmp_path: Path) -> None:
    spans = np.array([[1.0, 1.5], [1.5, 2.0]])
    path = sequence(tmp_path / "glove.csd", {"v[1]": (np.eye(2), spans)})
    (result,) = import_all([path], videos(tmp_path), tmp_path / "store")
    assert (result.clips, result.modality, result.missing) == (1, "text", 3)
    with FeatureStore.open(result.path) as store:
        assert_allclose(store.track("v[1]").times, [0.25, 0.75])  # from the clip's start


def test_npz_of_whole_recordings(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32)[:, None]
    times = np.array([0.2, 0.8, 1.2, 2.2, 3.0, 9.0])
    write_ragged(tmp_path / "audio.npz", Ragged(("v",), np.array([0, 6]), values, times))
    (result,) = import_all([tmp_path / "audio.npz"], videos(tmp_path), tmp_path / "store")
    with FeatureStore.open(result.path) as store:
        assert store["v[0]"][:, 0].tolist() == [0, 1]
        assert store["v[1]"][:, 0].tolist() == [2, 3]
    write_ragged(tmp_path / "audio.npz", Ragged(("v",), np.array([0, 6]), values))
    with pytest.raises(StoreError, match=r"'v\[0\]' cannot be cut out of 'v', whose rows have no"):
        import_all([tmp_path / "audio.npz"], videos(tmp_path), tmp_path / "other")


def test_every_modality_of_a_pickle(tmp_path: Path, words: Path) -> None:
    rng = np.random.default_rng(0)
    split = {
        "id": ["v$_$0", "v$_$1"],
        "text": rng.normal(size=(2, 3, 4)),
        "vision": rng.normal(size=(2, 5, 2)),
        "vision_lengths": [1, 5],
    }
    path = tmp_path / "aligned_50.pkl"
    path.write_bytes(pickle.dumps({"train": split}))
    result = import_all([path], videos(tmp_path), tmp_path / "store")
    assert [(m.feature, m.modality, m.clips) for m in result] == [
        ("aligned_50_text", "text", 2),
        ("aligned_50_visual", "visual", 2),
    ]
    with FeatureStore.open(result[1].path) as store:
        assert store["v[0]"].shape == (1, 2)
        assert_array_equal(store["v[1]"], split["vision"][1].astype(np.float32))
    with pytest.raises(StoreError, match="2 features cannot all be called 'x'"):
        import_all([path], videos(tmp_path), tmp_path / "b", name="x")
    with pytest.raises(StoreError, match="no times, so they cannot be aligned"):
        import_all([path], videos(tmp_path), tmp_path / "b", align_to=words)
    with pytest.raises(StoreError, match="no array of numbers 'gaze'"):
        import_all([path], videos(tmp_path), tmp_path / "b", modality="gaze")


def test_the_file_decides_how_it_is_read(tmp_path: Path, frames: Path) -> None:
    disguised = frames.rename(tmp_path / "covarep.npz")
    assert import_all([disguised], videos(tmp_path), tmp_path / "store")[0].clips == 3
    (tmp_path / "audio.mat").write_bytes(b"MATLAB")
    with pytest.raises(StoreError, match="none of the files emocli imports"):
        import_all([tmp_path / "audio.mat"], videos(tmp_path), tmp_path / "store")
    for name in ("audio.csd", "audio.npz", "audio.pkl"):
        with pytest.raises(StoreError, match="there is no such file"):
            import_all([tmp_path / name], videos(tmp_path), tmp_path / "s", modality="audio")


@pytest.mark.parametrize("name", ["features", "audio_text"])
def test_a_name_that_does_not_say_the_modality(tmp_path: Path, frames: Path, name: str) -> None:
    path = frames.rename(tmp_path / f"{name}.csd")
    with pytest.raises(StoreError, match=r"does not say which modality.*--modality"):
        import_all([path], videos(tmp_path), tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_words_are_no_feature(tmp_path: Path, words: Path) -> None:
    with pytest.raises(StoreError, match="holds words, not numbers"):
        import_all([words], videos(tmp_path), tmp_path / "store")


def test_what_a_folder_offers(tmp_path: Path, frames: Path, words: Path) -> None:
    (tmp_path / "text.npz").write_bytes(b"no archive")
    sequence(tmp_path / "Labels.csd", {"v": (np.ones((1, 7)), [[0, 1]])})
    assert importable(tmp_path) == [frames, tmp_path / "text.npz"]
    assert words_in(tmp_path) == words
    words.unlink()
    assert words_in(tmp_path) is None
    glove = sequence(tmp_path / "glove_vectors.csd", {"v": (np.ones((1, 7)), [[0, 1]])})
    assert words_in(tmp_path) == glove


def of_widths(path: Path, names: str = '["x"]', **widths: int) -> Path:
    """Write a computational sequence whose entries have so many columns."""
    with h5py.File(path, "w") as file:
        for entry, width in widths.items():
            group = file.create_group(f"X/data/{entry}")
            group["features"] = np.ones((4, width), np.float32)
            group["intervals"] = np.array([[k, k + 1] for k in range(4)], float)
        file["X/metadata/dimension names"] = np.array([names], h5py.string_dtype())
    return path


def test_entries_of_two_widths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, store = tmp_path / "covarep.csd", tmp_path / "store"
    message = r"covarep\.csd, entry 'w': has rows of 43 columns, entry 'u' has 74; .*leave"
    for part in (100, 1):
        monkeypatch.setattr(parts, "PART", part)
        of_widths(source, u=74, v=74, w=43)
        for _ in range(2):
            with pytest.raises(StoreError, match=message):
                import_features(source, "f", "audio", corpus(["u", "v", "w"], tmp_path), store)
        assert not list(store.rglob("*.h5"))
        # What was refused does not stand in the way of mended input.
        of_widths(source, u=74, v=74, w=74)
        manifest = corpus(["u", "v", "w"], tmp_path)
        assert import_features(source, "f", "audio", manifest, store).clips == 3
        (store / "f.h5").unlink()


def test_an_odd_entry_that_is_not_asked_for(tmp_path: Path) -> None:
    source = of_widths(tmp_path / "a.csd", u=3, v=5)
    result = import_features(source, "f", "audio", corpus(["v"], tmp_path), tmp_path / "store")
    assert result.clips == 1


def test_splits_of_two_widths(tmp_path: Path) -> None:
    content = {
        split: {"id": [split], "audio": np.ones((1, 2, width))}
        for split, width in (("train", 3), ("test", 4))
    }
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(StoreError, match=r"entry 'test': has rows of 4 columns, .*'train' has 3"):
        import_features(
            tmp_path / "a.pkl", "f", "audio", corpus(["train", "test"], tmp_path), tmp_path / "s"
        )


def test_names_that_do_not_fit_are_left_out(tmp_path: Path) -> None:
    source = of_widths(tmp_path / "a.csd", names='["x", "y"]', u=3)
    result = import_features(source, "f", "audio", corpus(["u"], tmp_path), tmp_path / "store")
    assert "; names of columns left out: 2" in str(result)
    with FeatureStore.open(result.path) as store:
        assert store.dim_names == ()


def test_rows_without_a_column(tmp_path: Path) -> None:
    source = of_widths(tmp_path / "a.csd", u=0)
    with pytest.raises(StoreError, match="entry 'u': has rows of 0 columns"):
        import_features(source, "f", "audio", corpus(["u"], tmp_path), tmp_path / "store")


def test_another_modality_is_named(tmp_path: Path, source: Path) -> None:
    manifest = corpus(["a", "b", "c"], tmp_path)
    import_features(source, "posteriors", "visual", manifest, tmp_path / "store")
    message = r"was made with another modality \(visual, not face\); give --overwrite"
    with pytest.raises(StoreError, match=message):
        import_features(source, "posteriors", "face", manifest, tmp_path / "store")


def test_a_modality_that_is_nearly_a_usual_one_is_warned_of(tmp_path: Path, source: Path) -> None:
    manifest, store = corpus(["a", "b", "c"], tmp_path), tmp_path / "store"
    with pytest.warns(EmocliWarning, match="modality 'visul' is none of .*mean 'visual'"):
        (result,) = import_all([source], manifest, store, name="one", modality="visul")
    assert result.modality == "visul"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for modality in ("visual", "gaze"):
            import_all([source], manifest, store, name=modality, modality=modality)
