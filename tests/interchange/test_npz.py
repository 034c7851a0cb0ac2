from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from emocli.errors import StoreError
from emocli.interchange.npz import Ragged, read_ragged, write_ragged

GOOD: dict[str, Any] = {
    "ids": np.array(["a", "b", "ç"]),
    "offsets": np.array([0, 2, 2, 5]),
    "values": np.arange(10, dtype=np.float32).reshape(5, 2),
    "times": np.arange(5) / 30,
    "names": np.array(["x", "y"]),
}


def save(path: Path, **changes: Any) -> Path:
    arrays = {**GOOD, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_reads_what_numpy_wrote(tmp_path: Path) -> None:
    ragged = read_ragged(save(tmp_path / "a.npz"))
    assert ragged.ids == ("a", "b", "ç")
    assert ragged.names == ("x", "y")
    assert len(ragged) == 3
    assert_array_equal(ragged.values[ragged.rows(2)], GOOD["values"][2:])
    assert_array_equal(ragged.times, GOOD["times"])
    bare = read_ragged(save(tmp_path / "b.npz", times=None, names=None))
    assert bare.times is None
    assert bare.names == ()


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(0, 5), max_size=6),
    width=st.integers(1, 4),
    times=st.booleans(),
    names=st.booleans(),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    lengths: list[int],
    width: int,
    times: bool,
    names: bool,
) -> None:
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    rows = sum(lengths)
    values = np.random.default_rng(rows).normal(size=(rows, width)).astype(np.float32)
    ragged = Ragged(
        ids=tuple(f"clip {k}" for k in range(len(lengths))),
        offsets=np.cumsum([0, *lengths]),
        values=values,
        times=np.arange(rows) / 7 if times else None,
        names=tuple(f"c{k}" for k in range(width)) if names else (),
    )
    if not lengths:  # an empty list of texts has no width of its own
        ragged = Ragged((), ragged.offsets, values)
    write_ragged(path, ragged)
    again = read_ragged(path)
    assert (again.ids, again.names) == (ragged.ids, ragged.names)
    assert_array_equal(again.offsets, ragged.offsets)
    assert_array_equal(again.values, values)
    assert_array_equal(again.times, ragged.times)  # type: ignore[arg-type]


def test_non_finite_values_are_kept(tmp_path: Path) -> None:
    values = np.array([[1, np.nan], [np.inf, 2], [3, 4], [5, 6], [1e300, 0]])
    ragged = read_ragged(save(tmp_path / "a.npz", values=values))
    assert ragged.values.dtype == np.float32
    assert (~np.isfinite(ragged.values)).sum() == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ids": None}, "has no array 'ids'; it holds: names, offsets, times, values"),
        ({"offsets": None}, "has no array 'offsets'"),
        ({"values": None}, "has no array 'values'"),
        (
            {"ids": np.array(["a", "b", None])},
            "ids cannot be read .*objects, which are not unpickled",
        ),
        ({"values": np.array([[{}, []]] * 5, dtype=object)}, "values cannot be read"),
        ({"ids": np.array([1, 2, 3])}, "ids must be a list of texts, not int64"),
        ({"ids": np.array([["a", "b", "c"]])}, "ids must be a list of texts"),
        ({"ids": np.array(["a", "b", "a"])}, "ids holds 'a' 2 times"),
        ({"offsets": np.array([0, 2, 5])}, "offsets has 3 entries for 3 ids"),
        ({"offsets": np.array([0, 3, 2, 5])}, "offsets falls after entry 1"),
        ({"offsets": np.array([1, 2, 2, 5])}, "offsets goes from 1 to 5, not from 0 to 5"),
        ({"offsets": np.array([0, 2, 2, 6])}, "offsets goes from 0 to 6, not from 0 to 5"),
        ({"offsets": np.array([0, 2, -9, 5])}, "offsets falls"),
        ({"offsets": np.array([0.0, 2, 2, 5])}, "offsets must be a list of whole numbers"),
        ({"offsets": np.array(3)}, "offsets must be a list of whole numbers"),
        (
            {"values": np.zeros(5)},
            r"values must be a table of .*, not float64 of shape \(5,\)",
        ),
        ({"values": np.array([["a", "b"]] * 5)}, "values must be a table of numbers"),
        ({"values": np.zeros((5, 2), complex)}, "values must be a table of numbers"),
        ({"times": np.arange(4)}, r"times has shape \(4,\) for 5 rows"),
        ({"times": np.array([0, 1, np.inf, 3, 4])}, "times holds infinite"),
        ({"times": np.array(["0"] * 5)}, "times must be numbers"),
        ({"names": np.array(["x"])}, "names has 1 for 2 columns"),
    ],
)
def test_broken_rules(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = save(tmp_path / "a.npz", **changes)
    with pytest.raises(StoreError, match=message) as caught:
        read_ragged(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_not_an_npz(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(StoreError, match="there is no such file"):
        read_ragged(path)
    path.write_bytes(b"")
    np.save(tmp_path / "a.npy", GOOD["values"])
    for other in (path, tmp_path / "a.npy", tmp_path):
        with pytest.raises(StoreError, match="is not a whole npz file"):
            read_ragged(other)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(StoreError, match=r"has no array 'ids'; it holds: readme.txt"):
        read_ragged(path)


@pytest.mark.parametrize("compress", [False, True])
def test_damage_anywhere_is_one_line(tmp_path: Path, compress: bool) -> None:
    path = tmp_path / "a.npz"
    (np.savez_compressed if compress else np.savez)(path, **GOOD)
    data = path.read_bytes()
    refused = 0
    for length in range(0, len(data), 37):
        path.write_bytes(data[:length])
        with pytest.raises(StoreError):
            read_ragged(path)
    for position in range(0, len(data), 11):
        broken = bytearray(data)
        broken[position] ^= 0xFF
        path.write_bytes(broken)
        try:
            read_ragged(path)
        except StoreError:
            refused += 1
    assert refused > 10


def test_arrays_must_fit_each_other() -> None:
    with pytest.raises(ValueError, match="offsets goes from 0 to 4"):
        Ragged(("a",), np.array([0, 4]), np.zeros((3, 2), np.float32))
