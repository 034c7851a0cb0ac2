"""The making of a manifest from a corpus on disk."""

from __future__ import annotations

import os.path
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emocli import config, plugins
from emocli.data.clip import SPLITS
from emocli.data.durable import used_folder
from emocli.data.manifest import Manifest, Task
from emocli.data.manifest_rules import absolute
from emocli.data.sidecar import require_spared, sidecar_path
from emocli.display import number_of
from emocli.errors import ConfigError, ManifestError, choice
from emocli.interchange.sources import importable, words_in

NOTHING = "no clip has a recording or a text, and no features are there: nothing can be extracted"


@dataclass(frozen=True)
class ManifestSummary:
    """The report of a new manifest: counts by split, medium and label, and what is lacking.

    ``media`` counts clips whose files are there, ``text`` those with a text; ``task`` and
    ``classes`` say what was understood of the labels.

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
    task: Task = "single"
    classes: tuple[str, ...] = ()
    text: int = 0


def make_manifest(dataset: str, root: Path, output: Path, settings: config.Tree) -> ManifestSummary:
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
        If the folder does not hold the corpus, or the manifest would replace a file of it.
    """
    module = plugins.load("datasets", dataset)
    if output.suffix != ".csv":
        raise ManifestError("a manifest's name ends in .csv", where=output)
    unknown = set(settings) - {dataset}
    if unknown:
        key = sorted(unknown)[0]
        own = [f"{dataset}.{name}" for name in module.Config.model_fields]
        raise ConfigError(
            f"setting '{key}' does not belong to dataset '{dataset}'", hint=choice(key, own)
        )
    chosen = config.build(module.Config, settings.get(dataset, {}), dataset)
    require_spared(output, _tables(root, chosen, output))
    with used_folder(output.parent):  # before a corpus is read, or drawn, that cannot be noted
        manifest: Manifest = module.build(root, chosen)
        plugins.require(manifest, Manifest, "the result of build", dataset, module.__name__)
        require_spared(output, (path for clip in manifest.clips for path in clip.media.values()))
        manifest.write(output)
    clips, features = manifest.clips, importable(manifest.root)
    timed = any(path.suffix == ".csd" for path in features)
    media, lost = _media(manifest)
    text = sum(bool(clip.text.strip()) for clip in clips)
    bare = not media and not text and not features
    return ManifestSummary(
        output,
        len(clips),
        {split: sum(clip.split == split for clip in clips) for split in SPLITS},
        media,
        dict(sorted(Counter(clip.label for clip in clips if clip.label).items())),
        (*manifest.notes, *lost, *([NOTHING] if bare else [])),
        tuple(features),
        words_in(manifest.root) if timed else None,
        manifest.task,
        manifest.classes,
        text,
    )


def _tables(root: Path, settings: config.Settings, output: Path) -> Iterator[Path]:
    """Yield what is read of a corpus: files that settings name, and what is no manifest there."""
    for _, value in config.leaves(settings.model_dump()):
        if isinstance(value, str | Path):
            yield root / value
    inside = absolute(root) in absolute(output).parents
    if inside and not sidecar_path(output).exists():
        yield output


def _media(manifest: Manifest) -> tuple[dict[str, int], list[str]]:
    """Count the clips that have a file of each kind, and say of which it is not there."""
    there: dict[Path, bool] = {}
    counts: Counter[str] = Counter()
    absent: dict[str, list[Path]] = {}
    for clip in manifest.clips:
        for kind, path in clip.media.items():
            if path not in there:
                there[path] = os.path.isfile(path)  # noqa: PTH113 - False for any name
            if there[path]:
                counts[kind] += 1
            else:
                absent.setdefault(kind, []).append(path)
    lost = [
        number_of(
            len(paths), f"clips name a file of {kind} that is not there, the first {paths[0]}"
        )
        for kind, paths in sorted(absent.items())
    ]
    return dict(sorted(counts.items())), lost
