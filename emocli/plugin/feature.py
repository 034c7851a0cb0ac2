"""Features: an array for every clip, of one modality.

A module of kind ``features`` offers

``MODALITY``
    the modality of its feature: ``text``, ``audio``, ``visual`` or any other string;
``PER_CLIP``
    true if the track of a clip depends on nothing but that clip, its media and what is upstream:
    then it is kept when other clips join the manifest;
``REQUIRES`` (optional)
    names of the features it is computed from (a tuple);
``LIBRARIES`` (optional)
    names of the distributions it runs on beside NumPy, SciPy and h5py (a tuple): their versions
    are recorded in the store;
``ENCODER`` (optional)
    the kind of encoder that is trained for it, ``audio``, ``face``, ``scene`` or ``text``, whose
    folder is its setting ``encoder``;
``HUB`` (optional)
    names of the settings that name a model of the hub, or its folder (a tuple); `emocli pack`
    copies what these and all settings of type `Path` name;
``PRETRAINED`` (optional)
    setting to a model of `emocli models` and the file of it that stands for the setting where
    nothing is set (a mapping);
``VECTORS`` (optional)
    its table of word vectors, a `WordTable`, of which `emocli pack` can take some words alone;
``PEOPLE`` (optional)
    a `PeopleFinder`, by which predictions follow people through a recording, and compute the
    feature, and all that is computed from it, of one of them;
``Config``
    its settings, a `ParametersConfig` if it computes with parameters from files;
``prepare(config, clips) -> Extractor``
    called once, before any clip, with all clips of the manifest (to collect a vocabulary, say);
    the extractor is pickled to the workers.

The sound of a clip is `mixed_down`, or its `first_channel`; its pictures are `frames`, or a few
`chosen_frames`. Types of bounded numbers for its settings are here, too: `SamplingRate`, `Side` and
others.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import Field, model_validator

from emocli.config import Settings, Tree
from emocli.data.clip import Clip as Clip
from emocli.data.media.content import Channel as Channel
from emocli.data.media.content import Frame as Frame
from emocli.data.media.content import chosen_frames as chosen_frames
from emocli.data.media.content import first_channel as first_channel
from emocli.data.media.content import frames as frames
from emocli.data.media.content import mixed_down as mixed_down
from emocli.data.media.content import read_frames as read_frames
from emocli.data.track import Absent as Absent
from emocli.data.track import Track as Track
from emocli.errors import ConfigError, StoreError
from emocli.plugin.encoder import EncoderKind as EncoderKind
from emocli.plugin.people import Appearances, Stretch
from emocli.quantities import Hertz as Hertz
from emocli.quantities import Milliseconds as Milliseconds
from emocli.quantities import PicturesAtOnce as PicturesAtOnce
from emocli.quantities import PicturesPerSecond as PicturesPerSecond
from emocli.quantities import Probability as Probability
from emocli.quantities import SamplingRate as SamplingRate
from emocli.quantities import Seed as Seed
from emocli.quantities import Side as Side
from emocli.quantities import Steps as Steps
from emocli.quantities import Tokens as Tokens
from emocli.quantities import Turns as Turns

ConfigT = TypeVar("ConfigT", bound=Settings)

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


class WordTable(Protocol):
    """A table of word vectors.

    ``setting`` is the one that names its file, a `Path`.
    """

    setting: str

    def unknown(self, config: Any) -> str:
        """Say what a word that the table does not have is."""
        ...

    def write(self, config: Any, clips: Sequence[Clip], path: Path) -> None:
        """Write a table of the words of some clips alone, in which each of them is what it was.

        Raises
        ------
        EmocliError
            If it cannot be read or written.
        """
        ...


class PeopleFinder(Protocol):
    """Finds people in recordings, and computes a feature of those who are wanted."""

    def find(
        self,
        config: Any,
        recording: Path,
        after: Stretch | None = None,
        progress: Callable[[float], None] = lambda seconds: None,
    ) -> Iterator[Stretch]:
        """Look for people in a recording, stretch by stretch.

        Parameters
        ----------
        config : Settings
            The feature's.
        recording : Path
            A video.
        after : Stretch, optional
            The last one that is known already. The others are the same as if all were looked for
            at once.
        progress : callable
            Told up to which second people are known, picture by picture.

        Notes
        -----
        Where a recording cannot be read any further, the last stretch ends: what its clips lack is
        told when they are computed.
        """
        ...

    def unsearched(self, config: Any) -> str:
        """Say which faces are not searched that would be by default; empty if none."""
        ...

    def extractor(
        self,
        config: Any,
        appearances: Mapping[Path, Appearances],
        people: Mapping[str, int | None],
    ) -> Extractor:
        """Return an extractor of the feature that does not look for faces again.

        Parameters
        ----------
        config : Settings
            The feature's.
        appearances : mapping
            Video to its faces.
        people : mapping
            Clip to the number of the person whose feature it is: the others are left out of its
            rows. None leaves all of them in, the largest face being the main one.
        """
        ...


class Feature(Protocol):
    """The module of a feature plug-in, as a type: loaded, with defaults for what it may lack."""

    MODALITY: str
    REQUIRES: tuple[str, ...]
    PER_CLIP: bool
    LIBRARIES: tuple[str, ...]
    ENCODER: EncoderKind | None
    HUB: tuple[str, ...]
    PRETRAINED: Mapping[str, tuple[str, str]]
    VECTORS: WordTable | None
    PEOPLE: PeopleFinder | None
    Config: type[Settings]

    def prepare(self, config: Any, clips: Sequence[Clip]) -> Extractor:
        """Make the extractor for a corpus."""
        ...


class ParametersConfig(Settings):
    """Base of the settings of a feature that computes with parameters from files.

    Attributes
    ----------
    digest : str
        SHA-256 of the parameters, and of what else changes what it computes, or the commit on the
        Hugging Face hub, filled in by itself: other parameters are another feature.
    """

    digest: str = Field(default="", repr=False)

    @classmethod
    def digest_of(cls, values: Tree) -> str:
        """Return the digest of the files that the settings name; empty if there are none."""
        raise NotImplementedError

    @model_validator(mode="before")
    @classmethod
    def _with_digest(cls, values: Tree) -> Tree:
        return values if values.get("digest") else {**values, "digest": cls.digest_of(values)}


@dataclass(frozen=True)
class Reloading:
    """Base of frozen dataclasses that keep a network in a cached property.

    The network stays behind where they are pickled: every process loads its own.
    """

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), tuple(getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True)
class ReloadingExtractor(Reloading, Generic[ConfigT]):
    """The same as an `Extractor`, with the settings of its feature."""

    config: ConfigT
    names: tuple[str, ...] = ()
    rate: float | None = None


def installed(package: str, extra: str, distribution: str = "emocli") -> ModuleType:
    """Import a package that comes with an extra of a distribution, which a plug-in's is to name.

    ``installed("opensmile", "smile", "my-package")`` is that of ``my-package[smile]``.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        hint = f"pip install '{distribution}[{extra}]'"
        raise ConfigError(f"the package '{package}' is not installed", hint=hint) from None


def device(wanted: Device, where: str) -> Literal["cpu", "cuda"]:
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
