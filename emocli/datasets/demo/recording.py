"""A recording of two people of the demo corpus who talk, side by side in one picture.

It is made like the clips, of people who are in none of its splits, and shows what happens to
recordings: somebody leaves the picture while the talk goes on, and the sound drops out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emocli.data import durable
from emocli.data.clip import Clip
from emocli.data.media import writing
from emocli.data.words import Word
from emocli.datasets.demo import corpus, voice
from emocli.datasets.demo.corpus import ClipPlan, Config, Speaker
from emocli.datasets.demo.face import EXPRESSIONS, Face
from emocli.datasets.demo.portrait import paint_wall
from emocli.datasets.demo.render import draw, frames, loudness, speak

Image = NDArray[np.uint8]
Sound = NDArray[np.float32]
Span = tuple[float, float]
"""From one second to another."""

PAUSE = 9
"""Pictures between two utterances: at the usual rate .72 s, over which words join to no line."""

AWAY: Span = (1 / 4, 3 / 8)
"""When the second person is out of the picture, in shares of the recording."""
SILENT: Span = (7 / 12, 2 / 3)
"""When there is no sound."""


@dataclass(frozen=True)
class SpokenTurn:
    """An utterance in a recording: its first picture, its timing and its sound."""

    utterance: ClipPlan
    first: int
    score: voice.Score
    sound: Sound


@dataclass(frozen=True)
class Talk:
    """A recording that is planned: its settings, its turns, and what happens to it.

    ``away`` is when the second person is out of the picture, ``silent`` when there is no sound.
    """

    config: Config
    turns: tuple[SpokenTurn, ...]
    seconds: float
    away: Span
    silent: Span

    @classmethod
    def plan(
        cls,
        config: Config,
        name: str,
        seconds: float | None = None,
        away: Span | None = None,
        silent: Span | None = None,
    ) -> Talk:
        """Plan the talk of a name; it ends with the last utterance that is over in time.

        Its length is ``config.talk`` where none is named, and spans are at their shares of it.
        """
        seconds = config.talk if seconds is None else seconds
        away = away or (AWAY[0] * seconds, AWAY[1] * seconds)
        silent = silent or (SILENT[0] * seconds, SILENT[1] * seconds)
        turns: list[SpokenTurn] = []
        first, last = PAUSE, int(seconds * config.fps)
        shortest = config.seconds[0] + PAUSE / config.fps
        for utterance in corpus.conversation(config, name, int(seconds / shortest) + 1):
            score, sound = speak(utterance, config)
            if first + frames(score, config) > last:
                break
            turns.append(SpokenTurn(utterance, first, score, sound))
            first += frames(score, config) + PAUSE
        return cls(config, tuple(turns), seconds, away, silent)

    def clips(self, path: Path) -> tuple[Clip, ...]:
        """Return the utterances in the recording of that path, with their emotions."""
        return tuple(self._clip(number, turn, path) for number, turn in enumerate(self.turns))

    def write(self, path: Path) -> None:
        """Write the recording and, beside it, who says which word when (``<name>.words.csv``).

        Equal talks give equal files; a recording that is there is kept.

        Raises
        ------
        StoreError
            If they cannot be written.
        """
        durable.make_folder(path.parent)
        durable.write_text(path.with_suffix(".words.csv"), self._words())
        if not path.exists():
            rate = self.config.rate
            writing.write_video(path, self._pictures(), self.config.fps, self._sound(), rate)

    def _clip(self, number: int, turn: SpokenTurn, path: Path) -> Clip:
        start, utterance = turn.first / self.config.fps, turn.utterance
        return Clip(
            id=f"{path.stem}_{number:04d}",
            split="test",
            speaker=utterance.speaker.name,
            dialogue=path.stem,
            turn=number,
            start=start,
            end=start + turn.score.seconds,
            text=utterance.text,
            media={"audio": path, "video": path, "words": path.with_suffix(".words.csv")},
            label=utterance.emotion,
        )

    def _words(self) -> str:
        lines = [
            f"{word.start:.3f},{word.end:.3f},{word.text},{turn.utterance.speaker.name}"
            for turn in self.turns
            for word in self._spoken(turn)
        ]
        return "\n".join(["start,end,word,speaker", *lines, ""])

    def _spoken(self, turn: SpokenTurn) -> Iterator[Word]:
        at = turn.first / self.config.fps
        return (Word(word.text, at + word.start, at + word.end) for word in turn.score.words)

    def _sound(self) -> Sound:
        """Return what is said over the hum of the room, shape (samples,)."""
        rate, fps = self.config.rate, self.config.fps
        rng = corpus.stream(self.config, "recording", "hum")
        sound = voice.HUM * rng.standard_normal(round(self.seconds * rate))
        for turn in self.turns:
            first = round(turn.first / fps * rate)
            sound[first : first + len(turn.sound)] = turn.sound
        start, end = (round(second * rate) for second in self.silent)
        sound[start:end] = 0
        return sound.astype(np.float32)

    def _pictures(self) -> Iterator[Image]:
        """Draw both people side by side, shape (size, 2 size, 3), picture by picture."""
        pair = list(dict.fromkeys(turn.utterance.speaker for turn in self.turns))[:2]
        empty = paint_wall(pair[-1].look, self.config.size)
        first, last = self.away
        for index, shown in enumerate(zip(*map(self._person, pair), strict=True)):
            away = first <= index / self.config.fps < last
            yield np.concatenate([*shown[:-1], empty if away else shown[-1]], axis=1)

    def _person(self, person: Speaker) -> Iterator[Image]:
        """Draw one of them, who speaks in the own turns and listens, unmoved, in all others."""
        face, count = Face(person.look, self.config.size), 0
        for turn in self.turns:
            length = frames(turn.score, self.config)
            if turn.utterance.speaker == person:
                yield from self._listening(face, person, count, turn.first)
                yield from draw(turn.utterance, self.config, face, loudness(turn.sound, length))
                count = turn.first + length
        yield from self._listening(face, person, count, int(self.seconds * self.config.fps))

    def _listening(self, face: Face, person: Speaker, first: int, last: int) -> Iterator[Image]:
        if last > first:
            rng = corpus.stream(self.config, "recording", person.name, first)
            yield from face.animate(EXPRESSIONS["neutral"], np.zeros(last - first), rng)
