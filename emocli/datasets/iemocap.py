"""IEMOCAP: ten actors in pairs, five sessions, 151 dialogues of 10,039 utterances.

Source: Busso et al. 2008, Language Resources and Evaluation 42(4), 335-359.

The folder is the release's own, or a part of it: ``Session1`` to ``Session5``, each with
``dialog/EmoEvaluation/<dialogue>.txt`` (labels and times), ``dialog/transcriptions/<dialogue>.txt``
(texts), ``dialog/avi/DivX/<dialogue>.avi`` and ``sentences/wav/<dialogue>/<utterance>.wav``. An
utterance is ``Ses01F_impro01_M003``; its speaker is the session and the letter after the last
underscore (the first letter is who wears the markers). Its sound is its own wav, or where there are
pictures the dialogue's, so that its times hold for both. The pictures show both actors.

Classes are the six of conversation research, or four: with excited utterances among the happy ones,
or without them. Utterances of other labels stay in their dialogues, unlabelled. With ``fractions``
the shares of the raters' votes become ``label.<class>``; with ``labels=dimensions`` what is
predicted is valence, arousal (the corpus calls it activation) and dominance, 1 to 5, the means over
the raters. Splits share
speakers (``dialogxl``: Session 5 is the test, and of the other dialogues the last 20 by name
validate); ``fold`` is the session, so that ``--folds 5`` leaves one pair of speakers out at a time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import Field, model_validator

from emocli.config import Settings
from emocli.data.clip import Clip, Split
from emocli.data.encoding import read_text
from emocli.data.folds import shuffle_key
from emocli.data.manifest import Manifest
from emocli.data.table import LINE_END
from emocli.errors import ManifestError
from emocli.plugin.dataset import Folder, counted

CODES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "six": {
            "hap": "happy",
            "sad": "sad",
            "neu": "neutral",
            "ang": "angry",
            "exc": "excited",
            "fru": "frustrated",
        },
        "four": {
            "ang": "angry",
            "hap": "happy",
            "exc": "happy",
            "neu": "neutral",
            "sad": "sad",
        },
        "four_without_excited": {"ang": "angry", "hap": "happy", "neu": "neutral", "sad": "sad"},
    }
)
"""Classes, in their order, by the codes of EmoEvaluation."""

DIALOGUE = re.compile(r"Ses0([1-5])[FM]_(?:impro|script)\w+")
RATED = re.compile(
    r"\[(\d+\.?\d*) - (\d+\.?\d*)\]\s+(Ses0[1-5][FM]_\w+_[FM]\d+)\s+([a-z]{3})\s+\[(.*)\]\s*"
)
VOTE = re.compile(r"C-E\d+:(.*?)(?:\(.*)?")
"""What a rater saw, perhaps several emotions; not what the actors say of themselves (C-F, C-M)."""

GENDERS = MappingProxyType({"F": "female", "M": "male"})
"""By the letter of the speaker."""

LETTERS = 3
"""The codes are the beginnings of the emotions' names."""

DIMENSIONS = ("valence", "arousal", "dominance")
"""In the order of the lines of utterances, ``[V, A, D]``."""

TRANSCRIBED = re.compile(r"(Ses0[1-5][FM]_\w+_[FM]\d+)\s+\[[^\]]*\]:(.*)")
"""What an utterance of a transcription looks like; remarks without a number (``XX``) do not."""

LAST = 20
"""Dialogues that validate, in the split of DialogXL."""

TENTH = 10
"""One dialogue in so many validates, in the split by session."""

DRAWN: Mapping[Split, int] = MappingProxyType({"train": 5162, "valid": 737, "test": 1481})
"""Utterances of Dai et al. 2021, drawn whatever their dialogue."""

CITATION = (
    "Busso C, Bulut M, Lee CC, Kazemzadeh A, Mower E, Kim S, Chang JN, Lee S, Narayanan SS (2008) "
    "IEMOCAP: Interactive emotional dyadic motion capture database. Language Resources and "
    "Evaluation 42(4), 335-359. https://doi.org/10.1007/s10579-008-9076-6"
)
LICENCE = "signed form at USC SAIL; no redistribution"


class Config(Settings):
    """Settings: classes, and the splits of utterances.

    Attributes
    ----------
    labels : {'classes', 'dimensions'}
        What is predicted: an emotion, or the three dimensions as intensities.
    fractions : bool
        Whether the shares of the raters' votes for the classes become ``label.<class>``; a rater
        who saw several emotions votes for each of them in equal parts.
    classes : {'six', 'four', 'four_without_excited'}
        Happy, sad, neutral, angry, excited and frustrated; angry, happy (with the excited ones),
        neutral and sad; the same with excited utterances unlabelled.
    split : {'dialogxl', 'session', 'random_utt'}
        As described above; one session is the test and a tenth of the other dialogues, drawn,
        validates; or utterances drawn one by one as Dai et al. 2021 did, which puts every dialogue
        on all sides.
    test_session : int
        The session that is tested, 1 to 5, for ``split = session``.
    """

    labels: Literal["classes", "dimensions"] = "classes"
    fractions: bool = False
    classes: Literal["six", "four", "four_without_excited"] = "six"
    split: Literal["dialogxl", "session", "random_utt"] = "dialogxl"
    test_session: int = Field(default=5, ge=1, le=5)

    @model_validator(mode="after")
    def _votes_are_for_classes(self) -> Config:
        if self.fractions and self.labels == "dimensions":
            raise ValueError("fractions are of votes for classes: leave it out with dimensions")
        return self


@dataclass(frozen=True)
class RatedUtterance:
    """A line of an EmoEvaluation file."""

    id: str
    dialogue: str
    start: float
    end: float
    code: str
    dimensions: tuple[float, ...] = ()
    votes: tuple[tuple[str, ...], ...] = ()

    @property
    def session(self) -> int:
        """Which of the five sessions."""
        return int(self.id[4])

    @property
    def speaker(self) -> str:
        """Session and sex: the letter after the last underscore."""
        return f"Ses0{self.session}{self.id.rpartition('_')[2][0]}"


def build(root: Path, config: Config) -> Manifest:
    """Make the manifest of the IEMOCAP files below ``root``.

    Raises
    ------
    ManifestError
        If there are no labels, or a file of them is damaged.
    """
    folder = Folder.scan(root)
    names = CODES[config.classes]
    utterances = [u for path in _files(folder, "EmoEvaluation") for u in _rated(path)]
    if not utterances:
        hint = "files like Session1/dialog/EmoEvaluation/Ses01F_impro01.txt are expected"
        raise ManifestError("holds no labels of IEMOCAP", where=folder.root, hint=hint)
    texts = dict(line for path in _files(folder, "transcriptions") for line in _transcribed(path))
    splits = _splits(utterances, config, names)
    recordings = folder.recordings()
    graded = config.labels == "dimensions"
    clips = tuple(
        _labelled(clip, utterance, names, config)
        for dialogue in _dialogues(utterances)
        for utterance, clip in _clips(dialogue, texts, splits, recordings)
    )
    unlabelled = 0 if graded else sum(clip.label is None for clip in clips)
    leaky = len(clips) if config.split == "random_utt" else 0
    media = any(clip.media for clip in clips)
    return Manifest(
        clips=clips,
        classes=DIMENSIONS if graded else tuple(dict.fromkeys(names.values())),
        task="intensity" if graded else "single",
        dataset="iemocap",
        root=folder.root,
        citation=CITATION,
        licence=LICENCE,
        overlap=True,
        notes=counted(
            (leaky, "clips are split one by one: every dialogue is in training and in the test"),
            (unlabelled, "clips have no label: theirs is not among the classes"),
            (sum(not clip.text for clip in clips), "clips have no text"),
            (sum(media and not clip.media for clip in clips), "clips have no recording"),
            (folder.doubles, "files left out: AppleDouble (._*)"),
        ),
    )


def _files(folder: Folder, kind: str) -> list[Path]:
    """Find the text files of dialogues in folders of a name; not the annotators' in folders below.

    One file per dialogue: a release that is there twice counts once.
    """
    files: dict[str, Path] = {}
    for path in folder.with_suffix(frozenset({".txt"})):
        if path.parent.name == kind and DIALOGUE.fullmatch(path.stem):
            files.setdefault(path.stem, path)
    return [files[name] for name in sorted(files)]


def _rated(path: Path) -> Iterator[RatedUtterance]:
    lines = _lines(path)
    for number, line in enumerate(lines, 1):
        if not line.startswith("["):  # a heading, or what one annotator said
            continue
        match = RATED.fullmatch(line)
        if match is None:
            raise ManifestError("is no utterance", where=f"{path}, row {number}")
        start, end, name, code, values = match.groups()
        votes = _votes(lines[number:])
        yield RatedUtterance(
            name, path.stem, float(start), float(end), code, _numbers(values), votes
        )


def _numbers(text: str) -> tuple[float, ...]:
    """Read numbers with commas between them; none if one is not finite."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def _votes(lines: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Read what each rater saw, as codes, from the lines below an utterance's up to the next."""
    below = takewhile(lambda line: not line.startswith("["), lines)
    return tuple(
        tuple(name.strip()[:LETTERS].lower() for name in vote[1].split(";") if name.strip())
        for vote in filter(None, map(VOTE.fullmatch, below))
    )


def _labelled(
    clip: Clip, utterance: RatedUtterance, names: Mapping[str, str], config: Config
) -> Clip:
    """Give a clip what is predicted.

    Raises
    ------
    ManifestError
        If the file has no dimensions where they are asked for.
    """
    if config.labels == "classes":
        votes = _fractions(utterance, names) if config.fractions else {}
        return replace(clip, label=names.get(utterance.code), labels=votes)
    if len(utterance.dimensions) != len(DIMENSIONS):
        what = f"utterance '{utterance.id}' has no valence, arousal and dominance"
        hint = "the line in EmoEvaluation ends in [V, A, D]; or choose iemocap.labels=classes"
        raise ManifestError(what, where=f"{utterance.dialogue}.txt", hint=hint)
    return replace(clip, labels=dict(zip(DIMENSIONS, utterance.dimensions, strict=True)))


def _fractions(utterance: RatedUtterance, names: Mapping[str, str]) -> dict[str, float]:
    """Return the share of the votes for each class; nothing if there are none for any."""
    counts: dict[str, float] = dict.fromkeys(names.values(), 0.0)
    for seen in utterance.votes:
        for code in seen:
            if code in names:
                counts[names[code]] += 1 / len(seen)
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()} if total else {}


def _transcribed(path: Path) -> Iterator[tuple[str, str]]:
    for line in _lines(path):
        match = TRANSCRIBED.fullmatch(line)
        if match:
            yield match[1], match[2].strip()


def _lines(path: Path) -> list[str]:
    return LINE_END.split(read_text(path, ManifestError))


def _dialogues(utterances: Sequence[RatedUtterance]) -> list[list[RatedUtterance]]:
    """Put utterances into their dialogues, by start, then end."""
    groups: dict[str, list[RatedUtterance]] = {}
    for utterance in sorted(utterances, key=lambda u: (u.dialogue, u.start, u.end)):
        groups.setdefault(utterance.dialogue, []).append(utterance)
    return list(groups.values())


def _clips(
    dialogue: Sequence[RatedUtterance],
    texts: Mapping[str, str],
    splits: Mapping[str, Split],
    recordings: Mapping[str, Mapping[str, Path]],
) -> Iterator[tuple[RatedUtterance, Clip]]:
    """Yield each utterance with its clip, which has no label yet."""
    for turn, utterance in enumerate(dialogue):
        whole = recordings.get(utterance.dialogue, {})
        timed = "video" in whole
        media = whole if timed else recordings.get(utterance.id, {})
        yield (
            utterance,
            Clip(
                id=utterance.id,
                split=splits[utterance.id],
                speaker=utterance.speaker,
                dialogue=utterance.dialogue,
                turn=turn,
                start=utterance.start if timed else None,
                end=utterance.end if timed else None,
                text=texts.get(utterance.id, ""),
                media=media,
                fold=utterance.session,
                groups={
                    "gender": GENDERS[utterance.speaker[-1]],
                    "session": str(utterance.session),
                },
            ),
        )


def _splits(
    utterances: Sequence[RatedUtterance], config: Config, names: Mapping[str, str]
) -> dict[str, Split]:
    """Return the split of each utterance."""
    if config.split == "random_utt":
        return _drawn(utterances, names)
    others = sorted({u.dialogue for u in utterances if u.session != config.test_session})
    if config.split == "dialogxl":
        valid = set(others[-LAST:]) if len(others) > LAST else set(others[-1:])
    else:
        valid = set(sorted(others, key=shuffle_key)[: max(1, len(others) // TENTH)])
    return {u.id: _split(u, config.test_session, valid) for u in utterances}


def _split(utterance: RatedUtterance, test: int, valid: set[str]) -> Split:
    if utterance.session == test:
        return "test"
    return "valid" if utterance.dialogue in valid else "train"


def _drawn(utterances: Sequence[RatedUtterance], names: Mapping[str, str]) -> dict[str, Split]:
    """Draw utterances one by one, in the proportion of Dai et al.; all of them, labelled first."""
    order = sorted(utterances, key=lambda u: (u.code not in names, shuffle_key(u.id)))
    labelled = sum(u.code in names for u in utterances)
    share = labelled / sum(DRAWN.values())
    valid, test = round(share * DRAWN["valid"]), round(share * DRAWN["test"])
    splits: dict[str, Split] = dict.fromkeys((u.id for u in order), "train")
    splits |= dict.fromkeys((u.id for u in order[:test]), "test")
    splits |= dict.fromkeys((u.id for u in order[test : test + valid]), "valid")
    return splits
