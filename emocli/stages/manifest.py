"""A corpus on disk becomes a manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emocli import config, plugins
from emocli.data.clip import SPLITS
from emocli.errors import ManifestError
from emocli.stages._sources import importable, words_in


@dataclass(frozen=True)
class ManifestSummary:
    """What was written: counts by split, medium and label, and what the corpus lacks.

    ``features`` are files in the corpus's folder that `emocli import` takes, and ``words`` one that
    it can align some of them to, which have times of their own.
    """

    path: Path
    clips: int
    splits: dict[str, int]
    media: dict[str, int]
    labels: dict[str, int]
    notes: tuple[str, ...]
    features: tuple[Path, ...] = ()
    words: Path | None = None


def make_manifest(
    dataset: str, root: Path, output: Path, settings: Mapping[str, Any]
) -> ManifestSummary:
    """Build a dataset's manifest and write it.

    Parameters
    ----------
    dataset : str
        Name of a dataset plug-in.
    root : Path
        Folder of the corpus.
    output : Path
        The CSV to write; its sidecar is written beside it.
    settings : mapping
        ``{dataset: {...}}``.

    Raises
    ------
    ConfigError
        For an unknown dataset or setting.
    ManifestError
        If the folder does not hold the corpus.
    """
    module = plugins.load("datasets", dataset)
    if output.suffix != ".csv":
        raise ManifestError("a manifest's name ends in .csv", where=output)
    unknown = set(settings) - {dataset}
    if unknown:
        key = sorted(unknown)[0]
        raise ManifestError(
            f"setting '{key}' does not belong to dataset '{dataset}'",
            where="--set",
            mend=f"write {dataset}.{key}=...",
        )
    manifest = module.build(root, config.build(module.Config, settings.get(dataset, {}), dataset))
    manifest.write(output)
    clips, features = manifest.clips, importable(manifest.root)
    timed = any(path.suffix == ".csd" for path in features)
    return ManifestSummary(
        output,
        len(clips),
        {split: sum(clip.split == split for clip in clips) for split in SPLITS},
        dict(sorted(Counter(kind for clip in clips for kind in clip.media).items())),
        dict(sorted(Counter(clip.label for clip in clips if clip.label).items())),
        tuple(manifest.notes),
        tuple(features),
        words_in(manifest.root) if timed else None,
    )
