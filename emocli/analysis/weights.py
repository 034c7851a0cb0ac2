"""How much a network believes each modality, clean against corrupted.

Source: Mittal 2020, AAAI, sec. 5.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from emocli.analysis._conditions import CLEAN, conditions, through
from emocli.analysis._weights_figure import draw
from emocli.analysis._written import Analysis, titled, tried, write
from emocli.data.clip import Clip, Split
from emocli.data.json_io import plain
from emocli.data.samples import Samples
from emocli.errors import RunError
from emocli.evaluation.cross_validation import Evaluator, open_evaluator
from emocli.evaluation.evaluator import RunEvaluator
from emocli.metrics.statistics import cluster_bootstrap, clustered, interval_over, warnings
from emocli.metrics.summary import bounded
from emocli.plugin.network import Network
from emocli.robust.corrupt import CorruptionSpec
from emocli.training.compute import deterministic_torch
from emocli.training.outputs import level

Progress = Callable[[int, int], None]

NOISE = "0.01"
"""Signal-to-noise ratio, if no corruption is given (Mittal 2020)."""

Weights = dict[str, dict[str, NDArray[np.float64]]]
"""Kind of weight and modality to the weight in every clip, shape (seeds, n)."""


def weights(
    run: Path,
    *,
    corrupt: Sequence[str] = (),
    repair: Mapping[str, Any] | None = None,
    split: Split = "test",
    seed: int = 0,
    manifest: Path | None = None,
    store: Path | None = None,
    figures: bool = True,
    progress: Progress = lambda done, total: None,
) -> Analysis:
    """Write down and draw the mean weight of each modality under each condition.

    A modality's mean is over the clips that have it. ``weights`` are those the network computes;
    ``oracle``, where it has them, those it would compute if it knew the labels. Where the
    prediction does not depend on them, as that of `m3er` with ``fusion=concat``, ``unused`` says by
    which settings, and so do table and figure.

    Parameters
    ----------
    run : Path
        A finished run of a network that weighs its modalities, or the folder of a
        cross-validation.
    corrupt : sequence of str
        Corruptions, all at once (as in `emocli evaluate`). None given: Gaussian noise at an SNR of
        0.01 on every modality in turn.
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
    progress : callable
        Told conditions done, and all conditions.

    Raises
    ------
    EmocliError
        If the run is no run, what is asked does not fit it, or its network weighs nothing.
    """
    evaluator = open_evaluator(run, split, manifest, store, repair)
    asked = conditions(corrupt, evaluator.modalities, f"gaussian@{NOISE}")
    found = through(asked, lambda each: _pooled(evaluator, each, seed), progress)
    data = plain(
        {
            **tried(run, evaluator, split, seed),
            "unused": evaluator.parts[0].members[0].network.unweighted,
            "interval": interval_over(evaluator.samples.clips),
            "warnings": warnings(evaluator.samples.clips),
            "conditions": {label: _means(evaluator, own) for label, own in found.items()},
            "change": {
                label: _changes(evaluator, found[CLEAN], own)
                for label, own in found.items()
                if label != CLEAN
            },
        }
    )
    drawn = draw(data) if figures else {}
    labels = [label for label in found if corrupt and label != CLEAN]
    name = titled("weights", split, evaluator.other, *labels, evaluator.repair.label, seed=seed)
    return write(run, name, data, list(_rows(data)), drawn)


def _pooled(
    evaluator: Evaluator,
    corruptions: Sequence[CorruptionSpec],
    seed: int,
) -> Weights:
    """Collect what is said about every clip by the networks of the fold that tests it."""
    parts = [_weights(part, part.seen(corruptions, seed)) for part in evaluator.parts]
    return {
        kind: {m: np.concatenate([part[kind][m] for part in parts], axis=1) for m in by_modality}
        for kind, by_modality in parts[0].items()
    }


def _weights(evaluator: RunEvaluator, samples: Samples) -> Weights:
    """Collect what every seed of the run says about every clip.

    Raises
    ------
    RunError
        If the network weighs nothing.
    """
    training = evaluator.config.train
    seeds: list[dict[str, dict[str, NDArray[np.float64]]]] = []
    with deterministic_torch(training.threads), torch.inference_mode():
        for member in evaluator.members:
            seeds.append(_said(member.network.eval(), samples, training.batch_size))
            if not seeds[-1]["weights"]:
                raise RunError(
                    f"its network '{evaluator.config.fusion}' gives its modalities no weights",
                    where=evaluator.run,
                    hint="train one that does: m3er or late",
                )
    return {
        kind: {m: np.stack([own[kind][m] for own in seeds]) for m in by_modality}
        for kind, by_modality in seeds[0].items()
    }


def _said(
    network: Network, samples: Samples, size: int
) -> dict[str, dict[str, NDArray[np.float64]]]:
    parts: dict[str, dict[str, list[NDArray[np.float64]]]] = {"weights": {}}
    for batch in samples.batches(size, level(network)):
        output = network(batch)
        found = {"weights": output.weights, "oracle": network.oracle(output, batch)}
        for kind, by_modality in found.items():
            for modality, values in by_modality.items():
                rows = parts.setdefault(kind, {}).setdefault(modality, [])
                rows.append(values.double().numpy())
    return {k: {m: np.concatenate(rows) for m, rows in own.items()} for k, own in parts.items()}


def _having(evaluator: Evaluator, modality: str) -> NDArray[np.bool_]:
    """Tell which clips have a modality, in the order in which the networks visit them."""
    store = evaluator.samples.stores[modality]
    return np.array([bool(store.length(clip.id)) for clip in _visited(evaluator)])


def _visited(evaluator: Evaluator) -> list[Clip]:
    if level(evaluator.parts[0].members[0].network) == "clip":
        return list(evaluator.samples.clips)
    dialogues = [dialogue for part in evaluator.parts for dialogue in part.samples.dialogues()]
    return [clip for dialogue in dialogues for clip in dialogue]


def _means(evaluator: Evaluator, found: Weights) -> dict[str, dict[str, list[float]]]:
    """Average over the clips that have the modality: kind, modality, seed."""
    return {
        kind: {
            m: values[:, _having(evaluator, m)].mean(axis=1).tolist()
            for m, values in own.items()
            if _having(evaluator, m).any()
        }
        for kind, own in found.items()
    }


def _changes(evaluator: Evaluator, clean: Weights, corrupted: Weights) -> dict[str, Any]:
    """Compare with the clean condition, on the same clips; means over the seeds."""
    clips = _visited(evaluator)
    names = np.array(clustered(clips))
    found: dict[str, Any] = {}
    for kind, own in corrupted.items():
        for modality, values in own.items():
            having = _having(evaluator, modality)
            if not having.any():
                continue
            before = clean[kind][modality][:, having].mean(axis=0)
            interval = cluster_bootstrap(
                values[:, having].mean(axis=0) - before, names[having].tolist()
            )
            usual = float(before.mean())
            found.setdefault(kind, {})[modality] = {
                "points": 100 * interval.mean,
                **bounded("points_ci", interval, 100),
                "percent": 100 * interval.mean / usual if usual else float("nan"),
            }
    return found


def _rows(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Turn the data into a table."""
    for condition, kinds in data["conditions"].items():
        for modality in kinds["weights"]:
            for index, seed in enumerate(data["seeds"]):
                yield {
                    "condition": condition,
                    "modality": modality,
                    "seed": seed,
                    **{kind: own[modality][index] for kind, own in kinds.items()},
                }
