"""A network's outputs for clips, and their comparison with the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emocli.config import build
from emocli.data.manifest import Task
from emocli.data.samples import Level, Samples
from emocli.metrics import metrics
from emocli.models import losses
from emocli.models.settings import TrainConfig
from emocli.models.valid_predictions import ValidPredictions
from emocli.plugin.network import Network


@dataclass(frozen=True)
class NetworkOutputs:
    """Logits of clips.

    Attributes
    ----------
    ids : tuple of str
        The clips.
    logits : Tensor, shape (n, C)
        On the CPU.
    targets : Tensor
        (n,) or (n, C), as in a Batch.
    """

    ids: tuple[str, ...]
    logits: Tensor
    targets: Tensor

    def values(
        self, task: Task, config: TrainConfig, temperature: float | None = None
    ) -> NDArray[np.float32]:
        """Return what the logits mean: probabilities or intensities, shape (n, C)."""
        logit_task = config.logit_task(task)
        return losses.probabilities(logit_task, config.loss, self.logits, temperature).numpy()

    def saved(self, task: Task, config: TrainConfig) -> ValidPredictions:
        """Return them as they are saved.

        Raises
        ------
        ConfigError
            If one is not finite.
        """
        labels, values = self.targets.tolist(), self.values(task, config).tolist()
        saved = {"ids": self.ids, "labels": labels, "predictions": values}
        return build(ValidPredictions, saved, "predictions of the valid split")

    def scores(self, task: Task, config: TrainConfig, classes: Sequence[str]) -> metrics.Scores:
        """Compare with the labels."""
        values = self.values(task, config)
        return metrics.score(task, self.targets.numpy(), values, classes, config.one_vs_rest)


def predict(
    network: Network, samples: Samples, batch_size: int, device: torch.device | str = "cpu"
) -> NetworkOutputs:
    """Compute the logits of every clip, in 32 bits."""
    network.eval()
    ids: list[str] = []
    logits: list[Tensor] = []
    targets: list[Tensor] = []
    with torch.inference_mode():
        for batch in samples.batches(batch_size, level(network)):
            output = network(batch.to(device))
            ids.extend(batch.ids)
            logits.append(output.logits.cpu())
            if batch.targets is not None:
                targets.append(batch.targets)
    return NetworkOutputs(tuple(ids), torch.cat(logits), torch.cat(targets or [torch.empty(0)]))


def level(network: Network | type[Network]) -> Level:
    """Whether a network takes clips or dialogues."""
    return network.level
