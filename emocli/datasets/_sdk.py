"""Manifests of CMU-MOSI and CMU-MOSEI, monologues from YouTube, from the CMU Multimodal SDK.

A clip is a segment of a video, ``video[3]``, with scores for sentiment and, in MOSEI, for emotions.
Its turn is its place in the video by time, where the times of all segments are known (files list
them in any order); else the number in its id, or its place in the file.
"""

from __future__ import annotations

import ast
import importlib.util
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from emocli.config import Settings
from emocli.data.clip import SPLITS, Clip, Split
from emocli.data.encoding import read_text
from emocli.data.manifest import Manifest, Task
from emocli.data.manifest_rules import absolute
from emocli.datasets._sdk_labels import EMOTIONS as EMOTIONS
from emocli.datasets._sdk_labels import SENTIMENT as SENTIMENT
from emocli.datasets._sdk_labels import TABLE, LabelledSegment, of_table, read_segments
from emocli.errors import ManifestError
from emocli.interchange.csd import Csd
from emocli.interchange.mmsa import SUFFIXES
from emocli.plugin.dataset import Folder, counted, random_split

SIGNS = ("negative", "positive")
MOST = 3.0
"""Highest intensity of an emotion; a fourth annotator gave a few higher ones."""

FOLDS = "standard_{}_fold"
"""What the SDK's fold files call their lists of videos."""

ACCEPTED = 0.1
"""Beard 2018 takes an emotion for present above this intensity."""

INSTANT = 1e-3
"""Seconds a segment has whose labels give it no length."""

EMPTY = "segments have no length in the labels: they have no rows in the features"
DRAWN = "drawn from its name"
UNORDERED = "segments have neither times nor numbers: their turns follow the file"
FAINT = f"emotions are between 0 and {ACCEPTED:g}: present, but below Beard's threshold"

CSD = frozenset({".csd"})


SplitDraw = Callable[[tuple[Clip, ...]], tuple[Clip, ...]]
"""Puts clips into splits, video by video."""


@dataclass(frozen=True)
class SdkCorpus:
    """A corpus of the SDK: its names, and whether segments count from 0 or from 1."""

    name: str
    title: str
    first: int
    citation: str
    licence: str


class SdkConfig(Settings):
    """Settings: the files, and what is predicted.

    Attributes
    ----------
    labels : str
        The file of labels, relative to the folder; by default the .csd with "label" in its name,
        else the only .pkl, else labels.csv.
    folds : str
        The SDK's file of standard folds, relative to the folder; by default the one there, or that
        of an installed SDK (mmsdk).
    zeros : {'positive', 'negative', 'none'}
        What a sentiment of exactly 0 is when the task is its sign; ``none`` leaves it unlabelled.
    first : int, optional
        Number of a video's first segment in the ids.
    """

    labels: str = ""
    folds: str = ""
    zeros: Literal["positive", "negative", "none"] = "positive"
    first: int | None = Field(default=None, ge=0, le=1)


def by_video(clips: tuple[Clip, ...]) -> tuple[Clip, ...]:
    """Put each video into a split drawn from its name."""
    return random_split(clips, lambda clip: clip.dialogue)


def build(
    root: Path,
    config: SdkConfig,
    corpus: SdkCorpus,
    task: str,
    names: tuple[str, ...],
    draw: SplitDraw = by_video,
    drawn: str = DRAWN,
) -> Manifest:
    """Make a manifest of the SDK's files below ``root``.

    Parameters
    ----------
    task : {'intensity', 'multi', 'sentiment', 'sentiment_intensity'}
        What is predicted.
    names : tuple of str
        The scores it is predicted from.
    draw, drawn : callable, str
        How videos are put into splits where no file says it, and that in words.

    Raises
    ------
    ManifestError
        If there are no labels, or none of these.
    StoreError
        If a file is damaged.
    """
    folder = Folder.scan(root)
    labelled = _labelled(folder, config, corpus, names)
    segments = _with_texts(labelled, folder)
    turns = _turns(segments)
    splits, standard = _splits(segments, folder, config.folds, corpus)
    media = folder.recordings()
    kept = [segment for segment in segments if segment.video in splits]
    clips = tuple(
        _clip(
            replace(segment, turn=turns[segment.id]),
            splits[segment.video],
            media.get(segment.video, {}),
            config,
            task,
            names,
        )
        for segment in sorted(kept, key=lambda segment: (segment.video, segment.turn))
    )
    clips = clips if standard else draw(clips)
    source = f"split by video, {drawn}: no file of standard folds is there"
    kinds: dict[str, Task] = {"multi": "multi", SENTIMENT: "single"}
    return Manifest(
        clips=clips,
        classes=SIGNS if task == SENTIMENT else names,
        task=kinds.get(task, "intensity"),
        dataset=corpus.name,
        root=folder.root,
        citation=corpus.citation,
        licence=corpus.licence,
        splits="" if standard else source,
        notes=counted(
            (0 if standard else len(clips), f"clips are {source}"),
            (len(segments) - len(kept), "segments left out: their video is in no fold"),
            (_unordered(kept), UNORDERED),
            *_label_faults(kept, names),
            (
                sum(task == SENTIMENT and c.label is None for c in clips),
                "clips have no label: their sentiment is 0",
            ),
        ),
    )


def _turns(segments: Sequence[LabelledSegment]) -> dict[str, int]:
    """Give each video's numbers to its segments by start, then end, if the times of all are known.

    Where they have none of their own, they are numbered from 0.
    """
    turns = {segment.id: segment.turn for segment in segments}
    for group in _by_video(segments).values():
        if all(segment.start is not None for segment in group):
            order = sorted(group, key=lambda s: (s.start, math.inf if s.end is None else s.end))
            numbers = sorted({segment.turn for segment in group})
            if len(numbers) < len(group) or not all(segment.numbered for segment in group):
                numbers = list(range(len(group)))
            turns |= {s.id: number for s, number in zip(order, numbers, strict=True)}
    return turns


def _unordered(segments: Iterable[LabelledSegment]) -> int:
    """Count segments of which nothing but their place in the file says when they were spoken."""
    return sum(
        len(group)
        for group in _by_video(segments).values()
        if len(group) > 1
        and not all(s.numbered for s in group)
        and not all(s.start is not None for s in group)
    )


def _by_video(segments: Iterable[LabelledSegment]) -> dict[str, list[LabelledSegment]]:
    groups: dict[str, list[LabelledSegment]] = {}
    for segment in segments:
        groups.setdefault(segment.video, []).append(segment)
    return groups


def _label_faults(
    segments: Sequence[LabelledSegment], names: Sequence[str]
) -> Iterator[tuple[int, str]]:
    """Count the segments without length, and intensities out of range or faint."""
    yield sum(s.end is not None and s.end <= (s.start or 0) for s in segments), EMPTY
    graded = [s.scores[name] for s in segments for name in names if name != SENTIMENT]
    yield sum(score > MOST for score in graded), f"intensities above {MOST:g} were lowered"
    yield sum(0 < score < ACCEPTED for score in graded), FAINT


def _clip(
    segment: LabelledSegment,
    split: Split,
    media: Mapping[str, Path],
    config: SdkConfig,
    task: str,
    names: Iterable[str],
) -> Clip:
    start, end = segment.start or 0.0, segment.end
    return Clip(
        id=segment.id,
        split=split,
        dialogue=segment.video,
        turn=segment.turn,
        start=segment.start,
        end=None if end is None else max(end, start + INSTANT),
        text=segment.text,
        media=media,
        label=_sign(segment, config.zeros) if task == SENTIMENT else None,
        labels=_targets(segment, task, names),
    )


def _targets(segment: LabelledSegment, task: str, names: Iterable[str]) -> dict[str, float]:
    if task == SENTIMENT:
        return {}
    if task == "sentiment_intensity":
        return {SENTIMENT: segment.scores[SENTIMENT]}
    graded = {name: min(max(segment.scores[name], 0.0), MOST) for name in names}
    if task == "multi":
        return {name: float(value > 0) for name, value in graded.items()}
    return graded


def _sign(segment: LabelledSegment, zeros: str) -> str | None:
    score = segment.scores[SENTIMENT]
    if score == 0:
        return zeros if zeros in SIGNS else None
    return SIGNS[score > 0]


# -- labels


def _labelled(
    folder: Folder, config: SdkConfig, corpus: SdkCorpus, names: Sequence[str]
) -> list[LabelledSegment]:
    """Read the segments and their scores."""
    path = _labels_file(folder, config.labels, corpus)
    segments = list(read_segments(path, corpus.first if config.first is None else config.first))
    lacking = [name for name in names if not all(name in segment.scores for segment in segments)]
    if not segments or lacking:
        what = f"has no scores of {', '.join(lacking)}" if lacking else "has no segment"
        hint = f"choose another file with {corpus.name}.labels, or another {corpus.name}.task"
        raise ManifestError(what, where=path, hint=hint)
    for segment in segments:
        if not all(map(math.isfinite, segment.scores.values())):
            what = f"segment '{segment.id}' has a score that is not a finite number"
            raise ManifestError(what, where=path, hint="correct it, or leave the segment out")
    return segments


def _labels_file(folder: Folder, chosen: str, corpus: SdkCorpus) -> Path:
    if chosen:
        return absolute(folder.root / chosen)
    sequences = [p for p in folder.with_suffix(CSD) if "label" in p.name.lower()]
    pickles = folder.with_suffix(SUFFIXES)
    table = folder.named(TABLE)
    for files in (sequences, pickles, [table] if table else []):
        if len(files) == 1:
            return files[0]
        if files:
            names = ", ".join(str(path.relative_to(folder.root)) for path in files)
            hint = f"choose one with --set {corpus.name}.labels=FILE"
            raise ManifestError(
                f"has several files of labels: {names}", where=folder.root, hint=hint
            )
    hint = "a .csd with 'label' in its name, an MMSA .pkl or a labels.csv is expected"
    raise ManifestError(f"holds no labels of {corpus.title}", where=folder.root, hint=hint)


# -- texts, splits and media


def _with_texts(segments: list[LabelledSegment], folder: Folder) -> list[LabelledSegment]:
    """Add what is said, from labels.csv or the SDK's file of words, where it is not known."""
    if any(segment.text for segment in segments):
        return segments
    table = folder.named(TABLE)
    texts = {s.id: s.text for s in of_table(table)} if table else {}
    for path in () if any(texts.values()) else folder.with_suffix(CSD):
        with Csd(path) as file:
            if file.is_words and "word" in path.name.lower():
                videos = {segment.video for segment in segments}.intersection(file.entries)
                by_video = {video: file.words(video) for video in videos}
                break
    else:
        return [replace(segment, text=texts.get(segment.id, "")) for segment in segments]

    def text(segment: LabelledSegment) -> str:
        start, end = segment.start or 0.0, np.inf if segment.end is None else segment.end
        words = by_video.get(segment.video, [])
        return " ".join(w.text for w in words if start <= (w.start + w.end) / 2 < end)

    return [replace(segment, text=text(segment)) for segment in segments]


def _splits(
    segments: Iterable[LabelledSegment], folder: Folder, chosen: str, corpus: SdkCorpus
) -> tuple[dict[str, Split], bool]:
    """Return the split of each video that has one, and whether they are given."""
    path = _folds_file(folder, chosen, corpus)
    if path is not None:
        return _standard(path), True
    known = {s.video: s.split for s in segments if s.split}
    table = folder.named(TABLE)
    if not known and table is not None:
        known = {s.video: s.split for s in of_table(table) if s.split}
    return (known, True) if known else ({s.video: "train" for s in segments}, False)


def _folds_file(folder: Folder, chosen: str, corpus: SdkCorpus) -> Path | None:
    if chosen:
        return absolute(folder.root / chosen)
    name = f"cmu_{corpus.name}_std_folds.py"
    path = folder.named(name)
    sdk = None if path else importlib.util.find_spec("mmsdk")
    for place in (sdk.submodule_search_locations or ()) if sdk else ():
        inside = Path(place, "mmdatasdk", "dataset", "standard_datasets")
        path = next(inside.glob(f"*/{name}"), path)
    return path


def _standard(path: Path) -> dict[str, Split]:
    """Read the lists of the SDK's fold file; it is Python, but it is not run."""
    try:
        tree = ast.parse(read_text(path, ManifestError))
        lists = {
            target.id: ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name) and target.id.endswith("_fold")
        }
        return {str(video): split for split in SPLITS for video in lists[FOLDS.format(split)]}
    except (SyntaxError, ValueError, KeyError, TypeError) as fault:
        what = f"is no file of standard folds ({fault})"
        raise ManifestError(what, where=path, hint="it should be the SDK's") from None
