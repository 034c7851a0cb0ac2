"""The common part of features of published picture encoders: a row per picture, or per clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from emocli.config import Tree
from emocli.data.track import Rows
from emocli.features._hidden import HiddenConfig, hidden_states, pooled, pooled_names
from emocli.features._picture_rows import PictureNetwork
from emocli.plugin.feature import Track
from emocli.quantities import Steps

if TYPE_CHECKING:
    from emocli.models.hub_encoder import HiddenStates

PROBE = np.zeros((64, 64, 3), np.uint8)
"""A picture by which the number of columns is told."""


class PicturesConfig(HiddenConfig):
    """Settings: the encoder, the pictures it sees, and what becomes of its rows.

    Attributes
    ----------
    tokens : {'cls', 'mean'}
        Of each picture the encoder's first token, or the mean of all (for encoders without a
        first token of that kind, such as SigLIP or ConvNeXt).
    pool : {'none', 'mean', 'mean_std', 'max'}
        A row per picture, or one per clip.
    stride : int
        Every so many pictures are looked at.
    """

    tokens: Literal["cls", "mean"] = "cls"
    pool: Literal["none", "mean", "mean_std", "max"] = "none"
    stride: Steps = 1


@dataclass(frozen=True)
class PictureEncoder(PictureNetwork):
    """A published encoder of pictures, which each process loads for itself."""

    config: PicturesConfig
    feature: str

    def rows(self, pictures: Sequence[NDArray[np.uint8]]) -> Rows:
        """Return a row per picture."""
        read = self._processor(images=list(pictures), return_tensors="pt")
        states = self._states({"pixel_values": read["pixel_values"]})
        rows = states[:, 0] if self.config.tokens == "cls" else states.mean(dim=1)
        return np.asarray(rows.numpy(), np.float32)

    def track(self, rows: Rows, times: NDArray[np.float64] | None, notes: dict[str, int]) -> Track:
        """Put the rows of a clip together as its settings say."""
        if self.config.pool != "none" and len(rows):
            return Track(pooled(rows, self.config.pool), notes=notes)
        return Track(rows, times if self.config.pool == "none" else None, notes=notes)

    def names(self) -> tuple[str, ...]:
        """Name the columns; errors as of `hidden_states`, or if it lacks a layer."""
        columns = self([PROBE]).shape[1]
        return pooled_names(self._states.names(columns), self.config.pool)

    @cached_property
    def _states(self) -> HiddenStates:
        return hidden_states(self.config, "image", self.feature)

    @cached_property
    def _processor(self) -> Any:
        from transformers import AutoImageProcessor

        from emocli.models.hub_encoder import obtained

        name = self.config.encoder

        def load(how: Tree) -> Any:
            # The same pixels whatever else is installed.
            how = {"backend": "pil", **how}
            return AutoImageProcessor.from_pretrained(name, **how)  # type: ignore[no-untyped-call]

        return obtained("image", name, load, self.config.loaded_revision)
