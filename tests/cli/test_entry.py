"""The console script: what Ctrl-C does to it before the commands are there."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

INTERRUPTED_AT = """
import sys
from importlib import import_module

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
sys.argv = ["emocli", "info"]
getattr(import_module({entry[0]!r}), {entry[1]!r})()
"""


@pytest.mark.parametrize("module", ["emocli.cli.app", "typer", "emocli.cli.commands.align"])
def test_interrupted_during_imports_it_ends_without_a_traceback(module: str) -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    entry = tomllib.loads(text)["project"]["scripts"]["emocli"].split(":")
    code = INTERRUPTED_AT.format(module=module, entry=entry)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "interrupted; the same command resumes\n"
