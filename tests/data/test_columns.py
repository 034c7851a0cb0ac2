"""The columns of a manifest: what their cells hold, and that clips are read as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from emocli.data.clip import Clip
from emocli.data.columns import csv_rows, known_columns, media_path, read_clips, write_clips
from emocli.data.table import DataTable, read_table
from emocli.errors import ManifestError

CLASSES = ("joy", "anger")


def read(root: Path, header: str, *rows: str) -> list[Clip]:
    cells = [row.split(",") for row in rows]
    table = DataTable(tuple(header.split(",")), cells, list(range(2, len(rows) + 2)))
    return list(read_clips(table, Path("m.csv"), root, CLASSES))


def test_clips_are_read_as_they_are_written(tmp_path: Path) -> None:
    clips = [
        Clip("a", "train", text='so, "it"\nis', media={"audio": tmp_path / "x" / "a.wav"}),
        Clip("b", "test", "Ann", "d", 2, 0.5, 1.25, labels={"joy": 0.25}, groups={"age": "=1+1"}),
    ]
    path = tmp_path / "m.csv"
    path.write_text(write_clips(clips, CLASSES, tmp_path), "utf-8")
    table = read_table(path, ManifestError)
    assert "label.anger" not in table.header  # nobody has it
    assert list(read_clips(table, path, tmp_path, CLASSES)) == clips


def test_a_column_of_folds_is_written_where_there_are_some(tmp_path: Path) -> None:
    text = write_clips([Clip("a", "train", fold=3)], CLASSES, tmp_path)
    header, row = (line.split(",") for line in text.splitlines())
    assert dict(zip(header, row, strict=True))["fold"] == "3"
    assert "fold" not in write_clips([Clip("a", "train")], CLASSES, tmp_path)


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("start", "x", "'x' is not a number"),
        ("start", "1,5", "write a point for the decimal comma"),
        ("end", "nan", "'nan' is not a finite number"),
        ("turn", "1.5", "'1.5' is not a whole number"),
        ("label.joy", "inf", "'inf' is not a finite number"),
        ("media.audio", "../a.wav", "'../a.wav' leads outside the root"),
        ("media.audio", "/a.wav", "'/a.wav' is an absolute path"),
        ("media.audio", "C:/a.wav", "'C:/a.wav' is an absolute path"),
    ],
)
def test_a_cell_of_another_kind_is_named(
    tmp_path: Path, column: str, cell: str, message: str
) -> None:
    table = DataTable(("id", column), [["a", ""], ["b", cell]], [2, 4])
    with pytest.raises(ManifestError, match=rf"^m\.csv, row 4, column '{column}': ") as caught:
        list(read_clips(table, Path("m.csv"), tmp_path, CLASSES))
    assert message in str(caught.value)


def test_unknown_columns_and_a_table_without_ids_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="unknown column 'speeker'; did you mean 'speaker'"):
        read(tmp_path, "id,speeker", "a,b")
    with pytest.raises(ManifestError, match=r"unknown column 'label\.fear'"):
        read(tmp_path, "id,label.fear", "a,1")
    with pytest.raises(ManifestError, match="column 'id' is missing"):
        read(tmp_path, "split", "train")
    (clip,) = read(tmp_path, "id,media.smell,group.site", "a,nose.bin,Paris")
    assert (clip.media["smell"], clip.groups) == (tmp_path / "nose.bin", {"site": "Paris"})
    assert {"id", "media.audio", "label.joy"} <= set(known_columns(CLASSES))


def test_backslashes_are_slashes_unless_a_file_has_them(tmp_path: Path) -> None:
    prefix = f"{tmp_path}/"
    assert media_path(r"x\a.wav", prefix) == tmp_path / "x" / "a.wav"
    (tmp_path / r"x\a.wav").touch()
    assert media_path(r"x\a.wav", prefix) == tmp_path / r"x\a.wav"


def test_cells_are_quoted_where_they_have_to_be() -> None:
    assert csv_rows([("a", None, 1.5), ('say "b"', "c,d", "=1")]) == (
        'a,,1.5\n"say ""b""","c,d",\'=1\n'
    )
