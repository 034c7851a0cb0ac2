"""MELD: some 13,000 utterances in 1,432 dialogues from a television series, with seven emotions.

Source: Poria et al. 2019, ACL, 527-536.

The tables ``train_sent_emo.csv``, ``dev_sent_emo.csv`` and ``test_sent_emo.csv`` are found by name
below the folder, and clips ``dia3_utt7.mp4`` in folders named after the split
(``train_splits``, ``dev_splits_complete``, ``output_repeated_splits_test``). An utterance is
``train_dia3_utt7``; its place in the dialogue is its rank by number (which have gaps), also in some
27 dialogues where the times in the tables run backwards, which is counted. One without a
clip stays, so that all metrics count the same utterances. Speakers are in all splits; dialogues are
not.

The times in the tables are those of the episodes, not of the clips, which are cut already: a clip
is its whole file, and only ended where the table ends it (half a second later), for one goes on for
five minutes. Most files end before; a clip without a start may.
The clips' sound is that of a ``.wav`` of the same name, or else of the video.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from emocli.config import Settings
from emocli.data.clip import Clip, Split
from emocli.data.folds import shuffle_key
from emocli.data.manifest import Manifest
from emocli.data.media.content import AUDIO, VIDEO
from emocli.data.table import DataTable, read_table
from emocli.errors import ManifestError
from emocli.plugin.dataset import COPY, Folder, counted, require_columns

EMOTIONS = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
SENTIMENTS = ("neutral", "positive", "negative")
"""In the order of MELD's own numbers."""

SPLITS: Mapping[str, Split] = MappingProxyType({"train": "train", "dev": "valid", "test": "test"})
"""MELD's names of the splits."""

HELD_OUT = 10
"""One in so many dialogues of the train table validates, where the dev table is tested."""

COLUMNS = (
    "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "StartTime",
    "EndTime",
)  # fmt: skip
NAME = re.compile(r"(final_videos_test)?dia(\d+)_utt(\d+)")
TIME = re.compile(r"(\d+):(\d+):(\d+)[,.](\d+)")
DAMAGED = ("train_dia125_utt3",)
"""Clips that no decoder reads."""

BACKWARDS = "dialogues have times against the order of their numbers, which is kept"

SLACK = 0.5
"""Seconds a clip may go on after its end in the table."""

C1 = {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
"""Quotes and dashes of Windows that went through as control characters."""

CITATION = (
    "Poria S, Hazarika D, Majumder N, Naik G, Cambria E, Mihalcea R (2019) MELD: A Multimodal "
    "Multi-Party Dataset for Emotion Recognition in Conversations. ACL 2019, 527-536. "
    "https://doi.org/10.18653/v1/P19-1050"
)
LICENCE = "GPL-3.0 (annotations); clips are from a television series"


class Config(Settings):
    """Settings: labels and clips.

    Attributes
    ----------
    label : {'emotion', 'sentiment'}
        Seven emotions or three sentiments.
    tables : tuple of {'train', 'dev', 'test'}
        Which of the corpus's three tables of utterances to take.
    dev : {'valid', 'test'}
        What the dev table is for: validation as usual; or it is tested, and one dialogue in ten of
        the train table validates.
    final_videos : {'ignore', 'prefer'}
        Whether the files ``final_videos_testdia*`` of the test folder, some 130, take the place of
        those without that prefix. Most users leave them out as duplicates; according to others they
        are corrections.
    exclude : tuple of str
        Utterances whose recordings are not used; by default one that cannot be decoded.
    """

    label: Literal["emotion", "sentiment"] = "emotion"
    tables: tuple[Literal["train", "dev", "test"], ...] = ("train", "dev", "test")
    dev: Literal["valid", "test"] = "valid"
    final_videos: Literal["ignore", "prefer"] = "ignore"
    exclude: tuple[str, ...] = DAMAGED


def build(root: Path, config: Config) -> Manifest:
    """Make the manifest of the MELD files below ``root``.

    Raises
    ------
    ManifestError
        If there is no table, or one breaks a rule.
    """
    folder = Folder.scan(root)
    paths = {name: folder.named(f"{name}_sent_emo.csv") for name in config.tables}
    tables = {name: _table(path) for name, path in paths.items() if path is not None}
    if not tables:
        hint = f"{', '.join(f'{name}_sent_emo.csv' for name in config.tables)} are expected"
        raise ManifestError("holds no table of MELD", where=folder.root, hint=hint)
    prefer = config.final_videos == "prefer"
    media, corrections = _media(folder, prefer)
    damaged = media.keys() & set(config.exclude)
    usable = {clip_id: files for clip_id, files in media.items() if clip_id not in damaged}
    clips = tuple(
        clip
        for name, table in tables.items()
        for clip in _clips(name, table, f"{paths[name]}", usable, config.label)
    )
    if config.dev == "test":
        clips = _with_dev_tested(clips)
    known = {clip.id for clip in clips}
    return Manifest(
        clips=clips,
        classes=EMOTIONS if config.label == "emotion" else SENTIMENTS,
        task="single",
        dataset="meld",
        root=folder.root,
        citation=CITATION,
        licence=LICENCE,
        overlap=True,  # the same six people in all splits
        notes=(
            *(
                f"there is no {name}_sent_emo.csv: its clips are left out"
                for name, path in paths.items()
                if path is None
            ),
            *counted(
                (sum(map(_backwards, tables.values())), BACKWARDS),
                (sum(not clip.media for clip in clips) if media else 0, "clips have no recording"),
                (len(damaged), "recordings left out: they cannot be decoded"),
                (len(media.keys() - known), "recordings left out: they are in no table"),
                (
                    0 if prefer else corrections,
                    "files left out: final_videos_*, of which there are plain ones",
                ),
                (folder.doubles, "files left out: AppleDouble (._*)"),
            ),
        ),
    )


def _table(path: Path) -> DataTable:
    return require_columns(read_table(path, ManifestError), path, COLUMNS, COPY)


def _clips(
    name: str, table: DataTable, path: str, media: Mapping[str, Mapping[str, Path]], label: str
) -> Iterator[Clip]:
    """Make the clips of a table, dialogue by dialogue."""
    rows = []
    for line, row in zip(table.lines, table.records(), strict=True):
        try:
            rows.append((int(row["Dialogue_ID"]), int(row["Utterance_ID"]), row))
        except ValueError as fault:
            raise ManifestError(str(fault), where=f"{path}, row {line}") from None
    rows.sort(key=lambda row: row[:2])
    first = {dialogue: k for k, (dialogue, _, _) in reversed(list(enumerate(rows)))}
    for k, (dialogue, utterance, row) in enumerate(rows):
        clip_id = f"{name}_dia{dialogue}_utt{utterance}"
        files = media.get(clip_id, {})
        yield Clip(
            id=clip_id,
            split=SPLITS[name],
            dialogue=f"{name}_dia{dialogue}",
            turn=k - first[dialogue],
            speaker=_without_controls(row["Speaker"]),
            end=_length(row) if files else None,
            text=_without_controls(row["Utterance"]),
            media=files,
            label=row["Emotion" if label == "emotion" else "Sentiment"].strip().lower() or None,
        )


def _backwards(table: DataTable) -> int:
    """Count dialogues in which an utterance starts before one with a lower number."""
    starts: dict[str, list[tuple[int, float]]] = {}
    for row in table.records():
        start = _seconds(row["StartTime"])
        if start is not None:
            starts.setdefault(row["Dialogue_ID"], []).append((int(row["Utterance_ID"]), start))
    ordered = ([start for _, start in sorted(turns)] for turns in starts.values())
    return sum(any(later < start for start, later in pairwise(times)) for times in ordered)


def _with_dev_tested(clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """Test the dev table, and let dialogues of the train table validate: always the same ones."""
    dialogues = sorted({clip.dialogue for clip in clips if clip.split == "train"}, key=shuffle_key)
    held_out = {*dialogues[::HELD_OUT]}
    splits: Mapping[Split, Split] = {"train": "train", "valid": "test", "test": "test"}
    return tuple(
        replace(clip, split="valid" if clip.dialogue in held_out else splits[clip.split])
        for clip in clips
    )


def _without_controls(text: str) -> str:
    return text.translate(C1).strip()


def _length(row: Mapping[str, str]) -> float | None:
    """Return where a clip ends at the latest; None where the table's times make no sense."""
    start, end = (_seconds(row[column]) for column in ("StartTime", "EndTime"))
    if start is None or end is None or end <= start:
        return None
    return round(end - start + SLACK, 3)


def _seconds(text: str) -> float | None:
    match = TIME.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction}")


def _media(folder: Folder, prefer: bool) -> tuple[dict[str, dict[str, Path]], int]:
    """Find recordings by utterance, and count the files that are perhaps corrections."""
    usual: dict[str, dict[str, Path]] = {}
    final: dict[str, dict[str, Path]] = {}
    corrections = 0
    for path in folder.with_suffix(AUDIO | VIDEO):
        name, split = NAME.fullmatch(path.stem), _split(path, folder.root)
        if name is None or split is None:
            continue
        corrections += name[1] is not None
        clip_id = f"{split}_dia{name[2]}_utt{name[3]}"
        kind = "video" if path.suffix.lower() in VIDEO else "audio"
        (final if name[1] else usual).setdefault(clip_id, {}).setdefault(kind, path)
    chosen = usual | final if prefer else usual
    return {i: {"audio": m.get("audio") or m["video"], **m} for i, m in chosen.items()}, corrections


def _split(path: Path, root: Path) -> str | None:
    """Tell the split from the nearest folder that names one."""
    inside: Iterable[str] = reversed(path.relative_to(root).parts[:-1])
    return next((name for part in inside for name in SPLITS if name in part.lower()), None)
