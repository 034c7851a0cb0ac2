"""Modality dropout: a network learns to do without any modality.

Source: Neverova et al. 2016, IEEE TPAMI (ModDrop).
"""

from __future__ import annotations

import numpy as np
import torch

from emocli.data.batch import Batch, Padded


def drop_modalities(batch: Batch, share: float, rng: np.random.Generator) -> Batch:
    """Zero whole modalities of clips, each with probability ``share``; one of a clip always stays.

    Zero is the mean of standardised features, as of one that the check does not trust; lengths and
    masks stay. What a clip lacks anyway, or is zero throughout, does not count.
    """
    there = np.stack([_is_present(view).cpu().numpy() for view in batch.views.values()], axis=1)
    dropped = there & (rng.random(there.shape) < share)
    spared = (there * rng.random(there.shape)).argmax(axis=1)
    bare = (dropped == there).all(axis=1)
    dropped[bare, spared[bare]] = False
    return batch.with_views(
        {
            modality: _zeroed(view, torch.from_numpy(lost))
            for (modality, view), lost in zip(batch.views.items(), dropped.T, strict=True)
        }
    )


def _is_present(view: Padded) -> torch.Tensor:
    """Tell which views are present, (B,): condensed rows of a missing view are zeros."""
    return view.values.masked_fill(~view.mask[..., None], 0).flatten(1).any(dim=1)


def _zeroed(view: Padded, lost: torch.Tensor) -> Padded:
    lost = lost.to(view.values.device)[:, None, None]
    return view.with_values(view.values.masked_fill(lost, 0))
