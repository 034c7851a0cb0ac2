"""The interface of plug-ins offers the types of its own signatures."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from emocli import plugin

FILES = sorted(Path(plugin.__file__).parent.rglob("*.py"))
PUBLIC = ("emocli", "emocli.config", "emocli.errors")
"""Modules that a plug-in may import beside the interface."""


def annotations(body: list[ast.stmt]) -> Iterator[ast.expr]:
    """Yield the annotations of public functions, methods and fields."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from annotations(node.body)
        if isinstance(node, ast.AnnAssign):
            yield node.annotation
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            yield from (each.annotation for each in arguments if each.annotation)
            if node.returns:
                yield node.returns


@pytest.mark.parametrize("file", FILES, ids=lambda path: "-".join(path.parts[-2:]))
def test_types_of_signatures_can_be_imported_from_it(file: Path) -> None:
    tree = ast.parse(file.read_text())
    private = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("emocli.")
        if node.module not in PUBLIC and not (node.module or "").startswith("emocli.plugin.")
        for alias in node.names
        if alias.asname is None
    }
    named = {
        node.id
        for annotation in annotations(tree.body)
        for node in ast.walk(annotation)
        if isinstance(node, ast.Name)
    }
    assert not private & named
