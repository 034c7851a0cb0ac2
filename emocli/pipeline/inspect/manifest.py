"""The inspection of a manifest: its clips, splits, labels and media."""

from __future__ import annotations

import os.path
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from emocli.data.clip import SPLITS, Clip, Split
from emocli.data.manifest import Manifest, Task
from emocli.data.record import Record
from emocli.display import number_of
from emocli.pipeline.inspect.sections import Inspection, InspectionTable, TableRow


@dataclass(frozen=True, kw_only=True)
class ManifestFacts(Record):
    """The facts of a manifest: clips by split, medium, and class and split; and its origin."""

    dataset: str
    task: Task
    classes: tuple[str, ...]
    clips: int
    splits: Mapping[str, int]
    unlabelled: int
    speakers: int
    dialogues: int
    with_text: int
    media: Mapping[str, Mapping[str, int]]
    labels: Mapping[str, Mapping[str, int]]
    fingerprint: str
    split_source: str
    citation: str
    licence: str


def inspect_manifest(path: Path, root: Path | None) -> Inspection:
    """Look into a manifest."""
    manifest = Manifest.read(path, root)
    facts = _manifest_facts(manifest)
    data = facts.data()
    shown = [
        "dataset",
        "task",
        "clips",
        "unlabelled",
        "with_text",
        "split_source",
        "citation",
        "licence",
    ]
    labels = tuple((name, *counts.values()) for name, counts in facts.labels.items())
    media = tuple((kind, *counts.values()) for kind, counts in facts.media.items())
    sections = (
        InspectionTable(
            "", ("what", "value"), tuple((key, data[key]) for key in shown if data[key])
        ),
        InspectionTable(
            "splits", ("split", "clips", "speakers", "dialogues"), tuple(_splits(manifest))
        ),
        InspectionTable("labels", ("class", *SPLITS), labels),
        InspectionTable("media", ("medium", "clips", "not on disk"), media),
    )
    problems = [
        number_of(lost, f"clips have no {kind} file on disk")
        for kind, counts in facts.media.items()
        if (lost := counts["not_on_disk"])
    ]
    problems += [f"split '{split}' is empty" for split in SPLITS if not manifest.split(split)]
    return Inspection("manifest", path, data, sections, tuple(problems))


def _manifest_facts(manifest: Manifest) -> ManifestFacts:
    clips = manifest.clips
    return ManifestFacts(
        dataset=manifest.dataset,
        task=manifest.task,
        classes=manifest.classes,
        clips=len(clips),
        splits=dict(Counter(clip.split for clip in clips)),
        unlabelled=sum(not manifest.is_labelled(clip) for clip in clips),
        speakers=len({clip.speaker for clip in clips if clip.speaker}),
        dialogues=len(manifest.dialogues()),
        with_text=sum(bool(clip.text) for clip in clips),
        media={kind: _media(kind, clips) for kind in sorted({k for c in clips for k in c.media})},
        labels={
            name: {split: _count(manifest, split, name) for split in SPLITS}
            for name in manifest.classes
        },
        fingerprint=manifest.fingerprint,
        split_source=manifest.splits,
        citation=manifest.citation,
        licence=manifest.licence,
    )


def _media(kind: str, clips: Iterable[Clip]) -> dict[str, int]:
    """Count the clips that have a medium, and those whose file is not there."""
    paths = [clip.media[kind] for clip in clips if kind in clip.media]
    return {"clips": len(paths), "not_on_disk": sum(not _is_file(path) for path in paths)}


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - False for any name, however long


def _splits(manifest: Manifest) -> Iterator[TableRow]:
    """Count clips, speakers and dialogues of each split."""
    for split in SPLITS:
        clips = manifest.split(split)
        speakers = {clip.speaker for clip in clips if clip.speaker}
        yield split, len(clips), len(speakers), len({c.dialogue for c in clips if c.dialogue})


def _count(manifest: Manifest, split: Split, name: str) -> int:
    return sum(clip.label == name or clip.labels.get(name, 0) > 0 for clip in manifest.split(split))
