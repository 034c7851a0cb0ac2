"""Paths as the public API takes them; inside they are `pathlib.Path`."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

StrPath = str | PathLike[str]

StrPaths = list[str] | list[Path] | tuple[StrPath, ...]
"""Several of them; not a sequence of any kind, which a text is too."""
