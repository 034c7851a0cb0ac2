"""Discovery of plug-ins by file name: `ls emocli/fusion` is the list of networks.

A plug-in is a module (or a folder with ``__init__.py``) inside ``emocli/<kind>``; names that
start with an underscore are private. An installed package adds one through the entry-point group
``emocli.<kind>``, each entry naming a module. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Literal

from emocli.errors import ConfigError, choice

Kind = Literal[
    "datasets", "features", "corruptions", "protocols", "fusion", "experiments", "analyses"
]

KINDS: dict[Kind, str] = {
    "datasets": "emocli.datasets",
    "features": "emocli.features",
    "corruptions": "emocli.robust.corruptions",
    "protocols": "emocli.robust.protocols",
    "fusion": "emocli.fusion",
    "experiments": "emocli.experiments.papers",
    "analyses": "emocli.analysis",
}

OFFERS: dict[Kind, tuple[str, ...]] = {
    "datasets": ("Config", "build"),
    "features": ("MODALITY", "REQUIRES", "PER_CLIP", "Config", "prepare"),
    "corruptions": ("Config",),
    "protocols": ("Config",),
    "fusion": ("Config", "Model", "PRESETS"),
    "experiments": ("Config", "table"),
    "analyses": ("Options", "measure"),
}
"""Names that a module of each kind has: `emocli.plugin` says what they are."""


@dataclass(frozen=True)
class Description:
    """A plug-in as `emocli info` shows it: its docstring's first line and its ``Source:`` line."""

    name: str
    summary: str
    source: str


def names(kind: Kind) -> list[str]:
    """All plug-ins of a kind, sorted; none of them is imported."""
    return sorted({*_files(kind), *_entries(kind)})


def load(kind: Kind, name: str) -> ModuleType:
    """Import one plug-in.

    Raises
    ------
    ConfigError
        If there is no plug-in of that name, or it lacks what its kind offers.
    """
    module = importlib.import_module(_module(kind, name))
    for offer in OFFERS[kind]:
        if offer not in vars(module):
            hint = f"a module of emocli.{kind} offers {', '.join(OFFERS[kind])}"
            raise ConfigError(f"plug-in '{name}' has no {offer}", where=module.__name__, hint=hint)
    return module


def describe(kind: Kind, name: str) -> Description:
    """Read a plug-in's docstring without importing it, so that listing stays fast."""
    spec = importlib.util.find_spec(_module(kind, name))
    source = Path(spec.origin).read_text("utf-8") if spec and spec.origin else ""
    lines = (ast.get_docstring(ast.parse(source)) or "").splitlines()
    origin = next(
        (line.removeprefix("Source:") for line in lines if line.startswith("Source:")), ""
    )
    return Description(name, lines[0].rstrip(".") if lines else "", origin.strip().rstrip("."))


def _module(kind: Kind, name: str) -> str:
    entries = _entries(kind)
    if name in entries:
        return entries[name].module
    if name in _files(kind):
        return f"{KINDS[kind]}.{name}"
    what = {"fusion": "network", "analyses": "analysis"}.get(kind, kind.removesuffix("s"))
    raise ConfigError(f"no {what} is called '{name}'", hint=choice(name, names(kind)))


def _files(kind: Kind) -> list[str]:
    package = importlib.util.find_spec(KINDS[kind])
    paths = package.submodule_search_locations if package else None
    return [m.name for m in pkgutil.iter_modules(paths) if not m.name.startswith("_")]


def _entries(kind: Kind) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=f"emocli.{kind}")}
