"""What is taken for what: confusion of the classes, clean and corrupted.

Source: Mittal 2020, AAAI, Fig. 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emocli.analysis._confusion_figure import draw
from emocli.analysis._written import Analysis, titled, tried, write
from emocli.data.clip import Split
from emocli.evaluation.cross_validation import open_evaluator
from emocli.evaluation.evaluator import Predictions
from emocli.metrics.metrics import RULES
from emocli.robust.corrupt import parse_all


def confusion(
    run: Path,
    *,
    corrupt: Sequence[str] = (),
    repair: Mapping[str, Any] | None = None,
    split: Split = "test",
    seed: int = 0,
    manifest: Path | None = None,
    store: Path | None = None,
    figures: bool = True,
) -> Analysis:
    """Write down and draw the confusion matrices, counted over all seeds, and each row's shares.

    Where a clip may show several classes it counts in the row of each, and in the column of the
    class of highest score.

    Parameters
    ----------
    run : Path
        A finished run, or the folder of a cross-validation.
    corrupt : sequence of str
        Corruptions, all at once (as in `emocli evaluate`).
    repair : mapping, optional
        What is done about modalities that are not trusted, as `RepairConfig.with_options` takes it.
        By default what was done in training.
    split : str
        Which clips.
    seed : int
        Of the corruptions.
    manifest, store : Path, optional
        Instead of those the run was trained on.
    figures : bool
        Whether to draw.

    Raises
    ------
    EmocliError
        If the run is no run, or what is asked does not fit it.
    """
    evaluator = open_evaluator(run, split, manifest, store, repair)
    asked = parse_all(corrupt, evaluator.modalities)
    labels = [corruption.label for corruption in asked]
    data = {
        **tried(run, evaluator, split, seed),
        "task": evaluator.config.task,
        "classes": list(evaluator.config.classes),
        "corruption": labels,
        "rule": RULES[evaluator.config.task]["confusion"],
        "clean": _counted(evaluator.predict((), seed)),
        "corrupted": _counted(evaluator.predict(asked, seed)) if asked else None,
    }
    drawn = draw(data) if figures else {}
    name = titled("confusion", split, evaluator.other, *labels, evaluator.repair.label, seed=seed)
    return write(run, name, data, list(_rows(data)), drawn)


def _counted(predictions: Predictions) -> dict[str, Any]:
    """Count over the seeds; a class that nobody shows has no shares."""
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
