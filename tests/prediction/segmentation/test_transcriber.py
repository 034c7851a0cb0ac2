"""The recogniser: what it refuses, how its words come to lie in speech, and real sentences."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from emocli.data.media.content import read_sound
from emocli.data.words import Word
from emocli.errors import ConfigError
from emocli.plugin.transcript import Line
from emocli.prediction.segmentation import transcriber
from emocli.prediction.segmentation.segmenter import NOTHING_KEPT
from emocli.prediction.segmentation.transcriber import (
    FILES,
    StreamedSound,
    Whisper,
    chunks,
    inside,
    load,
)
from emocli.pretrained.models import cache_folder, is_present, named

VIDEOS = Path(__file__).parents[3] / "shared" / "data" / "ravdess" / "video"
SENTENCES = {"01": "kids are talking by the door", "02": "dogs are sitting by the door"}
MODEL = "whisper-tiny.en"
SPEECH = [Line(1.0, 2.0), Line(3.0, 4.0)]


def ignore(seconds: float) -> None:
    """Take the progress of a recogniser."""


def test_neighbouring_speech_is_recognised_at_once() -> None:
    lines = [Line(0, 10), Line(12, 20), Line(21, 29), Line(40, 80), Line(81, 82)]
    assert [[x.start for x in chunk] for chunk in chunks(lines)] == [[0, 12], [21], [40], [81]]


@pytest.mark.parametrize(
    ("word", "moved"),
    [
        (Word("a", 1.2, 1.5), (1.2, 1.5)),
        (Word("a", 0.2, 1.5), (1.0, 1.5)),
        (Word("a", 1.8, 2.9), (1.8, 2.0)),
        (Word("a", 0.2, 0.4), (1.0, 1.02)),
        (Word("a", 2.1, 2.3), (1.98, 2.0)),
        (Word("a", 2.9, 2.95), (3.0, 3.02)),
    ],
)
def test_words_lie_in_speech(word: Word, moved: tuple[float, float]) -> None:
    result = inside(word, SPEECH)
    assert (result.start, result.end) == pytest.approx(moved)


def test_a_sound_passes_by_in_blocks() -> None:
    """Stretches of all lengths, some of them overlapping, and never much of the sound is held."""
    sound = np.arange(1000, dtype=np.float32)
    passing = StreamedSound(iter(np.split(sound, range(70, 1000, 70))))
    for first, last in [(5, 20), (15, 160), (150, 151), (700, 990), (980, 1200)]:
        assert_array_equal(passing.between(first, last), sound[first:last])
        assert len(passing._held) < last - first + 70


class Heard:
    """A network that hears how many samples it is given, and their first one."""

    def transcribe(self, sound: NDArray[np.float32], **options: object) -> tuple[Any, Any]:
        word = SimpleNamespace(word=f" {len(sound)}:{sound[0]:g}", start=1.0, end=2.0)
        return [SimpleNamespace(words=[word])], SimpleNamespace(language="en")


def test_only_the_speech_is_recognised_and_the_sound_is_never_held_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transcriber, "voice", lambda sound, settings: [Line(1, 3), Line(50, 52)])
    opened = []

    def sound() -> Iterator[NDArray[np.float32]]:
        opened.append(1)
        yield from np.split(np.arange(60 * 16_000, dtype=np.float32), 60)

    transcript = Whisper(Heard(), "en").transcribe(sound, ignore, NOTHING_KEPT)
    assert [line.text for line in transcript.lines] == ["48000:8000", "48000:792000"]
    assert [line.start for line in transcript.lines] == [1.5, 50.5]
    assert len(opened) == 1  # and once by `voice`, which is not itself here


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such folder of a model"):
        load(str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"is no model \(model.bin, config.json, tokenizer.json"):
        load(str(tmp_path))


def test_a_model_that_was_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOCLI_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=f"emocli models get {re.escape(MODEL)}"):
        load(MODEL)


def test_damaged_files_of_a_model(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper", reason="the extra 'speech' is not installed")
    for name in FILES:
        (tmp_path / name).write_text("{}")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load(str(tmp_path))


@pytest.fixture
def model() -> str:
    """The model, which somebody has to have fetched."""
    pytest.importorskip("faster_whisper", reason="the extra 'speech' is not installed")
    if not is_present(named(MODEL)):
        pytest.skip(f"{MODEL} was not fetched to {cache_folder()}")
    return MODEL


def test_a_language_the_model_does_not_know(model: str) -> None:
    with pytest.raises(ConfigError, match=r"the model knows no language 'xx'; there are: en"):
        load(model, "xx")


def test_a_copy_of_the_model_is_a_model(model: str, tmp_path: Path) -> None:
    for name in (*FILES, "vocabulary.txt"):
        shutil.copy(cache_folder() / model / name, tmp_path)
    assert load(str(tmp_path), "en")


def test_real_sentences_word_for_word(model: str) -> None:
    videos = sorted(VIDEOS.glob("*.mp4"))
    if not videos:
        pytest.skip("real recordings are not at hand")
    recogniser = load(model)
    for video in videos:
        transcript = recogniser.transcribe(
            lambda video=video: [read_sound(video, 16_000)], ignore, NOTHING_KEPT
        )
        text = " ".join(line.text for line in transcript.lines)
        assert re.sub(r"[^a-z ]", "", text.lower()) == SENTENCES[video.stem.split("-")[4]]
        assert transcript.language == "en"
        words = [word for line in transcript.lines for word in line.words]
        assert len(words) == 6
        assert all(0.5 < w.start < w.end < 3.0 for w in words)
        assert [w.start for w in words] == sorted(w.start for w in words)
