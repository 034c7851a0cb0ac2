"""Corpora of empty files: enough for whatever is read from names alone."""

from __future__ import annotations

from pathlib import Path


def add(root: Path, *names: str) -> Path:
    """Make empty files, each with its folder; return the root."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root
