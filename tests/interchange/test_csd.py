from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from emocli.data.align import Timed
from emocli.errors import StoreError
from emocli.interchange.csd import Csd, write_csd


def save(path: Path, name: str = "COVAREP", metadata: Any = None, **entries: Any) -> Path:
    """Write a file as the SDK does: an entry is (features, intervals)."""
    with h5py.File(path, "w") as file:
        for entry, (features, intervals) in entries.items():
            group = file.create_group(f"{name}/data/{entry}")
            group["features"], group["intervals"] = features, intervals
        for key, value in (metadata or {}).items():
            text = np.array([value], h5py.string_dtype())
            file[f"{name}/metadata/{key}"] = text
    return path


SPANS = np.array([[0.5, 1.0], [-0.25, 0.5]], np.float32)


def test_reads_what_the_sdk_writes(tmp_path: Path) -> None:
    told = {"dimension names": '["f0", "vuv"]', "dataset name": '"CMU-MOSEI"', "creator": "me"}
    features = np.array([[1, 2], [3, np.inf]], np.float64)
    with Csd(save(tmp_path / "a.csd", metadata=told, v1=(features, SPANS))) as file:
        assert file.name == "COVAREP"
        assert file.entries == ("v1",)
        assert file.names == ("f0", "vuv")
        assert file.metadata["dataset name"] == "CMU-MOSEI"
        assert file.metadata["creator"] == "me"
        assert not file.is_words
        rows = file.rows("v1")
        assert_array_equal(rows.values, [[3, np.inf], [1, 2]])  # by start
        assert_array_equal(rows.intervals, [[0, 0.5], [0.5, 1]])  # none before the beginning
        values, intervals = file.table("v1")
        assert_array_equal(values, features)  # in the order of the file
        assert_array_equal(intervals, [[0.5, 1], [0, 0.5]])


@pytest.mark.parametrize("kind", ["S8", "O"])
def test_words(tmp_path: Path, kind: str) -> None:
    texts = np.array([[b"hello"], [b"sp"], [b"you"]], kind if kind != "O" else object)
    if kind == "O":
        texts = texts.astype(h5py.string_dtype())
    spans = np.array([[0, 0.4], [0.4, 0.6], [0.6, 1.5]])
    with Csd(save(tmp_path / "a.csd", v1=(texts, spans))) as file:
        assert file.is_words
        assert [word.text for word in file.words("v1")] == ["hello", "you"]
        assert_array_equal(file.spans("v1"), [[0, 0.4], [0.6, 1.5]])
        with pytest.raises(StoreError, match=r"entry 'v1': holds words.*--align-to"):
            file.rows("v1")
        with pytest.raises(StoreError, match="holds words"):
            file.table("v1")


def test_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = {
        f"v{n}[{n}]": Timed(
            rng.normal(size=(n, 3)).astype(np.float32), np.sort(rng.random((n, 2)), axis=0)
        )
        for n in (0, 1, 5)
    }
    path = tmp_path / "a.csd"
    write_csd(path, "x", rows.items(), ("a", "b", "c"), {"dataset name": "CMU-MOSI"})
    with Csd(path) as file:
        assert set(file.entries) == set(rows)
        assert file.names == ("a", "b", "c")
        assert file.metadata["dataset name"] == "CMU-MOSI"
        assert file.metadata["root name"] == "x"
        for entry, expected in rows.items():
            result = file.rows(entry)
            assert_array_equal(result.values, expected.values)
            assert_array_equal(result.intervals, expected.intervals)
    before = path.read_bytes()
    write_csd(path, "x", rows.items(), ("a", "b", "c"), {"dataset name": "CMU-MOSI"})
    assert path.read_bytes() == before


def test_what_is_written_has_all_the_sdk_asks_for(tmp_path: Path) -> None:
    write_csd(tmp_path / "a.csd", "x", [("v", Timed(np.ones((1, 1), np.float32), SPANS[:1]))])
    with h5py.File(tmp_path / "a.csd") as file:
        assert set(file["x/metadata"]) == {
            "root name", "computational sequence description", "dimension names",
            "computational sequence version", "alignment compatible", "dataset name",
            "dataset version", "creator", "contact", "featureset bib citation",
            "dataset bib citation", "uuid", "md5",
        }  # fmt: skip
        assert file["x/metadata/root name"][0] == b'"x"'


@pytest.mark.parametrize("name", ["a/b", ".", "/a"])
def test_an_entry_that_would_be_a_path(tmp_path: Path, name: str) -> None:
    rows = Timed(np.zeros((1, 2), np.float32), np.array([[0.0, 1.0]]))
    with pytest.raises(StoreError, match=f"cannot hold an entry called '{name}'"):
        write_csd(tmp_path / "a.csd", "x", [(name, rows)])
    assert not (tmp_path / "a.csd").exists()


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = save(tmp_path / "a.csd", v=(np.ones((1, 1)), SPANS[:1]))
    before = path.read_bytes()

    def entries() -> Any:
        yield "v", Timed(np.ones((1, 1), np.float32), SPANS[:1])
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        write_csd(path, "x", entries())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.csd"]


@pytest.mark.parametrize(
    ("features", "intervals", "message"),
    [
        (np.ones((2, 1)), SPANS[:1], r"has intervals of shape \(1, 2\) for 2 rows"),
        (np.ones((2, 1)), np.ones(2), "has intervals of shape"),
        (np.ones((1, 1)), [[0, np.nan]], "interval without end"),
        (np.ones((1, 1)), [[b"a", b"b"]], "has intervals"),
        (np.float64(3), SPANS, "is not a table"),
        (np.ones((1, 1), complex), SPANS[:1], "neither numbers nor texts"),
    ],
)
def test_broken_entries(tmp_path: Path, features: Any, intervals: Any, message: str) -> None:
    path = save(tmp_path / "a.csd", v1=(features, np.asarray(intervals)))
    with Csd(path) as file, pytest.raises(StoreError, match=f"entry 'v1'.*{message}"):
        file.rows("v1")


def test_an_entry_without_intervals(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.csd", "w") as file:
        file["x/data/v1/features"] = np.ones((2, 1))
    with Csd(tmp_path / "a.csd") as file, pytest.raises(StoreError, match="intervals cannot be"):
        file.rows("v1")


def test_files_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.csd"
    with pytest.raises(StoreError, match="there is no such file"):
        Csd(path)
    path.write_bytes(b"hello")
    with pytest.raises(StoreError, match="not HDF5"):
        Csd(path)
    for layout in ({}, {"x": 1}, {"x/data": 1}, {"x/other/v": 1}, {"x/data/v": 1, "y/data/v": 1}):
        with h5py.File(path, "w") as file:
            for name, value in layout.items():
                file[name] = value
        with pytest.raises(StoreError, match="is no computational sequence"):
            Csd(path)


def test_damage_is_one_line(tmp_path: Path) -> None:
    path = save(tmp_path / "a.csd", v1=(np.ones((2, 2)), SPANS))
    data = path.read_bytes()
    refused = 0
    for position in range(0, len(data), 29):
        broken = bytearray(data)
        broken[position] ^= 0xFF
        path.write_bytes(broken)
        try:
            with Csd(path) as file:
                file.rows(file.entries[0])
        except StoreError:
            refused += 1
    assert refused > 5


def test_real_files(shared_data: Path) -> None:
    folder = shared_data / "mosi"
    with Csd(folder / "CMU_MOSI_Opinion_Labels.csd") as labels:
        assert labels.name == "Opinion Segment Labels"
        assert len(labels.entries) == 93
        assert labels.names == ("sentiment score",)
        tables = [labels.table(video) for video in labels.entries]
        assert sum(len(scores) for scores, _ in tables) == 2199
        assert min(scores.min() for scores, _ in tables) == -3
        assert max(scores.max() for scores, _ in tables) == 3
    with Csd(folder / "CMU_MOSI_ModifiedTimestampedWords.csd") as words:
        assert words.is_words
        counts = Counter(w.text for v in words.entries for w in words.words(v))
        assert counts.most_common(2) == [("the", 1911), ("i", 1409)]
        spans = words.spans(words.entries[0])
        assert np.all(spans[:, 1] > spans[:, 0])
