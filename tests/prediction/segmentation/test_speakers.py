"""Who speaks: RTTM files, and their turns in stretches of speech."""

from __future__ import annotations

from pathlib import Path

import pytest

from emocli.errors import MediaError
from emocli.plugin.segmentation import Turn
from emocli.plugin.transcript import Line
from emocli.prediction.segmentation.speakers import fitted, read_rttm, speaker_in, split, turns_of

ROW = "SPEAKER {file} 1 {start} {length} <NA> <NA> {name} <NA> <NA>\n"
TURNS = (Turn(0.0, 2.0, "a"), Turn(1.5, 4.0, "b"), Turn(4.1, 4.2, "c"))


def rttm(path: Path, *turns: tuple[str, object, object, str]) -> Path:
    rows = (ROW.format(file=f, start=s, length=n, name=name) for f, s, n, name in turns)
    path.write_text(";; a comment\nSPKR-INFO x 1 <NA> <NA> <NA> unknown a <NA>\n" + "".join(rows))
    return path


def test_turns_by_file_and_start(tmp_path: Path) -> None:
    path = rttm(tmp_path / "x.rttm", ("one", 2.5, 1, "b"), ("one", 0, 2, "a"), ("two", 1, 1, "a"))
    turns = read_rttm(path)
    assert turns == {
        "one": (Turn(0.0, 2.0, "a"), Turn(2.5, 3.5, "b")), "two": (Turn(1.0, 2.0, "a"),),
    }  # fmt: skip
    assert turns_of(Path("one.wav"), turns, path, only_recording=False) == turns["one"]
    with pytest.raises(MediaError, match=r"no turns of 'six'; it has: one, two"):
        turns_of(Path("six.wav"), turns, path, only_recording=True)
    only = {"one": turns["one"]}
    assert turns_of(Path("six.wav"), only, path, only_recording=True) == turns["one"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no turn"),
        ("SPEAKER a 1 0\n", "row 1: has 4 fields"),
        (ROW.format(file="a", start="x", length=1, name="b"), "row 1: 'x 1' are no times"),
        (ROW.format(file="a", start=1, length=-1, name="b"), "no stretch of time"),
        (ROW.format(file="a", start="nan", length=1, name="b"), "no stretch of time"),
    ],
)
def test_what_is_no_rttm(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "x.rttm"
    path.write_text(content)
    with pytest.raises(MediaError, match=message):
        read_rttm(path)


def test_turns_of_another_recording() -> None:
    with pytest.raises(MediaError, match=r"b speaks from 1.5 s to 4 s.*lasts 1.000 s"):
        fitted(TURNS, 1.0, Path("a.wav"))
    assert fitted(TURNS[:2], 3.5, Path("a.wav"))[1].end == 3.5


def test_a_stretch_is_of_who_speaks_longest_in_it() -> None:
    assert speaker_in(0.0, 4.0, TURNS) == "b"
    assert speaker_in(0.0, 2.4, TURNS) == "a"
    assert speaker_in(5.0, 6.0, TURNS) == ""


def test_speech_is_split_by_turns() -> None:
    parts = split(Line(0.5, 4.3), TURNS)
    assert [(p.start, p.end, p.speaker) for p in parts] == [(0.5, 2.0, "a"), (1.5, 4.0, "b")]
    assert split(Line(5, 6), TURNS) == [Line(5, 6)]
