"""IEMOCAP: ten actors in pairs, five sessions, 151 dialogues of 10,039 utterances.

Source: Busso et al. 2008, Language Resources and Evaluation 42(4), 335-359.

The folder is the release's own, or a part of it: ``Session1`` to ``Session5``, each with
``dialog/EmoEvaluation/<dialogue>.txt`` (labels and times), ``dialog/transcriptions/<dialogue>.txt``
(texts), ``dialog/avi/DivX/<dialogue>.avi`` and ``sentences/wav/<dialogue>/<utterance>.wav``. An
utterance is ``Ses01F_impro01_M003``; its speaker is the session and the letter after the last
underscore (the first letter is who wears the markers). Its sound is its own wav, or where there are
pictures the dialogue's, so that its times hold for both. The pictures show both actors.

Classes are the six of conversation research, or four: with excited utterances among the happy ones,
or without them. Utterances of other labels stay in their dialogues, unlabelled. Splits share
speakers (``dialogxl``: Session 5 is the test, and of the other dialogues the last 20 by name
validate); ``fold`` is the session, so that ``--folds 5`` leaves one pair of speakers out at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from emocli.config import Settings
from emocli.data.clip import Clip, Split
from emocli.data.encoding import read_text
from emocli.data.folds import lot
from emocli.data.manifest import Manifest
from emocli.data.media.content import AUDIO, VIDEO
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
    r"\[(\d+\.?\d*) - (\d+\.?\d*)\]\s+(Ses0[1-5][FM]_\w+_[FM]\d+)\s+([a-z]{3})\s+\[.*\]\s*"
)
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
    """Which classes, and how utterances are split.

    Attributes
    ----------
    classes : {'six', 'four', 'four_without_excited'}
        Happy, sad, neutral, angry, excited and frustrated; angry, happy (with the excited ones),
        neutral and sad; the same with excited utterances unlabelled.
    split : {'dialogxl', 'session', 'random_utt'}
        As described above; one session is the test and a tenth of the other dialogues, drawn,
        validates; or utterances drawn one by one as Dai et al. 2021 did, which puts every dialogue
        on all sides.
    test_session : int
        The session that is tested.
    """

    classes: Literal["six", "four", "four_without_excited"] = "six"
    split: Literal["dialogxl", "session", "random_utt"] = "dialogxl"
    test_session: int = Field(default=5, ge=1, le=5)


@dataclass(frozen=True)
class Utterance:
    """A line of an EmoEvaluation file."""

    id: str
    dialogue: str
    start: float
    end: float
    code: str

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
    recordings = _recordings(folder)
    clips = tuple(
        clip
        for dialogue in _dialogues(utterances)
        for clip in _clips(dialogue, names, texts, splits, recordings)
    )
    unlabelled = sum(clip.label is None for clip in clips)
    leaky = len(clips) if config.split == "random_utt" else 0
    media = any(clip.media for clip in clips)
    return Manifest(
        clips=clips,
        classes=tuple(dict.fromkeys(names.values())),
        task="single",
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


def _rated(path: Path) -> Iterator[Utterance]:
    for number, line in enumerate(_lines(path), 1):
        if not line.startswith("["):  # a heading, or what one annotator said
            continue
        match = RATED.fullmatch(line)
        if match is None:
            raise ManifestError("is no utterance", where=f"{path}, row {number}")
        start, end, name, code = match.groups()
        yield Utterance(name, path.stem, float(start), float(end), code)


def _transcribed(path: Path) -> Iterator[tuple[str, str]]:
    for line in _lines(path):
        match = TRANSCRIBED.fullmatch(line)
        if match:
            yield match[1], match[2].strip()


def _lines(path: Path) -> list[str]:
    return LINE_END.split(read_text(path, ManifestError))


def _dialogues(utterances: Sequence[Utterance]) -> list[list[Utterance]]:
    """Put utterances into their dialogues, by start, then end."""
    groups: dict[str, list[Utterance]] = {}
    for utterance in sorted(utterances, key=lambda u: (u.dialogue, u.start, u.end)):
        groups.setdefault(utterance.dialogue, []).append(utterance)
    return list(groups.values())


def _clips(
    dialogue: Sequence[Utterance],
    names: Mapping[str, str],
    texts: Mapping[str, str],
    splits: Mapping[str, Split],
    recordings: Mapping[str, Mapping[str, Path]],
) -> Iterator[Clip]:
    for turn, utterance in enumerate(dialogue):
        whole = recordings.get(utterance.dialogue, {})
        timed = "video" in whole
        media = whole if timed else recordings.get(utterance.id, {})
        yield Clip(
            id=utterance.id,
            split=splits[utterance.id],
            speaker=utterance.speaker,
            dialogue=utterance.dialogue,
            turn=turn,
            start=utterance.start if timed else None,
            end=utterance.end if timed else None,
            text=texts.get(utterance.id, ""),
            media=media,
            label=names.get(utterance.code),
            fold=utterance.session,
        )


def _recordings(folder: Folder) -> dict[str, dict[str, Path]]:
    """Find recordings by the name of their utterance or dialogue; the sound is a wav's, if any."""
    media: dict[str, dict[str, Path]] = {}
    for path in folder.with_suffix(VIDEO):
        media.setdefault(path.stem, {}).update(audio=path, video=path)
    for path in folder.with_suffix(AUDIO):
        media.setdefault(path.stem, {})["audio"] = path
    return media


def _splits(
    utterances: Sequence[Utterance], config: Config, names: Mapping[str, str]
) -> dict[str, Split]:
    """Return the split of each utterance."""
    if config.split == "random_utt":
        return _drawn(utterances, names)
    others = sorted({u.dialogue for u in utterances if u.session != config.test_session})
    if config.split == "dialogxl":
        valid = set(others[-LAST:]) if len(others) > LAST else set(others[-1:])
    else:
        valid = set(sorted(others, key=lot)[: max(1, len(others) // TENTH)])
    return {u.id: _split(u, config.test_session, valid) for u in utterances}


def _split(utterance: Utterance, test: int, valid: set[str]) -> Split:
    if utterance.session == test:
        return "test"
    return "valid" if utterance.dialogue in valid else "train"


def _drawn(utterances: Sequence[Utterance], names: Mapping[str, str]) -> dict[str, Split]:
    """Draw utterances one by one, in the proportion of Dai et al.; all of them, labelled first."""
    order = sorted(utterances, key=lambda u: (u.code not in names, lot(u.id)))
    labelled = sum(u.code in names for u in utterances)
    share = labelled / sum(DRAWN.values())
    valid, test = round(share * DRAWN["valid"]), round(share * DRAWN["test"])
    splits: dict[str, Split] = dict.fromkeys((u.id for u in order), "train")
    splits |= dict.fromkeys((u.id for u in order[:test]), "test")
    splits |= dict.fromkeys((u.id for u in order[test : test + valid]), "valid")
    return splits
