"""The calibration of a network when its training ends, on the validation clips."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.manifest import Task
from emocli.metrics.calibration import calibration_error, each_class
from emocli.models.calibration import COVERAGE, LEAST, MOST, Calibration
from emocli.models.settings import TrainConfig
from emocli.training.outputs import NetworkOutputs

TINY = 1e-12
"""Keeps the logarithm of a probability finite."""


def calibrate(
    outputs: NetworkOutputs, task: Task, config: TrainConfig, classes: tuple[str, ...]
) -> Calibration:
    """Fit a temperature to the outputs for validation clips, or intervals to intensities.

    The temperature is that of the least cross-entropy (Guo et al. 2017); the labels count as in
    Platt 1999, as if there were one clip more on the other side: clips that are all judged rightly
    do not make a network infinitely sure. Half the width
    of an interval is the quantile of the absolute residuals that covers `COVERAGE` of new clips
    like these (split conformal prediction, Lei et al. 2018, JASA), by class.

    With ``train.refit`` the network that is kept was trained on these clips as well, on which it
    would be sure of everything: it takes over what the first fit was worth, and says so.
    """
    n, targets = len(outputs.ids), outputs.targets.numpy()
    if task == "intensity":
        residuals = np.abs(outputs.values(task, config) - targets)
        widths = dict(zip(classes, map(_quantile, residuals.T), strict=True))
        return Calibration(clips=n, fitted_before_refit=config.refit, half_width=widths)
    if config.one_vs_rest:
        targets = each_class(targets, len(classes))
    temperature = _temperature(outputs, targets, task, config)
    return Calibration(
        clips=n,
        temperature=temperature,
        fitted_before_refit=config.refit,
        error_before=calibration_error(outputs.values(task, config), targets),
        error_after=calibration_error(outputs.values(task, config, temperature), targets),
    )


def _quantile(residuals: NDArray[np.float32]) -> float:
    n = len(residuals)
    rank = min(n, math.ceil((n + 1) * COVERAGE))
    return float(np.sort(residuals)[rank - 1])


def _temperature(
    outputs: NetworkOutputs, targets: NDArray[Any], task: Task, config: TrainConfig
) -> float:
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        values = outputs.values(task, config, math.exp(log_temperature)).astype(np.float64)
        return _cross_entropy(values, targets)

    bounds = (math.log(LEAST), math.log(MOST))
    return float(math.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def _cross_entropy(values: NDArray[np.float64], targets: NDArray[Any]) -> float:
    """Mean over clips (n,), or over clips and classes (n, C); the targets leave some doubt."""
    values, doubt = values.clip(TINY, 1 - TINY), 1 / (len(targets) + 2)
    present = each_class(targets, values.shape[1]) > 0.5
    if targets.ndim == 1:
        others = values.shape[1] - 1
        wanted = np.where(present, 1 - doubt, doubt / max(others, 1))
        return float(-(wanted * np.log(values)).sum(axis=1).mean())
    wanted = np.where(present, 1 - doubt, doubt)
    return float(-(wanted * np.log(values) + (1 - wanted) * np.log1p(-values)).mean())
