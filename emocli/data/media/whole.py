"""The test whether the file of a recording is complete, by its own structure.

The length a file states is a hint: programs that write to a pipe cannot go back to fill it in,
programs that cut copy the old one. The pieces a file consists of say how many bytes each has, and
a file that was cut off ends inside one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

UNSTATED = 0x7FFF_0000
"""32-bit sizes from here on, and 0, stand for 'unknown': what is written to a pipe has them."""

FOREVER = 1 << 62
"""64-bit sizes from here on stand for 'unknown'."""

PAGE = 65_307
"""Bytes of the longest page of an ogg file."""

FRAME = 65_536
"""Bytes at the end of a flac file in which its last frame is looked for."""

ID3_TAIL = 128
"""Bytes of the tag that some programs put behind the sound."""

CANDIDATES = 16
"""Places tried as the beginning of that frame."""

FLAC_SYNC = frozenset({0xF8, 0xF9})

RIFF = frozenset({b"RIFF", b"RF64", b"BW64", b"RIFX"})
ISO = frozenset({b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx"})
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
EBML, SEGMENT, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
TAGS_OF_FLV = frozenset({8, 9, 18})


def missing_bytes(path: Path) -> int | None:
    """Tell how many bytes a file of sound or pictures lacks at its end, by what it consists of.

    Returns
    -------
    int or None
        0 where the file is whole, and where its structure leaves the size open; None where a file
        of its format cannot tell (flac, ts, aac, ...).
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(32)
        judge = _judge(head)
        ends = None if judge is None else judge(file, size)
    return None if ends is None else max(0, ends - size)


def ends_whole(path: Path) -> bool:
    """Tell whether a flac file ends with a whole frame, by the frame's checksum.

    What was cut out of another file may state the length of that one.
    """
    with path.open("rb") as file:
        if file.read(4) != b"fLaC":
            return False
        file.seek(max(0, path.stat().st_size - FRAME))
        tail = file.read()
    if tail[-ID3_TAIL:].startswith(b"TAG"):
        tail = tail[:-ID3_TAIL]
    starts = [at for at in range(len(tail) - 1) if tail[at] == 0xFF and tail[at + 1] in FLAC_SYNC]
    return any(_crc16(tail[at:]) == 0 for at in starts[: -CANDIDATES - 1 : -1])


def _crc16(data: bytes) -> int:
    """Return flac's checksum (x^16 + x^15 + x^2 + 1): 0 over data and their checksum."""
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1) ^ 0x8005 if value & 0x8000 else value << 1
        value &= 0xFFFF
    return value


def _judge(head: bytes) -> Callable[[BinaryIO, int], int | None] | None:
    """Choose the function that tells where a file should end at least."""
    if head[:4] in RIFF:
        return _riff
    table: tuple[tuple[bool, Callable[[BinaryIO, int], int | None]], ...] = (
        (head[:4] == b"FORM", _form),
        (head.startswith(W64), _w64),
        (head[:4] == b"caff", _caf),
        (head[:4] == b".snd", _au),
        (head[4:8] in ISO, _iso),
        (head.startswith(ASF), _asf),
        (head[:4] == EBML.to_bytes(4, "big"), _matroska),
        (head[:3] == b"FLV", _flv),
        (head[:4] == b"OggS", _ogg),
        (head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"), _mp3),
    )
    return next((judge for holds, judge in table if holds), None)


def _number(file: BinaryIO, at: int, count: int, order: str) -> int | None:
    """Read an unsigned number; None where the file ends before."""
    file.seek(at)
    data = file.read(count)
    return (
        int.from_bytes(data, "big" if order == "big" else "little") if len(data) == count else None
    )


def _chunks(
    file: BinaryIO, at: int, size: int, order: str, name: int = 4, width: int = 4
) -> Iterator[tuple[bytes, int, int]]:
    """Walk over chunks: (name, where the size ends, size)."""
    while at + name + width <= size:
        file.seek(at)
        kind = file.read(name)
        length = _number(file, at + name, width, order)
        if length is None:
            return
        yield kind, at + name + width, length
        at += name + width + length + length % 2


def _riff(file: BinaryIO, size: int) -> int | None:
    """Wav: where its samples end. Avi: where the last list of packets ends."""
    file.seek(0)
    head = file.read(12)
    order = "big" if head[:4] == b"RIFX" else "little"
    ends = _avi(file, size) if head[8:11] == b"AVI" else _wav(file, size, order)
    return min(ends, _outer(file, order))


def _outer(file: BinaryIO, order: str) -> int:
    """Return where the chunk around all others ends: either size may be wrong, seldom both."""
    length = _number(file, 4, 4, order) or 0
    return length + 8 if 0 < length < UNSTATED else FOREVER


def _wav(file: BinaryIO, size: int, order: str) -> int:
    long = None
    for kind, at, length in _chunks(file, 12, size, order):
        if kind == b"ds64":
            long = _number(file, at + 8, 8, "little")
        if kind == b"data":
            stated = long if long and length == 0xFFFF_FFFF else length
            open_end = not stated or (stated >= UNSTATED and stated is not long)
            return size if open_end else at + stated
    return size


def _avi(file: BinaryIO, size: int) -> int:
    at, ends = 12, 0
    while at + 12 <= size:
        file.seek(at)
        head = file.read(12)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] == b"RIFF":  # the next 2 GB, as OpenDML has it
            at += 12
            continue
        if head[:4] == b"LIST" and head[8:12] == b"movi":
            if not length or length >= UNSTATED:
                return size
            ends = at + 8 + length
        at += 8 + length + length % 2
    return ends


def _form(file: BinaryIO, size: int) -> int:
    for kind, at, length in _chunks(file, 12, size, "big"):
        if kind == b"SSND":
            ends = size if not length or length >= UNSTATED else at + length
            return min(ends, _outer(file, "big"))
    return size


def _long_chunks(
    file: BinaryIO, at: int, size: int, name: int, order: str, step: Callable[[int], int]
) -> Iterator[tuple[bytes, int, int]]:
    """Walk over chunks of 64-bit sizes: (name, where it begins, size as stated)."""
    while at + name + 8 <= size:
        file.seek(at)
        kind, length = file.read(name), _number(file, at + name, 8, order) or 0
        yield kind, at, length
        at += step(length)


def _w64(file: BinaryIO, size: int) -> int:
    for kind, at, length in _long_chunks(
        file, 40, size, 16, "little", lambda length: max(24, (length + 7) // 8 * 8)
    ):
        if kind[:4] == b"data":
            return at + length if 24 <= length < FOREVER else size
    return size


def _caf(file: BinaryIO, size: int) -> int:
    for kind, at, length in _long_chunks(file, 8, size, 4, "big", lambda n: 12 + min(n, size)):
        if kind == b"data":
            return at + 12 + length if 4 < length < FOREVER else size
    return size


def _au(file: BinaryIO, size: int) -> int:
    begins, length = _number(file, 4, 4, "big"), _number(file, 8, 4, "big")
    if begins is None or not length or length >= UNSTATED:
        return size
    return begins + length


def _iso(file: BinaryIO, size: int) -> int:
    """mp4, mov, m4a, 3gp: where the last box of samples ends."""
    at, ends = 0, 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8 or kind not in ISO | {b"mfra", b"meta", b"uuid", b"udta", b"pnot"}:
            break  # the rest of the file, or no box
        at += length
        if kind in ISO:
            ends = at
    return ends


def _asf(file: BinaryIO, size: int) -> int:
    for kind, at, length in _long_chunks(
        file, 0, size, 16, "little", lambda length: max(24, min(length, size))
    ):
        if kind == ASF_DATA:
            return at + length if 24 < length < FOREVER else size
    return size


def _matroska(file: BinaryIO, size: int) -> int:
    """Matroska, webm: where the segment ends, or else its last cluster."""
    at = ends = 0
    while at < size:
        kind, body, length = _element(file, at)
        if kind is None:
            break
        if kind == SEGMENT and length is not None:
            return body + length
        if kind == SEGMENT:
            at = body
            continue
        if length is None:  # a cluster that was never closed
            return size
        at = body + length
        if kind == CLUSTER:
            ends = at
    return ends


def _element(file: BinaryIO, at: int) -> tuple[int | None, int, int | None]:
    """Read the head of an EBML element: (id, where its body begins, size or None if unknown)."""
    file.seek(at)
    head = file.read(12)
    first = 9 - head[0].bit_length() if head and head[0] else 9
    if first > 4 or len(head) <= first or not head[first]:
        return None, at, None
    count = 9 - head[first].bit_length()
    data = head[first : first + count]
    bits = (1 << 7 * count) - 1
    length = int.from_bytes(data, "big") & bits
    kind = int.from_bytes(head[:first], "big")
    return kind, at + first + count, None if length == bits else length


def _flv(file: BinaryIO, size: int) -> int:
    """Flv: every tag is followed by its size."""
    length = _number(file, size - 4, 4, "big") or 0
    begins = size - 4 - length
    if begins < 9:
        return size + 1
    kind, inside = _number(file, begins, 1, "big"), _number(file, begins + 1, 3, "big")
    whole = kind in TAGS_OF_FLV and inside is not None and inside + 11 == length
    return size if whole else size + 1


def _ogg(file: BinaryIO, size: int) -> int:
    begins = max(0, size - PAGE)
    file.seek(begins)
    tail = file.read()
    at = tail.rfind(b"OggS\0")
    if at < 0:
        return size
    head = tail[at : at + 27 + 255]
    if len(head) < 27 or len(head) < 27 + head[26]:
        return size + 1
    return begins + at + 27 + head[26] + sum(head[27 : 27 + head[26]])


def _mp3(file: BinaryIO, size: int) -> int | None:
    """Mp3: an encoder may have written how many bytes of sound there are (Xing, Info)."""
    at = _after_id3(file)
    file.seek(at)
    head = file.read(200)
    place = next((head.find(name) for name in (b"Xing", b"Info") if name in head), None)
    if place is None:
        return size
    flags = int.from_bytes(head[place + 4 : place + 8], "big")
    if not flags & 2:
        return None if flags & 1 else size
    skip = place + (12 if flags & 1 else 8)
    return at + int.from_bytes(head[skip : skip + 4], "big")


def _after_id3(file: BinaryIO) -> int:
    file.seek(0, os.SEEK_SET)
    head = file.read(10)
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    length = sum(
        (byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)
    )
    return 10 + length + (10 if head[5] & 0x10 else 0)
