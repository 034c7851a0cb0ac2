"""The scores of a run under one condition, as its report has them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.evaluation.agreement import rater_agreement
from emocli.evaluation.cross_validation import Evaluator
from emocli.evaluation.predictions import Predictions
from emocli.evaluation.report import (
    GAINED,
    BaselineReport,
    CalibrationErrors,
    ConditionReport,
    FlagCounts,
    SweepPoint,
)
from emocli.metrics.calibration import calibration, calibration_error, each_class
from emocli.metrics.intervals import metric_intervals
from emocli.metrics.metrics import ERRORS
from emocli.metrics.paired import Paired, PairedSystem
from emocli.metrics.statistics import clustered
from emocli.metrics.summary import Estimate, compare, summarise


def condition_report(
    evaluator: Evaluator, predictions: Predictions, intervals: bool = True
) -> ConditionReport:
    """Return the scores of predictions under one condition, with the interval of every metric."""
    groups = drawn_with(evaluator, predictions)
    own = predictions.sum_metrics, predictions.targets, predictions.values
    return ConditionReport(
        **vars(summarise(predictions.scores, evaluator.seeds, groups)),
        corruption=tuple(corruption.label for corruption in predictions.corruptions),
        calibration=_calibration(predictions),
        flagged=_flagged(evaluator, predictions) if predictions.repair.label else None,
        classical=_classical(predictions, groups, intervals) if predictions.classical else None,
        reliability=calibration(predictions.targets, predictions.values)
        if predictions.task == "single"
        else None,
        agreement=rater_agreement(predictions, _predicted(evaluator, predictions)),
        intervals=metric_intervals(*own, groups) if intervals else None,
    )


def sweep_point(evaluator: Evaluator, predictions: Predictions) -> SweepPoint:
    """Return the scores of one corruption at one level."""
    (corruption,) = predictions.corruptions
    ratio = corruption.ratio
    return SweepPoint(
        **vars(condition_report(evaluator, predictions, intervals=False)),
        modality=corruption.subject,
        name=corruption.name,
        level=corruption.level,
        snr_db=None if ratio is None else round(10 * math.log10(ratio), 6),
    )


def _calibration(predictions: Predictions) -> CalibrationErrors | None:
    """Return the calibration errors of networks that were calibrated when their training ended."""
    if not predictions.uncalibrated:
        return None

    targets = predictions.targets
    if predictions.one_vs_rest:
        targets = each_class(targets, len(predictions.classes))

    def error(values: Sequence[NDArray[np.float32]]) -> float:
        return float(np.mean([calibration_error(each, targets) for each in values]))

    return CalibrationErrors(
        before=error(predictions.uncalibrated), after=error(predictions.values)
    )


def _classical(
    predictions: Predictions, groups: Sequence[str], intervals: bool
) -> dict[str, BaselineReport]:
    """Return the classical models' metrics, and what the networks gain over them."""
    return {
        name: BaselineReport(
            metrics=own.overall,
            gain=compare([own], predictions.scores, groups),
            gains=dict(_gains(predictions, predictions.classical[name], groups))
            if intervals
            else None,
        )
        for name, own in predictions.classical_scores.items()
    }


def _gains(
    predictions: Predictions, values: NDArray[np.float64], groups: Sequence[str]
) -> Iterator[tuple[str, Estimate]]:
    """Yield the metrics other than accuracy, and the networks' gain in each, paired by clip."""
    metrics, targets = predictions.sum_metrics, predictions.targets
    for name in GAINED[predictions.task][1:]:
        sides = (predictions.values, (values,))
        systems = tuple(PairedSystem.of(metrics[name], targets, each) for each in sides)
        network, model = (1, 0) if name in ERRORS else (0, 1)
        yield name, Estimate.of(Paired(systems, tuple(groups)).difference(network, model))


def _flagged(evaluator: Evaluator, predictions: Predictions) -> dict[str, FlagCounts]:
    """Count clips whose modality was corrupted, not trusted, or regenerated."""
    lacking = evaluator.samples.missing()
    return {
        modality: FlagCounts(
            clips=len(evaluator.samples) - lacking[modality],
            corrupted=len(predictions.corrupted[modality]),
            flagged=len(predictions.flagged[modality]),
            detected=len(predictions.flagged[modality] & predictions.corrupted[modality]),
            regenerated=len(predictions.regenerated[modality]),
        )
        for modality in evaluator.modalities
    }


def drawn_with(evaluator: Evaluator, predictions: Predictions) -> list[str]:
    """Name what each predicted clip is drawn with."""
    return clustered(_predicted(evaluator, predictions))


def _predicted(evaluator: Evaluator, predictions: Predictions) -> list[Clip]:
    return [evaluator.samples.manifest.clip(clip_id) for clip_id in predictions.ids]
