"""Settings of a training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from emocli.config import Settings
from emocli.data.manifest import Task
from emocli.data.standardise import OUTLIERS
from emocli.errors import ConfigError
from emocli.learn.losses import LossName
from emocli.learn.metrics import PROTOCOLS

MONITORS: dict[Task, str] = {"single": "accuracy", "multi": "weighted_f1", "intensity": "mse_sum"}
"""What decides which epoch is best, by default (Beard 2018; Mittal 2020)."""

Positive = Annotated[int, Field(ge=1)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class TrainConfig(Settings):
    """Settings of a training.

    Attributes
    ----------
    lr, weight_decay : float
        Of the optimizer.
    batch_size : int
        Clips, or dialogues.
    epochs, patience : int
        At most so many epochs; fewer once ``patience`` in a row have not been better than the best.
    clip : float
        Largest norm of the gradient; 0 for no limit.
    loss : {'auto', 'ce', 'l2', 'bce', 'huber'}
        `emocli.learn.losses.base_loss`.
    label_smoothing : float
        The same.
    class_weights : {'none', 'balanced'}
        Whether the loss weighs classes by the inverse of their frequency in the train split.
    sampler : {'none', 'balanced'}
        Whether an epoch draws clips so that every class is equally frequent.
    optimizer : {'adam', 'adamw'}
        Weight decay as a part of the gradient, or decoupled.
    scheduler : {'none', 'plateau'}
        Whether the learning rate is halved whenever a third of ``patience`` epochs have not been
        better than the best.
    monitor : str
        Validation figure by which the best epoch is chosen: ``loss`` or one of the task's metrics.
        ``auto`` is accuracy for one class per clip, the weighted F1 for any number of classes and
        the summed squared error for intensities. A tie is decided by the validation loss.
    precision : {'32-true', 'bf16-mixed', '16-mixed'}
        Of the arithmetic; validation is always in 32 bits.
    accelerator : {'auto', 'cpu', 'cuda'}
        Where to compute.
    threads : int
        Of the CPU; 0 leaves the choice to PyTorch. Small networks are fastest with one.
    seed : int
        Of the parameters' first values, the order of the clips and dropout.
    outliers : float
        Robust standard deviations from the median beyond which a number of a feature is clipped,
        and counted; 0 clips none.
    cache_mb : int
        Memory for features that would otherwise be read in every epoch.
    """

    lr: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1e-3
    batch_size: Positive = 32
    epochs: Positive = 100
    patience: Positive = 10
    weight_decay: NotNegative = 1e-5
    clip: NotNegative = 1.0
    loss: LossName = "auto"
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    sampler: Literal["none", "balanced"] = "none"
    optimizer: Literal["adam", "adamw"] = "adam"
    scheduler: Literal["none", "plateau"] = "none"
    monitor: str = "auto"
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Field(ge=0)] = 0
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    outliers: NotNegative = OUTLIERS
    cache_mb: Annotated[int, Field(ge=0)] = 512

    def monitored(self, task: Task) -> str:
        """Return the figure that decides.

        Raises
        ------
        ConfigError
            If the task has no such figure.
        """
        known = ["loss", *PROTOCOLS[task]]
        name = MONITORS[task] if self.monitor == "auto" else self.monitor
        if name not in known:
            raise ConfigError(
                f"setting 'train.monitor' = '{name}' is no figure of a task of kind '{task}'",
                mend=f"there are: auto, {', '.join(known)}",
            )
        return name
