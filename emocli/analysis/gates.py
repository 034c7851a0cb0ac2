"""How far a network lets each view pass its gate, hop by hop, clean against corrupted.

Source: Beard 2018, CoNLL, eq. 9 and 11, sec. 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emocli.analysis._conditions import CLEAN, conditions, through
from emocli.analysis._gates_figure import draw
from emocli.analysis._written import Analysis, titled, tried, write
from emocli.data.clip import Split
from emocli.data.samples import Samples
from emocli.errors import RunError
from emocli.evaluation.cross_validation import Evaluator, open_evaluator
from emocli.evaluation.evaluator import RunEvaluator
from emocli.plugin.network import Network
from emocli.robust.corrupt import CorruptionSpec
from emocli.training.compute import deterministic_torch
from emocli.training.outputs import level

Progress = Callable[[int, int], None]

Gates = dict[str, list[list[float | None]]]
"""View to a row per seed with a number per hop; None where no clip has the view."""


def gates(
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
    """Write down and draw how far each view passes its gate in each hop.

    Figures are means over the clips that have the view, of each seed; 1 is open, 0 shut.

    Parameters
    ----------
    run : Path
        A finished run of a network with gates, or the folder of a cross-validation.
    corrupt : sequence of str
        Corruptions, all at once (as in `emocli evaluate`). None given: Gaussian noise at 0 dB on
        every modality in turn.
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
        If the run is no run, what is asked does not fit it, or its network has no gates.
    """
    evaluator = open_evaluator(run, split, manifest, store, repair)
    asked = conditions(corrupt, evaluator.modalities)
    found = through(asked, lambda each: _gates(evaluator, each, seed), progress)
    data = {
        **tried(run, evaluator, split, seed),
        "gates": found,
    }
    drawn = draw(data) if figures else {}
    labels = [label for label in found if corrupt and label != CLEAN]
    name = titled("gates", split, evaluator.other, *labels, evaluator.repair.label, seed=seed)
    return write(run, name, data, list(_rows(data)), drawn)


def _gates(
    evaluator: Evaluator,
    corruptions: Sequence[CorruptionSpec],
    seed: int,
) -> Gates:
    """Measure the gates of each view, in every clip by the networks of the fold that tests it."""
    parts = [_open(part, part.seen(corruptions, seed)) for part in evaluator.parts]
    rows: Gates = {}
    for folds in zip(*parts, strict=True):  # of one seed
        for modality in folds[0]:
            values = torch.cat([passed[modality] for passed in folds])
            hops = values.mean(dim=0).tolist() if len(values) else [None] * values.shape[1]
            rows.setdefault(modality, []).append(hops)
    return rows


def _open(evaluator: RunEvaluator, samples: Samples) -> list[dict[str, Tensor]]:
    """Collect the gates of every clip, of each seed.

    Raises
    ------
    RunError
        If the network has none.
    """
    training = evaluator.config.train
    with deterministic_torch(training.threads), torch.inference_mode():
        found = [_passed(m.network.eval(), samples, training.batch_size) for m in evaluator.members]
    if not all(found):
        raise RunError(
            f"its network '{evaluator.config.fusion}' has no gates",
            where=evaluator.run,
            hint="train one that has: rrnn with network.view_gate other than none",
        )
    return found


def _passed(network: Network, samples: Samples, size: int) -> dict[str, Tensor]:
    """Collect the gates of every clip, by view: (clips that have it, hops)."""
    found: dict[str, list[Tensor]] = {}
    for batch in samples.batches(size, level(network)):
        for modality, values in network(batch).gates.items():
            found.setdefault(modality, []).append(values[batch.views[modality].observed])
    return {modality: torch.cat(parts) for modality, parts in found.items()}


def _rows(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Turn the data into a table."""
    for condition, views in data["gates"].items():
        for modality, seeds in views.items():
            for seed, hops in zip(data["seeds"], seeds, strict=True):
                for hop, value in enumerate(hops, 1):
                    yield {
                        "condition": condition,
                        "view": modality,
                        "seed": seed,
                        "hop": hop,
                        "gate": value,
                    }
