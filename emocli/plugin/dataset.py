"""Datasets: a manifest from a corpus on disk, and helpers to find and read its files.

A module of kind ``datasets`` offers ``Config`` and ``build(root, config) -> Manifest``, which reads
names, tables and transcriptions below ``root`` and opens no recording. Clips have ids that do not
depend on where the folder is; no speaker or dialogue crosses the splits unless the corpus says so;
the same folder gives the same manifest. What cannot be used is counted in the manifest's notes;
what is wrong raises `emocli.errors.ManifestError`, which names the file. `read_table` reads a table
with a header (a `DataTable`), `require_columns` refuses one that lacks some.

>>> import tempfile
>>> def build(root, config=None):
...     folder = Folder.scan(root)
...     clips = [
...         Clip(path.stem, label=path.stem[0], media={"audio": path})
...         for path in folder.with_suffix(AUDIO)
...     ]
...     return Manifest(random_split(clips), ("a", "b"), "single", "mine", folder.root)
>>> with tempfile.TemporaryDirectory() as root:
...     for name in ("a1.wav", "a2.wav", "b1.wav"):
...         Path(root, name).touch()
...     sorted((clip.split, clip.label) for clip in build(Path(root)).clips)
[('test', 'a'), ('train', 'a'), ('valid', 'b')]
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from emocli.config import Settings
from emocli.data.clip import Clip as Clip
from emocli.data.clip import Split as Split
from emocli.data.folds import shuffle_key
from emocli.data.manifest import Manifest as Manifest
from emocli.data.manifest_rules import MOST_NAMES, absolute
from emocli.data.media.content import AUDIO as AUDIO
from emocli.data.media.content import VIDEO as VIDEO
from emocli.data.table import DataTable as DataTable
from emocli.data.table import read_table as read_table
from emocli.display import number_of
from emocli.errors import ManifestError

COPY = "copy it as it is from the corpus"
HEADER = "its first row names the columns"
"""Hints for a table that lacks a column: one of a corpus, and one of a user's own."""

SHARE = 6
"""One clip in so many is for validation, and as many for the test; at least one each."""


class Dataset(Protocol):
    """The module of a dataset plug-in, as a type."""

    Config: type[Settings]

    def build(self, root: Path, config: Any) -> Manifest:
        """Make the manifest of the corpus below a folder.

        Raises
        ------
        ManifestError
            If the folder is absent, or does not hold the corpus as it is distributed.
        """
        ...


@dataclass(frozen=True)
class Folder:
    """All files below a folder, sorted by path.

    Attributes
    ----------
    root : Path
        The folder, absolute.
    files : tuple of Path
        Absolute paths; links to folders are followed.
    doubles : int
        AppleDouble files (``._*``), which hold no recording and are left out.
    """

    root: Path
    files: tuple[Path, ...]
    doubles: int

    @classmethod
    def scan(cls, root: Path) -> Folder:
        """Look through a folder.

        Raises
        ------
        ManifestError
            If there is no such folder.
        """
        root = absolute(root)
        if not root.is_dir():
            what = "is a file" if root.exists() else "there is no such folder"
            raise ManifestError(what, where=root, hint="name the folder of the corpus")
        seen: set[str] = set()
        paths: list[Path] = []
        for folder, inner, names in os.walk(root, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:  # a link in a circle, or to a folder that is here anyway
                inner.clear()
                continue
            seen.add(real)
            inner.sort()
            paths.extend(Path(folder, name) for name in names)
        files = sorted(path for path in paths if not path.name.startswith("._"))
        return cls(root, tuple(files), len(paths) - len(files))

    def with_suffix(self, suffixes: frozenset[str]) -> list[Path]:
        """Return the files of some suffixes, in any case."""
        return [path for path in self.files if path.suffix.lower() in suffixes]

    def recordings(self) -> dict[str, dict[str, Path]]:
        """Return the recordings by their names without suffix: ``video``, and ``audio``.

        The sound is that of a file of sound, if any, or else the video's.
        """
        media: dict[str, dict[str, Path]] = {}
        for path in self.with_suffix(VIDEO):
            media.setdefault(path.stem, {}).update(audio=path, video=path)
        for path in self.with_suffix(AUDIO):
            media.setdefault(path.stem, {})["audio"] = path
        return media

    def named(self, name: str) -> Path | None:
        """Return the first file of a name, if there is one."""
        return next((path for path in self.files if path.name == name), None)


def require_columns(table: DataTable, path: Path, columns: Sequence[str], hint: str) -> DataTable:
    """Return a table with these columns, named so; refuse one that lacks a column.

    Raises
    ------
    ManifestError
        If it does.
    """
    table = table.renamed(columns)
    for column in columns:
        if column not in table.header:
            there = ", ".join(f"'{name}'" for name in table.header[:MOST_NAMES])
            raise ManifestError(
                f"has no column '{column}'", where=path, hint=f"{hint}; there are: {there}"
            )
    return table


def counted(*notes: tuple[int, str]) -> tuple[str, ...]:
    """Put counts of things, named in the plural, into words; a count of 0 is left out."""
    return tuple(number_of(count, what) for count, what in notes if count)


def split_notes(clips: Sequence[Clip], by_clip: bool, needed: str) -> list[tuple[int, str]]:
    """Count the clips that are all in train, or, if ``by_clip``, split one by one.

    ``needed`` says of whom there are too few for more splits.
    """
    few = {clip.split for clip in clips} == {"train"}
    hint = "are needed (or split=clip, to try the pipeline)"
    warning = "clips are split one by one: metrics say nothing about people who were not trained on"
    return [
        (len(clips) if few else 0, f"clips are all in train: {needed} {hint}"),
        (len(clips) if by_clip else 0, warning),
    ]


def _by_itself(clip: Clip) -> str:
    return clip.id


def random_split(
    clips: Sequence[Clip], group: Callable[[Clip], str] = _by_itself
) -> tuple[Clip, ...]:
    """Put each group in a split of its own accord, drawn from its name; by default each clip."""
    names = {group(clip) for clip in clips}
    order = sorted(names, key=shuffle_key)
    size = max(1, len(order) // SHARE)
    splits: dict[str, Split] = dict.fromkeys(order[:size], "test")
    splits |= dict.fromkeys(order[size : 2 * size], "valid")
    return tuple(replace(clip, split=splits.get(group(clip), "train")) for clip in clips)
