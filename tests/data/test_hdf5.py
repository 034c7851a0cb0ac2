"""HDF5 files that reach out of themselves, or state what they cannot hold."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t
from numpy.testing import assert_array_equal

from emocli.data.hdf5 import Hdf5, is_hdf5
from emocli.data.heaps import SIGNATURE
from emocli.errors import StoreError
from tests.watch import opened

Make = Callable[[h5py.File, Path], Any]


def external(file: h5py.File, secret: Path) -> None:
    file.create_dataset("d", (4,), "f8", external=[(str(secret / "raw"), 0, 32)])


def external_in_the_plan(file: h5py.File, secret: Path) -> None:
    plan = h5p.create(h5p.DATASET_CREATE)
    plan.set_external(os.fsencode(secret / "raw"), 0, 32)
    h5d.create(file.id, b"d", h5t.NATIVE_DOUBLE, h5s.create_simple((4,)), plan)


def linked(file: h5py.File, secret: Path) -> None:
    file["d"] = h5py.ExternalLink(str(secret / "other.h5"), "/d")


def soft_through_a_linked_group(file: h5py.File, secret: Path) -> None:
    file["group"] = h5py.ExternalLink(str(secret / "other.h5"), "/")
    file["d"] = h5py.SoftLink("/group/d")


def virtual(file: h5py.File, secret: Path) -> None:
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(str(secret / "other.h5"), "d", (4,))
    file.create_virtual_dataset("d", layout)


def virtual_without_end(file: h5py.File, secret: Path) -> None:
    """Already its shape is that of the other file."""
    layout = h5py.VirtualLayout((4,), "f8", maxshape=(None,))
    source = h5py.VirtualSource(str(secret / "other.h5"), "d", (4,), maxshape=(None,))
    layout[: h5s.UNLIMITED] = source[: h5s.UNLIMITED]
    file.create_virtual_dataset("d", layout)


OUTSIDE: dict[str, tuple[Make, str]] = {
    "external storage": (external, "numbers lie in other files"),
    "external storage by plan": (external_in_the_plan, "numbers lie in other files"),
    "external link": (linked, "link to another file"),
    "soft link": (soft_through_a_linked_group, "link to another file"),
    "virtual": (virtual, "is virtual"),
    "virtual without end": (virtual_without_end, "is virtual"),
}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "raw").write_bytes(np.arange(4.0).tobytes())
    with h5py.File(folder / "other.h5", "w") as file:
        file.create_dataset("d", data=np.arange(4.0), maxshape=(None,))
    return folder


@pytest.mark.parametrize("name", sorted(OUTSIDE))
def test_no_other_file_is_opened(tmp_path: Path, secret: Path, name: str) -> None:
    make, message = OUTSIDE[name]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        make(file, secret)
    with opened(secret) as read, h5py.File(tmp_path / "a.h5") as file:
        assert_array_equal(file["d"][:], np.arange(4.0))  # h5py alone follows
    assert read
    with opened(secret) as read, Hdf5(tmp_path / "a.h5") as guarded:
        for ask in (guarded.dataset, guarded.numbers, guarded.texts):
            with pytest.raises(StoreError, match=rf"a\.h5, 'd': cannot be read \(.*{message}"):
                ask("d")
        assert guarded.has("d")
    assert read == []


def shuffled_away(file: h5py.File) -> None:
    """Ask for a filter that would have to be loaded."""
    plan = h5p.create(h5p.DATASET_CREATE)
    plan.set_chunk((4,))
    plan.set_filter(32001, 1, ())  # optional: it need not be there to write
    h5d.create(file.id, b"d", h5t.NATIVE_DOUBLE, h5s.create_simple((4,)), plan)


def packed_twice(file: h5py.File) -> None:
    plan = h5p.create(h5p.DATASET_CREATE)
    plan.set_chunk((4,))
    plan.set_deflate(9)
    plan.set_deflate(9)
    h5d.create(file.id, b"d", h5t.NATIVE_DOUBLE, h5s.create_simple((4,)), plan)


REFUSED: dict[str, tuple[Callable[[h5py.File], Any], str]] = {
    "huge": (lambda f: f.create_dataset("d", (10**12, 2), "f4"), "cannot hold"),
    "huge in chunks": (lambda f: f.create_dataset("d", (10**12, 2), "f4", chunks=True), "hold"),
    "huge chunks": (
        lambda f: f.create_dataset("d", (1,), "f4", chunks=(10**8,), maxshape=(None,)),
        "cannot hold",
    ),
    "huge and empty": (lambda f: f.create_dataset("d", (0, 2**50), "f4"), "cannot hold"),
    "wide texts": (lambda f: f.create_dataset("d", (1,), "S500000000"), "cannot hold"),
    "plug-in": (shuffled_away, "packed with filter 32001"),
    "packed twice": (packed_twice, "more than once"),
    "references": (lambda f: f.create_dataset("d", (2,), h5py.ref_dtype), "neither numbers nor"),
    "compound": (lambda f: f.create_dataset("d", data=np.zeros(2, [("a", "f4")])), "neither"),
    "complex": (lambda f: f.create_dataset("d", data=np.zeros(2, complex)), "neither numbers"),
    "opaque": (lambda f: f.create_dataset("d", data=np.zeros(2, "V3")), "neither numbers"),
    "lists": (lambda f: f.create_dataset("d", (2,), h5py.vlen_dtype("f4")), "neither numbers"),
    "enum": (lambda f: f.create_dataset("d", (2,), h5py.enum_dtype({"a": 0})), "neither"),
    "nothing": (lambda f: f.create_dataset("d", data=h5py.Empty("f4")), "it is empty"),
    "type": (lambda f: f.__setitem__("d", np.dtype("f4")), "it is no dataset"),
    "group": (lambda f: f.create_group("d"), "it is no dataset"),
    "circle": (lambda f: f.__setitem__("d", h5py.SoftLink("/d")), "in circles"),
    "loose end": (lambda f: f.__setitem__("d", h5py.SoftLink("/x/y")), "nothing of that name"),
    "absent": (lambda f: None, "nothing of that name"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_refused(tmp_path: Path, name: str) -> None:
    make, message = REFUSED[name]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        make(file)
    with Hdf5(tmp_path / "a.h5", "mend it") as guarded, pytest.raises(StoreError) as caught:
        guarded.numbers("d")
    assert message in str(caught.value)
    assert str(caught.value).endswith("; mend it")


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"compression": "lzf"},
        {"compression": "szip"},
        {"chunks": (3, 2), "maxshape": (None, None)},
    ],
)
@pytest.mark.parametrize("kind", [">f4", "f2", "f8", "i1", "u8", "?"])
def test_what_is_read(tmp_path: Path, libver: str, how: dict[str, Any], kind: str) -> None:
    data = (np.arange(12).reshape(6, 2) % 2).astype(kind)
    with h5py.File(tmp_path / "a.h5", "w", libver=libver, userblock_size=512) as file:
        try:
            file.create_dataset("group/d", data=data, **how)
        except ValueError:
            pytest.skip("this HDF5 does not write that")
        file["soft"] = h5py.SoftLink("group/./d")
        file["hard"] = file["group"]
    with Hdf5(tmp_path / "a.h5") as guarded:
        for place in (("group", "d"), ("soft",), ("hard", "d")):
            assert_array_equal(guarded.numbers(*place), data)
        assert guarded.names("group") == ("d",)
        for place in (("group/d",), ("group", ".."), ("group", "."), ("",), ("soft", "d")):
            with pytest.raises(StoreError, match=r"nothing of that name|no group"):
                guarded.numbers(*place)
    assert is_hdf5(tmp_path / "a.h5")


@pytest.mark.parametrize("how", [{}, {"chunks": (2,), "compression": "gzip"}])
def test_texts(tmp_path: Path, how: dict[str, Any]) -> None:
    texts = ["hello", "", "gänse", "x" * 9000]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("varying", data=np.array(texts, h5py.string_dtype()), **how)
        file.create_dataset("fixed", data=np.array([t.encode() for t in texts]), **how)
        file.attrs.update(text="é", whole=3, real=0.5, yes=True, fixed=np.bytes_("ü".encode()))
    with Hdf5(tmp_path / "a.h5") as guarded:
        for name in ("varying", "fixed"):
            assert [text.decode() for text in guarded.texts(name)] == texts
        told = {"text": "é", "whole": 3, "real": 0.5, "yes": True, "fixed": "ü"}
        assert guarded.attributes() == told


def test_one_text_referred_to_often(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["d"] = np.array(["x" * 60000] + ["y"] * 1999, h5py.string_dtype())
        offset = file["d"].id.get_offset()
    data = bytearray(path.read_bytes())
    data[offset : offset + 16 * 2000] = data[offset : offset + 16] * 2000
    path.write_bytes(data)
    with Hdf5(path) as guarded, pytest.raises(StoreError, match="its texts are 120000000 bytes"):
        guarded.texts("d")


@pytest.mark.parametrize("attribute", [False, True])
def test_a_heap_that_never_ends(tmp_path: Path, attribute: bool) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        if attribute:
            file.attrs["d"] = "hello"
        else:
            file["d"] = np.array(["hello"], h5py.string_dtype())
    data = bytearray(path.read_bytes())
    start = data.index(SIGNATURE) + 16
    data[start : start + 16] = struct.pack("<HHIQ", 0, 0, 0, 0)  # free, and 0 bytes long
    path.write_bytes(data)
    with Hdf5(path) as guarded, pytest.raises(StoreError, match="a heap that is damaged"):
        guarded.attributes() if attribute else guarded.texts("d")


@pytest.mark.parametrize("value", [np.zeros(3), np.zeros(1, [("a", "f4")]), h5py.Empty("f4")])
def test_odd_attributes(tmp_path: Path, value: Any) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["odd"] = value
    with Hdf5(tmp_path / "a.h5") as guarded, pytest.raises(StoreError, match="attribute 'odd'"):
        guarded.attributes()


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.h5")
    for path, message in ((tmp_path, "no file"), (tmp_path / "pipe.h5", "no file")):
        with pytest.raises(StoreError, match=message):
            Hdf5(path)
        assert not is_hdf5(path)
    with pytest.raises(StoreError, match="there is no such file"):
        Hdf5(tmp_path / "none.h5")
