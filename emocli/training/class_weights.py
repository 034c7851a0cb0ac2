"""Class frequencies, and weights against their imbalance."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emocli.data.samples import Samples
from emocli.models.settings import TrainConfig


def class_counts(samples: Samples) -> NDArray[np.int64]:
    """Count the clips that show each class, shape (C,)."""
    targets = samples.manifest.targets(samples.clips)
    if samples.manifest.task == "single":
        return np.bincount(targets, minlength=len(samples.manifest.classes))
    counts: NDArray[np.int64] = (targets > 0).sum(axis=0)
    return counts


def class_weights(config: TrainConfig, samples: Samples) -> Tensor | None:
    """Weigh the classes as the settings say, shape (C,); None for all alike.

    Raises
    ------
    ConfigError
        If the settings speak of another class.
    """
    classes = samples.manifest.classes
    weights = config.weighed(classes)
    if weights == "none":
        return None
    if weights == "balanced":
        return balanced(class_counts(samples), len(samples))
    return torch.tensor([weights[name] for name in classes])


def balanced(counts: NDArray[np.int64], clips: int) -> Tensor:
    """Weigh classes by the inverse of their frequency, (C,); a class nobody shows weighs 1."""
    weights = clips / (len(counts) * np.maximum(counts, 1))
    return torch.from_numpy(np.where(counts > 0, weights, 1)).float()
