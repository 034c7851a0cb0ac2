"""What is taken for what: confusion of the classes, clean and corrupted.

Source: Mittal 2020, AAAI, Fig. 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emocli.analysis import Finding, OfRun, Progress
from emocli.analysis._conditions import about_split, name_of
from emocli.evaluation.options import SplitOptions
from emocli.plugin.robustness import RobustOptions, on
from emocli.report.tables import confusions

if TYPE_CHECKING:
    from emocli.evaluation.evaluator import Predictions

    pass


@dataclass(frozen=True, kw_only=True)
class Options(RobustOptions, SplitOptions, OfRun):
    """Show which classes are taken for which, in per cent of each row."""


def measure(options: Options, progress: Progress) -> Finding:
    """Count what is taken for what over all seeds.

    Where a clip may show several classes it counts in the row of each, and in the column of the
    class of highest score.

    Raises
    ------
    EmocliError
        If the run is no run, or what is asked does not fit it.
    """
    from emocli.evaluation.cross_validation import open_evaluator
    from emocli.metrics.metrics import RULES
    from emocli.report.figures import confusion

    evaluator = open_evaluator(options.run, options.split, options.manifest, options.store, options)
    asked = on(options.corruptions, evaluator.modalities)
    labels = [corruption.label for corruption in asked]
    data = {
        **about_split(options, evaluator),
        "task": evaluator.config.task,
        "classes": list(evaluator.config.classes),
        "corruption": labels,
        "rule": RULES[evaluator.config.task]["confusion"],
        "clean": _counted(evaluator.predict((), options.seed)),
        "corrupted": _counted(evaluator.predict(asked, options.seed)) if asked else None,
    }
    return Finding(
        name_of("confusion", options, evaluator, *labels, evaluator.repair.label),
        data,
        _rows(data),
        tuple(confusions(data)),
        lambda: {"": confusion(data)},
    )


def _counted(predictions: Predictions) -> dict[str, Any]:
    """Count over the seeds; a class that nobody shows has no shares."""
    import numpy as np

    counts = np.sum([scores.confusion for scores in predictions.scores], axis=0)
    shares = [
        [100 * int(count) / int(row.sum()) if row.sum() else None for count in row]
        for row in counts
    ]
    return {"confusion": counts.tolist(), "percent": shares}


def _rows(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Turn the data into a table."""
    sides = {"clean": data["clean"]}
    if data["corrupted"]:
        sides[" + ".join(data["corruption"])] = data["corrupted"]
    for condition, found in sides.items():
        for shown, counts, shares in zip(
            data["classes"], found["confusion"], found["percent"], strict=True
        ):
            for said, count, share in zip(data["classes"], counts, shares, strict=True):
                yield {
                    "condition": condition,
                    "shown": shown,
                    "predicted": said,
                    "count": count,
                    "percent": share,
                }
