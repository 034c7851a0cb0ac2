"""Discovery of plug-ins by file name: `ls emocli/fusion` is the list of networks.

A plug-in is a module (or a folder with ``__init__.py``) inside the package of its kind, which
`KINDS` names; names that start with an underscore are private. An installed package adds one
through the entry-point group ``emocli.<kind>``, each entry naming a module; a name that two modules
have is neither's, but commands are told apart by the names on their command line, and emocli's own
stay. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
import re
import sys
import tokenize
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoints, entry_points
from inspect import cleandoc
from pathlib import Path
from types import ModuleType
from typing import Any

from emocli.errors import ConfigError, EmocliWarning, choice, reason
from emocli.offers import OFFERS, REQUIRED
from emocli.offers import PluginKind as PluginKind

KINDS: dict[PluginKind, str] = {
    "datasets": "emocli.datasets",
    "features": "emocli.features",
    "formats": "emocli.interchange.formats",
    "corruptions": "emocli.robust.corruptions",
    "protocols": "emocli.robust.protocols",
    "fusion": "emocli.fusion",
    "experiments": "emocli.experiments.papers",
    "analyses": "emocli.analysis",
    "ways": "emocli.prediction.segmentation.ways",
    "transcripts": "emocli.prediction.segmentation.transcripts",
    "writers": "emocli.prediction.writers.formats",
    "models": "emocli.pretrained.catalogue",
    "commands": "emocli.cli.commands",
}
"""Kind of plug-in to the package that holds emocli's own."""

REPAIR = "repair or uninstall its package"
"""What is to be done about a plug-in of an installed package that cannot be used."""


@dataclass(frozen=True)
class Description:
    """A plug-in as `emocli info` shows it: its docstring's first line and some of the others.

    Those are ``Source:`` and, of what not all may use, ``Licence:``, each to the end of its
    paragraph.
    """

    name: str
    summary: str
    source: str
    licence: str = ""


def names(kind: PluginKind) -> list[str]:
    """All plug-ins of a kind, sorted; none of them is imported."""
    return sorted(_modules(kind))


def load(kind: PluginKind, name: str) -> ModuleType:
    """Import one plug-in; what it may lack has its default.

    Raises
    ------
    ConfigError
        If there is no plug-in of that name, or there are two, it cannot be imported, or it lacks
        what its kind offers.
    """
    return load_module(kind, name, _find(kind, name, _modules(kind)))


def load_own(kind: PluginKind) -> list[ModuleType]:
    """Import emocli's own plug-ins of a kind."""
    return [load_module(kind, *each) for each in sorted(files(KINDS[kind]).items())]


def load_all(kind: PluginKind) -> dict[str, ModuleType]:
    """Import every plug-in of a kind, by name; what `load` refuses is left out, with a warning."""
    modules, loaded = _modules(kind), {}
    for name in sorted(modules):
        try:
            loaded[name] = load_module(kind, name, _find(kind, name, modules))
        except ConfigError as error:
            warnings.warn(f"left out: {error}", EmocliWarning, stacklevel=2)
    return loaded


def describe(kind: PluginKind, name: str) -> Description:
    """Read a plug-in's docstring without importing it; errors as of `load`."""
    return _describe(name, _find(kind, name, _modules(kind)))


def describe_all(kind: PluginKind) -> list[Description]:
    """Read the docstrings of all plug-ins of a kind, by name; of a name that two have say so."""
    modules, described = _modules(kind), []
    for name in sorted(modules):
        try:
            described.append(_describe(name, _find(kind, name, modules)))
        except ConfigError as error:
            described.append(Description(name, f"refused: {error}", ""))
    return described


def files(package: str) -> dict[str, str]:
    """Return the modules of a package by the names of their files, private ones left out."""
    spec = _spec(package)
    modules = pkgutil.iter_modules(spec.submodule_search_locations if spec else None)
    return {m.name: f"{package}.{m.name}" for m in modules if not m.name.startswith("_")}


def _modules(kind: PluginKind) -> dict[str, list[str]]:
    """Return the modules of each name: emocli's own file, then those of entry points."""
    modules = {name: [module] for name, module in files(KINDS[kind]).items()}
    for name, module in added(kind):
        own = modules.setdefault(name, [])
        if module not in own:
            own.append(module)
    return modules


def added(kind: PluginKind) -> list[tuple[str, str]]:
    """Return the names and modules that installed packages add, sorted."""
    return sorted({(entry.name, entry.module) for entry in _entries(kind, tuple(sys.path))})


def packages(kind: PluginKind, name: str) -> tuple[str, ...]:
    """Return the distribution that adds a plug-in, for its version; none of emocli's own."""
    entries = (entry for entry in _entries(kind, tuple(sys.path)) if entry.name == name)
    return tuple({entry.dist.name: None for entry in entries if entry.dist})


@cache
def _entries(kind: PluginKind, path: tuple[str, ...]) -> EntryPoints:
    """Return what the packages on ``path``, which is `sys.path`, add; their files are read once."""
    return entry_points(group=f"emocli.{kind}")


def clash(kind: PluginKind, name: str, modules: Sequence[str]) -> ConfigError:
    """Return the error of a name that several modules have, emocli's own first."""
    both = f"the {_word(kind)} '{name}' is both {' and '.join(modules)}"
    return ConfigError(both, hint=f"rename that of {modules[-1]}, or uninstall its package")


def require(value: object, base: Any, part: str, name: str, module: str) -> None:
    """Refuse what a plug-in returns, its ``part``, unless it is of this type, or ``Callable``.

    Raises
    ------
    ConfigError
        If it is of another.
    """
    if not isinstance(value, base):
        kind = f"{base.__module__}.{base.__qualname__}".removeprefix("builtins.")
        raise _misfit(kind, part, name, module)


def _misfit(kind: str, part: str, name: str, module: str) -> ConfigError:
    what = f"{part} of plug-in '{name}' is no {kind}"
    return ConfigError(what, where=module, hint=REPAIR)


def _word(kind: PluginKind) -> str:
    return {"fusion": "network", "analyses": "analysis"}.get(kind, kind.removesuffix("s"))


def _find(kind: PluginKind, name: str, modules: dict[str, list[str]]) -> str:
    if name not in modules:
        hint = choice(name, sorted(modules))
        raise ConfigError(f"no {_word(kind)} is called '{name}'", hint=hint)
    if len(modules[name]) > 1:
        raise clash(kind, name, modules[name])
    return modules[name][0]


def load_module(kind: PluginKind, name: str, path: str) -> ModuleType:
    """Import the module of a plug-in; errors as of `load`."""
    try:
        module = importlib.import_module(path)
    except Exception as error:  # the code is somebody else's
        if path.startswith("emocli."):
            raise
        what = f"plug-in '{name}' cannot be imported ({reason(error)})"
        raise ConfigError(what, where=path, hint=REPAIR) from error
    own = vars(module)
    for offered, offer in OFFERS[kind].items():
        if own.setdefault(offered, offer.default) is REQUIRED:
            must = ", ".join(each for each, o in OFFERS[kind].items() if o.default is REQUIRED)
            del own[offered]
            hint = f"a module of emocli.{kind} offers {must}"
            raise ConfigError(f"plug-in '{name}' has no {offered}", where=path, hint=hint)
        if not offer.fits(own[offered]):
            raise _misfit(str(offer), offered, name, path)
    return module


def _describe(name: str, module: str) -> Description:
    text = _docstring(module)
    summary = text.partition("\n")[0].rstrip(".")
    return Description(name, summary, _after("Source:", text), _after("Licence:", text))


def _after(start: str, text: str) -> str:
    match = re.search(rf"^{start}(.+?)(?=\n\n|\nLicence:|\Z)", text, re.DOTALL | re.MULTILINE)
    return " ".join(match[1].split()).rstrip(".") if match else ""


def _docstring(module: str) -> str:
    """Read the docstring of a module, and no further."""
    spec = _spec(module)
    if not spec or not spec.origin:
        return ""
    with Path(spec.origin).open(encoding="utf-8") as file:
        tokens = tokenize.generate_tokens(file.readline)
        first = next(token for token in tokens if token.type not in (tokenize.COMMENT, tokenize.NL))
    return cleandoc(ast.literal_eval(first.string)) if first.type == tokenize.STRING else ""


def _spec(module: str) -> ModuleSpec | None:
    """Find a module; neither it nor the packages it is in are imported."""
    top, *parts = module.split(".")
    spec = importlib.util.find_spec(top)
    for part in parts:
        folders = spec.submodule_search_locations if spec else None
        spec = PathFinder.find_spec(f"{spec.name}.{part}", folders) if spec and folders else None
    return spec
