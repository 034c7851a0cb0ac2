from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from emocli.data.table import read_table
from emocli.errors import EmocliWarning, MediaError


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
        (b"a\x00b", "row 1: is not a text file"),
        (b"a,b\n1,\x00\n", "row 2: is not a text file"),
        (b"\n ,\t\n", "table.csv: is empty"),
        (b"a,b,a\n", "row 1: column 'a' is there twice"),
        (b"a;b\n1;2;3\n", "row 2: has 3 cells where the header has 2"),
        (b"a\n" + b"x" * 200_000, r"row 2: is not valid CSV \(field larger .*quote left open"),
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


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_every_encoding_will_do(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, "id,text\n1,it’s naïve\n".encode(encoding))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EmocliWarning)
        assert list(read_table(path, MediaError).records()) == [{"id": "1", "text": "it’s naïve"}]


@pytest.mark.parametrize(
    ("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")]
)
@pytest.mark.parametrize("declared", [False, True])
def test_other_separators_are_told_by_the_header(
    tmp_path: Path, separator: str, name: str, declared: bool
) -> None:
    lines = ["id,text,x", '1,"a, b; c",2', "2,c,3"]
    data = "\n".join(line.replace(",", separator) for line in lines)
    data = (f"sep={separator}\n" if declared else "") + data.replace(f"a{separator} b", "a, b")
    with pytest.warns(EmocliWarning, match=f"table.csv: is read as separated by {name}"):
        table = read_table(write(tmp_path, data.encode()), MediaError)
    assert table.header == ("id", "text", "x")
    assert table.rows[1] == ["2", "c", "3"]
    assert table.lines == [2 + declared, 3 + declared]


def test_commas_stay_what_separates(tmp_path: Path) -> None:
    for header in ("id,a;b;c", '"x;y;z;w",b', "id,label.a|b|c"):
        data = f"{header}\n1,2\n".encode()
        assert read_table(write(tmp_path, data), MediaError).rows == [["1", "2"]]
    assert read_table(write(tmp_path, b"only\na;b\n"), MediaError).rows == [["a;b"]]


@pytest.mark.parametrize("data", [b"a,b,\n1,2,\n", b"a,b,,\n1,2\n", b"a,b\n1,2,,\n,,\n"])
def test_separators_at_the_end_and_blank_rows_are_no_cells(tmp_path: Path, data: bytes) -> None:
    table = read_table(write(tmp_path, data), MediaError)
    assert (table.header, table.rows) == (("a", "b"), [["1", "2"]])


def test_columns_without_a_name_that_hold_something_stay(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, b",a,\n1,2,3\n"), MediaError)
    assert (table.header, table.rows) == (("", "a", ""), [["1", "2", "3"]])


def test_columns_have_the_names_the_reader_knows(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, b"ID, Media.Audio ,Label,other \n"), MediaError)
    known = ("id", "media.audio", "label")
    assert table.renamed(known).header == ("id", "media.audio", "label", "other ")
    both = read_table(write(tmp_path, b"ID,id,Label,LABEL\n"), MediaError)
    assert both.renamed(("id",)).header == ("ID", "id", "Label", "LABEL")
    assert both.renamed(("label",)).header == both.header
