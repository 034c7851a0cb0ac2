"""Recognition of speech, with the times of words: Whisper, run by faster-whisper.

Source: A. Radford et al. 2023, Robust Speech Recognition via Large-Scale Weak Supervision, ICML.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from emocli.data.manifest_rules import absolute
from emocli.data.stamp import stamp_of
from emocli.data.words import Word
from emocli.display import number_of
from emocli.errors import ConfigError, choice, reason
from emocli.plugin.transcript import Line, Transcript, by_start
from emocli.prediction.segmentation.extra import library
from emocli.prediction.segmentation.recognised import RecognisedChunk, RecognisedChunks
from emocli.prediction.segmentation.voice import VoiceSettings, voice
from emocli.pretrained.models import folder_of, is_known
from emocli.version import version_of

DEFAULT = "whisper-tiny.en"
"""The model that `emocli models get` brings."""

FILES = ("model.bin", "config.json", "tokenizer.json")
"""What a folder of CTranslate2 with a Whisper model holds; without the last one, faster-whisper
would look for it on the hub."""

LIBRARIES = ("faster-whisper", "ctranslate2", "onnxruntime")
"""What recognises speech, and finds where there is some."""

PRECISION = "float32"
"""Of the computation, so that it is the same on every processor."""

RATE = 16_000

Sound = Callable[[], Iterable[NDArray[np.float32]]]
"""Decodes a sound at `RATE` from its beginning, block by block: no more of it is in memory."""

CHUNK = 28.0
"""Seconds of a sound that are recognised at once; the network hears 30."""

AROUND = 0.5
"""Seconds around speech that are heard with it, and in which a word may still be of it."""

SHORTEST = 0.02
"""Seconds of a word: the unit of the network's times."""


class Transcriber(Protocol):
    """A recogniser of speech."""

    @property
    def fingerprint(self) -> str:
        """Another one for another model, another state of its files, and another library."""
        ...

    def transcribe(
        self, sound: Sound, heard: Callable[[float], None], kept: RecognisedChunks
    ) -> Transcript:
        """Return what is said in a sound, with the times of the words.

        ``heard`` is told how many seconds are done; what ``kept`` holds is not recognised again.
        """
        ...


def load(model: str, language: str = "") -> Transcriber:
    """Load a recogniser of speech.

    Parameters
    ----------
    model : str
        A folder, or the name of a model that was fetched.
    language : str
        Code of the language that is spoken; empty to tell it from the sound.

    Raises
    ------
    ConfigError
        If the extra ``speech`` is not installed, there is no such model, the folder holds none, or
        the model does not know the language.
    """
    folder = _folder(model)
    whisper: Any = library("faster_whisper")
    try:
        network = whisper.WhisperModel(
            str(folder), device="cpu", compute_type=PRECISION, local_files_only=True
        )
    except Exception as error:  # of the library's own types
        raise ConfigError(f"cannot be loaded ({reason(error)})", where=folder) from None
    known: Sequence[str] = network.supported_languages
    if language and language not in known:
        hint = choice(language, sorted(known), 12)
        raise ConfigError(f"the model knows no language '{language}'", where=folder, hint=hint)
    return Whisper(network, language, _fingerprint(folder))


@dataclass(frozen=True)
class Whisper:
    """A Whisper model that is loaded, and the language it is to expect, if any."""

    network: Any
    language: str
    fingerprint: str = ""

    def transcribe(
        self, sound: Sound, heard: Callable[[float], None], kept: RecognisedChunks
    ) -> Transcript:
        """Return what is said in a sound, chunk by chunk of neighbouring speech.

        The sound is decoded twice: speech is looked for in all of it before any is recognised.
        Where there is no speech nothing is recognised; the network would make words up. The words
        of a chunk are put into its stretches of speech, where the network's times are outside;
        those far from any are left out.
        """
        language, lines, invented = self.language, list[Line](), 0
        stretches = voice(sound(), VoiceSettings())
        decoded = StreamedSound(iter(sound()))
        for chunk in chunks(stretches):
            recognise = partial(self._recognised, decoded, chunk, language)
            recognised = kept.get(chunk, language, recognise)
            lines += recognised.lines
            invented += recognised.invented
            language = language or recognised.language
            heard(chunk[-1].end)
        notes = (
            (number_of(invented, "words far from any speech were left out"),) if invented else ()
        )
        return Transcript(by_start(lines), language, notes)

    def _recognised(
        self, decoded: StreamedSound, chunk: Sequence[Line], language: str
    ) -> RecognisedChunk:
        """Recognise a chunk of neighbouring speech."""
        first, last = max(0.0, chunk[0].start - AROUND), chunk[-1].end + AROUND
        segments, about = self.network.transcribe(
            decoded.between(round(first * RATE), round(last * RATE)),
            language=language or None,
            word_timestamps=True,
            temperature=0.0,  # others are random
            condition_on_previous_text=False,  # else a phrase may repeat itself without end
        )
        lines, invented = list[Line](), 0
        for words in (_words(segment, first) for segment in segments):
            near = [word for word in words if _is_near(word, chunk)]
            invented += len(words) - len(near)
            lines += _line([inside(word, chunk) for word in near])
        return RecognisedChunk(tuple(lines), about.language, invented)


def chunks(stretches: Iterable[Line]) -> list[list[Line]]:
    """Group neighbouring stretches of speech, as many as the network hears at once."""
    groups: list[list[Line]] = []
    for stretch in stretches:
        if not groups or stretch.end - groups[-1][0].start > CHUNK:
            groups.append([])
        groups[-1].append(stretch)
    return groups


def inside(word: Word, stretches: Sequence[Line]) -> Word:
    """Move a word into the stretch that it shares most time with, or is nearest to."""
    best = max(stretches, key=lambda each: min(each.end, word.end) - max(each.start, word.start))
    start, end = max(word.start, best.start), min(word.end, best.end)
    if end - start >= SHORTEST:
        return Word(word.text, start, end)
    start = min(max(word.start, best.start), best.end - SHORTEST)
    return Word(word.text, start, start + SHORTEST)


class StreamedSound:
    """A decoded sound as a stream: samples before the last requested span are dropped."""

    def __init__(self, blocks: Iterator[NDArray[np.float32]]) -> None:
        self._blocks = blocks
        self._held = np.zeros(0, np.float32)
        self._start = 0

    def between(self, first: int, last: int) -> NDArray[np.float32]:
        """Return the samples [first, last), as far as there are any; ``first`` never decreases."""
        self._forget(first)
        while self._start + len(self._held) < last:
            block = next(self._blocks, None)
            if block is None:
                break
            self._held = np.concatenate([self._held, block])
            self._forget(first)
        return self._held[: max(0, last - self._start)]

    def _forget(self, first: int) -> None:
        gone = min(len(self._held), first - self._start)
        self._held, self._start = self._held[gone:], self._start + gone


def _words(segment: Any, start: float) -> list[Word]:
    """Return the words of a segment of a sound that begins at ``start``."""
    return [
        Word(word.word.strip(), start + float(word.start), start + float(word.end))
        for word in segment.words or ()
        if word.word.strip()
    ]


def _line(words: Sequence[Word]) -> list[Line]:
    if not words:
        return []
    text = " ".join(word.text for word in words)
    return [Line(words[0].start, words[-1].end, text, words=tuple(words))]


def _is_near(word: Word, stretches: Sequence[Line]) -> bool:
    return any(
        word.start <= each.end + AROUND and word.end >= each.start - AROUND for each in stretches
    )


def _fingerprint(folder: Path) -> str:
    files = [stamp_of(folder / name) for name in FILES]
    return json.dumps([str(absolute(folder)), files, list(map(version_of, LIBRARIES))])


def _folder(model: str) -> Path:
    """Return the folder of a model, local or fetched."""
    folder = Path(model)
    if is_known(model) and not folder.is_dir():
        folder = folder_of(model)
    if not folder.is_dir():
        hint = f"give a folder of CTranslate2 with a Whisper model, or {DEFAULT}"
        raise ConfigError("there is no such folder of a model", where=folder, hint=hint)
    absent = [name for name in FILES if not (folder / name).is_file()]
    if absent:
        hint = "give a folder of CTranslate2 with a Whisper model"
        raise ConfigError(f"is no model ({', '.join(absent)} missing)", where=folder, hint=hint)
    return folder
