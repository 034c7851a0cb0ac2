"""Words without a vector are told by recording, with the language that was heard there."""

from __future__ import annotations

from pathlib import Path

from emocli.data.clip import Clip
from emocli.prediction.clips import Piece
from emocli.prediction.segmentation.segments import Segment
from emocli.prediction.vocabulary import unknown_words


def piece(recording: str, index: int, language: str = "") -> Piece:
    segment = Segment(Path(recording), index, 0.0, 1.0)
    return Piece(segment, Clip(f"{recording}-{index}"), language)


def counts(words: int, unknown: int) -> dict[str, float]:
    return {"words": words, "words.out_of_vocabulary": unknown}


def test_a_recording_is_named_where_most_of_its_words_are_unknown() -> None:
    pieces = (
        piece("a.wav", 0, "de"),
        piece("a.wav", 1, "de"),
        piece("b.wav", 0),
        piece("c.wav", 0),
    )
    known = {
        "a.wav-0": counts(4, 1),
        "a.wav-1": counts(4, 4),  # of both segments together 5 in 8
        "b.wav-0": counts(4, 2),
    }
    (remark,) = unknown_words(pieces, known)
    assert remark.startswith("a.wav: 62% of the words have no vector")
    assert remark.endswith("spoken ('de')?")


def test_a_language_that_was_not_heard_is_not_named() -> None:
    (remark,) = unknown_words((piece("a.wav", 0),), {"a.wav-0": counts(2, 2)})
    assert remark.endswith("the language that is spoken?")
