from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from emocli.errors import StoreError
from emocli.robust.check import file as container

HEADER = {"tau": 0.1, "names": ["gänse", "b"], "nested": {"x": [1, 2.5, None, True]}}
ARRAYS = {
    "a": np.arange(600, dtype=np.float32).reshape(20, 30),
    "group/b": np.array([b"x", b"yz"]),
    "group/empty": np.zeros((0, 3)),
    "nan": np.array([np.nan, 1.0]),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    container.write(tmp_path / "check.h5", HEADER, ARRAYS)
    return tmp_path / "check.h5"


def test_what_is_written_is_read(path: Path) -> None:
    header, arrays = container.read(path)
    assert header == HEADER
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
    assert [result.name for result in path.parent.iterdir()] == ["check.h5"]


def test_a_failed_write_leaves_the_old_file(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        container.write(path, {"tau": float("nan")}, {})
    with pytest.raises(StoreError, match="cannot be written"):
        container.write(path.parent / "nowhere" / "check.h5", HEADER, ARRAYS)
    assert path.read_bytes() == before
    assert [result.name for result in path.parent.iterdir()] == ["check.h5"]


def test_a_missing_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no such file; run emocli fit-cca"):
        container.read(tmp_path / "check.h5")


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.95])
def test_a_truncated_file_is_refused(path: Path, kept: float) -> None:
    image = path.read_bytes()
    path.write_bytes(image[: int(kept * len(image))])
    with pytest.raises(StoreError, match="is damaged"):
        container.read(path)


def test_changed_bytes_are_detected(path: Path) -> None:
    image = bytearray(path.read_bytes())
    place = bytes(image).index(ARRAYS["a"].tobytes())
    image[place + 100] ^= 1
    path.write_bytes(image)
    with pytest.raises(StoreError, match="its content is not what was written"):
        container.read(path)


def test_other_files_are_refused(path: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    with pytest.raises(StoreError, match="is damaged or not HDF5"):
        container.read(text)
    with h5py.File(tmp_path / "store.h5", "w") as file:
        file["values"] = np.ones(3)
    with pytest.raises(StoreError, match="is not a modality check; run emocli fit-cca again"):
        container.read(tmp_path / "store.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = 99
    with pytest.raises(StoreError, match="is a modality check of version 99, not 3"):
        container.read(path)
    with pytest.raises(StoreError):
        container.read(tmp_path)


def test_nothing_is_unpickled(tmp_path: Path, path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_dataset("objects", data=[b"boom"], dtype=h5py.special_dtype(vlen=bytes))
    with pytest.raises(StoreError):
        container.read(path)


def test_the_versions_that_fitted_it_are_told_and_are_not_its_content(path: Path) -> None:
    assert set(container.versions_in(path)) == {"emocli", "python", "numpy", "scipy"}
    with h5py.File(path, "r+") as file:
        del file.attrs["versions"]
    assert container.versions_in(path) == {}
    assert container.read(path)[0] == HEADER
    with h5py.File(path, "r+") as file:
        file.attrs["versions"] = "{"
    with pytest.raises(StoreError, match="is damaged"):
        container.versions_in(path)
