"""The common part of features of published encoders: encoder, layers, and where it computes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from emocli.config import Tree
from emocli.data.track import Rows
from emocli.models.encoder_files import folder_digest
from emocli.models.hub import commit_of, noted_revision
from emocli.plugin.feature import Device, ParametersConfig, device

if TYPE_CHECKING:
    from emocli.models.hub_encoder import HiddenStates, Modality

Layer = Annotated[int, Field(ge=-1000, le=1000)]
F = TypeVar("F", bound=np.floating)


class HiddenConfig(ParametersConfig):
    """Settings: the encoder, and which of its hidden states.

    Attributes
    ----------
    encoder : str
        The encoder: its name on the Hugging Face hub, or a local folder in that layout;
        safetensors only.
    revision : str, optional
        Branch, tag or commit on the hub.
    layers : int, list of int or 'all'
        Which hidden states: 0 is before the first layer, -1 after the last.
    mix : {'side', 'mean'}
        Several layers stand side by side, so that a training can learn their mix
        (``train.layer_mix``), or are averaged.
    half : bool
        Compute in half precision: float16 on a GPU, bfloat16 on a CPU.
    batch : int
        Chunks or pictures computed at a time.
    device : {'auto', 'cpu', 'cuda'}
        Where to compute; ``auto`` is a GPU if there is one.
    """

    encoder: str
    revision: str | None = None
    layers: Layer | Literal["all"] | tuple[Layer, ...] = -1
    mix: Literal["side", "mean"] = "side"
    half: bool = False
    batch: Annotated[int, Field(ge=1, le=4096)] = 16
    device: Device = "auto"

    @classmethod
    def digest_of(cls, values: Tree) -> str:
        """Return the digest of a local encoder (`folder_digest`), or the commit on the hub."""
        name, revision = str(values.get("encoder", "")), values.get("revision")
        return folder_digest(Path(name)) or commit_of(name, str(revision) if revision else None)

    @cached_property
    def loaded_revision(self) -> str | None:
        """The revision that is loaded; see `noted_revision`."""
        return noted_revision(self.encoder, self.revision, self.digest)


def hidden_states(config: HiddenConfig, modality: Modality, name: str) -> HiddenStates:
    """Load the encoder of a feature.

    Raises
    ------
    ConfigError
        If it, or the device, cannot be had.
    """
    import torch

    from emocli.models.hub_encoder import HiddenStates, load_encoder

    place = device(config.device, f"{name}.device")
    network = load_encoder(config.encoder, modality, config.loaded_revision)
    half = torch.float16 if place == "cuda" else torch.bfloat16
    network.to(dtype=half if config.half else torch.float32)  # type: ignore[call-arg]
    network.to(device=place)  # type: ignore[call-arg]
    return HiddenStates(network, _several(config.layers), config.mix == "mean")


def _several(layers: int | Literal["all"] | Sequence[int]) -> Literal["all"] | Sequence[int]:
    match layers:
        case int():
            return (layers,)
        case _:
            return layers


def pooled(rows: Rows, how: Literal["mean", "mean_std", "max"]) -> Rows:
    """Return one row for many, shape (1, D), or (1, 2 D) for mean and deviation."""
    if how == "max":
        return np.asarray(rows.max(axis=0, keepdims=True))
    mean: Rows = rows.mean(axis=0, keepdims=True)
    return mean if how == "mean" else np.hstack([mean, rows.std(axis=0, keepdims=True)])


def pooled_names(names: Sequence[str], how: str) -> tuple[str, ...]:
    """Name the columns of pooled rows."""
    if how != "mean_std":
        return tuple(names)
    return (*(f"mean.{name}" for name in names), *(f"std.{name}" for name in names))


def strided(rows: NDArray[F], stride: int) -> NDArray[F]:
    """Average every ``stride`` rows after each other; the last of them may be fewer."""
    if stride == 1 or not len(rows):
        return rows
    edges = np.arange(0, len(rows), stride)
    counts = np.diff([*edges, len(rows)])
    sums = np.add.reduceat(rows.astype(np.float64), edges, axis=0)
    return (sums / counts.reshape(-1, *[1] * (rows.ndim - 1))).astype(rows.dtype)
