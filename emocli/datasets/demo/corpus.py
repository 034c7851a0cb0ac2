"""The plan of the demo corpus: who says what with which emotion, before anything is rendered.

Each modality shows an utterance's emotion by itself, independently of the others given the
emotion. With a probability, its *clarity*, it shows (almost) nothing but the emotion; else it
shows a mixture with another one, which may outweigh it: mostly with that modality's *neighbour* of
the emotion, at times with any. The voice leaves open whether a feeling is pleasant, the face how
excited it is, the words the rest: so no modality suffices, and what one leaves open the others
tell, though not always.

Beside the emotion there may be something that all modalities share: the *vigour* of a clip. A
lively person is louder, looks up and says "truly", whatever the feeling, and so each modality tells
the others how they are to be read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import Field, field_validator, model_validator

from emocli.config import Settings
from emocli.data.clip import SPLITS, Split
from emocli.datasets.demo.language import adverb, sentence
from emocli.datasets.demo.portrait import Look, look
from emocli.datasets.demo.voice import Voice
from emocli.quantities import Probability, Seed

EMOTIONS = ("angry", "happy", "neutral", "sad")
NEIGHBOURS: Mapping[str, Mapping[str, str]] = {
    "audio": {"angry": "happy", "happy": "angry", "neutral": "sad", "sad": "neutral"},
    "visual": {"angry": "sad", "sad": "angry", "neutral": "happy", "happy": "neutral"},
    "text": {"angry": "neutral", "neutral": "angry", "happy": "sad", "sad": "happy"},
}
CLEAR, UNCLEAR = (0.8, 1.0), (0.2, 0.6)
"""The emotion's share, least and most, where a modality is clear and where it is not."""
MOST = 2.0
"""Vigour is normally distributed between this and its opposite, times `Config.vigour`."""
NAMES = ("Ada", "Bruno", "Carla", "Dario", "Elena", "Fabio", "Greta", "Hugo")

NEWCOMERS = ("Ines", "Jonas")
"""Who is in no split."""

P = TypeVar("P")


MOST_CLIPS = 100_000

Count = Annotated[int, Field(ge=1, le=10_000)]
Seconds = Annotated[float, Field(ge=0.5, le=60)]


class Sizes(Settings):
    """A number per split."""

    train: Count
    valid: Count
    test: Count


class Clarity(Settings):
    """The probability that a modality shows (almost) nothing but the emotion."""

    audio: Probability = 0.6
    visual: Probability = 0.6
    text: Probability = 0.6


class Config(Settings):
    """Settings of the generated corpus.

    Attributes
    ----------
    seed : int
        Equal seeds give equal corpora.
    dialogues : Sizes
        Dialogues per split; most of them test, so that the metrics of a short training are worth
        their digits.
    turns : int
        Clips per dialogue; the two speakers alternate.
    speakers : Sizes
        Speakers per split; none is in two splits.
    clarity : Clarity
        How often each modality is clear.
    stray : float
        Probability that a modality that is not clear mixes the emotion with any other one, drawn
        at random, instead of the one this modality confuses it with most.
    noise : float
        Scale of the continuous variation around an emotion's face and voice; 0 for none.
    vigour : float
        How much clips differ in liveliness: a lively speaker is louder, moves the face more and
        says "truly", whatever the emotion, so that modalities predict each other; 0: none differ.
    seconds : pair of float
        Least and greatest length of a clip.
    talk : float
        Seconds of the recording that `emocli demo` predicts at its end.
    size : int
        Side of the pictures in pixels; even.
    fps : float
        Pictures per second of the videos.
    rate : int
        Samples per second of the sound.
    vector_size : int
        Numbers of each word's vector.
    vector_noise : float
        Length of a word vector's part that has nothing to do with emotion.
    """

    seed: Seed = 0
    dialogues: Sizes = Sizes(train=7, valid=2, test=25)
    turns: Annotated[int, Field(ge=1, le=1000)] = 8
    speakers: Sizes = Sizes(train=4, valid=2, test=10)
    clarity: Clarity = Clarity()
    stray: Probability = 0.4
    noise: float = Field(default=1.0, ge=0, le=3)
    vigour: float = Field(default=1.0, ge=0, le=2)
    seconds: tuple[Seconds, Seconds] = (1.2, 2.0)
    talk: float = Field(default=120.0, ge=10, le=3600)
    size: int = Field(default=256, ge=64, le=1024, multiple_of=2)
    fps: float = Field(default=12.5, ge=5, le=60)
    rate: Literal[16000, 22050, 24000, 32000, 44100, 48000] = 16000
    vector_size: Annotated[int, Field(ge=4, le=4096)] = 50
    vector_noise: Annotated[float, Field(ge=0, le=100)] = 1.0

    @field_validator("seconds")
    @classmethod
    def _in_order(cls, seconds: tuple[float, float]) -> tuple[float, float]:
        if not 0.5 <= seconds[0] <= seconds[1]:
            raise ValueError("the least length is 0.5 s, and no more than the greatest")
        return seconds

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Config:
        clips = self.turns * sum(getattr(self.dialogues, split) for split in SPLITS)
        if clips > MOST_CLIPS:
            raise ValueError(f"{clips} clips are more than {MOST_CLIPS}")
        return self


@dataclass(frozen=True)
class Blend:
    """A mixture of emotions in one modality: their shares, which sum to 1."""

    shares: Mapping[str, float]

    def mix(self, table: Mapping[str, P]) -> P:
        """Average dataclasses of numbers, one per emotion."""
        like = next(iter(table.values()))
        shares = self.shares.items()
        return _by_field(like, lambda name: sum(w * getattr(table[e], name) for e, w in shares))

    def draw(self, rng: np.random.Generator) -> str:
        """Draw one emotion."""
        return str(rng.choice(list(self.shares), p=list(self.shares.values())))


@dataclass(frozen=True)
class Speaker:
    """A person."""

    name: str
    look: Look
    voice: Voice


@dataclass(frozen=True)
class ClipPlan:
    """One clip to be made; ``shown`` is what each modality shows, ``vigour`` what all do."""

    id: str
    split: Split
    dialogue: str
    turn: int
    speaker: Speaker
    emotion: str
    shown: Mapping[str, Blend]
    vigour: float
    text: str


def plan(config: Config) -> list[ClipPlan]:
    """Plan every clip of the corpus, in order."""
    people = _speakers(config)
    return [utterance for split in SPLITS for utterance in _split(split, people[split], config)]


def conversation(config: Config, name: str, turns: int) -> list[ClipPlan]:
    """Plan a dialogue of two people who are in no split; a feeling lasts four turns."""
    first = sum(getattr(config.speakers, split) for split in SPLITS)
    pair = [replace(_speaker(first + k, config), name=NEWCOMERS[k]) for k in range(2)]
    runs = [EMOTIONS[k % len(EMOTIONS)] for k in range(-(-turns // 4))]
    stream(config, "emotions", name).shuffle(runs)
    return [
        _utterance(config, "test", name, k, pair[k % 2], pair[1 - k % 2].name, runs[k // 4])
        for k in range(turns)
    ]


def stream(config: Config, *parts: object) -> np.random.Generator:
    """Return a source of randomness for one purpose, whatever else has been drawn before."""
    key = hashlib.sha256("/".join(map(str, (config.seed, *parts))).encode()).digest()
    return np.random.default_rng(int.from_bytes(key[:16]))


def varied(params: P, spread: P, scale: float, rng: np.random.Generator) -> P:
    """Add normal noise to a dataclass of numbers; ``spread`` holds the standard deviations."""

    def number(name: str) -> float:
        usual: float = getattr(params, name)
        width: float = getattr(spread, name)
        return usual + scale * width * rng.standard_normal()

    return _by_field(params, number)


def moved(params: P, direction: P, by: float) -> P:
    """Move a dataclass of numbers along a direction."""
    return _by_field(params, lambda name: getattr(params, name) + by * getattr(direction, name))


def _by_field(like: P, number: Callable[[str], float]) -> P:
    """Make a dataclass of numbers, field by field, of the same kind as another."""
    kind: Any = type(like)
    params: P = kind(**{field.name: number(field.name) for field in fields(kind)})
    return params


def _speakers(config: Config) -> dict[Split, list[Speaker]]:
    numbers = iter(range(sum(getattr(config.speakers, split) for split in SPLITS)))
    return {
        split: [_speaker(next(numbers), config) for _ in range(getattr(config.speakers, split))]
        for split in SPLITS
    }


def _speaker(number: int, config: Config) -> Speaker:
    rng = stream(config, "speaker", number)
    high = number % 2
    pitch = rng.uniform(165, 190) if high else rng.uniform(110, 130)
    voice = Voice(pitch, rng.uniform(1.1, 1.18) if high else rng.uniform(0.96, 1.04))
    cycle, name = divmod(number, len(NAMES))
    # What is said is spelled out by the voice: a name has letters alone.
    return Speaker(NAMES[name] + "son" * cycle, look(rng, number), voice)


def _split(split: Split, people: list[Speaker], config: Config) -> Iterator[ClipPlan]:
    emotions = iter(_emotions(getattr(config.dialogues, split) * config.turns, config, split))
    for number in range(getattr(config.dialogues, split)):
        pair = [people[(number + k) % len(people)] for k in range(2)]
        dialogue = f"{split}{number + 1:02d}"
        for turn in range(config.turns):
            me, you = pair[turn % 2], pair[1 - turn % 2]
            yield _utterance(config, split, dialogue, turn, me, you.name, next(emotions))


def _emotions(count: int, config: Config, split: Split) -> list[str]:
    """As many of each emotion as can be; a feeling lasts two turns, so that context tells."""
    runs = [EMOTIONS[n % len(EMOTIONS)] for n in range(-(-count // 2))]
    stream(config, "emotions", split).shuffle(runs)
    return [emotion for emotion in runs for _ in range(2)][:count]


def _utterance(
    config: Config,
    split: Split,
    dialogue: str,
    turn: int,
    me: Speaker,
    listener: str,
    emotion: str,
) -> ClipPlan:
    name = f"{dialogue}_{turn + 1:02d}"
    shown = {
        modality: _shown(emotion, modality, config, stream(config, name, "shown", modality))
        for modality in NEIGHBOURS
    }
    lively = stream(config, name, "vigour")
    vigour = config.vigour * float(np.clip(lively.standard_normal(), -MOST, MOST))
    degree = adverb(vigour, lively)
    rng = stream(config, name, "text")
    text = sentence(lambda: shown["text"].draw(rng), listener, rng, degree)
    text = text[0].upper() + text[1:] + "."
    return ClipPlan(name, split, dialogue, turn, me, emotion, shown, vigour, text)


def _shown(emotion: str, modality: str, config: Config, rng: np.random.Generator) -> Blend:
    clear = rng.random() < getattr(config.clarity, modality)
    share = rng.uniform(*(CLEAR if clear else UNCLEAR))
    anything = str(rng.choice([other for other in EMOTIONS if other != emotion]))
    stray = not clear and rng.random() < config.stray
    return Blend({emotion: share, anything if stray else NEIGHBOURS[modality][emotion]: 1 - share})
