from __future__ import annotations

import pickle
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emocli.errors import StoreError
from emocli.interchange.pickles import load

RAW = {
    # what Pickler never writes, by opcode
    "encode with another codec": b"c_codecs\nencode\n(Vabc\nVrot13\ntR.",
    "encode to a compressor": b"c_codecs\nencode\n(Vabc\nVzlib_codec\ntR.",
    "encode as a value of state": b"c_codecs\nencode\n}b.",
    "change of a function": b"c_codecs\nencode\n(N}V__defaults__\nI1\nstb.",
    "old-style instance": b"(ios\nsystem\n.",
    "old-style object": b"(cos\nsystem\nVls\no.",
    "a new object of an allowed name": b"cnumpy\nndarray\n)\x81.",
    "a name in a name": b"\x80\x04\x8c\x05numpy\x8c\x0dndarray.dumps\x93.",
    "a module in a name": b"\x80\x04\x8c\x05numpy\x8c\x0bf2py.sys.as\x93.",
    "a persistent id": b"Pabc\n.",
    "an extension": b"\x82\x01.",
    "an out-of-band buffer": b"\x80\x05\x97.",
    "a huge memo": b"I1\nr\xff\xff\xff\xff.",
    "a huge text": b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
    "only a name": b"cnumpy\nndarray\n.",
    "itself": b"]q\x00h\x00a.",
    "a deep list": b"(" * 100000 + b"l" * 100000 + b".",
    "nothing": b"",
    "a stop": b".",
    "text": b"hello",
}


@pytest.mark.parametrize("name", sorted(RAW))
def test_hostile_opcodes(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.pkl").write_bytes(RAW[name])
    with pytest.raises(StoreError, match="is no pickle that emocli takes"):
        load(tmp_path / "a.pkl")
    assert [p.name for p in tmp_path.iterdir()] == ["a.pkl"]


def array_state(shape: bytes, dtype: bytes, data: bytes, order: bytes = b"I00\n") -> bytes:
    head = b"cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntNtR"
    return head + b"(I1\n" + shape + dtype + order + data + b"tb."


F8 = b"cnumpy\ndtype\n(Vf8\nI00\nI01\ntR(I3\nV<\nNNNI-1\nI-1\nI0\ntb"
EIGHT = b"c_codecs\nencode\n(Vabcdefgh\nVlatin1\ntR"


@pytest.mark.parametrize(
    ("shape", "dtype", "data", "reason"),
    [
        (b"(I2\nt", F8, EIGHT, "has 8 bytes"),
        (b"(I-1\nt", F8, EIGHT, "has shape"),
        (b"(I9999999999999\nI9999999999999\nt", F8, EIGHT, "has 8 bytes"),
        (b"(I1\nt", F8.replace(b"Vf8", b"VO8"), EIGHT, "is not a list"),
        (b"(I1\nt", F8.replace(b"Vf8", b"VV8"), EIGHT, "holds 'V8'"),
        (b"(I1\nt", F8.replace(b"Vf8", b"Vf8,O"), EIGHT, "holds 'f8,O'"),
        (b"(I1\nt", F8.replace(b"NNNI", b"N(Va\nt}I"), EIGHT, "holds records"),
        (b"(I1\nt", F8.replace(b"V<", b"V?"), EIGHT, "byte order"),
        (b"(I1\nt", EIGHT, EIGHT, "has no type"),
        (b"(I1\nt", F8, F8, "type|dtype"),
        (b"(I1\nt", F8, b"N", "has no data"),
        (b"I1\n", F8, EIGHT, "int"),
    ],
)
def test_arrays_that_lie(
    tmp_path: Path, shape: bytes, dtype: bytes, data: bytes, reason: str
) -> None:
    good = array_state(b"(I1\nt", F8, EIGHT)
    (tmp_path / "a.pkl").write_bytes(good)
    assert load(tmp_path / "a.pkl").shape == (1,)
    (tmp_path / "a.pkl").write_bytes(array_state(shape, dtype, data))
    with pytest.raises(StoreError, match=reason):
        load(tmp_path / "a.pkl")


@settings(max_examples=100)
@given(data=st.data())
def test_damage_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("p") / "a.pkl"
    whole = bytearray(pickle.dumps([np.arange(3.0), "text", {"k": (1, b"x")}], 2))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    with suppress(StoreError):  # whatever else is raised fails the test
        load(path)
