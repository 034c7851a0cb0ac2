"""Versions: of emocli, in a checkout as its history has it; and of installed distributions."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path

SECONDS = 5
"""Time within which git has to answer."""
FALLBACK = "0.1.0"
"""Version that commits before the first tag count from, as ``pyproject.toml`` has it."""
DESCRIBED = re.compile(r"(?:v?(.+)-(\d+)-g)?([0-9a-f]{9})[0-9a-f]*(-dirty)?")


@cache
def version() -> str:
    """Return the version, as in reports: ``1.2.0``, or ``1.2.1.dev4+g1a2b3c4d5`` of a checkout.

    A checkout changes after it was installed: git is asked which code it is now.
    """
    return checkout_version(Path(__file__).resolve().parents[1]) or metadata.version("emocli")


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the versions of emocli, Python and the installed libraries, as files record them."""
    own = {"emocli": version(), "python": platform.python_version()}
    others = {name: version_of(name) for name in libraries if name not in own}
    return own | {name: text for name, text in others.items() if text}


def absent(recorded: Mapping[str, str]) -> list[str]:
    """Return the distributions, with versions, that a file records and that are not installed."""
    return [
        f"{name} {text}"
        for name, text in recorded.items()
        if name != "python" and text and not version_of(name)
    ]


@cache
def version_of(distribution: str) -> str:
    """Return the version of an installed distribution; empty where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def checkout_version(folder: Path) -> str:
    """Return the version that setuptools-scm gives a wheel of a checkout; empty of other folders.

    At a tag it is the tag's. Else it is the next one, with the commits since, the commit and, where
    files differ from it, the date.
    """
    if not (folder / ".git").exists():
        return ""
    tags = ("--tags", "--long", "--always", "--match=*[0-9]*")
    described = _git(folder, "describe", "--dirty", "--abbrev=40", *tags)
    parts = DESCRIBED.fullmatch(described)
    if parts is None:
        return ""
    tag, distance, commit, dirty = parts.groups()
    if tag and distance == "0" and not dirty:
        return tag
    following = re.sub(r"\d+$", lambda last: str(int(last[0]) + 1), tag or FALLBACK)
    commits = distance or _git(folder, "rev-list", "--count", "HEAD")
    today = f".d{datetime.now(UTC):%Y%m%d}" if dirty else ""
    return f"{following}.dev{commits}+g{commit}{today}"


def _git(folder: Path, *arguments: str) -> str:
    """Return what git answers about a folder; empty if it does not."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
