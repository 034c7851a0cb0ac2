"""Clips of a synthetic corpus: dialogues, speakers, labels, and the latent vector behind each clip.

A clip has a latent vector z of `Config.shared` numbers, from which every modality is made. A class
k has a direction w_k of length 1, orthogonal to those of the others while there is room.

One class per clip: the classes of a dialogue are a Markov chain, which keeps its class with the
probability ``stay`` and else draws any of the others; z is ``separation`` w_k plus normal noise.
Several classes, or intensities: z is normal, and follows the clip before it with the correlation
``stay``. Class k is present in the share ``prevalence`` of a split that has the greatest z w_k, and
its intensity is ``3 sigmoid(2 (z w_k - t_k)) - 1.5``, cut to 0 to 3, in thirds, t_k being the
threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator, model_validator

from emocli.config import Settings
from emocli.data.clip import SPLITS, Clip, Split
from emocli.data.manifest import Manifest, Task
from emocli.quantities import Factor, Number, Probability, Seed, Size
from emocli.robust.corrupt import generator

DATASET = "synthetic"
"""What the manifest calls the corpus."""

EMOTIONS = ("neutral", "joy", "anger", "sadness")
"""Where a clip has one."""

PRESENT: Mapping[str, float] = MappingProxyType(
    {"happy": 0.5, "sad": 0.25, "anger": 0.2, "surprise": 0.1, "disgust": 0.17, "fear": 0.08}
)
"""Class to the share of clips it is present in, where a clip may have several (CMU-MOSEI's)."""

WORDS = (
    *("I", "you", "we", "they", "saw", "like", "think", "know", "film", "story", "scene", "music"),
    *("good", "slow", "delicate", "loud", "quite", "really", "never", "again", "very"),
)
"""What is said; it has nothing to do with the class."""

OTHER = "other"
"""Stands for any modality that a setting does not name."""

SIGNAL = MappingProxyType({"text": 1.2, "visual": 0.8, "audio": 0.5, OTHER: 0.8})
RATES = MappingProxyType({"text": 3.0, "visual": 25.0, "audio": 100.0, OTHER: 25.0})
WIDTHS = MappingProxyType({"text": 48, "visual": 24, "audio": 32, OTHER: 24})

STEEP = 2.0
"""How fast an intensity grows beyond the threshold."""

LEAST, MOST = 2, 6
"""Speakers of a dialogue."""

Turns = Annotated[int, Field(ge=1, le=1000)]
Dialogues = Annotated[int, Field(ge=len(EMOTIONS), le=100_000)]
Hertz = Annotated[float, Field(gt=0, le=1000)]
Seconds = Annotated[float, Field(ge=0.2, le=600)]


class DialogueCounts(Settings):
    """Dialogues of each split.

    Of one class per clip each class begins one in so many, and there are as many as classes at
    least.
    """

    train: Dialogues = 60
    valid: Dialogues = 15
    test: Dialogues = 30


class Config(Settings):
    """Settings of a synthetic corpus, section ``synthetic``.

    Attributes
    ----------
    seed : int
        Equal seeds give equal corpora.
    dialogues : DialogueCounts
        Dialogues per split, of one class per clip no fewer than classes; each has speakers of its
        own, 2 to 6.
    turns : int
        Clips per dialogue.
    seconds : pair of float
        Least and greatest length of a clip.
    stay : float
        Probability that a clip has the class of the one before it.
    separation : float
        Length of the part of the latent vector that tells the class; the rest has deviation 1.
    shared : int
        Numbers of the latent vector, which all modalities show.
    private : int
        Private latent dimensions of a modality, which no other one shares.
    signal, rates, widths : mapping
        Modality to how strong it shows the latent vector, its steps per second, and the numbers of
        a step; ``other`` is any that is not named.
    noise : float
        Deviation of each number of each step, which nothing explains.
    """

    seed: Seed = 0
    dialogues: DialogueCounts = DialogueCounts()
    turns: Turns = 8
    seconds: tuple[Seconds, Seconds] = (2.0, 6.0)
    stay: Probability = 0.5
    separation: Factor = 2.0
    shared: Annotated[int, Field(ge=2, le=256)] = 8
    private: Annotated[int, Field(ge=1, le=256)] = 4
    signal: dict[str, Number] = Field(default=dict(SIGNAL))
    noise: Factor = 1.0
    rates: dict[str, Hertz] = Field(default=dict(RATES))
    widths: dict[str, Size] = Field(default=dict(WIDTHS))

    @model_validator(mode="after")
    def _lengths_rise(self) -> Config:
        if self.seconds[0] > self.seconds[1]:
            raise ValueError("the least length is no more than the greatest")
        return self

    @field_validator("signal", "rates", "widths")
    @classmethod
    def _others_as_usual(cls, stated: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        """Override the default of each modality by the stated values."""
        usual = {"signal": SIGNAL, "rates": RATES, "widths": WIDTHS}[info.field_name or ""]
        return {**usual, **stated}

    def of(self, modality: str) -> ModalitySignal:
        """Return the signal of a modality."""
        signal, rate, width = (
            table.get(modality, table[OTHER]) for table in (self.signal, self.rates, self.widths)
        )
        return ModalitySignal(signal, rate, int(width))


@dataclass(frozen=True)
class ModalitySignal:
    """The signal of a modality: its strength, steps per second, and width of a step."""

    signal: float
    rate: float
    width: int


@dataclass(frozen=True)
class GeneratedCorpus:
    """A synthetic corpus.

    Attributes
    ----------
    manifest : Manifest
        Its clips.
    latents : mapping
        Clip to its latent vector, shape (shared,).
    """

    manifest: Manifest
    latents: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class _Turn:
    """A clip that has no label yet."""

    clip: Clip
    latent: NDArray[np.float64] = field(compare=False)


def draw(config: Config, task: Task, root: Path, names: Sequence[str] = ()) -> GeneratedCorpus:
    """Draw the clips of a corpus about a task.

    Parameters
    ----------
    config : Config
        How they are drawn.
    task : {'single', 'multi', 'intensity'}
        What is predicted.
    root : Path
        Folder of the manifest.
    names : sequence of str
        Of the classes, two or more, where a clip has one; `EMOTIONS` if none is named.
    """
    classes = (tuple(names) or EMOTIONS) if task == "single" else tuple(PRESENT)
    directions = _directions(config, len(classes))
    turns = {split: list(_turns(config, task, split, classes, directions)) for split in SPLITS}
    if task != "single":
        turns = {split: _graded(rows, task, directions) for split, rows in turns.items()}
    drawn = [turn for rows in turns.values() for turn in rows]
    manifest = Manifest(
        clips=tuple(turn.clip for turn in drawn),
        classes=classes,
        task=task,
        dataset=DATASET,
        root=root,
        citation="generated by emocli; it holds no recording",
        licence="CC0",
    )
    return GeneratedCorpus(manifest, {turn.clip.id: turn.latent for turn in drawn})


def behind(config: Config, manifest: Manifest) -> GeneratedCorpus:
    """Draw the latent vectors behind clips of one class each that are there already."""
    directions = _directions(config, len(manifest.classes))
    latents = {
        clip.id: generator(config.seed, clip.id, "").standard_normal(config.shared)
        + config.separation * directions[manifest.classes.index(clip.label or "")]
        for clip in manifest.clips
    }
    return GeneratedCorpus(manifest, latents)


def _directions(config: Config, count: int) -> NDArray[np.float64]:
    """Return a direction of each class, shape (count, shared)."""
    drawn = generator(config.seed, "classes", "").standard_normal((count, config.shared))
    if count <= config.shared:
        drawn = np.linalg.qr(drawn.T)[0].T
    lengths: NDArray[np.float64] = np.linalg.norm(drawn, axis=1, keepdims=True)
    return np.asarray(drawn / lengths, np.float64)


def _turns(
    config: Config,
    task: Task,
    split: Split,
    names: Sequence[str],
    directions: NDArray[np.float64],
) -> Iterator[_Turn]:
    """Draw the clips of a split; of one class per clip with the class."""
    least = len(names) if task == "single" else 0
    for number in range(max(least, getattr(config.dialogues, split))):
        dialogue = f"{split}{number + 1:03d}"
        rng = generator(config.seed, dialogue, "")
        speakers = int(rng.integers(LEAST, MOST + 1))
        latent = rng.standard_normal(config.shared)
        # Each class begins a dialogue of every split, so that none is without it.
        classes = _chain(config, number % len(directions), len(directions), rng)
        for turn, chosen in zip(range(config.turns), classes, strict=False):
            noise = rng.standard_normal(config.shared)
            if task == "single":
                latent = config.separation * directions[chosen] + noise
            elif turn:
                latent = config.stay * latent + np.sqrt(1 - config.stay**2) * noise
            clip = _clip(config, dialogue, turn, f"{dialogue}_{turn % speakers}", split, rng)
            label = names[chosen] if task == "single" else None
            yield _Turn(replace(clip, label=label), latent)


def _chain(config: Config, first: int, count: int, rng: np.random.Generator) -> Iterator[int]:
    """Draw one class after the other, without end."""
    chosen = first
    while True:
        yield chosen
        if rng.random() >= config.stay:
            chosen = (chosen + int(rng.integers(1, count))) % count


def _clip(
    config: Config,
    dialogue: str,
    turn: int,
    speaker: str,
    split: Split,
    rng: np.random.Generator,
) -> Clip:
    seconds = float(rng.uniform(*config.seconds))
    words = rng.choice(WORDS, size=max(1, round(seconds * config.of("text").rate)))
    return Clip(
        id=f"{dialogue}_{turn + 1:02d}",
        split=split,
        speaker=speaker,
        dialogue=dialogue,
        turn=turn,
        start=0.0,
        end=round(seconds, 3),
        text=" ".join(words),
    )


def _graded(turns: Sequence[_Turn], task: Task, directions: NDArray[np.float64]) -> list[_Turn]:
    """Give the clips of a split a number for each class.

    Thresholds are those of the split, which has each class in exactly its share of clips.
    """
    scores = np.stack([turn.latent for turn in turns]) @ directions.T
    grades = np.zeros_like(scores)
    for k, share in enumerate(PRESENT.values()):
        above = _above(scores[:, k], share)
        present = above > 0
        grades[:, k] = np.where(present, _intensity(above) if task == "intensity" else 1.0, 0.0)
    return [
        replace(turn, clip=replace(turn.clip, labels=dict(zip(PRESENT, row, strict=True))))
        for turn, row in zip(turns, grades.round(4).tolist(), strict=True)
    ]


def _above(scores: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return by how much each is above what a share of them, one at least, is above."""
    order = np.sort(scores)[::-1]
    count = min(max(1, round(share * len(order))), len(order) - 1)
    return np.asarray(scores - (order[count - 1] + order[count]) / 2)


def _intensity(above: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return intensities in thirds: one third at least of what is present."""
    raw = np.clip(3 / (1 + np.exp(-STEEP * above)) - 1.5, 0, 3)
    return np.maximum(np.round(raw * 3), 1) / 3
