"""The inspection of a manifest: its clips, splits, labels and media."""

from __future__ import annotations

import os.path
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from emocli.config import Tree
from emocli.data.clip import SPLITS, Clip, Split
from emocli.data.manifest import Manifest
from emocli.display import number_of
from emocli.pipeline.inspect.sections import Inspection, InspectionTable, TableRow


def inspect_manifest(path: Path, root: Path | None) -> Inspection:
    """Look into a manifest."""
    manifest = Manifest.read(path, root)
    facts = _manifest_facts(manifest)
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
    labels = tuple((name, *counts.values()) for name, counts in facts["labels"].items())
    media = tuple((kind, *counts.values()) for kind, counts in facts["media"].items())
    sections = (
        InspectionTable(
            "", ("what", "value"), tuple((key, facts[key]) for key in shown if facts[key])
        ),
        InspectionTable(
            "splits", ("split", "clips", "speakers", "dialogues"), tuple(_splits(manifest))
        ),
        InspectionTable("labels", ("class", *SPLITS), labels),
        InspectionTable("media", ("medium", "clips", "not on disk"), media),
    )
    problems = [
        number_of(lost, f"clips have no {kind} file on disk") for kind, _, lost in media if lost
    ]
    problems += [f"split '{split}' is empty" for split in SPLITS if not manifest.split(split)]
    return Inspection("manifest", path, facts, sections, tuple(problems))


def _manifest_facts(manifest: Manifest) -> Tree:
    clips = manifest.clips
    return {
        "dataset": manifest.dataset,
        "task": manifest.task,
        "classes": list(manifest.classes),
        "clips": len(clips),
        "splits": dict(Counter(clip.split for clip in clips)),
        "unlabelled": sum(not manifest.is_labelled(clip) for clip in clips),
        "speakers": len({clip.speaker for clip in clips if clip.speaker}),
        "dialogues": len(manifest.dialogues()),
        "with_text": sum(bool(clip.text) for clip in clips),
        "media": {
            kind: _media(kind, clips) for kind in sorted({k for c in clips for k in c.media})
        },
        "labels": {
            name: {split: _count(manifest, split, name) for split in SPLITS}
            for name in manifest.classes
        },
        "fingerprint": manifest.fingerprint,
        "split_source": manifest.splits,
        "citation": manifest.citation,
        "licence": manifest.licence,
    }


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
