"""How far values go until a plug-in has them: docs/developing.md says it in numbers."""

from __future__ import annotations

import inspect
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from traceback import walk_stack
from typing import Any

import pytest

from emocli.cli.app import run
from emocli.fusion import late
from emocli.robust.corruptions import gaussian
from tests import toy
from tests.extraction import toy_features
from tests.test_layers import PACKAGE, ROOT, level, module, part

ENTRY = PACKAGE / "cli" / "entry.py"
"""Where the console script begins; these tests begin right behind it."""

QUICK = [
    part
    for pair in ("network.hidden=4", "train.epochs=1", "train.threads=1", "train.functionals=none")
    for part in ("--set", pair)
]


def told(command: str) -> tuple[int, int]:
    """Return the files and the calls up that a row of the table has."""
    text = (ROOT / "docs" / "developing.md").read_text("utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| {command} |"))
    files, calls = (cell.strip() for cell in row.strip("|").split("|")[2:4])
    return int(files), int(calls.partition(":")[0])


def watched(monkeypatch: pytest.MonkeyPatch, kind: type, name: str) -> list[list[Path]]:
    """Keep the files of emocli on the stack of every call of a plug-in, the outermost first."""
    stacks: list[list[Path]] = []
    before, own = getattr(kind, name), Path(inspect.getfile(kind))

    def called(*values: Any, **options: Any) -> Any:
        files = [Path(frame.f_code.co_filename) for frame, _ in walk_stack(inspect.currentframe())]
        inside = [path for path in files if PACKAGE in path.parents and path != own]
        stacks.append([ENTRY, *inside[::-1]])
        return before(*values, **options)

    monkeypatch.setattr(kind, name, called)
    return stacks


def longest(stacks: list[list[Path]]) -> tuple[int, int]:
    """Return the different files of the longest stack, and its calls into a layer above."""
    files = max(stacks, key=lambda stack: len(set(stack)))
    levels = [level(part(module(path))) for path in files]
    return len(set(files)), sum(lower > upper for lower, upper in pairwise(levels))


def test_a_setting_of_a_network_and_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = toy.build(tmp_path)
    networks = watched(monkeypatch, late.Model, "__init__")
    where = [str(corpus.manifest.path), "--store", str(corpus.store), "--run", str(tmp_path / "r")]
    assert run(["train", *where, "--fusion", "late", "--no-baseline", *QUICK]) == 0
    assert longest(networks) == told("`emocli train --set network.KEY=VALUE`")
    noise = watched(monkeypatch, gaussian.Config, "__call__")
    more = ["--corrupt", "visual@0.01", "--no-figures"]
    assert run(["evaluate", str(tmp_path / "r"), *more]) == 0
    assert longest(noise) == told("`emocli evaluate RUN --corrupt visual@0.01`")


def test_the_row_of_a_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(toy_features.install(tmp_path / "site"))
    rows = watched(monkeypatch, import_module("toy_plugin").Extractor, "__call__")
    corpus = toy_features.corpus(["fine"], tmp_path)
    corpus.write(tmp_path / "toy.csv")
    store = str(tmp_path / "store")
    assert run(["extract", str(tmp_path / "toy.csv"), "-f", "toy", "--store", store]) == 0
    assert longest(rows) == told("`emocli extract`")


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_noise_in_a_row_of_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = watched(monkeypatch, gaussian.Config, "__call__")
    table = ["reproduce", "rrnn-t2", "--row", "late", "--synthetic", "--quick"]
    assert run([*table, "--out", str(tmp_path / "out")]) == 0
    assert longest(noise) == told("`emocli reproduce`, a row tested on corrupted clips")
