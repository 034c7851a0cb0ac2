"""Imports point down and never in circles, plug-ins are loaded by name, files are short."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from emocli import plugins

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "emocli"
LEVELS = (
    {"cli"},
    {"pages"},
    {"pipeline"},
    {"experiments"},
    {"analysis"},
    {"plugin.analysis"},
    {"prediction"},
    {"extraction", "evaluation"},
    {"training"},
    {"datasets", "features", "fusion", "robust", "report"},
    {"models", "interchange", "pretrained"},
    {"plugin", "metrics"},
    {"data"},
    {
        "errors",
        "plugins",
        "offers",
        "config",
        "parsing",
        "quantities",
        "limits",
        "display",
        "options",
        "paths",
        "rules",
        "space",
        "version",
    },
)
PLUGINS = {
    package.removeprefix("emocli."): set(plugins.names(kind))
    for kind, package in plugins.KINDS.items()
}
FILES = sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "__init__.py"})  # it offers what is above it

EXCEPTION = ("__init__", "features.faces.cascade.find_faces")
"""The only import of a plug-in by name: what the public API offers of it."""

MOST_LINES = 400

OPEN = re.compile(r"\b(?:dict|Mapping)\[str, (?:Any|object)\]")
"""A mapping whose values may be anything."""
MOST_OPEN = 40


def imports(path: Path) -> Iterator[str]:
    """Every emocli module a file imports, without the leading `emocli.`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.removeprefix("emocli.") for name in names if name.startswith("emocli."))


def part(name: str) -> str:
    """The package that a module is in, or the package below it that has a level of its own."""
    package, _, rest = name.partition(".")
    inner = f"{package}.{rest.partition('.')[0]}"
    return inner if level(inner) < len(LEVELS) else package


def level(part: str) -> int:
    return next((index for index, parts in enumerate(LEVELS) if part in parts), len(LEVELS))


def module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def modules() -> dict[str, Path]:
    """Every module to its file, packages by their own name."""
    return {module(path).removesuffix("__init__").rstrip("."): path for path in FILES}


def graph() -> dict[str, set[str]]:
    """Every module to the modules it imports, those inside its functions too."""
    known = modules()
    targets = {name: set(imports(path)) for name, path in known.items()}
    return {
        name: {t if t in known else t.rpartition(".")[0] for t in names}
        for name, names in targets.items()
    }


def circle(edges: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, if there are any."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@cache
def every_import() -> list[tuple[str, str]]:
    """Every module, and a module that it imports."""
    return [(module(path), target) for path in FILES for target in imports(path)]


def test_imports_point_down() -> None:
    for own, target in every_import():
        here, other = part(own), part(target)
        allowed = (
            other == here
            or level(other) > level(here)
            or level(other) == level(here) == len(LEVELS) - 1
        )
        assert allowed, f"{own} imports emocli.{target}"


def test_every_part_is_in_a_level() -> None:
    assert {part(name) for name in modules()} == set().union(*LEVELS)


def test_the_docs_list_the_levels() -> None:
    text = (ROOT / "docs" / "developing.md").read_text("utf-8")
    _, block, _ = text.partition("## The house")[2].split("```", 2)
    groups = block.strip().split("\n\n")
    assert [{line.split()[0] for line in group.splitlines()} for group in groups] == [*LEVELS]


def test_nobody_imports_a_plugin_by_name() -> None:
    offered = [("__init__", target) for target in imports(PACKAGE / "__init__.py")]
    for own, target in [*every_import(), *offered]:
        for package, names in PLUGINS.items():
            name = target.removeprefix(f"{package}.").split(".")[0]
            if target.startswith(f"{package}.") and name in names:
                allowed = own.startswith(f"{package}.") or (own, target) == EXCEPTION
                assert allowed, f"{own} imports emocli.{target}"


def test_no_files_import_each_other() -> None:
    assert not circle(graph())


def test_a_circle_is_detected() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert not circle({"a": {"b", "c"}, "b": {"c"}})


def test_an_underscore_is_private_to_its_folder() -> None:
    private = set()
    for own, targets in graph().items():
        for target in targets:
            folder, underscore, _ = f".{target}".partition("._")
            if underscore and not f".{own}.".startswith(f"{folder}."):
                private.add((own, target))
    assert not private


def test_files_are_short() -> None:
    folders = [ROOT / name for name in ("emocli", "tests", "benchmarks", "examples")]
    files = [path for kind in ("py", "js", "css") for f in folders for path in f.rglob(f"*.{kind}")]
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in files}
    assert [path for path, count in lines.items() if count > MOST_LINES] == []


def annotations(tree: ast.Module) -> Iterator[str]:
    """The types of parameters, results and fields, as they are written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.returns:
            yield ast.unparse(node.returns)
        elif isinstance(node, ast.arg) and node.annotation:
            yield ast.unparse(node.annotation)
        elif isinstance(node, ast.ClassDef):
            yield from (
                ast.unparse(n.annotation) for n in node.body if isinstance(n, ast.AnnAssign)
            )


def test_few_signatures_take_a_mapping_of_anything() -> None:
    trees = {name: ast.parse(path.read_text("utf-8")) for name, path in modules().items()}
    aliases = [
        ast.unparse(node.targets[0])
        for tree in trees.values()
        for node in tree.body
        if isinstance(node, ast.Assign) and OPEN.match(ast.unparse(node.value))
    ]
    named = re.compile("|".join([OPEN.pattern, *(rf"\b{alias}\b" for alias in aliases)]))
    counts = {n: sum(bool(named.search(a)) for a in annotations(t)) for n, t in trees.items()}
    assert sum(counts.values()) < MOST_OPEN, {name: n for name, n in counts.items() if n}


def test_the_tests_follow_the_tree() -> None:
    tested = {
        path.relative_to(ROOT / "tests").parent for path in (ROOT / "tests").rglob("test_*.py")
    }
    packages = {path.parent.relative_to(PACKAGE) for path in PACKAGE.glob("*/__init__.py")}
    assert packages <= tested
