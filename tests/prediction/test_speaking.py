"""When somebody speaks in a segment: by its words, else by voice activity of its sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from emocli.data.clip import Clip
from emocli.data.words import Word
from emocli.errors import ConfigError, MediaError
from emocli.plugin.transcript import Line
from emocli.prediction.clips import Piece
from emocli.prediction.segmentation import voice
from emocli.prediction.segmentation.segments import Segment
from emocli.prediction.speaking import Speaking

TALK = Path("talk.mp4")
SEGMENT = Segment(TALK, 0, 1.0, 2.0)
PIECE = Piece(SEGMENT, Clip("a", media={"audio": TALK, "video": TALK}))


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Voice activity that finds two stretches, without a recording."""
    lines = [Line(0.5, 1.5), Line(2.5, 3.0)]
    result = Mock(return_value=lines)
    monkeypatch.setattr(voice, "voice", result)
    monkeypatch.setattr("emocli.prediction.speaking.length_of", Mock())
    monkeypatch.setattr("emocli.prediction.speaking.Recording", Mock())
    return result


def test_words_tell_it_without_a_search(search: Mock) -> None:
    said = replace(PIECE, segment=replace(SEGMENT, words=(Word("no", 1.1, 1.4),)))
    assert Speaking().spans(said) == [(1.1, 1.4)]
    search.assert_not_called()


def test_else_the_sound_of_a_recording_is_searched_once(search: Mock) -> None:
    speaking = Speaking()
    later = replace(PIECE, segment=replace(SEGMENT, start=2.0, end=3.0))
    assert speaking.spans(PIECE) == [(0.5, 1.5)]
    assert speaking.spans(later) == [(0.5, 1.5), (2.5, 3.0)]
    search.assert_called_once()


def test_sound_from_another_file_tells_nothing_about_the_picture(search: Mock) -> None:
    apart = replace(PIECE, clip=Clip("a", media={"audio": Path("talk.wav"), "video": TALK}))
    assert not Speaking().spans(apart)
    assert not Speaking().spans(replace(PIECE, clip=Clip("a")))
    search.assert_not_called()


def test_why_it_cannot_be_told_is_kept(search: Mock) -> None:
    search.side_effect = ConfigError("the package 'onnxruntime' is not installed")
    speaking = Speaking()
    assert not speaking.spans(PIECE)
    assert speaking.unknown == "the package 'onnxruntime' is not installed"
    search.side_effect = MediaError("is damaged")
    silent = Speaking()
    assert not silent.spans(PIECE)
    assert not silent.unknown
