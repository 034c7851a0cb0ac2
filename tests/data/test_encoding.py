"""Text in every encoding that files really have."""

from __future__ import annotations

import gzip
import io
import warnings
from pathlib import Path

import pytest

from emocli.data.encoding import decode, read_text, utf8_lines, word_of
from emocli.errors import EmocliWarning, ManifestError

TEXT = "id,text\n1,„Größe“ – naïve café\n2,हिन्दी 😀\n"
WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
WESTERN = "id,text\n1,It’s naïve – “café” €5\n"


def write(folder: Path, raw: bytes) -> Path:
    path = folder / "a.csv"
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf"])
def test_utf_8_is_read_without_a_word(tmp_path: Path, mark: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_text(write(tmp_path, mark + TEXT.encode())) == TEXT


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", WIDE)
def test_wide_characters_with_and_without_a_mark(tmp_path: Path, encoding: str, mark: str) -> None:
    path = write(tmp_path, (mark + TEXT).encode(encoding))
    with pytest.warns(EmocliWarning, match=f"a.csv: is read as {encoding.upper()}; if letters"):
        assert read_text(path) == TEXT


@pytest.mark.parametrize("encoding", WIDE[:2])
def test_mostly_east_asian_wide_characters_without_a_mark(encoding: str) -> None:
    text = "id,文本\n" + "".join(f"{n},一丁丂七丄丅丆万丈三上下\n" for n in range(9))
    assert decode(text.encode(encoding)).text == text


def test_windows_1252_is_named_with_the_first_strange_byte(tmp_path: Path) -> None:
    path = write(tmp_path, WESTERN.encode("cp1252"))
    said = r"a.csv: byte 0x92 \(row 2\) is not UTF-8, read as Windows-1252; if letters"
    with pytest.warns(EmocliWarning, match=said):
        assert read_text(path) == WESTERN


def test_bytes_that_windows_leaves_undefined_are_latin_1() -> None:
    raw = bytes(range(0x80, 0x100))
    result = decode(raw)
    assert result.text[1] == "\x81"
    assert result.text[0] == "€"
    assert result.text[0x20:] == raw[0x20:].decode("latin-1")


def test_a_few_strange_bytes_do_not_spoil_the_rest_of_a_utf_8_file() -> None:
    raw = "Größe, 日本語\n".encode() + b"It\x92s\n" + "naïve ½\n".encode()
    result = decode(raw)
    assert result.text == "Größe, 日本語\nIt’s\nnaïve ½\n"
    assert "byte 0x92 (row 2) is not UTF-8, 1 such bytes are read as Windows-1252" in result.doubt


def test_what_looks_like_utf_8_by_chance_does_not_spoil_windows_1252() -> None:
    text = "Spaß”, schöne Größe für Ärger\n"
    assert decode(text.encode("cp1252")).text == text


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"a,b\n1,\x00\n", "a.csv, row 2: is not a text file .it holds bytes of zero.; save it"),
        (b"\xff\xfea", "a.csv, row 1: is not a text file .truncated data"),
        (b"\xff\xfea\x00\n\x00\x00\x00", "a.csv, row 2: is not a text file .it holds bytes of"),
        (bytes(range(256)) * 9, "is not a text file"),
        (b"\0" * 100, "is not a text file"),
    ],
)
def test_what_is_no_text_is_refused_with_its_row(tmp_path: Path, raw: bytes, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        read_text(write(tmp_path, raw), ManifestError)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"none\.csv: there is no such file"):
        read_text(tmp_path / "none.csv", ManifestError)
    with pytest.raises(ManifestError, match="cannot be read"):
        read_text(tmp_path, ManifestError)


@pytest.mark.filterwarnings("ignore:.*is read as")
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-8", *WIDE])
def test_lines_of_any_encoding_come_in_utf_8(encoding: str, mark: str) -> None:
    long = TEXT * 5000  # more than what is looked at first
    raw = (mark + long).encode(encoding)
    if encoding != "utf-8":
        with pytest.warns(EmocliWarning, match=f"v.txt: is read as {encoding.upper()}"):
            next(utf8_lines(io.BytesIO(raw), 1 << 10, Path("v.txt")))
    assert b"".join(utf8_lines(io.BytesIO(raw), 1 << 10, Path("v.txt"))) == long.encode()
    with gzip.open(io.BytesIO(gzip.compress(raw))) as packed:
        assert b"".join(utf8_lines(packed, 1 << 10, Path("v.txt"))) == long.encode()


def test_lines_may_end_in_carriage_returns_alone() -> None:
    assert list(utf8_lines(io.BytesIO(b"caf\xe9 1\rb 2\r"), 99, Path("v.txt"))) == [
        b"caf\xe9 1\n",
        b"b 2\n",
    ]
    assert list(utf8_lines(io.BytesIO(b"\xef\xbb\xbfa\rb"), 99, Path("v.txt"))) == [b"a\n", b"b"]


def test_single_words() -> None:
    assert word_of("naïve".encode()) == ("naïve", True)
    assert word_of(b"na\xefve\x92s") == ("naïve’s", False)
