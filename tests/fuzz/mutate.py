"""Damage to files: bytes of any format, and what a format's own structure allows.

Every function takes a source of randomness and nothing else that could differ between two runs.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from types import MappingProxyType

from tests.fuzz.mutate_h5 import h5_file, secret
from tests.fuzz.mutate_texts import (
    changed_json,
    csv_file,
    json_file,
    place_in,
    text_file,
    toml_file,
)

MARKER = "EXECUTED"
"""The file that appears where damaged content is executed."""

SECRETS = (".h5", ".bin", ".wav")
"""Endings of files beside the case that no command may read."""

INTEGERS = (0, 1, -1, 2**15 - 1, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63))


def damage(path: Path, kind: str, rng: Random) -> str:
    """Damage one file; return what was done, with ``!`` in front where it must be refused."""
    own = KINDS.get(kind, ())
    ways: Sequence[Callable[[Path, Random], str]] = [*own, _bytes]
    way = rng.choice([*own, *own, _bytes]) if own else ways[0]
    try:
        return way(path, rng)
    except (ValueError, KeyError, OSError, IndexError, RuntimeError, TypeError, RecursionError):
        return _bytes(path, rng)  # the specimen has no such place


def _bytes(path: Path, rng: Random) -> str:
    name, change = rng.choice(BYTES)
    path.write_bytes(bytes(change(bytearray(path.read_bytes()), rng)))
    return f"bytes {name}"


def _flips(data: bytearray, rng: Random) -> bytes:
    for _ in range(rng.choice((1, 1, 4, 32))):
        if data:
            data[_early(data, rng)] ^= 1 << rng.randrange(8)
    return data


def _early(data: bytearray, rng: Random) -> int:
    """A place, as often as not among the first bytes, where headers are."""
    return rng.randrange(min(len(data), 256)) if rng.random() < 0.5 else rng.randrange(len(data))


def _cut(data: bytearray, rng: Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _block(data: bytearray, rng: Random) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.choice((1, 4, 16, 256, 4096)))


def _doubled(data: bytearray, rng: Random) -> bytes:
    start, end = _block(data, rng)
    return data[:end] + data[start:end] * rng.choice((1, 3)) + data[end:]


def _zeroed(data: bytearray, rng: Random) -> bytes:
    start, end = _block(data, rng)
    return data[:start] + bytes(end - start) + data[end:]


def _dropped(data: bytearray, rng: Random) -> bytes:
    start, end = _block(data, rng)
    return data[:start] + data[end:]


def _noise(data: bytearray, rng: Random) -> bytes:
    start, end = _block(data, rng)
    return data[:start] + rng.randbytes(end - start) + data[end:]


def _integer(data: bytearray, rng: Random) -> bytes:
    width = rng.choice((2, 4, 8))
    value = rng.choice(INTEGERS) % 2 ** (8 * width)
    place = _early(data, rng) if data else 0
    return (
        data[:place] + value.to_bytes(width, rng.choice(("little", "big"))) + data[place + width :]
    )


def _nothing(data: bytearray, rng: Random) -> bytes:
    return b""


def _other(data: bytearray, rng: Random) -> bytes:
    heads = (
        b"\x89HDF\r\n\x1a\n",
        b"PK\x03\x04",
        b"RIFF",
        b"\x80\x04",
        b"{",
        b"#EXTM3U\n../secret\n",
    )
    return rng.choice(heads) + data[: rng.choice((0, 100, 10**6))]


def _tail(data: bytearray, rng: Random) -> bytes:
    return data + rng.randbytes(rng.choice((1, 100, 5000)))


BYTES: Sequence[tuple[str, Callable[[bytearray, Random], bytes]]] = (
    ("flipped", _flips),
    ("flipped", _flips),
    ("cut", _cut),
    ("doubled", _doubled),
    ("zeroed", _zeroed),
    ("dropped", _dropped),
    ("noise", _noise),
    ("integer", _integer),
    ("integer", _integer),
    ("empty", _nothing),
    ("other kind", _other),
    ("appended", _tail),
)


def _npz(path: Path, rng: Random) -> str:
    """Members and headers of an archive of arrays."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(members))
    way = rng.choice(
        ("header", "header", "array", "array", "lost", "twice", "renamed", "bytes", "zeros")
    )
    if way == "header":
        members[name] = _npy_header(members[name], rng)
    elif way == "array":
        members[name] = _npy_array(members[name], rng)
    elif way == "lost":
        del members[name]
    elif way == "renamed":
        members[rng.choice(("x.npy", "../x.npy", "ids.txt", "\x1b[31m.npy"))] = members.pop(name)
    elif way == "bytes":
        members[name] = bytes(rng.choice(BYTES)[1](bytearray(members[name]), rng))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
        if way == "zeros":
            archive.writestr("more.npy", _npy_large())
        if way == "twice":
            archive.writestr(zipfile.ZipInfo(name), members[name])
    return f"npz {way} of {name}"


def _npy_large() -> bytes:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (4000000,), }"
    return _npy(header) + bytes(32_000_000)


def _npy(header: bytes) -> bytes:
    padded = header + b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded


def _npy_header(data: bytes, rng: Random) -> bytes:
    length = struct.unpack_from("<H", data, 8)[0]
    shapes = (
        b"(1000000000000,)", b"(-1,)", b"(True,)", b"(2**62, 4)", b"()", b"(" * 200, b"(1.5,)",
        b"(99999999999,4)", b"('a',)", b"(__import__('os').system('touch EXECUTED'),)",
    )  # fmt: skip
    kinds = (
        b"|O",
        b"<f8",
        b">f4",
        b"|S1000000000",
        b"<U4",
        b"|b1",
        b"<c16",
        b"|V8",
        b"x",
        b"<M8[s]",
    )
    header = b"{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (
        rng.choice(kinds), rng.choice((b"True", b"False", b"3")), rng.choice(shapes),
    )  # fmt: skip
    return _npy(header) + data[10 + length :]


def _npy_array(data: bytes, rng: Random) -> bytes:
    import numpy as np

    array = np.load(io.BytesIO(data))
    nothing = array[:0]
    doubled = np.concatenate([array, array])
    ways = [nothing, doubled, array[:-1], array[::-1], array.astype("U60"), array[None]]
    if array.dtype.kind in "fiu":
        wild = array.astype(float)
        wild.reshape(-1)[rng.randrange(array.size)] = rng.choice((np.nan, np.inf, -1, 1e300, 1e18))
        ways += [wild, wild, wild.astype("f4"), array.astype(object)]
    chosen = ways[rng.randrange(len(ways))]
    file = io.BytesIO()
    np.save(file, chosen, allow_pickle=True)
    return file.getvalue()


def _pickle(path: Path, rng: Random) -> str:
    """Opcodes of a pickle; whatever would call something must not be executed."""
    data = path.read_bytes()
    call = b"cos\nsystem\n(S'touch %s'\ntR" % MARKER.encode()
    evil = {
        "!call": b"\x80\x02" + call + b".",
        "!call first": data[:2] + call + b"0" + data[2:],
        "!call by stack": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0etouch EXECUTED\x85R.",
        "!memo": b"\x80\x02]r\xff\xff\xff\x7f.",
        "!memo text": b"]p99999999999\n.",
        "!long": b"\x80\x02\x8b\xff\xff\xff\x7f.",
        "!bytes": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        "!frame": b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f" + data[2:],
        "!nested": b"]" * 100000 + b"a" * 99999 + b".",
        "!laughs": _laughs(rng.choice((5, 30))),
        "!persistent": b"Px\n.",
        "!extension": b"\x80\x02\x82\x01.",
        "!build": b"\x80\x02cnumpy\nndarray\n)\x81}S'x'\nS'y'\nsb.",
        "!integer": b"I" + b"9" * 5000 + b"\n.",
    }
    if rng.random() < 0.5:
        name = rng.choice(sorted(evil))
        path.write_bytes(evil[name])
        return name[0] + "pickle " + name[1:]
    tree = pickle.loads(data)  # our own specimen
    parent, key = place_in(tree, rng)
    parent[key] = rng.choice(
        (None, [], {}, -1, 10**30, "x", float("nan"), (1, 2), b"x", {1: 2}, [[[]]], {1, 2})
    )
    path.write_bytes(pickle.dumps(tree, protocol=rng.choice((2, 4, 5))))
    return f"pickle value {str(key)[:20]!r}"


def _laughs(depth: int) -> bytes:
    """A list that holds the same list twice, and so on."""
    body = b"(lp0\n"
    for level in range(depth):
        body += b"0(g%d\ng%d\nlp%d\n" % (level, level, level + 1)
    return body + b"."


def _safetensors(path: Path, rng: Random) -> str:
    data = path.read_bytes()
    size = struct.unpack_from("<Q", data)[0]
    header, rest = data[8 : 8 + size].decode(), data[8 + size :]
    way = rng.choice(("header", "header", "length", "values", "deep"))
    if way == "values":
        damaged = bytearray(rest)
        way = rng.choice(("values", "!nan", "!inf"))
        bad = struct.pack("<f", 1e38 if way == "values" else float(way[1:]))
        for _ in range(rng.choice((1, 50))):
            at = 4 * rng.randrange(len(damaged) // 4)
            damaged[at : at + 4] = bad
        rest = bytes(damaged)
    else:
        header = "[" * 90000 if way == "deep" else changed_json(header, rng)
    encoded = header.encode()
    length = rng.choice(INTEGERS) % 2**64 if way == "length" else len(encoded)
    path.write_bytes(struct.pack("<Q", length) + encoded + rest)
    return f"!safetensors {way[1:]}" if way[0] == "!" else f"safetensors {way}"


def _wav(path: Path, rng: Random) -> str:
    data = bytearray(path.read_bytes())
    place, width = rng.choice(((4, "<I"), (16, "<I"), (20, "<H"), (22, "<H"), (24, "<I"), (28,
    "<I"),
                               (32, "<H"), (34, "<H"), (40, "<I")))  # fmt: skip
    most = 2 ** (8 * struct.calcsize(width)) - 1
    value = rng.choice((0, 1, 2, 3, 7, 255, 8000, most // 2, most - 1, most)) % (most + 1)
    struct.pack_into(width, data, place, value)
    path.write_bytes(data)
    return f"wav field {place}"


BOXES = (
    b"mvhd",
    b"tkhd",
    b"mdhd",
    b"stsd",
    b"stts",
    b"stsz",
    b"stco",
    b"stsc",
    b"elst",
    b"ctts",
    b"moov",
    b"mdat",
)


def _mp4(path: Path, rng: Random) -> str:
    """A field of one of the boxes that say how long, how large and where everything is."""
    data = bytearray(path.read_bytes())
    box = rng.choice([box for box in BOXES if box in data])
    at = data.index(box)
    place = at + rng.choice((-4, 0, 4, 8, 12, 16, 20, 24, 28, 32))
    value = rng.choice((0, 1, 255, 65535, 2**31 - 1, 2**32 - 1, 10**6))
    struct.pack_into(">I", data, place, value)
    path.write_bytes(data)
    return f"mp4 {box.decode()}{place - at:+d}"


def _playlist(path: Path, rng: Random) -> str:
    """A list of other files, under the name of a recording."""
    lists = (
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n../../secret.wav\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile ../../secret.wav\n",
    )
    path.write_text(rng.choice(lists))
    return "playlist"


def _linked(path: Path, rng: Random) -> str:
    """A link that leads out of the media root."""
    path.unlink()
    path.symlink_to(rng.choice((secret(path, ".wav"), Path("nowhere"), path, path.parent)))
    return "symbolic link"


def _png(path: Path, rng: Random) -> str:
    data = bytearray(path.read_bytes())
    struct.pack_into(">I", data, rng.choice((16, 20)), rng.choice((0, 1, 60000, 2**31 - 1)))
    struct.pack_into("B", data, 25, rng.choice((data[25], 0, 3, 6)))
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    path.write_bytes(data)
    return "png size"


KINDS: Mapping[str, Sequence[Callable[[Path, Random], str]]] = MappingProxyType(
    {
        "csv": (csv_file, csv_file, text_file),
        "json": (json_file, json_file, text_file),
        "toml": (toml_file, toml_file, text_file),
        "jsonl": (text_file,),
        "txt": (text_file,),
        "srt": (text_file,),
        "md": (text_file,),
        "h5": (h5_file,),
        "csd": (h5_file,),
        "npz": (_npz,),
        "pkl": (_pickle,),
        "safetensors": (_safetensors,),
        "wav": (_wav, _wav, _wav, _playlist, _linked),
        "mp4": (_mp4, _mp4, _mp4, _playlist, _linked),
        "png": (_png, _png, _linked),
    }
)
