"""The version tells which code wrote a report: in a checkout its commit, too."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

import emocli
from emocli.version import described

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_checkout_tells_its_commit_and_whether_it_was_changed(tmp_path: Path) -> None:
    assert described(tmp_path) == ""  # an installed package
    git(tmp_path, "init", "-q")
    assert described(tmp_path) == ""  # there is no commit yet
    (tmp_path / "code.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    git(tmp_path, "tag", "v1.0")
    commit = git(tmp_path, "rev-parse", "--short=7", "HEAD")
    assert described(tmp_path) == f"g{commit}"
    (tmp_path / "code.py").write_text("2")
    assert described(tmp_path) == f"g{commit}.dirty"


def test_the_version_is_that_of_the_package_and_of_this_checkout() -> None:
    own = metadata.version("emocli").partition("+")[0]
    assert re.fullmatch(rf"{re.escape(own)}(\+g[0-9a-f]{{7,}}(\.dirty)?)?", emocli.__version__)
    commit = described(Path(emocli.__file__).parents[1])
    assert emocli.__version__.endswith(commit)
