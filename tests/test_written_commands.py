"""Commands in the README, the docs, the examples and the benchmarks: all they name is there."""

from __future__ import annotations

import json
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from emocli.cli.app import application

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "data_manifests/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(path for path in (ROOT / "examples").iterdir() if path.is_file()),
]
SCRIPTS = sorted((ROOT / "benchmarks").glob("*.py"))

OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")


def lines(path: Path) -> Iterator[str]:
    """Yield what may be commands: lines of code, and in pages what stands in backticks."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    text = re.sub(r"\\\n[#\s]*", " ", text)
    if path.suffix != ".md":
        yield from (line.lstrip("# ") for line in text.splitlines())
        return
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    yield from (line for block in blocks for line in block.splitlines())
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from (code.replace("\n", " ") for code in re.findall(r"`([^`]+)`", rest))


def written(path: Path) -> Iterator[list[str]]:
    """Yield the words of each command of a page, without what follows it."""
    for line in lines(path):
        for command in re.split(r"\bemocli (?=[a-z])", line)[1:]:
            yield re.split(r"[#|;`]|&&|--->", command)[0].split()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_and_options_are_there(path: Path) -> None:
    commands = typer.main.get_command(application()).commands  # type: ignore[attr-defined]
    for name, *words in written(path):
        command = commands[re.sub(r"\W+$", "", name)]
        if words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words[0]]
        flags = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
        asked = set(OPTION.findall(" ".join(words)))
        assert asked <= flags | {"-h", "--help"}, f"emocli {name} {' '.join(words)}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_options_of_benchmarks_are_there(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = f"python benchmarks/{path.name}"
    asked: set[str] = set()
    for page in (path, *PAGES):
        for call in page.read_text("utf-8").split(command)[1:]:
            asked |= set(OPTION.findall(re.split(r"`|\n\n| #|\n    python", call)[0]))
    if not asked:
        return
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    with pytest.raises(SystemExit):
        runpy.run_path(str(path), run_name="__main__")
    assert asked <= set(OPTION.findall(capsys.readouterr().out.partition("\n\n")[0]))
