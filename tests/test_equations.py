"""Every equation of the papers has an address: a docstring that cites it and a line that is it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "emocli"
CITATION = re.compile(r"\(([A-Z]\w+) (\d{4}),? eq\. ([\d\s,–-]+)\)")
LINE = re.compile(r"# (?:([A-Z]\w+ \d{4}) )?eq\. (\d+(?:[,–-] ?\d+)*)")
EQUATIONS = {"Beard 2018": range(1, 14), "Mittal 2020": range(1, 4), "Chudasama 2022": range(2, 15)}
"""Equations by paper; docs/papers.md says what equation 1 of the last one is."""


def docstrings() -> Iterator[str]:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                yield ast.get_docstring(node) or ""


def numbers(text: str) -> Iterator[int]:
    for part in re.split(r",\s*", text.strip()):
        ends = [int(end) for end in re.split(r"[–-]", part)]
        yield from range(ends[0], ends[-1] + 1)


def cited() -> dict[str, set[int]]:
    result: dict[str, set[int]] = {}
    for text in docstrings():
        for author, year, equations in CITATION.findall(text):
            result.setdefault(f"{author} {year}", set()).update(numbers(equations))
    return result


def commented() -> Iterator[tuple[str, int]]:
    """Yield the paper, empty where none is named, and the number of each equation in a comment."""
    for path in PACKAGE.rglob("*.py"):
        for paper, equations in LINE.findall(path.read_text("utf-8")):
            yield from ((paper, number) for number in numbers(equations))


@pytest.mark.parametrize("paper", EQUATIONS)
def test_every_equation_is_a_line_that_names_its_paper(paper: str) -> None:
    assert set(EQUATIONS[paper]) == {number for name, number in commented() if name == paper}
    assert "" not in {name for name, _ in commented()}


@pytest.mark.parametrize("paper", EQUATIONS)
def test_every_equation_is_cited(paper: str) -> None:
    assert set(EQUATIONS[paper]) <= cited().get(paper, set())
