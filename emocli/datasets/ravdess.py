"""RAVDESS: 24 actors speak and sing two sentences in eight emotions, with face and voice.

Source: Livingstone & Russo 2018, PLoS ONE 13(5).

Files are found by name, ``MM-CC-EE-II-SS-RR-AA`` (modality, channel, emotion, intensity, statement,
repetition, actor), anywhere below the folder: the published layout ``Actor_NN/*.mp4, *.wav`` or any
other. The versions of one performance become one clip:

- its sound is the audio-only file (03), or else the sound of the audio-visual one (01);
- its pictures are those of the audio-visual file (01), or else of the video-only one (02);
- its id is the name of the file the sound comes from.

The audio-only files fit the pictures better than the sound inside the mp4 files, which their coder
delays by 1600 samples at 48 kHz (33 ms, one picture) without saying so.

Splits are by actor: one fold is tested, the next one (after the last comes the first) validates,
the others train. The six folds of four actors are those of EmoBox (Ma et al. 2024, Interspeech).
Folds without an actor in the folder do not count; of the others the last one is tested unless
``test_fold`` says otherwise. If fewer than three are there, every clip is in ``train``. The
manifest's column ``fold`` numbers the folds from 0, for ``--folds``; ``group.gender`` and
``group.intensity`` are those of the names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, field_validator

from emocli.config import Settings
from emocli.data.clip import SPLITS, Clip, Split
from emocli.data.manifest import Manifest
from emocli.data.media.content import AUDIO, VIDEO
from emocli.errors import ConfigError, ManifestError
from emocli.plugin.dataset import Folder, counted, random_split, split_notes

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
SENTENCES = ("Kids are talking by the door.", "Dogs are sitting by the door.")
CHANNELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"speech": ("01",), "song": ("02",), "both": ("01", "02")}
)
NAME = re.compile(r"(0[1-3])-(0[12]-0[1-8]-0[12]-0[12]-0[12]-(?:0[1-9]|1\d|2[0-4]))")
"""Modality, and the performance."""

FOLDS = (
    (1, 11, 20, 21),
    (4, 10, 12, 14),
    (8, 9, 19, 23),
    (3, 5, 7, 24),
    (2, 15, 16, 18),
    (6, 13, 17, 22),
)
CITATION = (
    "Livingstone SR, Russo FA (2018) The Ryerson Audio-Visual Database of Emotional Speech and "
    "Song (RAVDESS). PLoS ONE 13(5): e0196391. https://doi.org/10.1371/journal.pone.0196391"
)
LICENCE = "CC BY-NC-SA 4.0"

GENDERS = ("female", "male")
"""Of actors with an even and with an odd number."""

INTENSITIES = ("normal", "strong")

SOUND = (("03", False), ("03", True), ("01", False), ("01", True))
PICTURES = (("01", True), ("02", True))
"""(Modality, whether the file is a video) of the files that have them, best first."""

Takes = dict[str, dict[tuple[str, bool], Path]]
"""Performance to its files."""


Actor = Annotated[int, Field(ge=1, le=24)]


class Config(Settings):
    """Settings: clips and their splits.

    Attributes
    ----------
    channel : {'speech', 'song', 'both'}
        Which recordings to take: spoken sentences, sung ones, or both.
    folds : tuple of tuple of int
        Actors of each fold, at least three folds; the clips of other actors are left out.
    test_fold : int, optional
        The fold to test, counted from 1; None is the last one with an actor in the folder.
    split : {'actor', 'clip'}
        By actor, as folds say; or each clip by itself, to try the pipeline on a few recordings.
    """

    channel: Literal["speech", "song", "both"] = "speech"
    folds: tuple[tuple[Actor, ...], ...] = Field(default=FOLDS, min_length=3)
    test_fold: Actor | None = None
    split: Literal["actor", "clip"] = "actor"

    @field_validator("folds")
    @classmethod
    def _each_actor_once(cls, folds: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
        actors = [actor for fold in folds for actor in fold]
        if len(actors) != len(set(actors)):
            raise ValueError("An actor is in two folds")
        return folds


def build(root: Path, config: Config) -> Manifest:
    """Make the manifest of the RAVDESS files below ``root``.

    Raises
    ------
    ManifestError
        If there are none.
    ConfigError
        If the test fold has no actor there.
    """
    folder = Folder.scan(root)
    takes, strange, repeated = _takes(folder.with_suffix(AUDIO | VIDEO), CHANNELS[config.channel])
    if not takes:
        raise ManifestError(
            f"holds no {'' if config.channel == 'both' else config.channel} recording of RAVDESS",
            where=folder.root,
            hint="names like Actor_01/01-01-03-02-01-01-01.mp4 (or .wav, .flac) are expected",
        )
    splits = _splits({_actor(take) for take in takes}, config)
    folds = {actor: number for number, fold in enumerate(config.folds) for actor in fold}
    clips = tuple(
        _clip(take, files, splits[_actor(take)], folds[_actor(take)])
        for take, files in sorted(takes.items(), key=lambda item: (_actor(item[0]), item[0]))
        if _actor(take) in splits
    )
    by_clip = config.split == "clip"
    clips = random_split(clips) if by_clip else clips
    return Manifest(
        clips=clips,
        classes=EMOTIONS,
        task="single",
        dataset="ravdess",
        root=folder.root,
        citation=CITATION,
        licence=LICENCE,
        overlap=by_clip,
        notes=counted(
            *split_notes(clips, by_clip, "actors of three folds"),
            (len(takes) - len(clips), "clips left out: their actor is in no fold"),
            (sum("audio" not in clip.media for clip in clips), "clips have no sound"),
            (sum("video" not in clip.media for clip in clips), "clips have no pictures"),
            (repeated, "files left out: another one has the same name"),
            (strange, "files left out: their names are not those of RAVDESS"),
            (folder.doubles, "files left out: AppleDouble (._*)"),
        ),
    )


def _takes(files: Iterable[Path], channels: tuple[str, ...]) -> tuple[Takes, int, int]:
    takes: Takes = {}
    strange = repeated = 0
    for path in files:
        name = NAME.fullmatch(path.stem)
        if name is None:
            strange += 1
        elif name[2].startswith(channels):
            version = (name[1], path.suffix.lower() in VIDEO)
            first = takes.setdefault(name[2], {}).setdefault(version, path)
            repeated += first is not path
    return takes, strange, repeated


def _clip(take: str, files: Mapping[tuple[str, bool], Path], split: Split, fold: int) -> Clip:
    best = {
        "audio": next((files[version] for version in SOUND if version in files), None),
        "video": next((files[version] for version in PICTURES if version in files), None),
    }
    media = {name: path for name, path in best.items() if path is not None}
    _, emotion, intensity, sentence, _, actor = take.split("-")
    return Clip(
        id=next(iter(media.values())).stem,
        split=split,
        speaker=actor,
        text=SENTENCES[int(sentence) - 1],
        media=media,
        label=EMOTIONS[int(emotion) - 1],
        fold=fold,
        groups={
            "gender": GENDERS[int(actor) % 2],
            "intensity": INTENSITIES[int(intensity) - 1],
        },
    )


def _actor(take: str) -> int:
    return int(take.rpartition("-")[2])


def _splits(actors: set[int], config: Config) -> dict[int, Split]:
    present = [number for number, fold in enumerate(config.folds, 1) if actors.intersection(fold)]
    if config.test_fold is not None and config.test_fold not in present:
        raise ConfigError(
            f"no actor of test_fold = {config.test_fold} is in the folder",
            where="ravdess",
            hint=f"folds with an actor: {', '.join(map(str, present)) or 'none'}",
        )
    roles: dict[int, Split] = dict.fromkeys(present, "train")
    if len(present) >= len(SPLITS):
        test = present.index(config.test_fold or present[-1])
        roles[present[test]] = "test"
        roles[present[(test + 1) % len(present)]] = "valid"
    return {actor: roles[n] for n in present for actor in config.folds[n - 1] if actor in actors}
