"""Versions: of emocli, in a checkout what git says of the code; and of installed distributions."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

SECONDS = 5
"""Time within which git has to answer."""


@cache
def version() -> str:
    """Return the version, as reports have it: ``1.2.0``, or of a checkout ``1.2.0+g1a2b3c4.dirty``.

    A checkout changes after it was installed; its commit, and whether files differ from it, tell
    which code it was.
    """
    installed = metadata.version("emocli")
    commit = described(Path(__file__).resolve().parents[1])
    return f"{installed.partition('+')[0]}+{commit}" if commit else installed


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the versions of emocli, Python and the installed libraries, as files record them."""
    own = {"emocli": version(), "python": platform.python_version()}
    others = {name: version_of(name) for name in libraries if name not in own}
    return own | {name: text for name, text in others.items() if text}


@cache
def version_of(distribution: str) -> str:
    """Return the version of an installed distribution; empty where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def described(folder: Path) -> str:
    """Return the commit of a checkout as the local part of a version; nothing of other folders."""
    if not (folder / ".git").exists():
        return ""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=7"]
    try:
        told = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True, timeout=SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"g{told.stdout.strip().replace('-', '.')}"
