"""Targets of a training that are not just the clips' labels: votes and mixtures.

Source: Zhang et al. 2018, ICLR (mixup); Beard et al. 2018, CoNLL (vote fractions as targets).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from emocli.data.batch import Batch, Padded
from emocli.data.samples import Samples
from emocli.errors import ManifestError


def votes(samples: Samples) -> Mapping[str, Tensor]:
    """Return the share of the votes for each class, shape (C,), by clip.

    Raises
    ------
    ManifestError
        If a clip has none.
    """
    manifest = samples.manifest
    fractions = {}
    for clip in samples.clips:
        shares = [clip.labels.get(name, 0.0) for name in manifest.classes]
        if sum(shares) <= 0:
            raise ManifestError(
                f"clip '{clip.id}' has no votes",
                where=manifest.path or manifest.dataset,
                hint="choose train.target=label, or write the manifest with the votes "
                "(cremad.fractions=true, iemocap.fractions=true, columns label.<class> of a table)",
            )
        fractions[clip.id] = torch.tensor(shares) / sum(shares)
    return fractions


def mixed(batch: Batch, classes: int, strength: float, order: np.random.Generator) -> Batch:
    """Mix every clip with another one of the batch, and the targets likewise.

    The share of the clip itself is drawn once for the batch, from Beta(strength, strength), and is
    at least a half; its length stays. Where the other clip has ended or lacks the modality, or lies
    outside the mask, it counts as zero, the mean.

    Parameters
    ----------
    batch : Batch
        Clips; targets as a batch holds them, or (n, classes).
    classes : int
        Number of classes.
    strength : float
        The greater, the more evenly two clips are mixed.
    order : Generator
        Source of randomness.
    """
    share = float(order.beta(strength, strength))
    share = max(share, 1 - share)
    others = torch.from_numpy(order.permutation(len(batch)))

    def blend(values: Tensor) -> Tensor:
        return share * values + (1 - share) * values[others]

    def blended(view: Padded) -> Padded:
        return view.with_values(blend(view.values.masked_fill(~view.mask[..., None], 0)))

    targets = batch.targets
    if targets is not None and not targets.is_floating_point():
        targets = functional.one_hot(targets, classes).float()
    views = {name: blended(view) for name, view in batch.views.items()}
    return replace(batch, views=views, targets=None if targets is None else blend(targets))
