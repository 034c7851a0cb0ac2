from __future__ import annotations

from pathlib import Path

import pytest

from emocli.data.table import read_table
from emocli.errors import MediaError


def write(folder: Path, data: bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(data)
    return path


def test_rows_know_the_line_they_start_on(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, b'a,b\n1,"x\ny"\n\n2,"say ""hi"", you"\n'), MediaError)
    assert table.header == ("a", "b")
    assert table.rows == [["1", "x\ny"], ["2", 'say "hi", you']]
    assert table.lines == [2, 5]
    assert list(table.records())[1] == {"a": "2", "b": 'say "hi", you'}


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_will_do(tmp_path: Path, end: bytes) -> None:
    table = read_table(write(tmp_path, end.join([b"\xef\xbb\xbfa,b", b"1,2", b"3,4"])), MediaError)
    assert (table.header, table.rows) == (("a", "b"), [["1", "2"], ["3", "4"]])
    assert table.lines == [2, 3]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "table.csv: is empty"),
        (b"a,b\n1\n", "row 2: has 1 cells where the header has 2"),
        (b"a,b\n1,2,3\n", "row 2: has 3 cells"),
        (b'a\n"x" y\n', "row 2: is not valid CSV"),
        (b'a,b\n1,"open\n', "row 2: is not valid CSV"),
        (b"a\n\xff\n", "row 2: byte 0xff is not UTF-8; save it as UTF-8"),
        (b"\xff\xfea\x00", "is encoded as UTF-16; save it as UTF-8"),
        (b"a\x00b", "is not a text file"),
    ],
)
def test_what_is_no_table_is_refused_as_the_caller_wants(
    tmp_path: Path, data: bytes, said: str
) -> None:
    with pytest.raises(MediaError, match=said):
        read_table(write(tmp_path, data), MediaError)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="there is no such file"):
        read_table(tmp_path / "none.csv", MediaError)
    with pytest.raises(MediaError, match="cannot be read"):
        read_table(tmp_path, MediaError)


def test_another_encoding_where_it_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("text\nit’s\n".encode("cp1252"))
    with pytest.raises(MediaError, match="is not UTF-8"):
        read_table(path, MediaError)
    assert read_table(path, MediaError, fallback="cp1252").rows == [["it’s"]]
    path.write_text("text\nit’s\n", "utf-8")
    assert read_table(path, MediaError, fallback="cp1252").rows == [["it’s"]]
