"""Pickles that would exhaust memory or never end, and those that people have."""

from __future__ import annotations

import pickle
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from emocli.errors import StoreError
from emocli.interchange.pickles import load


def laughs(kind: bytes, times: int) -> bytes:
    """A list of two references to a list of two references to a list ..."""
    return b"]q\x00" + b"".join(
        kind.replace(b"?", bytes([k])).replace(b"!", bytes([k + 1])) for k in range(times)
    )


F8 = b"cnumpy\ndtype\n(Vf8\nI00\nI01\ntR(I3\nV<\nNNNI-1\nI-1\nI0\ntbq\x01"
TUPLES = b")q\x00" + b"".join(b"h%ch%c\x86q%c" % (k, k, k + 1) for k in range(60))
BOMBS = {
    "memo": b"\x80\x04Nr\x00\x00\x00@.",
    "memo in text": b"Np1000000000\n.",
    "memo below 0": b"Np-1\n.",
    "lists of lists": laughs(b"](h?h?eq!", 60) + b".",
    "tuples of tuples": TUPLES + b".",
    "a tuple of tuples as a key": b"}" + TUPLES + b"Ns.",
    "repeated values": b"]" + b"(" + b"2" * 60 + b"e.",
    "one text often": b"](X\x10\x27\x00\x00" + b"x" * 10000 + b"q\x00" + b"h\x00" * 4000 + b"e.",
    "one array often": b"](B\x00\x00\x01\x00" + b"x" * 65536 + b"q\x000" + F8 + b"0"
    + b"cnumpy._core.multiarray\n_reconstruct\nq\x020(cnumpy\nndarray\n(I0\ntNtq\x030"
    + b"h\x02h\x03R(I1\n(I8192\nth\x01I00\nh\x00tb" * 200 + b"e.",
    "a dict that holds itself": b"}q\x00V1\nh\x00s.",
    "a list in itself through a tuple": b"]q\x00h\x00\x85a.",
    "a huge number": b"\x8b\xff\xff\xff\x7f1.",
    "a long number": b"\x8b\x00\x10\x00\x00" + b"\x7f" * 4096 + b".",
    "digits": b"I" + b"9" * 100_000 + b"\n.",
    "huge bytes": b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
    "huge old text": b"T\xff\xff\xff\xffabc.",
    "huge bytearray": b"\x96\x00\x00\x00\x00\x00\x00\x00\x40abc.",
    "a line without end": b"V" + b"x" * 100_000,
    "marks": b"(" * 100_000 + b".",
    "pops": b"0.",
    "another's values": b"N(\x86.",
    "numbers that collide": b"}(" + b"".join(
        b"\x8a\x0a" + (k * (2**61 - 1)).to_bytes(10, "little") + b"N" for k in range(1, 9)
    ) + b"u.",
    "a set": b"\x8f.",
    "protocol 6": b"\x80\x06N.",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_bombs(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.pkl").write_bytes(BOMBS[name])
    tracemalloc.start()
    started = time.monotonic()
    try:
        with pytest.raises(StoreError, match="is no pickle that emocli takes"):
            load(tmp_path / "a.pkl")
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("protocol", range(6))
def test_what_people_have(tmp_path: Path, protocol: int) -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(40, 300))
    content: dict[str, Any] = {
        "large": rng.normal(size=(50, 40, 30)).astype("f4"),
        "fortran": np.asfortranarray(rng.normal(size=(7, 3))),
        "big": np.arange(5, dtype=">i2"),
        "none": np.zeros((0, 5)),
        "texts": np.array(["hello", "gänse"]),
        "bytes": np.array([b"a\xff", b"\x00b"]),
        "objects": np.array(["x", "y"], object),
        "again": shared,
        "and again": shared,
        "number": np.float32(3),
        "long": b"\xff\x00" * 50_000,
        "labels": ["Positive"] * 5000,
        "nested": [[1, [2.5, (None, True, "é")]], {"k": {3: b"v"}}],
        "small": [0, 255, -1, 65536, 2**40, -(2**70)],
    }
    with (tmp_path / "a.pkl").open("wb") as file:
        pickle.dump(content, file, protocol)
    loaded = load(tmp_path / "a.pkl")
    assert list(loaded) == list(content)
    for name, value in content.items():
        if isinstance(value, np.ndarray) and name != "objects":
            assert_array_equal(loaded[name], value)
            assert loaded[name].dtype == value.dtype.newbyteorder("=")
        else:
            assert loaded[name] == (value.tolist() if name == "objects" else value)
    assert loaded["again"] is loaded["and again"]


def test_python_2(tmp_path: Path) -> None:
    """Text and bytes are the same there; cPickle numbers the memo from 1."""
    small, large = np.arange(2.0).tobytes(), np.arange(10_000.0).tobytes()
    head = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntU\x01btR(I1\n"
    kind = b"cnumpy\ndtype\n(U\x02f8I0\nI1\ntR(I3\nU\x01<NNNI-1\nI-1\nI0\ntb"
    one = head + b"(I2\nt" + kind + b"I00\nU\x10" + small + b"tb"
    many = head + b"(I10000\nt" + kind + b"I00\nT" + (80_000).to_bytes(4, "little") + large + b"tb"
    data = b"}q\x01(U\x03oneq\x02" + one + b"S'm\\xe4ny'\n" + many + b"U\x04text" + b"U\x02\xe9tu."
    (tmp_path / "a.pkl").write_bytes(data)
    loaded = load(tmp_path / "a.pkl")
    assert_array_equal(loaded["one"], [0, 1])
    assert_array_equal(loaded["mäny"], np.arange(10_000))
    assert loaded["text"] == "ét"
