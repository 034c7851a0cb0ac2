"""The representation of a clip's modality as one vector, for canonical correlation analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emocli.data.batch import Padded
from emocli.data.resample import resample
from emocli.data.track import Rows
from emocli.errors import ConfigError

Flags = NDArray[np.bool_]

RepresentationKind = Literal["flatten", "mean", "utterance", "step"]
Alignment = Literal["auto", "pad", "resample"]


@dataclass(frozen=True)
class Representation:
    """Turns sequences of any length into vectors of one width, one for a clip or for a step.

    Attributes
    ----------
    kind : {'flatten', 'mean', 'utterance', 'step'}
        ``flatten`` strings a fixed number of steps together, ``mean`` averages over the observed
        steps, ``utterance`` is for features that are one vector per clip already; ``step`` keeps
        steps apart.
    steps : mapping
        Modality to its number of steps (for ``flatten`` and ``step``, where all have the same).
    padded : bool
        Whether ``flatten`` pads with zeros, the mean of standardised features, and cuts what is
        longer (``step`` leaves the padding out); else the observed part is resampled, step by step
        the mean over an equal share of its duration. Padding keeps step t of one modality beside
        step t of another, which is right for features aligned to the same words, and for those
        alone.
    """

    kind: RepresentationKind
    steps: Mapping[str, int]
    padded: bool

    @classmethod
    def of(
        cls,
        lengths: Mapping[str, NDArray[np.int64]],
        kind: RepresentationKind = "flatten",
        steps: int = 20,
        alignment: Alignment = "auto",
    ) -> Self:
        """Choose for clips of these lengths, shape (n,) per modality (0: missing).

        With ``alignment='auto'`` clips are padded if in every one all modalities have the same
        number of steps, none more than ``steps``.

        Raises
        ------
        ConfigError
            If ``utterance`` is asked for and a clip has more than one step.
        """
        longest = {modality: int(counts.max(initial=0)) for modality, counts in lengths.items()}
        for modality, most in longest.items():
            if kind == "utterance" and most > 1:
                what = f"wants one row per clip, {modality} has up to {most}"
                raise ConfigError(
                    f"representation 'utterance' {what}", hint="choose flatten or mean"
                )
        auto = _aligned(lengths) and max(longest.values()) <= steps
        padded = auto if alignment == "auto" else alignment == "pad"
        if kind == "step":
            longest = dict.fromkeys(longest, max(longest.values()))
        return cls(kind, {m: max(1, min(steps, most)) for m, most in longest.items()}, padded)

    @property
    def per_clip(self) -> int:
        """Rows that stand for a clip."""
        return max(self.steps.values()) if self.kind == "step" else 1

    @property
    def by_place(self) -> bool:
        """Whether a vector depends on where in its sequence a step is."""
        return self.kind == "flatten" and max(self.steps.values()) > 1

    def __call__(self, views: Mapping[str, Padded]) -> dict[str, Rows]:
        """Return `per_clip` rows for each clip, float32, shape (B * rows, width), by modality.

        They are NaN where a clip lacks the modality, and where its features hold a number that is
        not finite; those of steps also in the padding.
        """
        return {modality: self._rows(modality, view) for modality, view in views.items()}

    def by_clip(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average over the rows of each clip that are not NaN, (B * rows, ...) -> (B, ...)."""
        rows = values.reshape(-1, self.per_clip, *values.shape[1:])
        known = ~np.isnan(rows)
        total, count = np.where(known, rows, 0).sum(axis=1), known.sum(axis=1)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def kept(self, rows: Rows, flags: Flags) -> Rows:
        """Make the rows of clips NaN, as if they lacked the modality, whose flag is not set."""
        return np.where(np.repeat(flags, self.per_clip)[:, None], rows, np.float32(np.nan))

    def of_clips(self, rows: Rows, clips: Flags) -> Rows:
        """Select the rows of some clips."""
        return rows[np.repeat(clips, self.per_clip)]

    def shown(self, rows: Rows) -> Flags:
        """Tell of which clips at least one row stands for something, shape (B,)."""
        return np.asarray(present(rows).reshape(-1, self.per_clip).any(axis=1))

    def _rows(self, modality: str, view: Padded) -> Rows:
        view = view.to("cpu")
        values = view.values.detach().masked_fill(~view.mask[..., None], 0)
        usable = view.observed & values.isfinite().flatten(1).all(dim=1)
        values = values.masked_fill(~usable[:, None, None], 0)
        if self.kind == "flatten":
            rows = self._steps(values, view.lengths, self.steps[modality]).flatten(1)
        elif self.kind == "step":
            rows = self._steps(values, view.lengths, self.per_clip).flatten(0, 1)
            usable = (usable[:, None] & self._valid_steps(view)).flatten()
        else:
            rows = view.with_values(values).mean()
        return rows.float().masked_fill(~usable[:, None], torch.nan).numpy()

    def _steps(self, values: Tensor, lengths: Tensor, steps: int) -> Tensor:
        if self.padded:
            return _cut(values, steps)
        own = lengths.clamp(min=1)
        return resample(values.double(), own, torch.full_like(own, steps))

    def _valid_steps(self, view: Padded) -> Tensor:
        """Tell which steps are not padding, shape (B, steps)."""
        if self.padded:
            return _cut(view.mask[..., None], self.per_clip)[..., 0]
        return torch.ones(len(view.lengths), self.per_clip, dtype=torch.bool)


def _cut(values: Tensor, steps: int) -> Tensor:
    """Truncate or zero-pad sequences, (B, T, D) -> (B, steps, D)."""
    shown = values[:, :steps]
    return torch.nn.functional.pad(shown, (0, 0, 0, steps - shown.shape[1]))


def present(rows: Rows) -> Flags:
    """Tell which rows stand for something, shape (B,)."""
    return np.asarray(np.isfinite(rows).all(axis=1))


def _aligned(lengths: Mapping[str, NDArray[np.int64]]) -> bool:
    counts = np.stack(list(lengths.values()))
    return bool(np.all((counts == counts.max(axis=0)) | (counts == 0)))
