"""Transcripts: which words are in a stretch, and lines made of words."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from emocli.data.words import Word
from emocli.plugin.transcript import Line, Transcript, by_start, joined, spread, with_words

TIMED = Line(0, 2, "oh well", words=(Word("oh", 0.0, 0.8), Word("well", 1.0, 2.0)))
UNTIMED = Line(2, 6, "and a you", speaker="Ben")


def test_a_word_is_of_the_stretch_that_its_middle_is_in() -> None:
    read = Transcript((TIMED,))
    assert read.between(0, 1.5) == ("oh", TIMED.words[:1])
    assert read.between(0.4, 1.6) == ("oh well", TIMED.words)
    assert read.between(1.5, 9) == ("well", TIMED.words[1:])  # its middle is the beginning
    assert read.between(1.6, 9) == ("", ())


def test_words_without_times_are_told_as_text_alone() -> None:
    read = Transcript((TIMED, UNTIMED))
    assert read.between(0, 9) == ("oh well and a you", TIMED.words)
    assert read.between(2, 3.8) == ("and", ())


def test_words_are_spread_by_their_lengths() -> None:
    assert [(w.text, round(w.start, 3), round(w.end, 3)) for w in spread(UNTIMED)] == [
        ("and", 2.0, 3.714),
        ("a", 3.714, 4.286),
        ("you", 4.286, 6.0),
    ]
    assert spread(Line(0, 1)) == ()


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8), st.text("ab ", max_size=20))
def test_stretches_side_by_side_hold_every_word_once(cuts: list[float], text: str) -> None:
    read = Transcript((Line(0, 100, text),))
    ends = [0.0, *sorted(cuts), 101.0]
    parts = [read.between(*pair)[0] for pair in pairwise(ends)]
    assert " ".join(filter(None, parts)).split() == text.split()


def test_words_are_joined_to_lines_that_end_at_a_pause() -> None:
    words = [Word("c", 2.0, 2.5), Word("a", 0.0, 0.4), Word("b", 0.85, 1.5)]
    first, second = joined(words, "Ben", "row 3")
    assert first == Line(0.0, 1.5, "a b", "Ben", (words[1], words[2]), "row 3")
    assert (second.start, second.text) == (2.0, "c")
    assert joined([]) == []


def test_a_line_takes_the_words_in_it_and_lines_are_put_in_order() -> None:
    line = with_words(Line(1, 2, "well"), TIMED.words)
    assert line.words == TIMED.words[1:]
    assert by_start([UNTIMED, TIMED]) == (TIMED, UNTIMED)
