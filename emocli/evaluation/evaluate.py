"""The evaluation of a run: its metrics clean and corrupted, with and without the check."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emocli import __version__
from emocli.data.clip import Split
from emocli.data.durable import alone, digest, write_bytes
from emocli.data.filenames import named
from emocli.data.json_io import as_json, plain
from emocli.evaluation.cross_validation import Evaluator, open_evaluator
from emocli.evaluation.evaluator import Predictions
from emocli.metrics.metrics import PROTOCOLS, RULES, score
from emocli.metrics.statistics import clustered, interval_over, warnings
from emocli.metrics.summary import compare, means, summarise
from emocli.models.rundir import REPORTS
from emocli.report.figures import draw
from emocli.report.tables import Table, tables
from emocli.robust.corrupt import CorruptionSpec, at_levels, parse_all
from emocli.robust.options import TRAINED, RepairOptions
from emocli.training.data_warnings import step_warnings

Progress = Callable[[int, int], None]

LEVELS = ("20dB", "10dB", "0dB", "-10dB", "-20dB")
"""Signal-to-noise ratios of a sweep, if none are given."""


@dataclass(frozen=True)
class Report:
    """What came out.

    Attributes
    ----------
    path : Path
        The report, a JSON file in the run's ``reports/``.
    data : dict
        Its content: the metrics of the condition asked for at the top; ``clean`` and ``corrupted``
        side by side and their ``difference``; ``sweep``; ``baselines``; the ``folds`` of a
        cross-validation; and what all was computed from.
    figures : tuple of Path
        Drawings beside it, PNG and SVG.
    tables : tuple of Table
        The same, to be read.
    """

    path: Path
    data: dict[str, Any]
    figures: tuple[Path, ...]
    tables: tuple[Table, ...]


def evaluate(
    run: Path,
    *,
    manifest: Path | None = None,
    store: Path | None = None,
    split: Split = "test",
    corrupt: Sequence[str] = (),
    sweep: Sequence[str] | None = None,
    repair: RepairOptions = TRAINED,
    seed: int = 0,
    figures: bool = True,
    progress: Progress = lambda done, total: None,
) -> Report:
    """Evaluate all seeds of a run, and write a report into it.

    The test clips of a cross-validation's folds are pooled: every clip is judged by the networks
    of the fold that tests it, and the metrics are those of all clips together.

    Parameters
    ----------
    run : Path
        A finished run, or the folder of a cross-validation.
    manifest, store : Path, optional
        Instead of those it was trained on.
    split : str
        Which clips.
    corrupt : sequence of str
        Corruptions, all at once: ``visual``, ``visual:gaussian@0.01``, ``audio:zero``, ...
    sweep : sequence of str, optional
        Levels: each corruption by itself (of every modality, if none is given) at each level. None
        given: `LEVELS`.
    repair : RepairOptions
        What is done about modalities that are not trusted; by default what was done in training.
    seed : int
        Of the corruptions.
    figures : bool
        Whether to draw.
    progress : callable
        Told conditions done, and all conditions.

    Raises
    ------
    EmocliError
        If the run is no run, its features have changed, or what is asked does not fit it.
    """
    evaluator = open_evaluator(run, split, manifest, store, repair)
    requested = parse_all(corrupt, evaluator.modalities)
    swept = _swept(corrupt, sweep, evaluator.modalities)
    conditions = [(), *([requested] if requested else []), *((corruption,) for corruption in swept)]
    predictions = []
    for index, corruptions in enumerate(conditions):
        progress(index, len(conditions))
        predictions.append(evaluator.predict(corruptions, seed))
    progress(len(conditions), len(conditions))
    clean, points = predictions[0], predictions[len(conditions) - len(swept) :]
    corrupted = predictions[1] if requested else None
    data = plain(
        {
            **_condition(evaluator, corrupted or clean),
            **_facts(evaluator, split, seed),
            "clean": _condition(evaluator, clean),
            "corrupted": _condition(evaluator, corrupted) if corrupted else None,
            "difference": _difference(evaluator, clean, corrupted) if corrupted else None,
            "sweep": [_point(evaluator, point) for point in points],
            "baselines": _baselines(evaluator, clean),
            "folds": _folds(evaluator, clean, corrupted),
        }
    )
    name = _name(
        evaluator.other,
        split,
        (*requested, *(["sweep"] if swept else [])),
        evaluator.repair.label,
        seed,
    )
    return _write(run / REPORTS, name, data, figures)


def _swept(
    corrupt: Sequence[str], levels: Sequence[str] | None, modalities: Sequence[str]
) -> tuple[CorruptionSpec, ...]:
    """Read the corruptions of a sweep."""
    if levels is None:
        return ()
    specs = [spec for text in corrupt for spec in text.split(",")] or modalities
    return parse_all((s for spec in specs for s in at_levels(spec, levels or LEVELS)), modalities)


def _condition(evaluator: Evaluator, predictions: Predictions) -> dict[str, Any]:
    groups = _groups(evaluator, predictions)
    condition = summarise(predictions.scores, evaluator.config.seeds, groups)
    condition["corruption"] = [corruption.label for corruption in predictions.corruptions]
    if predictions.repair.label:
        condition["flagged"] = _flagged(evaluator, predictions)
    return condition


def _flagged(evaluator: Evaluator, predictions: Predictions) -> dict[str, dict[str, int]]:
    """Count what was flagged and regenerated, beside what was corrupted in truth."""
    lacking = evaluator.samples.missing()
    return {
        modality: {
            "clips": len(evaluator.samples) - lacking[modality],
            "corrupted": len(predictions.corrupted[modality]),
            "flagged": len(predictions.flagged[modality]),
            "found": len(predictions.flagged[modality] & predictions.corrupted[modality]),
            "regenerated": len(predictions.regenerated[modality]),
        }
        for modality in evaluator.modalities
    }


def _difference(evaluator: Evaluator, clean: Predictions, corrupted: Predictions) -> dict[str, Any]:
    return compare(clean.scores, corrupted.scores, _groups(evaluator, clean))


def _point(evaluator: Evaluator, predictions: Predictions) -> dict[str, Any]:
    (corruption,) = predictions.corruptions
    ratio = corruption.ratio
    return {
        **_condition(evaluator, predictions),
        "modality": corruption.subject,
        "name": corruption.name,
        "level": corruption.level,
        "snr_db": None if ratio is None else round(10 * math.log10(ratio), 6),
    }


def _baselines(evaluator: Evaluator, clean: Predictions) -> dict[str, Any]:
    """Return the metrics of the classes' frequencies in the train split, for every clip."""
    values = evaluator.prior()
    if values is None:
        return {}
    return {"prior": score(clean.task, clean.targets, values, clean.classes).overall}


def _folds(
    evaluator: Evaluator,
    clean: Predictions,
    corrupted: Predictions | None,
) -> list[dict[str, Any]]:
    """Return the metrics of each fold of a cross-validation by itself."""
    conditions = {"clean": clean} | ({"corrupted": corrupted} if corrupted else {})
    return [
        {
            "fold": index,
            "n": len(part.samples),
            **{
                name: means([s.overall for s in predictions.only(part.samples.clips).scores])
                for name, predictions in conditions.items()
            },
        }
        for index, part in enumerate(evaluator.parts)
        if len(evaluator.parts) > 1
    ]


def _groups(evaluator: Evaluator, predictions: Predictions) -> list[str]:
    clips = [evaluator.samples.manifest.clip(clip_id) for clip_id in predictions.ids]
    return clustered(clips)


def _facts(evaluator: Evaluator, split: Split, seed: int) -> dict[str, Any]:
    """Return what was evaluated, on what, and what the metrics mean."""
    config, samples = evaluator.config, evaluator.samples
    manifest, stores = samples.manifest, samples.stores.values()
    return {
        "format": 1,
        "emocli": __version__,
        "run": evaluator.run.resolve().name,
        "fusion": config.fusion,
        "preset": config.preset,
        "seeds": list(config.seeds),
        "dataset": manifest.dataset,
        "trained_on": config.dataset,
        "task": config.task,
        "classes": list(config.classes),
        "split": split,
        "n": len(samples),
        "check": evaluator.repair.trust == "check",
        "repair": evaluator.repair.label,
        "remarks": [
            *evaluator.parts[0].repair_factory.remarks(evaluator.repair),
            *step_warnings({split: samples}),
        ],
        "trained_with": {**evaluator.config.robust, "check": evaluator.config.check},
        "corruption_seed": seed,
        "interval": interval_over(samples.clips),
        "warnings": warnings(samples.clips),
        "protocols": dict(PROTOCOLS[config.task]),
        "rules": dict(RULES[config.task]),
        "unlabelled": evaluator.unlabelled,
        "missing": samples.missing(),
        "non_finite": {store.name: store.header.non_finite for store in stores},
        "clipped": {samples.stores[m].name: count for m, count in evaluator.clipped.items()},
        "inputs": {
            "manifest": manifest.fingerprint,
            "features": {store.name: store.fingerprint for store in stores},
            "models": evaluator.fingerprints,
            "checks": _checks(evaluator),
        },
    }


def _checks(evaluator: Evaluator) -> dict[str, str]:
    """Return the digest of each modality check that was asked, by its file's name."""
    if evaluator.repair.trust != "check":
        return {}
    places = [part.repair_factory.place for part in evaluator.parts]
    return {place.name: digest(place) for place in places}


def _name(
    other: str, split: str, parts: Sequence[CorruptionSpec | str], repair: str, seed: int
) -> str:
    """Name a report after what it is about; ``other`` is a corpus that is not the run's own."""
    labels = [part if isinstance(part, str) else part.label for part in parts]
    if repair:
        labels.append(repair)
    if seed and parts:
        labels.append(f"seed {seed}")
    return named("+".join([split, *filter(None, [other]), *labels]))


def _write(folder: Path, name: str, data: dict[str, Any], figures: bool) -> Report:
    """Write the drawings, then the report."""
    drawn = draw(data) if figures else {}
    with alone(folder / f"{name}.json", wait=True):
        for suffix, content in {**drawn, ".json": as_json(data).encode()}.items():
            write_bytes(folder / f"{name}{suffix}", content)
    paths = tuple(folder / f"{name}{suffix}" for suffix in drawn)
    return Report(folder / f"{name}.json", data, paths, tables(data))
