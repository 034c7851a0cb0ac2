"""Saved predictions of the valid split by a network before its last fit, which learns from it.

Trials of a search leave them, so that two can be compared clip by clip.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from emocli.config import Settings
from emocli.data.arrays import Reals
from emocli.data.durable import write_text
from emocli.data.json_io import as_json

FILE = "valid.json"

Label = Annotated[int, Field(ge=0, le=10**9)]
Value = Annotated[float, Field(ge=-1e39, le=1e39)]
"""What 32 bits hold."""


class ValidPredictions(Settings):
    """Predictions of the valid split.

    Attributes
    ----------
    ids : tuple of str, length n
        The clips.
    labels : tuple of int, or of tuples of float
        Of each clip: its class, or a number for each class.
    predictions : tuple of tuples of float, (n, C)
        Probabilities or intensities.
    """

    ids: tuple[str, ...]
    labels: tuple[Label, ...] | tuple[tuple[Value, ...], ...]
    predictions: tuple[tuple[Value, ...], ...]

    @model_validator(mode="after")
    def _fit(self) -> Self:
        rows = (self.labels, self.predictions)
        if any(len(each) != len(self.ids) for each in rows) or len({*self.ids}) != len(self.ids):
            raise ValueError("ids, labels and predictions are not as many")
        widths = {len(row) for row in self.predictions}
        widths |= {len(label) for label in self.labels if isinstance(label, tuple)}
        if len(widths) > 1:
            raise ValueError("labels and predictions are of unlike widths")
        if any(isinstance(label, int) and label >= max(widths) for label in self.labels):
            raise ValueError("a label is of no class")
        return self

    @property
    def targets(self) -> NDArray[np.int64] | Reals:
        """The labels, (n,) or (n, C)."""
        return np.asarray(self.labels)

    @property
    def values(self) -> Reals:
        """The predictions, (n, C)."""
        return np.asarray(self.predictions, np.float64)


def write_valid_predictions(run: Path, predictions: ValidPredictions) -> None:
    """Write them into the run of one seed."""
    write_text(run / FILE, as_json(predictions.model_dump(mode="json")))
