"""Imports point down only, and plug-ins are reached through `plugins.load` alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from emocli import plugins

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "emocli"
LEVELS = (
    {"cli"},
    {"pipeline", "experiments", "analysis"},
    {"extraction", "evaluation"},
    {"training"},
    {"datasets", "features", "fusion", "robust", "report"},
    {"models", "interchange"},
    {"metrics"},
    {"data"},
    {"errors", "plugins", "config", "parsing", "quantities", "limits", "display", "options"},
)
SIBLINGS = {("experiments", "pipeline"), ("analysis", "pipeline")}
PLUGINS = {
    package.removeprefix("emocli."): set(plugins.names(kind))
    for kind, package in plugins.KINDS.items()
}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every emocli module a file imports, without the leading `emocli.`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.removeprefix("emocli.") for name in found if name.startswith("emocli."))


def level(part: str) -> int:
    return next((index for index, parts in enumerate(LEVELS) if part in parts), len(LEVELS))


def module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


@pytest.mark.parametrize("path", FILES, ids=module)
def test_imports_point_down(path: Path) -> None:
    own = module(path)
    part = own.split(".")[0]
    for target in imports(path):
        other = target.split(".")[0]
        allowed = (
            other == part
            or level(other) > level(part)
            or level(other) == level(part) == len(LEVELS) - 1
            or (part, other) in SIBLINGS
        )
        assert allowed, f"{own} imports emocli.{target}"


@pytest.mark.parametrize("path", FILES, ids=module)
def test_nobody_imports_a_plugin_by_name(path: Path) -> None:
    own = module(path)
    for target in imports(path):
        for package, names in PLUGINS.items():
            name = target.removeprefix(f"{package}.").split(".")[0]
            if target.startswith(f"{package}.") and name in names:
                assert own.startswith(f"{package}."), f"{own} imports emocli.{target}"


def test_the_tests_follow_the_tree() -> None:
    tested = {
        path.relative_to(ROOT / "tests").parent for path in (ROOT / "tests").rglob("test_*.py")
    }
    packages = {path.parent.relative_to(PACKAGE) for path in PACKAGE.glob("*/__init__.py")}
    assert packages <= tested
