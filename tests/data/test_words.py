from __future__ import annotations

from pathlib import Path

import pytest

from emocli.data.words import Word, read_words
from emocli.errors import MediaError


def write(folder: Path, text: str) -> Path:
    path = folder / "words.csv"
    path.write_text(text, "utf-8")
    return path


def test_words_come_in_the_order_of_time(tmp_path: Path) -> None:
    path = write(tmp_path, 'start,end,word\n0.5,0.9,there\n0.1,0.5,"Well,"\n0.9,0.9,!\n')
    assert read_words(path) == [
        Word("Well,", 0.1, 0.5),
        Word("there", 0.5, 0.9),
        Word("!", 0.9, 0.9),
    ]


def test_the_order_of_columns_is_free_and_silence_is_no_error(tmp_path: Path) -> None:
    assert read_words(write(tmp_path, "word,start,end\nhi,1,2\n")) == [Word("hi", 1, 2)]
    assert read_words(write(tmp_path, "start,end,word\n")) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("begin,end,word\n0,1,a\n", "the columns begin,end,word; they should be start,end,word"),
        ("start,end\n0,1\n", "they should be start,end,word"),
        ("start,end,word\n0,1,a\nx,2,b\n", r"row 3: could not convert string to float: 'x'"),
        ("start,end,word\n2,1,a\n", "row 2: 2 s to 1 s is no stretch of time"),
        ("start,end,word\n0,1, \n", "row 2: has no word"),
    ],
)
def test_a_broken_file_is_refused_by_row(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(MediaError, match=said):
        read_words(write(tmp_path, text))


@pytest.mark.parametrize("times", [(-1, 1), (0, "nan"), (0, "inf")])
def test_times_that_are_none_are_refused(tmp_path: Path, times: tuple[object, object]) -> None:
    start, end = times
    with pytest.raises(MediaError, match=f"row 2: {start} s to {end} s"):
        read_words(write(tmp_path, f"start,end,word\n{start},{end},a\n"))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="there is no such file"):
        read_words(tmp_path / "none.csv")
