"""The version tells which code wrote a report, and is the same in a checkout and in its wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import emocli
from emocli.version import FALLBACK, checkout_version

ROOT = Path(emocli.__file__).parents[1]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def assert_as_in_a_wheel(folder: Path, expected: str) -> None:
    assert re.fullmatch(expected, checkout_version(folder))
    try:
        from setuptools_scm import get_version
    except ImportError:
        return  # it builds wheels, and is needed for nothing else
    assert checkout_version(folder) == get_version(folder, fallback_version=FALLBACK)


def test_a_checkout_has_the_version_of_its_wheel(tmp_path: Path) -> None:
    assert checkout_version(tmp_path) == ""  # an installed package
    git(tmp_path, "init", "-q")
    assert checkout_version(tmp_path) == ""  # there is no commit yet
    (tmp_path / "code.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")[:9]
    assert_as_in_a_wheel(tmp_path, rf"0\.1\.1\.dev1\+g{commit}")
    git(tmp_path, "tag", "v1.0.9")
    assert_as_in_a_wheel(tmp_path, r"1\.0\.9")
    (tmp_path / "code.py").write_text("2")
    assert_as_in_a_wheel(tmp_path, rf"1\.0\.10\.dev0\+g{commit}\.d\d{{8}}")
    git(tmp_path, "commit", "-qam", "second")
    commit = git(tmp_path, "rev-parse", "HEAD")[:9]
    assert_as_in_a_wheel(tmp_path, rf"1\.0\.10\.dev1\+g{commit}")


def test_the_version_is_that_of_this_checkout() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools_scm"]
    assert settings["fallback_version"] == FALLBACK
    if (ROOT / ".git").exists():
        assert_as_in_a_wheel(ROOT, re.escape(emocli.__version__))
    else:
        assert emocli.__version__ == metadata.version("emocli")
