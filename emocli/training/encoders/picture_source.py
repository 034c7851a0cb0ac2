"""The source of the pictures that an encoder of a kind looks at, and their changes in training.

A file of `emocli.training.encoders.kinds` is a kind; it is named after it and offers ``SOURCE``.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from emocli import plugins
from emocli.config import Tree
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.errors import ConfigError, choice
from emocli.models.encoder import PixelArray
from emocli.plugin.encoder import PACKAGE, PictureKind
from emocli.training.encoders.augment import AugmentConfig

Draw = Callable[[int, np.random.Generator | None], PixelArray]
"""(index, rng) -> picture; without rng the same one every time."""

DrawAugmented = Callable[[int, np.random.Generator], PixelArray]
"""(index, rng) -> picture, changed at random."""


@dataclass(frozen=True)
class CorpusInputs:
    """Where the pictures of a corpus's clips come from.

    Attributes
    ----------
    manifest : Manifest
        The corpus.
    store : Path
        Its features.
    side : int
        Pixels a side that pictures are brought to.
    cache : Path
        Folder for what is read from recordings once.
    """

    manifest: Manifest
    store: Path
    side: int
    cache: Path


@dataclass(frozen=True)
class Pictures:
    """Pictures without their classes.

    Attributes
    ----------
    clips : tuple of Clip
        What each is of.
    draw : callable
        Reads one; a clip with several gives any of them.
    fingerprint : str
        Of the feature or files they are read from.
    settings : mapping
        Those of the feature.
    """

    clips: tuple[Clip, ...]
    draw: Draw
    fingerprint: str = ""
    settings: Tree = field(default_factory=dict)


@dataclass(frozen=True)
class PictureSource(ABC):
    """The source of an encoder's pictures.

    Attributes
    ----------
    kind : str
        The kind of the encoder, as commands and runs state it.
    epochs : int
        Epochs at most, unless set (Chudasama 2022, sec. 4.2).
    suffixes : frozenset of str
        Ends of the names of files that a folder of them may hold.
    feature : str
        The feature it looks at; empty if it looks at recordings.
    """

    kind: PictureKind
    epochs: int
    suffixes: frozenset[str]
    feature: str = ""

    @property
    def needs(self) -> str:
        """What a clip has to have."""
        return self.feature or "a video"

    @abstractmethod
    def of_clips(self, clips: Sequence[Clip], inputs: CorpusInputs) -> Pictures:
        """Return the pictures of the clips that have one, in their order.

        Raises
        ------
        EmocliError
            If the feature is not there, or is another.
        """

    @abstractmethod
    def of_files(self, files: Sequence[Path]) -> Pictures:
        """Return the pictures that files hold."""

    @abstractmethod
    def augmented(self, pictures: Pictures, augment: AugmentConfig) -> DrawAugmented:
        """Return what draws pictures and changes them.

        Raises
        ------
        ConfigError
            If something that it needs is not there.
        """


def picture_source(kind: str) -> PictureSource:
    """Return the source of a kind.

    Raises
    ------
    ConfigError
        If there is none.
    """
    modules = plugins.files(PACKAGE)
    if kind not in modules:
        raise ConfigError(f"no encoder is of kind '{kind}'", hint=choice(kind, sorted(modules)))
    source: PictureSource = importlib.import_module(modules[kind]).SOURCE
    return source
