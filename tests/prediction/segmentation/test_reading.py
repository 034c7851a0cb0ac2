"""Transcripts and their recordings: which belongs to which, and times that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from emocli.errors import MediaError
from emocli.plugin.transcript import Line, Transcript, spread
from emocli.prediction.segmentation.reading import fitted, transcript_path

RECORDING = Path("interview.mp4")


def fit(*lines: Line, overlap: bool = False, seconds: float = 10.0) -> Transcript:
    return fitted(Transcript(lines), seconds, RECORDING, overlap=overlap)


def test_the_transcript_beside_a_recording(tmp_path: Path) -> None:
    recording = tmp_path / "a.mp4"
    assert transcript_path(recording) is None
    (tmp_path / "a.csv").touch()  # may be its manifest
    (tmp_path / "b.srt").touch()
    assert transcript_path(recording) is None
    (tmp_path / "a.srt").touch()
    assert transcript_path(recording) == tmp_path / "a.srt"
    (tmp_path / "a.TextGrid").touch()  # says more: words and speakers
    assert transcript_path(recording) == tmp_path / "a.TextGrid"
    other = tmp_path / "other"
    other.mkdir()
    assert transcript_path(recording, other) is None
    (other / "a.words.csv").touch()
    assert transcript_path(recording, other) == other / "a.words.csv"


def test_lines_that_fit_stay_as_they_are() -> None:
    lines = (Line(0, 2, "a"), Line(2, 4, "b"), Line(1, 3, "c", "Ben"))
    result = fit(*lines)
    assert set(result.lines) == set(lines)
    assert result.notes == ()


def test_rounded_ends_are_cut_and_told() -> None:
    result = fit(Line(0, 2.04, "a"), Line(2, 3, "b"), Line(5, 5, "c"), Line(9, 10.4, "d"))
    assert [(line.start, line.end) for line in result.lines] == [(0, 2), (2, 3), (9, 10)]
    assert len(result.notes) == 3


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([Line(3, 2, place="a.srt, row 2")], r"a.srt, row 2: ends at 2 s, before its start, 3 s"),
        ([Line(10, 12, place="row 2")], r"row 2: 10 s to 12 s is outside .* lasts 10.000 s"),
        ([Line(9, 12, place="row 2")], "subtitles of another recording"),
        ([Line(0, 3), Line(2, 4, place="row 6")], r"row 6: begins at 2 s.* at 3 s.*overlap=keep"),
        ([Line(0, 3, "", "A"), Line(0, 2, "", "A")], "the line of A"),
        ([Line(0, 9), Line(1, 2), Line(8, 9.5)], "begins at 1 s"),
    ],
)
def test_impossible_times_are_one_line(lines: list[Line], message: str) -> None:
    with pytest.raises(MediaError, match=message):
        fit(*lines)


def test_overlapping_lines_can_be_kept() -> None:
    assert len(fit(Line(0, 3), Line(2, 4), overlap=True).lines) == 2


def test_words_without_times_are_spread_over_their_line() -> None:
    words = spread(Line(1.0, 2.0, "ab cdefgh ij"))
    assert [(w.text, round(w.start, 6), round(w.end, 6)) for w in words] == [
        ("ab", 1.0, 1.2), ("cdefgh", 1.2, 1.8), ("ij", 1.8, 2.0),
    ]  # fmt: skip
    between = Transcript((Line(1.0, 2.0, "ab cdefgh ij"),)).between
    assert between(0, 1.5) == ("ab", ())
    assert between(1.5, 9) == ("cdefgh ij", ())
