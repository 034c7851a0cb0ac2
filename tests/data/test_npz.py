"""npz files whose headers lie, and archives that are odd."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from emocli.data.npz import read_arrays
from emocli.errors import StoreError

DATA = np.arange(6, dtype="<f4").tobytes()


def npy(header: str, data: bytes = DATA, version: int = 1) -> bytes:
    text = header.encode("utf-8" if version == 3 else "latin1")
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def archive(path: Path, *members: tuple[str, bytes], how: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", how) as file:
        for name, data in members:
            file.writestr(name, data)
    return path


def header(shape: str = "(3, 2)", descr: str = "'<f4'", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


@pytest.mark.parametrize("version", [1, 2, 3])
def test_what_others_write(tmp_path: Path, version: int) -> None:
    wanted = np.frombuffer(DATA, "<f4").reshape(3, 2)
    path = archive(
        tmp_path / "a.npz",
        ("plain.npy", npy(header(), version=version)),
        ("python2.npy", npy(header("(3L, 2L)"), version=version)),
        ("fortran.npy", npy(header("(2, 3)", order="True"), version=version)),
        ("big.npy", npy(header(descr="'>f4'"), wanted.astype(">f4").tobytes(), version)),
        ("bare", npy(header(), version=version)),
        ("none.npy", npy(header("(0, 7)"), b"", version)),
        ("scalar.npy", npy(header("()"), DATA[:4], version)),
    )
    names = ("plain", "python2", "fortran", "big", "bare", "none", "scalar")
    arrays = read_arrays(path, names, ("absent",))
    assert set(arrays) == set(names)
    for name in ("plain", "python2", "big", "bare"):
        assert_array_equal(arrays[name], wanted)
    assert_array_equal(arrays["fortran"], wanted.T)
    assert arrays["none"].shape == (0, 7)
    assert arrays["scalar"].shape == ()


@pytest.mark.parametrize("compress", [np.savez, np.savez_compressed])
def test_what_numpy_writes(tmp_path: Path, compress: Any) -> None:
    arrays: dict[str, Any] = {
        "texts": np.array(["a", "", "gänse"]),
        "bytes": np.array([b"a", b"bc"]),
        "flags": np.array([True, False]),
        "none": np.array([], "U"),
        "fortran": np.asfortranarray(np.arange(600_000.0).reshape(300, 2000)),
    }
    compress(tmp_path / "a.npz", **arrays)
    result = read_arrays(tmp_path / "a.npz", tuple(arrays))
    for name, array in arrays.items():
        assert_array_equal(result[name], array)
        assert result[name].flags.writeable


LIES = {
    "huge": header("(4000000000, 2)"),
    "huge and empty": header("(0, 4000000000)"),
    "more than there is": header("(3, 3)"),
    "less than there is": header("(3, 1)"),
    "booleans": header("(True, 6)"),
    "negative": header("(-3, -2)"),
    "a list": header("[3, 2]"),
    "real": header("(3.0, 2)"),
    "a number": header("6"),
    "order": header(order="1"),
    "objects": header(descr="'|O'"),
    "records": header(descr="[('a', '<f4')]"),
    "no type": header(descr="'what'"),
    "times": header(descr="'<M8[s]'"),
    "void": header(descr="'|V4'"),
    "one key": "{'descr': '<f4'}",
    "another key": header().replace("shape", "form"),
    "no dict": "[1, 2]",
    "a call": "__import__('os').system('true')",
    "tokens": "{'descr': '''abc",
    "minus": "#" + "-" * 9000 + "\n" + "-" * 900 + "1",
    "brackets": "[" * 9000,
    "deep": "(" * 150 + ")" * 150,
    "long": "{" + " " * 20_000 + "}",
    "zero bytes": "\0\0\0",
    "empty": "",
}


@pytest.mark.parametrize("name", sorted(LIES))
def test_headers_that_lie(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "a.npz", ("values.npy", npy(LIES[name])))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="values cannot be read") as caught:
            read_arrays(path, ("values",))
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 400


def test_members_that_are_odd(tmp_path: Path) -> None:
    good = npy(header())
    for member in (b"hello", b"", good[:9], good[:-1], good + b"x"):
        path = archive(tmp_path / "a.npz", ("values.npy", member))
        with pytest.raises(ValueError, match="values cannot be read"):
            read_arrays(path, ("values",))
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = archive(tmp_path / "a.npz", ("values.npy", good), ("values.npy", good))
    with pytest.raises(ValueError, match="holds 'values' more than once"):
        read_arrays(path, ("values",))
    path = archive(tmp_path / "a.npz", ("values.npy", good), ("values", good))
    with pytest.raises(ValueError, match="holds 'values' more than once"):
        read_arrays(path, ("values",))
    path = archive(tmp_path / "a.npz", ("../values.npy", good))
    with pytest.raises(ValueError, match="has no array 'values'"):
        read_arrays(path, ("values",))


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    zeros = npy(header("(30000000,)"), bytes(120_000_000))
    path = archive(tmp_path / "a.npz", ("values.npy", zeros), how=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match=r"120000\d{3} bytes out of \d+"):
        read_arrays(path, ("values",))


def altered(folder: Path, local: int, central: int, value: int) -> Path:
    """An archive with a byte, 0 before, set in both headers of its member."""
    path = archive(folder / "a.npz", ("values.npy", npy(header())))
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        assert data[data.index(mark) + place] == 0
        data[data.index(mark) + place] = value
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("bit", [0x1, 0x40])
def test_an_encrypted_archive(tmp_path: Path, bit: int) -> None:
    path = altered(tmp_path, 6, 8, value=bit)
    with pytest.raises((StoreError, ValueError), match=r"encrypt|cannot be read"):
        read_arrays(path, ("values",))


def test_an_unknown_way_of_packing(tmp_path: Path) -> None:
    path = altered(tmp_path, 8, 10, value=99)
    with pytest.raises((StoreError, ValueError), match=r"cannot be read|not a whole"):
        read_arrays(path, ("values",))


def test_a_stated_size_beyond_the_file(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", ("values.npy", npy(header())))
    data = bytearray(path.read_bytes())
    size = data.index(b"PK\x01\x02") + 20
    data[size : size + 8] = (0xFFFFFFF0).to_bytes(4, "little") * 2
    path.write_bytes(data)
    with pytest.raises(ValueError, match="values cannot be read"):
        read_arrays(path, ("values",))


def test_what_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(io.BytesIO(npy(header())).getvalue())
    with pytest.raises(StoreError, match="is not a whole npz file"):
        read_arrays(path, ("values",))
    with pytest.raises(StoreError, match="is not a whole npz file"):
        read_arrays(tmp_path, ("values",))
