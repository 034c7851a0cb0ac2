from __future__ import annotations

import collections
import os
import pickle
import pickletools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from emocli.errors import StoreError
from emocli.interchange import mmsa
from emocli.interchange.mmsa import mmsa_id, read_mmsa, text_of_cell, write_mmsa
from emocli.interchange.pickles import load


def part(ids: list[str], rng: np.random.Generator, **more: Any) -> dict[str, Any]:
    n = len(ids)
    return {
        "id": ids,
        "raw_text": np.array([f"said {k}" for k in range(n)]),
        "text": rng.normal(size=(n, 6, 4)).astype(np.float32),
        "audio": rng.normal(size=(n, 9, 3)),
        "vision": rng.normal(size=(n, 7, 2)).astype(np.float32),
        "audio_lengths": [min(9, k + 1) for k in range(n)],
        "vision_lengths": np.arange(n) % 7,
        "regression_labels": np.linspace(-3, 3, n),
        "annotations": ["Negative"] * n,
        **more,
    }


@pytest.fixture
def content() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    splits = {"train": 4, "valid": 2, "test": 3}
    return {s: part([f"{s}$_${k}" for k in range(n)], rng) for s, n in splits.items()}


def dump(path: Path, content: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and a.dtype != object:
        assert isinstance(b, np.ndarray)
        assert a.dtype.newbyteorder("=") == b.dtype
        assert_array_equal(a, b)
    elif isinstance(a, np.ndarray):
        assert a.tolist() == b
    elif isinstance(a, dict):
        assert list(a) == list(b)
        assert all(same(a[key], b[key]) for key in a)
    else:
        assert type(a) is type(b) or isinstance(a, np.generic)
        assert a == b
    return True


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(tmp_path: Path, content: dict[str, Any], protocol: int) -> None:
    assert same(content, load(dump(tmp_path / "a.pkl", content, protocol)))


ARRAYS = (
    np.arange(6, dtype=">i2").reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.zeros((0, 5), np.float32),
    np.array(["a", "bcç"]),
    np.array([b"x", b"yz"]),
    np.array(["one", "two", None], dtype=object),
    np.array([True, False]),
    np.array(3.5),
)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
def test_every_kind_of_array(tmp_path: Path, array: np.ndarray, protocol: int) -> None:
    assert same(array, load(dump(tmp_path / "a.pkl", array, protocol)))


PLAIN = [1, 2.5, "ç", b"\0\xff", None, True, (1, [2, {"k": ()}]), np.float32(1.5), np.int64(-7)]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values(tmp_path: Path, protocol: int) -> None:
    assert load(dump(tmp_path / "a.pkl", PLAIN, protocol)) == PLAIN


def numpy_names(old: str, new: str, data: bytes) -> bytes:
    """Rename a module in a pickle of protocol 2, whose names are lines of text."""
    assert f"c{old}\n".encode() in data
    return data.replace(f"c{old}\n".encode(), f"c{new}\n".encode())


def test_numpy_1_and_2(tmp_path: Path, content: dict[str, Any]) -> None:
    data, scalar = pickle.dumps(content, 2), pickle.dumps(np.float64(2.5), 2)
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        (tmp_path / "a.pkl").write_bytes(numpy_names("numpy._core.multiarray", module, data))
        assert same(content, load(tmp_path / "a.pkl"))
        (tmp_path / "a.pkl").write_bytes(numpy_names("numpy._core.multiarray", module, scalar))
        assert load(tmp_path / "a.pkl") == 2.5
    five = pickle.dumps(np.arange(3), 5)
    assert b"numpy._core.numeric" in five
    renamed = five.replace(b"\x8c\x13numpy._core.numeric", b"\x8c\x12numpy.core.numeric")
    renamed = renamed.replace(five[3:11], struct.pack("<Q", struct.unpack("<Q", five[3:11])[0] - 1))
    (tmp_path / "a.pkl").write_bytes(renamed)
    assert_array_equal(load(tmp_path / "a.pkl"), [0, 1, 2])


def test_python_2_wrote_bytes_as_text(tmp_path: Path) -> None:
    raw = np.array([1.0, -2.0]).tobytes()
    state = b"(I1\n(I2\ntcnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
    text = b"S" + repr(raw)[1:].encode() + b"\n"
    head = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    (tmp_path / "a.pkl").write_bytes(head + state + text + b"tb.")
    assert_array_equal(load(tmp_path / "a.pkl"), [1, -2])


# -- nothing of a pickle is ever run


class Call:
    """Pickles to a call."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self.made = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.made


TRAP: list[str] = []


def trap(*arguments: Any) -> str:
    TRAP.append(str(arguments))
    return "trapped"


class Trapped:
    """Calls the trap however it is made."""

    def __new__(cls, *arguments: Any) -> Trapped:
        trap("new")
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        trap("setstate")

    def __getnewargs__(self) -> tuple[int]:
        return (1,)

    def __getstate__(self) -> dict[str, int]:
        return {"a": 1}


def hostile(folder: Path) -> dict[str, Any]:
    mark = str(folder / "mark")
    array = np._core.multiarray._reconstruct  # type: ignore[attr-defined]
    touch = Call(os.system, f"touch {mark}")
    numbers = np.dtype("f8").__reduce__()[2]
    return {
        "system": touch,
        "inside a dict": {"train": {"id": ["a"], "audio": touch}},
        "inside a tuple of a list": [([touch],)],
        "in an array of objects": np.array([touch, None], dtype=object),
        "as a key": {Call(tuple, (1,)): 1},
        "eval": Call(eval, f"open({mark!r}, 'w')"),
        "exec": Call(exec, f"open({mark!r}, 'w')"),
        "open": Call(open, mark, "w"),
        "getattr": Call(getattr, "a", "upper"),
        "a class": Trapped(),
        "a function": Call(trap, 1),
        "nested calls": Call(trap, Call(trap, Call(os.getcwd))),
        "arguments of an allowed call": Call(array, np.ndarray, (0,), touch),
        "state of an allowed call": Call(array, np.ndarray, (0,), b"b", state=(1, touch)),
        "an array class of one's own": Call(array, Trapped, (0,), b"b"),
        "an array made by hand": Call(np.ndarray, (2,), "O"),
        "a type of objects": Call(np.dtype, "O", False, True),
        "a type of records": Call(np.dtype, [("a", "O")]),
        "numpy.load": Call(np.load, mark, None, True),
        "numpy.frombuffer": Call(np.frombuffer, b"ab", "u1"),
        "an import": Call(__import__, "os"),
        "a mapping": collections.OrderedDict(a=touch),
        "a set": {1, 2},
        "a complex number": 1j,
        "a range": range(3),
        "a slice": slice(3),
        "a path": folder,
        "numbers in a shape": (numbers, Call(array, np.ndarray, (0,), b"b", state=(1, ("x",)))),
    }


NAMES = sorted(hostile(Path("/nowhere")))


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("name", NAMES)
def test_hostile_pickles(tmp_path: Path, name: str, protocol: int) -> None:
    TRAP.clear()
    path = dump(tmp_path / "a.pkl", hostile(tmp_path)[name], protocol)
    TRAP.clear()
    with pytest.raises(StoreError, match="is no pickle that emocli takes") as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert not TRAP
    assert [p.name for p in tmp_path.iterdir()] == ["a.pkl"]


def test_the_hostile_pickles_do_harm_elsewhere(tmp_path: Path) -> None:
    """The test above could not fail if its pickles did nothing."""
    pickle.loads(pickle.dumps(hostile(tmp_path)["in an array of objects"]))
    assert (tmp_path / "mark").exists()
    TRAP.clear()
    pickle.loads(pickle.dumps(hostile(tmp_path)["a class"]))
    assert TRAP


def test_no_name_of_the_file_is_looked_up(
    tmp_path: Path, content: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even an allowed one: the real functions are never reached."""

    def forbidden(*arguments: Any) -> None:
        raise AssertionError("called")

    data = pickle.dumps(content, 2)
    (tmp_path / "a.pkl").write_bytes(data)
    monkeypatch.setattr(np._core.multiarray, "_reconstruct", forbidden)  # type: ignore[attr-defined]
    monkeypatch.setattr("_codecs.encode", forbidden)
    with pytest.raises(AssertionError, match="called"):
        pickle.loads(data)
    assert set(load(tmp_path / "a.pkl")) == set(content)
    assert {op.name for op, _, _ in pickletools.genops(data)} >= {"REDUCE", "BUILD", "GLOBAL"}


# -- the layout


def test_clips(tmp_path: Path, content: dict[str, Any]) -> None:
    source = read_mmsa(dump(tmp_path / "a.pkl", content))
    assert source.modalities == ("text", "audio", "visual")
    assert source.places["train[2]"] == ("train", 2)
    assert source.parts["valid"].ids == ("valid[0]", "valid[1]")
    assert_array_equal(
        source.rows("train[1]", "audio").values, content["train"]["audio"][1, :2].astype(np.float32)
    )
    assert len(source.rows("test[0]", "vision").values) == 0
    assert source.rows("train[1]", "audio").intervals is None


@pytest.mark.parametrize("name", ["dev", "Val", "validation", "DEVELOPMENT"])
def test_splits_have_several_names(tmp_path: Path, content: dict[str, Any], name: str) -> None:
    content = {"Training": content["train"], name: content["valid"], "TEST": content["test"]}
    source = read_mmsa(dump(tmp_path / "a.pkl", content))
    assert list(source.parts) == ["train", "valid", "test"]
    assert source.places["valid[1]"] == ("valid", 1)


def test_times_of_ids_and_texts_of_python_2(tmp_path: Path) -> None:
    ids: Any = np.array([["v", "9.5", "12.0"], ["v", "2.0", "3.5"], ["w", "0", "1"]])
    source = read_mmsa(dump(tmp_path / "a.pkl", {"train": {"id": ids}}))
    assert source.parts["train"].times == {"v[9.5]": (9.5, 12), "v[2.0]": (2, 3.5), "w[0]": (0, 1)}
    assert not read_mmsa(dump(tmp_path / "b.pkl", {"train": {"id": ["a"]}})).parts["train"].times
    assert text_of_cell("naïve".encode().decode("latin-1")) == "naïve"
    assert text_of_cell("naïve") == "naïve"
    assert text_of_cell("日本") == "日本"
    assert text_of_cell(b"na\xefve ") == "naïve"


def test_padding(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    text, audio = np.zeros((2, 5, 2)), np.zeros((2, 5, 3))
    text[0, 2:4], audio[0, 3:5] = rng.normal(size=(2, 2)), rng.normal(size=(2, 3))
    other = rng.normal(size=(2, 8, 1))
    other[0, :6] = 0
    bare = {"train": {"id": ["a", "b"], "text": text, "audio": audio, "vision": other}}
    source = read_mmsa(dump(tmp_path / "a.pkl", bare))
    # Aligned sequences keep in step: what is silent in one is not cut off.
    assert_array_equal(source.rows("a", "text").values, text[0, 2:5].astype(np.float32))
    assert_array_equal(source.rows("a", "audio").values, audio[0, 2:5].astype(np.float32))
    assert len(source.rows("a", "vision").values) == 2
    assert len(source.rows("b", "text").values) == 0
    bert = np.zeros((2, 3, 5))
    bert[0, 1, :4] = 1
    masked = read_mmsa(dump(tmp_path / "b.pkl", {"train": {**bare["train"], "text_bert": bert}}))
    assert_array_equal(masked.rows("a", "audio").values, audio[0, :4].astype(np.float32))
    assert len(masked.rows("a", "vision").values) == 2


def test_vectors(tmp_path: Path) -> None:
    vectors = np.array([[1, 2], [0, 0]])
    source = read_mmsa(dump(tmp_path / "a.pkl", {"test": {"id": ["a", "b"], "audio": vectors}}))
    assert_array_equal(source.rows("a", "audio").values, [[1, 2]])
    assert_array_equal(source.rows("b", "audio").values, [[0, 0]])
    assert source.modalities == ("audio",)


def test_ids_in_all_their_forms(tmp_path: Path) -> None:
    ids: Any = np.array([["v", "1.5", "2.0"], ["v", "2.0", "3.5"]])
    one = {"train": {"id": ids, "audio": np.ones((2, 1, 1))}}
    assert list(read_mmsa(dump(tmp_path / "a.pkl", one)).places) == ["v[1.5]", "v[2.0]"]
    ids = [b"v$_$[7]", "plain"]
    two = {"train": {"id": ids, "audio": np.ones((2, 1, 1))}}
    assert list(read_mmsa(dump(tmp_path / "b.pkl", two)).places) == ["v[7]", "plain"]
    assert [mmsa_id(name) for name in ("v[7]", "plain", "a b[c]")] == ["v$_$7", "plain", "a b$_$c"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: [1], "is no MMSA pickle; a dict of the splits"),
        (lambda c: {"meta": 1}, "is no MMSA pickle; a dict of the splits train, valid, test"),
        (lambda c: {**c, "eval": c["train"]}, "there is no split 'eval'; a dict .*also .*dev"),
        (lambda c: {**c, "dev": c["train"]}, "the split 'valid' twice, as 'valid' and as 'dev'"),
        (lambda c: {"train": {"audio": np.ones((1, 1, 1))}}, "split 'train': has no 'id'"),
        (lambda c: {"train": [1]}, "has no 'id'"),
        (lambda c: {"train": {"id": ["a", "a"]}}, "the same clip twice"),
        (lambda c: {"train": {"id": ["a"]}, "test": {"id": ["a"]}}, "same clip in two splits"),
        (lambda c: {"train": {"id": 3}}, "is no list of clips"),
        (lambda c: {"train": {"id": ["a"], "audio": np.ones((2, 1))}}, "'audio' has 2 rows for 1"),
        *(
            (lambda c, own=own: {"train": {"id": ["a", "b"], "audio_lengths": own}}, "of steps per")
            for own in (["3", "4"], [[3], [4, 5]], [3, -1], [3, np.nan], np.ones((2, 1)))
        ),
    ],
)
def test_other_layouts(tmp_path: Path, content: dict[str, Any], change: Any, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        read_mmsa(dump(tmp_path / "a.pkl", change(content)))


def test_an_array_that_is_not_there(tmp_path: Path, content: dict[str, Any]) -> None:
    source = read_mmsa(dump(tmp_path / "a.pkl", content))
    with pytest.raises(StoreError, match="no array of numbers 'gaze'; there are: audio, raw_text"):
        source.rows("train[0]", "gaze")
    with pytest.raises(StoreError, match="no array of numbers 'raw_text'"):
        source.rows("train[0]", "raw_text")
    with pytest.raises(StoreError, match=r"'regression_labels' has shape \(4,\)"):
        source.rows("train[0]", "regression_labels")
    with pytest.raises(StoreError, match="there is no such file"):
        read_mmsa(tmp_path / "b.pkl")


def test_round_trip(tmp_path: Path, content: dict[str, Any]) -> None:
    write_mmsa(tmp_path / "a.pkl", content)
    assert same(content, pickle.loads((tmp_path / "a.pkl").read_bytes()))
    assert same(content, load(tmp_path / "a.pkl"))
    assert mmsa.read_mmsa(tmp_path / "a.pkl").modalities == ("text", "audio", "visual")
