"""The common part of embedding features: the settings of a trained encoder, and its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Generic, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from emocli.config import Tree
from emocli.data.durable import digest
from emocli.models.encoder_files import settings_digest
from emocli.plugin.encoder import PictureKind
from emocli.plugin.feature import Device, ParametersConfig, Reloading, device
from emocli.quantities import PicturesAtOnce

if TYPE_CHECKING:
    from emocli.models.encoder import PictureTransform, PixelArray, ResNetEncoder


class EmbeddingConfig(ParametersConfig):
    """Settings: the encoder.

    Attributes
    ----------
    encoder : Path
        Folder that `emocli fit-encoder` wrote.
    device : {'auto', 'cpu', 'cuda'}
        Where to compute; ``auto`` is a GPU if there is one.
    batch : int
        Pictures that are computed at a time.
    """

    encoder: Path
    device: Device = "auto"
    batch: PicturesAtOnce = 32

    @classmethod
    def digest_of(cls, values: Tree) -> str:
        """Return the digest of the encoder; see `ParametersConfig` and `folder_digest`."""
        from emocli.models.rundir import MODEL

        model = Path(str(values.get("encoder", ""))) / MODEL
        return digest(model) + settings_digest(model.parent) if model.is_file() else ""


class FramesConfig(EmbeddingConfig):
    """Settings: the encoder, and the frames of a clip that it sees.

    Attributes
    ----------
    frames : int
        How many frames of a clip are looked at; all of a shorter one.
    place : {'center', 'start', 'uniform'}
        Which frames: a row in the middle, a row from the start, or spread over the clip.
    """

    frames: Annotated[int, Field(ge=1, le=10_000)] = 15
    place: Literal["center", "start", "uniform"] = "center"

    def chosen(self, count: int) -> NDArray[np.int64]:
        """Return the indices of the frames that are looked at, of ``count``."""
        if count <= self.frames:
            return np.arange(count)
        if self.place == "uniform":
            return ((np.arange(self.frames) + 0.5) * count / self.frames).astype(np.int64)
        start = (count - self.frames) // 2 if self.place == "center" else 0
        return start + np.arange(self.frames)


ConfigT = TypeVar("ConfigT", bound=EmbeddingConfig)


@dataclass(frozen=True)
class Embedder(Reloading):
    """A trained encoder of pictures or sounds, which each process loads for itself.

    Making one raises an `EmocliError` if the encoder cannot be used.
    """

    config: EmbeddingConfig
    kind: PictureKind

    def __post_init__(self) -> None:
        _ = self._loaded

    def __call__(self, pictures: Sequence[PixelArray]) -> NDArray[np.float32]:
        """Embed pictures, shape (n, dim)."""
        from emocli.models.encoder import embed

        return embed(*self._loaded, pictures, self.config.batch)

    def names(self) -> tuple[str, ...]:
        """Name the columns."""
        return tuple(f"emb{column:03d}" for column in range(self._loaded[1].config.dim))

    @cached_property
    def _loaded(self) -> tuple[ResNetEncoder, PictureTransform]:
        from emocli.models.encoder import load

        place = device(self.config.device, f"device of the {self.kind} encoder")
        encoder, screen = load(self.config.encoder, self.kind)
        return encoder.to(place), screen


@dataclass(frozen=True)
class EmbeddingExtractor(Generic[ConfigT]):
    """Base of extractors of embeddings: a row per clip."""

    config: ConfigT
    embedder: Embedder
    names: tuple[str, ...]
    rate: float | None = None

    @classmethod
    def load(cls, config: ConfigT, kind: PictureKind) -> Self:
        """Load the encoder; errors as `Embedder`."""
        embedder = Embedder(config, kind)
        return cls(config, embedder, embedder.names())
