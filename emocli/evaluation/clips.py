"""The predictions of an evaluation clip by clip, as a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.columns import csv_rows, group_names
from emocli.data.manifest import Task
from emocli.data.manifest_rules import GROUP, LABEL
from emocli.evaluation.predictions import Predictions
from emocli.metrics.metrics import ACCEPT, PRESENT, tells_presence

PREDICTED: Mapping[Task, str] = {"single": "p.", "multi": "p.", "intensity": "predicted."}
"""What a column of predictions starts with: probabilities, or intensities."""

BETWEEN = ";"
"""Between the names in a cell that holds several."""

CsvCells = list[object]


def clips_csv(
    conditions: Sequence[Predictions], seeds: Sequence[int], clips: Mapping[str, Clip]
) -> str:
    """Return the text of the file: a row for each condition, seed and clip.

    The columns are ``id, speaker, dialogue, group.<name>..., condition, seed, label, prediction``;
    for each class its reference, ``label.<class>``, where a clip has one of each, and its
    probability, ``p.<class>``, or intensity, ``predicted.<class>``; then the modalities that were
    corrupted, not trusted (``distrusted``) and regenerated. Cells that a spreadsheet would compute
    are quoted as in a manifest.
    Scales on which nothing is absent have no label and prediction, but their numbers alone.

    Parameters
    ----------
    conditions : sequence of Predictions
        On the same clips, the clean ones first.
    seeds : sequence of int
        Of the networks, in the order of the predictions.
    clips : mapping
        Id to the clip.
    """
    groups = group_names(clips[clip_id] for clip_id in conditions[0].ids)
    rows = (
        row
        for predictions in conditions
        for seed, values in zip(seeds, predictions.values, strict=True)
        for row in _rows(predictions, seed, values, clips, groups)
    )
    return csv_rows([_header(conditions[0], groups), *rows])


def _header(predictions: Predictions, groups: Sequence[str]) -> CsvCells:
    classes, task = predictions.classes, predictions.task
    graded = [LABEL + name for name in classes] if task != "single" else []
    return [
        *("id", "speaker", "dialogue"),
        *(GROUP + name for name in groups),
        *("condition", "seed", "label", "prediction"),
        *graded,
        *(PREDICTED[task] + name for name in classes),
        *("corrupted", "distrusted", "regenerated"),
    ]


def _rows(
    predictions: Predictions,
    seed: int,
    values: NDArray[np.float64],
    clips: Mapping[str, Clip],
    groups: Sequence[str],
) -> Iterator[CsvCells]:
    single, named = predictions.task == "single", _names_classes(predictions)
    condition = " + ".join(c.label for c in predictions.corruptions) or "clean"
    marks = (predictions.corrupted, predictions.flagged, predictions.regenerated)
    for clip_id, target, row in zip(predictions.ids, predictions.targets, values, strict=True):
        clip = clips[clip_id]
        yield [
            *(clip.id, clip.speaker, clip.dialogue),
            *(clip.groups.get(name) for name in groups),
            *(condition, seed),
            *(_labels(predictions, target, row) if named else ("", "")),
            *([] if single else np.asarray(target).tolist()),
            *np.asarray(row).tolist(),
            *(BETWEEN.join(m for m, ids in mark.items() if clip_id in ids) for mark in marks),
        ]


def _names_classes(predictions: Predictions) -> bool:
    """Whether clips show classes or do not: not on one scale, nor where none is ever absent."""
    several = len(predictions.classes) > 1
    return predictions.task != "intensity" or (several and tells_presence(predictions.targets))


def _labels(
    predictions: Predictions, target: NDArray[np.float64], row: NDArray[np.float64]
) -> tuple[str, str]:
    """Name the classes of the reference and of the prediction, by the rules of the metrics."""
    classes = predictions.classes
    if predictions.task == "single":
        return classes[int(target)], classes[int(row.argmax())]
    taken = row >= PRESENT if predictions.task == "multi" else row > ACCEPT
    present = target > (PRESENT if predictions.task == "multi" else ACCEPT)
    return _present(classes, present), _present(classes, taken)


def _present(classes: Sequence[str], present: NDArray[np.bool_]) -> str:
    return BETWEEN.join(name for name, there in zip(classes, present, strict=True) if there)
