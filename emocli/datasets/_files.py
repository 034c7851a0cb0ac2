"""The files of a corpus folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emocli.data.rules import MOST_NAMES, absolute
from emocli.data.table import Table
from emocli.errors import ManifestError

COPY = "copy it as it is from the corpus"
HEADER = "its first row names the columns"
"""How a table without a column is mended: one of a corpus, and one of a user's own."""


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
            raise ManifestError("there is no such folder", where=root)
        seen: set[str] = set()
        found: list[Path] = []
        for folder, inner, names in os.walk(root, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:  # a link in a circle, or to a folder that is here anyway
                inner.clear()
                continue
            seen.add(real)
            inner.sort()
            found.extend(Path(folder, name) for name in names)
        files = sorted(path for path in found if not path.name.startswith("._"))
        return cls(root, tuple(files), len(found) - len(files))

    def with_suffix(self, suffixes: frozenset[str]) -> list[Path]:
        """Return the files of some suffixes, in any case."""
        return [path for path in self.files if path.suffix.lower() in suffixes]

    def named(self, name: str) -> Path | None:
        """Return the first file of a name, if there is one."""
        return next((path for path in self.files if path.name == name), None)


def require_columns(table: Table, path: Path, columns: Sequence[str], hint: str) -> Table:
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
    """Put counts into words; a count of 0 is left out."""
    return tuple(f"{count:,} {what}" for count, what in notes if count)
