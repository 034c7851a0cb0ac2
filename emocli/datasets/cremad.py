"""CREMA-D: 91 actors say twelve sentences in six emotions, with face and voice.

Source: Cao et al. 2014, IEEE Transactions on Affective Computing 5(4).

Files are found by name, ``AAAA_SSS_EEE_LL`` (actor, sentence, emotion, level), anywhere below the
folder: ``VideoFlash/*.flv`` and ``AudioWAV/*.wav`` as published. A clip's sound is its wav, or else
its mp3, or else that of its video; clips without video are kept. Emotions are named as in RAVDESS.

The label is the emotion the actor was asked for, or, with ``label_source``, the one most raters saw
and heard (``vote_av``), heard (``vote_voice``) or saw (``vote_face``) according to
``processedResults/summaryTable.csv``; a clip whose raters are divided has no label. With
``fractions`` the shares of their votes become ``label.<class>``, from
``processedResults/tabulatedVotes.csv``.

Splits are by actor, 64 / 9 / 18 of 91 and in that proportion of fewer: the actors are shuffled,
women and men separately where ``VideoDemographics.csv`` is in the folder, so that each split has
its share of both. With fewer than three actors every clip is in ``train``. The manifest's column
``fold`` holds ``folds`` groups of actors, dealt in the same way, for ``--folds``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from emocli.config import Settings
from emocli.data.clip import SPLITS, Clip, Split
from emocli.data.manifest import Manifest
from emocli.data.media.content import AUDIO, VIDEO
from emocli.data.table import DataTable, read_table
from emocli.errors import ManifestError
from emocli.plugin.dataset import COPY, Folder, counted, random_split, require_columns, split_notes
from emocli.quantities import Seed

EMOTIONS: Mapping[str, str] = MappingProxyType(
    {
        "ANG": "angry",
        "DIS": "disgust",
        "FEA": "fearful",
        "HAP": "happy",
        "NEU": "neutral",
        "SAD": "sad",
    }
)
VOTES: Mapping[str, str] = MappingProxyType({code[0]: name for code, name in EMOTIONS.items()})
"""Raters' letters."""

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "DFA": "Don't forget a jacket.",
        "IEO": "It's eleven o'clock.",
        "IOM": "I'm on my way to the meeting.",
        "ITH": "I think I have a doctor's appointment.",
        "ITS": "I think I've seen this before.",
        "IWL": "I would like a new alarm clock.",
        "IWW": "I wonder what this is about.",
        "MTI": "Maybe tomorrow it will be cold.",
        "TAI": "The airplane is almost full.",
        "TIE": "That is exactly what happened.",
        "TSI": "The surface is slick.",
        "WSI": "We'll stop in a couple of minutes.",
    }
)
NAME = re.compile(rf"(\d{{4}})_({'|'.join(SENTENCES)})_({'|'.join(EMOTIONS)})_(LO|MD|HI|XX?)")
"""One published name ends in a single X."""

LEVELS = MappingProxyType({"LO": "low", "MD": "medium", "HI": "high"})
"""Intensities; of others the name does not tell it."""

DAMAGED = ("1064_IEO_DIS_MD", "1064_TIE_SAD_XX", "1076_MTI_NEU_XX", "1076_MTI_SAD_XX")
"""Clips of which at least one version is known to be broken."""

LabelSource = Literal["intended", "vote_av", "vote_voice", "vote_face"]
COLUMNS: Mapping[str, str] = MappingProxyType(
    {"vote_av": "MultiModalVote", "vote_voice": "VoiceVote", "vote_face": "FaceVote"}
)
QUERIES: Mapping[str, str] = MappingProxyType(
    {"intended": "3", "vote_av": "3", "vote_voice": "1", "vote_face": "2"}
)
"""First digit of a row of tabulatedVotes.csv: what the raters were shown."""

CITATION = (
    "Cao H, Cooper DG, Keutmann MK, Gur RC, Nenkova A, Verma R (2014) CREMA-D: Crowd-sourced "
    "Emotional Multimodal Actors Dataset. IEEE Transactions on Affective Computing 5(4), 377-390. "
    "https://doi.org/10.1109/TAFFC.2014.2336244"
)
LICENCE = "ODbL 1.0 (database), DbCL 1.0 (contents)"


class Config(Settings):
    """Settings: labels, clips and their splits.

    Attributes
    ----------
    label_source : {'intended', 'vote_av', 'vote_voice', 'vote_face'}
        Where a clip's label is from: the emotion the actor was asked for, or the most frequent vote
        of those who saw and heard the clip, heard it, or saw it.
    fractions : bool
        Whether the shares of the votes become ``label.<class>``: of those the label is from, or of
        the audio-visual ones.
    exclude : tuple of str
        Clips to leave out; by default the ones known to be broken.
    valid_share : float
        Share of the actors who validate.
    test_share : float
        Share of the actors who are tested.
    folds : int
        Groups of actors for cross-validation.
    seed : int
        Seed of the order in which actors are dealt out to splits and folds.
    split : {'actor', 'clip'}
        By actor; or each clip by itself, to try the pipeline on a few recordings.
    """

    label_source: LabelSource = "intended"
    fractions: bool = False
    exclude: tuple[str, ...] = DAMAGED
    valid_share: float = Field(default=9 / 91, gt=0, le=1 / 3)
    test_share: float = Field(default=18 / 91, gt=0, le=1 / 3)
    folds: Annotated[int, Field(ge=3, le=91)] = 5
    seed: Seed = 0
    split: Literal["actor", "clip"] = "actor"


def build(root: Path, config: Config) -> Manifest:
    """Make the manifest of the CREMA-D files below ``root``.

    Raises
    ------
    ManifestError
        If there are none, or a table that the settings ask for is absent or of another form.
    """
    folder = Folder.scan(root)
    media, strange = _media(folder)
    excluded = media.keys() & set(config.exclude)
    names = sorted(media.keys() - excluded)
    if not names:
        raise ManifestError(
            "holds no recording of CREMA-D",
            where=folder.root,
            hint="names like VideoFlash/1001_DFA_ANG_XX.flv or AudioWAV/1001_DFA_ANG_XX.wav are "
            "expected",
        )
    labels = _labels(names, config.label_source, folder)
    fractions = _fractions(folder, QUERIES[config.label_source]) if config.fractions else {}
    sexes = _sexes(folder)
    order = _order({name[:4] for name in names}, sexes, config.seed)
    splits, folds = _splits(order, config), _folds(order, config.folds)
    clips = tuple(
        Clip(
            id=name,
            split=splits[name[:4]],
            speaker=name[:4],
            text=SENTENCES[name[5:8]],
            media=media[name],
            label=labels.get(name),
            labels=fractions.get(name, {}),
            fold=folds.get(name[:4]),
            groups=_groups(name, sexes),
        )
        for name in names
    )
    by_clip = config.split == "clip"
    clips = random_split(clips) if by_clip else clips
    return Manifest(
        clips=clips,
        classes=tuple(EMOTIONS.values()),
        task="single",
        dataset="cremad",
        root=folder.root,
        citation=CITATION,
        licence=LICENCE,
        overlap=by_clip,
        notes=counted(
            *split_notes(clips, by_clip, "three actors"),
            (len(names) - len(labels), "clips have no label: raters are divided"),
            (len(excluded), "clips left out: known to be broken"),
            (sum("video" not in clip.media for clip in clips), "clips have no pictures"),
            (strange, "files left out: their names are not those of CREMA-D"),
            (folder.doubles, "files left out: AppleDouble (._*)"),
        ),
    )


def _media(folder: Folder) -> tuple[dict[str, dict[str, Path]], int]:
    files: dict[str, list[Path]] = {}
    strange = 0
    for path in folder.with_suffix(AUDIO | VIDEO):
        if NAME.fullmatch(path.stem):
            files.setdefault(re.sub("_X$", "_XX", path.stem), []).append(path)
        else:
            strange += 1
    return {name: _best(paths) for name, paths in files.items()}, strange


def _best(paths: Iterable[Path]) -> dict[str, Path]:
    """Choose the file a clip's sound is from, and the one its pictures are from."""
    lossless_first = sorted(paths, key=lambda path: path.suffix.lower() != ".wav")
    sound = [path for path in lossless_first if path.suffix.lower() in AUDIO]
    video = [path for path in lossless_first if path.suffix.lower() in VIDEO]
    return {"audio": (sound or video)[0]} | ({"video": video[0]} if video else {})


def _labels(names: Iterable[str], source: LabelSource, folder: Folder) -> dict[str, str]:
    if source == "intended":
        return {name: EMOTIONS[name[9:12]] for name in names}
    column = COLUMNS[source]
    table = _table(folder, "summaryTable.csv", ("FileName", column))
    votes = {row["FileName"]: row[column] for row in table.records()}
    return {name: VOTES[votes[name]] for name in names if votes.get(name) in VOTES}


def _fractions(folder: Folder, query: str) -> dict[str, dict[str, float]]:
    table = _table(folder, "tabulatedVotes.csv", ("fileName", *VOTES))
    fractions = {}
    for line, row in zip(table.lines, table.records(), strict=True):
        if not row[table.header[0]].startswith(query):
            continue
        try:
            counts = {emotion: float(row[letter]) for letter, emotion in VOTES.items()}
        except ValueError as fault:
            where = f"{folder.named('tabulatedVotes.csv')}, row {line}"
            raise ManifestError(str(fault), where=where) from None
        total = sum(counts.values())
        if total:
            name = row["fileName"].partition(".")[0]
            fractions[name] = {emotion: count / total for emotion, count in counts.items()}
    return fractions


def _groups(name: str, sexes: Mapping[str, str]) -> dict[str, str]:
    """Return sex and intensity, as far as table and name tell them."""
    known = {"gender": sexes.get(name[:4], "").lower(), "intensity": LEVELS.get(name[13:15], "")}
    return {group: value for group, value in known.items() if value}


def _sexes(folder: Folder) -> dict[str, str]:
    """Sex by actor; nothing is known without the table."""
    if folder.named("VideoDemographics.csv") is None:
        return {}
    table = _table(folder, "VideoDemographics.csv", ("ActorID", "Sex"))
    return {row["ActorID"]: row["Sex"] for row in table.records()}


def _table(folder: Folder, name: str, columns: Sequence[str]) -> DataTable:
    path = folder.named(name)
    if path is None:
        raise ManifestError(
            f"there is no {name}",
            where=folder.root,
            hint="copy it there from the corpus, or change the setting that needs it",
        )
    return require_columns(read_table(path, ManifestError), path, columns, COPY)


def _order(actors: set[str], sexes: Mapping[str, str], seed: int) -> list[str]:
    """Shuffle the actors so that every stretch of them has its share of each sex."""
    rng = np.random.default_rng(seed)
    sizes = Counter(sexes.get(actor, "") for actor in actors)
    places: dict[str, float] = {}
    for sex, size in sorted(sizes.items()):
        group = sorted(actor for actor in actors if sexes.get(actor, "") == sex)
        # Evenly over [0, 1).
        places |= {group[i]: (n + 0.5) / size for n, i in enumerate(rng.permutation(size))}
    return sorted(places, key=lambda actor: (places[actor], actor))


def _splits(order: Sequence[str], config: Config) -> dict[str, Split]:
    if len(order) < len(SPLITS):
        return dict.fromkeys(order, "train")
    test = max(1, round(config.test_share * len(order)))
    valid = max(1, round(config.valid_share * len(order)))
    splits: dict[str, Split] = dict.fromkeys(order, "train")
    splits |= dict.fromkeys(order[:test], "test")
    splits |= dict.fromkeys(order[test : test + valid], "valid")
    return splits


def _folds(order: Sequence[str], count: int) -> dict[str, int]:
    """Cut the order into folds; there are none if they are more than the actors."""
    if len(order) < count:
        return {}
    return {actor: index * count // len(order) for index, actor in enumerate(order)}
