"""Discarding what a check does not trust, the simplest of the repairs."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from emocli.data.batch import Padded
from emocli.robust.representation import Flags


def discard(views: Mapping[str, Padded], effective: Mapping[str, Flags]) -> dict[str, Padded]:
    """Zero what is not trusted, I_e(f) f; length and mask stay (Mittal 2020 eq. 1)."""
    return {m: _masked(view, torch.from_numpy(~effective[m])) for m, view in views.items()}


def _masked(view: Padded, bad: torch.Tensor) -> Padded:
    if not bad.any():
        return view
    bad = bad.to(view.values.device)[:, None, None]
    return view.with_values(view.values.masked_fill(bad, 0))  # Mittal 2020 eq. 1
