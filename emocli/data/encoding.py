"""Decoding of text of unknown encoding: candidates in a fixed order, and what was chosen.

1. What a byte order mark says: UTF-8, UTF-16, UTF-32 or GB18030.
2. UTF-16 or UTF-32 without a mark, where every second byte, or three in four, is zero as in text.
3. UTF-8.
4. UTF-8 with a few strange bytes, of which each is read as Windows-1252.
5. Windows-1252; its five undefined bytes are read as Latin-1 has them.

Everything but 1 as UTF-8 and 3 is said by an `EmocliWarning` that names the file and the encoding.
Bytes of zero that are left mean that a file is no text.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import cast

from emocli.errors import EmocliError, EmocliWarning
from emocli.parsing import read_bytes

UTF8 = "UTF-8"
WINDOWS = "Windows-1252"

MARKS = MappingProxyType(
    {
        b"\xef\xbb\xbf": UTF8,
        b"\xff\xfe\0\0": "UTF-32-LE",
        b"\0\0\xfe\xff": "UTF-32-BE",
        b"\xff\xfe": "UTF-16-LE",
        b"\xfe\xff": "UTF-16-BE",
        b"\x84\x31\x95\x33": "GB18030",
    }
)
"""Byte order mark to encoding; the longer ones first, for the shorter ones begin like them."""

READ = "is read as {}"

MARK = "\ufeff"
HEAD = 1 << 16
"""Bytes by which an encoding without a mark is told."""

OFTEN = 0.05
"""Share of zeros among every second byte above which a file is taken for UTF-16."""

ESCAPED = re.compile("[\udc80-\udcff]")
"""What ``surrogateescape`` makes of a byte that is no UTF-8."""

C1 = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}
SINGLE = MappingProxyType({0xDC00 + code: C1.get(code, chr(code)) for code in range(0x80, 0x100)})


@dataclass(frozen=True)
class Decoded:
    """A text without byte order mark, its encoding, and a ``doubt`` about it, empty for UTF-8."""

    text: str
    encoding: str
    doubt: str = ""


def read_text(
    path: Path,
    error: type[EmocliError] = EmocliError,
    most: int | None = None,
    *,
    hint: str = "",
) -> str:
    """Read a text file, in the order of encodings above; another one than UTF-8 is warned of.

    Parameters
    ----------
    error : type
        What to raise if it is absent, cannot be read, is no text or too large.
    most : int, optional
        Bytes it may have.
    hint : str
        What to do where it is absent or cannot be read.
    """
    try:
        raw = path.read_bytes() if most is None else read_bytes(path, most)
    except FileNotFoundError:
        raise error("there is no such file", where=path, hint=hint) from None
    except OSError as fault:
        raise error(f"cannot be read ({fault.strerror})", where=path, hint=hint) from None
    except ValueError as fault:
        raise error(str(fault).removeprefix("it "), where=path) from None
    return text_of(raw, path, error)


def text_of(raw: bytes, path: Path, error: type[EmocliError] = EmocliError) -> str:
    """Return the text of a file's bytes, as `read_text` does."""
    try:
        decoded = decode(raw)
    except UnicodeDecodeError as fault:
        row = raw[: fault.start].decode(fault.encoding, "ignore").count("\n") + 1
        what = f"is not a text file ({fault.reason})"
        raise error(what, where=f"{path}, row {row}", hint="save it as UTF-8") from None
    if decoded.doubt:
        warn_of_encoding(path, decoded.doubt)
    return decoded.text


def warn_of_encoding(path: Path, doubt: str) -> None:
    """Warn of the encoding a file was read in."""
    message = f"{path}: {doubt}; if letters come out wrong, save it as UTF-8"
    warnings.warn(message, EmocliWarning, stacklevel=2)


def decode(raw: bytes) -> Decoded:
    r"""Decode bytes, in the order of encodings above.

    Raises
    ------
    UnicodeDecodeError
        If they are no text: bytes of zero among them, or not what their mark says.

    Examples
    --------
    >>> decode(b"caf\xe9").text, decode(b"caf\xe9").encoding
    ('café', 'Windows-1252')
    """
    encoding, size = detected_encoding(raw)
    if encoding != UTF8:
        text = raw[size:].decode(encoding)
        before, zero, _ = text.partition("\0")
        _refuse_zeros(raw, size + len(before.encode(encoding)) if zero else -1, encoding)
        return Decoded(text.lstrip(MARK), encoding, READ.format(encoding))
    _refuse_zeros(raw, raw.find(0), UTF8)
    body = raw[size:]
    try:
        return Decoded(body.decode().lstrip(MARK), UTF8)
    except UnicodeDecodeError as fault:
        row = body.count(b"\n", 0, fault.start) + 1
        return _single_bytes(body, f"byte 0x{body[fault.start]:02x} (row {row}) is not UTF-8")


def detected_encoding(head: bytes) -> tuple[str, int]:
    """Tell the encoding by the beginning of a file: its name, and the length of its mark.

    What is neither marked nor of wide characters counts as UTF-8.
    """
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding, len(mark)
    return _by_zeros(head[:HEAD]), 0


def utf8_lines(file: io.BufferedIOBase, longest: int, path: Path) -> Iterator[bytes]:
    """Iterate over the lines of a text file of any size, in UTF-8 and without a mark.

    UTF-16 and UTF-32 are translated piece by piece, and warned of; of anything else the bytes are
    passed on. Lines may also end in carriage returns alone. A line of ``longest`` bytes is a piece
    of a longer one.

    Raises
    ------
    UnicodeDecodeError
        If wide characters are damaged.
    """
    source = io.BufferedReader(cast(io.RawIOBase, file), HEAD)  # gzip's files will do, too
    head = source.peek(HEAD)
    encoding, size = detected_encoding(head)
    source.read(size)
    returns = b"\r" in head and b"\n" not in head
    if encoding == UTF8 and not returns:
        while line := source.readline(longest):
            yield line
        return
    if encoding != UTF8:
        warn_of_encoding(path, READ.format(encoding))
    passed = "latin-1" if encoding == UTF8 else encoding
    with io.TextIOWrapper(source, passed, newline=None) as text:
        while piece := text.readline(longest):
            yield piece.encode("latin-1" if encoding == UTF8 else UTF8)


def word_of(raw: bytes) -> tuple[str, bool]:
    r"""Decode a few bytes of a file that is read as UTF-8, and say whether they are that.

    Examples
    --------
    >>> word_of(b"caf\xe9"), word_of("café".encode())
    (('café', False), ('café', True))
    """
    try:
        return raw.decode(), True
    except UnicodeDecodeError:
        return raw.decode("latin-1").translate(C1), False


def _single_bytes(body: bytes, doubt: str) -> Decoded:
    """Read what is no UTF-8; as single bytes only if most that is not ASCII in it is none."""
    text = body.decode(UTF8, "surrogateescape")
    strange = len(ESCAPED.findall(text))
    wide = sum(map(len, re.findall("[\x80-\ud7ff\ue000-\U0010ffff]+", text)))
    if wide > strange:
        doubt = f"{doubt}, {strange} such bytes are read as {WINDOWS}"
        return Decoded(text.translate(SINGLE).lstrip(MARK), UTF8, doubt)
    text = body.decode("latin-1").translate(C1)
    return Decoded(text, WINDOWS, f"{doubt}, read as {WINDOWS}")


def _by_zeros(head: bytes) -> str:
    """Tell UTF-16 and UTF-32 without a mark by where their zeros are."""
    groups = len(head) // 4
    zeros = [head[place : 4 * groups : 4].count(0) for place in range(4)]
    if groups and zeros[3] == groups > zeros[0] and 2 * zeros[2] > groups:
        return "UTF-32-LE"
    if groups and zeros[0] == groups > zeros[3] and 2 * zeros[1] > groups:
        return "UTF-32-BE"
    low, high = zeros[0] + zeros[2], zeros[1] + zeros[3]
    for name, many, few in (("UTF-16-LE", high, low), ("UTF-16-BE", low, high)):
        if many > OFTEN * 2 * groups and few < many / 2 and _has_lines(head, name):
            return name
    return UTF8


def _has_lines(head: bytes, encoding: str) -> bool:
    """Whether line ends, too, are two bytes: a stray zero in other text makes no UTF-16 of it."""
    text, ends = head[: len(head) // 2 * 2].decode(encoding, "replace"), head.count(b"\n")
    return 2 * text.count("\n") > ends or (not ends and text.isascii())


def _refuse_zeros(raw: bytes, place: int, encoding: str) -> None:
    if place >= 0:
        raise UnicodeDecodeError(encoding, raw, place, place + 1, "it holds bytes of zero")
