"""Features: an array for every clip, of one modality.

A module of kind ``features`` offers

``MODALITY``
    the modality of its feature: ``text``, ``audio``, ``visual`` or any other string;
``REQUIRES``
    names of the features it is computed from (a tuple, usually empty);
``PER_CLIP``
    true if the track of a clip depends on nothing but that clip, its media and what is upstream:
    then it is kept when other clips join the manifest;
``LIBRARIES`` (optional)
    names of the distributions it runs on beside NumPy, SciPy and h5py (a tuple): their versions
    are recorded in the store;
``EXTRA`` (optional)
    the extra of its package that has to be installed for it;
``ENCODER`` (optional)
    the kind of encoder that is trained for it, ``audio``, ``face``, ``scene`` or ``text``, whose
    folder is its setting ``encoder``;
``Config``
    its settings;
``prepare(config, clips) -> Extractor``
    called once, before any clip, with all clips of the manifest (to collect a vocabulary, say);
    the extractor is pickled to the workers.

A line ``Licence:`` of its docstring says on what terms its results may be used, where not all may
use them: `emocli info` and the cards of runs repeat it.

>>> import numpy as np
>>> class WordLengths:
...     names, rate = ("letters",), None
...
...     def __call__(self, clip, upstream):
...         if not clip.text:
...             raise Absent(f"{clip.id} has no text")
...         return Track(np.array([[len(word)] for word in clip.text.split()], np.float32))
>>> WordLengths()(Clip("a", text="so it is"), {}).values.ravel()
array([2., 2., 2.], dtype=float32)
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any, Literal, Protocol

from emocli.config import Settings
from emocli.data.clip import Clip as Clip
from emocli.data.track import Absent as Absent
from emocli.data.track import Track as Track
from emocli.errors import ConfigError, StoreError

Device = Literal["auto", "cpu", "cuda"]
"""``auto`` is a GPU if there is one."""


class UnknownWordsError(StoreError):
    """A feature knows none of the words that the clips hold, and so can tell nothing of them."""


class Extractor(Protocol):
    """Computes one feature clip by clip; must survive pickling.

    ``names`` are the names of the columns (empty where they have none) and ``rate`` is the number
    of rows per second (None where irregular).
    """

    names: Sequence[str]
    rate: float | None

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Compute the feature of one clip: (T, ...), T may differ from clip to clip.

        ``upstream`` holds the clip's tracks of the features in ``REQUIRES``.

        Raises
        ------
        Absent
            If the clip has no such medium or text.
        EmocliError
            If its medium cannot be used.
        """
        ...


class Feature(Protocol):
    """The module of a feature plug-in, as a type: loaded, with defaults for what it may lack."""

    MODALITY: str
    REQUIRES: tuple[str, ...]
    PER_CLIP: bool
    LIBRARIES: tuple[str, ...]
    EXTRA: str
    ENCODER: Literal["audio", "face", "scene", "text"] | None
    Config: type[Settings]

    def prepare(self, config: Any, clips: Sequence[Clip]) -> Extractor:
        """Make the extractor for a corpus."""
        ...


@dataclass(frozen=True)
class Reloading:
    """Base of frozen dataclasses that keep a network in a cached property.

    The network stays behind where they are pickled: every process loads its own.
    """

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), tuple(getattr(self, each.name) for each in fields(self))


def installed(package: str, extra: str) -> ModuleType:
    """Import a package that comes with an extra of emocli.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        hint = f"pip install 'emocli[{extra}]'"
        raise ConfigError(f"the package '{package}' is not installed", hint=hint) from None


def device(wanted: Device, where: str) -> str:
    """Choose where to compute: ``cpu`` or ``cuda``.

    Parameters
    ----------
    wanted : {'auto', 'cpu', 'cuda'}
        The setting's value.
    where : str
        The setting's name.

    Raises
    ------
    ConfigError
        If a GPU is asked for and there is none.
    """
    import torch

    gpu = torch.cuda.is_available()
    if wanted == "cuda" and not gpu:
        raise ConfigError("there is no GPU", where=where, hint="set it to auto")
    return "cuda" if gpu and wanted != "cpu" else "cpu"
