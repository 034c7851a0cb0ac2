"""Padded sequences, batches of clips or dialogues, and the output of a fusion network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Padded:
    """Sequences of unequal length, padded at the end.

    Attributes
    ----------
    values : Tensor, shape (B, T, D)
        What lies past a length, or where ``present`` is false, is never read.
    lengths : Tensor of int64, shape (B,)
        Steps of each sequence; 0 where the modality is missing.
    present : Tensor of bool, shape (B, T), optional
        False for steps inside the length that were not observed. None: all were.
    """

    values: Tensor
    lengths: Tensor
    present: Tensor | None = None

    @classmethod
    def from_rows(cls, rows: Sequence[NDArray[Any]]) -> Padded:
        """Pad arrays of shape (T_b, D) to (B, max T, D), float32; T is at least 1."""
        lengths = torch.tensor([len(row) for row in rows], dtype=torch.int64)
        longest = max(1, int(lengths.max()) if len(rows) else 1)
        values = torch.zeros(len(rows), longest, rows[0].shape[1] if len(rows) else 0)
        for target, row in zip(values, rows, strict=True):
            target[: len(row)] = torch.from_numpy(np.array(row, dtype=np.float32))
        return cls(values, lengths)

    @property
    def mask(self) -> Tensor:
        """Bool, shape (B, T): true on observed steps."""
        steps = torch.arange(self.values.shape[1], device=self.values.device)
        inside = steps < self.lengths[:, None]
        return inside if self.present is None else inside & self.present

    @property
    def observed(self) -> Tensor:
        """Bool, shape (B,): true where the sequence has at least one observed step."""
        return self.mask.any(dim=1)

    def mean(self) -> Tensor:
        """Mean over observed steps, shape (B, D); zero where there is none."""
        mask = self.mask[..., None]
        total = self.values.masked_fill(~mask, 0).sum(dim=1)
        return total / mask.sum(dim=1).clamp(min=1)

    def rows(self) -> list[NDArray[np.float32]]:
        """Return the sequences (T_b, D) without their padding."""
        pairs = zip(self.values, self.lengths.tolist(), strict=True)
        return [values[:length].detach().cpu().numpy() for values, length in pairs]

    def with_values(self, values: Tensor) -> Padded:
        """Other values on the same steps."""
        return replace(self, values=values)

    def to(self, device: torch.device | str) -> Padded:
        """Move to a device."""
        present = None if self.present is None else self.present.to(device)
        return Padded(self.values.to(device), self.lengths.to(device), present)


Views = Mapping[str, Padded]
"""The arrays of each modality."""


@dataclass(frozen=True)
class Batch:
    """Clips for a network, by themselves or as whole dialogues.

    Attributes
    ----------
    ids : tuple of str
        The clips to be classified, n of them. For dialogues: those of the first dialogue in their
        order, then those of the second, and so on.
    views : mapping
        Modality to its padded arrays, a row per clip.
    targets : Tensor, optional
        One row per clip: shape (n,) int64 for a single-label task, (n, C) float32 otherwise.
    turns : Tensor of int64, shape (B,), optional
        Clips of each dialogue; None if the clips stand by themselves.
    speakers : Tensor of int64, shape (n,), optional
        Who speaks, counted from 0 within each dialogue in the order of appearance; None if the
        clips stand by themselves.
    condensed : bool
        Whether the network's own ``condense`` has been over the views.
    """

    ids: tuple[str, ...]
    views: Mapping[str, Padded]
    targets: Tensor | None = None
    turns: Tensor | None = None
    speakers: Tensor | None = None
    condensed: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def in_dialogue(self) -> Tensor:
        """Bool, shape (B, K): the places that the clips take in dialogues of up to K of them."""
        turns = torch.ones(len(self), dtype=torch.int64) if self.turns is None else self.turns
        places = torch.arange(int(turns.max()) if len(turns) else 1, device=turns.device)
        return places < turns[:, None]

    def with_views(self, views: Mapping[str, Padded]) -> Batch:
        """Other views of the same clips."""
        return replace(self, views=views)

    def to(self, device: torch.device | str) -> Batch:
        """Move to a device."""

        def moved(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        views = {name: view.to(device) for name, view in self.views.items()}
        targets, turns, speakers = map(moved, (self.targets, self.turns, self.speakers))
        return replace(self, views=views, targets=targets, turns=turns, speakers=speakers)


@dataclass(frozen=True)
class FusionOutput:
    """The output of a fusion network.

    Attributes
    ----------
    logits : Tensor, shape (n, C)
        Unnormalised scores, or predicted intensities, of every clip.
    weights : mapping
        Weight of each modality, shape (n,), where the network has them.
    attention : mapping
        Attention over the steps of each view, shape (n, hops, T), where the network has it.
    gates : mapping
        How far each view passes its gate, shape (n, hops), where the network has one.
    path_logits : Tensor, shape (P, n, C), optional
        In training, the logits of the paths of functionals beside the network, where there are any.
    vector : Tensor, shape (n, W), optional
        What the last layers make the logits of, where the network tells it.
    """

    logits: Tensor
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    attention: Mapping[str, Tensor] = field(default_factory=dict)
    gates: Mapping[str, Tensor] = field(default_factory=dict)
    path_logits: Tensor | None = None
    vector: Tensor | None = None
