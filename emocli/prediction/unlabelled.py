"""Manifests whose clips are predicted: labels, splits and the classes of a corpus do not matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from emocli.data import manifest_rules
from emocli.data.columns import known_columns, read_clips
from emocli.data.manifest import Manifest
from emocli.data.sidecar import sidecar_path
from emocli.data.table import read_table
from emocli.errors import ManifestError


def read_unlabelled(path: Path, classes: Sequence[str]) -> Manifest:
    """Read a manifest without its labels; the TOML file beside it may be missing.

    Raises
    ------
    ManifestError
        If it is absent or breaks a rule; the message names row and column.
    """
    if path.is_file() and not sidecar_path(path).exists():
        return _without_sidecar(path, classes)
    corpus = Manifest.read(path)
    clips = tuple(replace(clip, label=None, labels={}) for clip in corpus.clips)
    return replace(corpus, clips=clips)


def _without_sidecar(path: Path, classes: Sequence[str]) -> Manifest:
    table = read_table(path, ManifestError)
    root = manifest_rules.absolute(path.parent)
    clips = read_clips(table.renamed(known_columns(classes)), path, root, classes)
    bare = tuple(replace(clip, label=None, labels={}) for clip in clips)
    return Manifest(
        clips=bare,
        classes=tuple(classes),
        task="single",
        dataset=path.stem,
        root=root,
        path=path,
        overlap=True,
        lines=table.lines,
    )
