"""How far a network lets each view pass its gate, hop by hop, clean against corrupted.

Source: Beard 2018, CoNLL, eq. 9 and 11, sec. 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from emocli.data.clip import Split
from emocli.data.samples import Samples
from emocli.errors import RunError
from emocli.learn.loop import arithmetic, level
from emocli.stages._bench import Bench
from emocli.stages.analyze._conditions import CLEAN, conditions, through
from emocli.stages.analyze._written import Analysis, titled, tried, write

Progress = Callable[[int, int], None]

Gates = dict[str, list[list[float | None]]]
"""View to a row per seed with a number per hop; None where no clip has the view."""


def gates(
    run: Path,
    *,
    corrupt: Sequence[str] = (),
    split: Split = "test",
    seed: int = 0,
    manifest: Path | None = None,
    store: Path | None = None,
    figures: bool = True,
    progress: Progress = lambda done, total: None,
) -> Analysis:
    """Write down and draw how far each view passes its gate in each hop.

    Figures are means over the clips that have the view, of each seed; 1 is open, 0 shut. About
    modalities that are not trusted is done what was done in training.

    Parameters
    ----------
    run : Path
        A finished run of a network with gates.
    corrupt : sequence of str
        Corruptions, all at once (as in `emocli evaluate`). None given: Gaussian noise at 0 dB on
        every modality in turn.
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
    bench = Bench.open(run, split, manifest, store)
    asked = conditions(corrupt, bench.modalities)
    found = through(asked, lambda each: _gates(bench, bench.seen(each, seed)), progress)
    data = {
        **tried(run, bench, split, seed),
        "gates": found,
    }
    drawn: dict[str, bytes] = {}
    if figures:
        from emocli.report.gates import draw

        drawn = draw(data)
    labels = [label for label in found if corrupt and label != CLEAN]
    name = titled("gates", split, *labels, bench.repair.label, seed=seed)
    return write(run, name, data, list(_rows(data)), drawn)


def _gates(bench: Bench, samples: Samples) -> Gates:
    """Measure the gates of each view.

    Raises
    ------
    RunError
        If the network has none.
    """
    training = bench.config.train
    rows: Gates = {}
    with arithmetic(training.threads), torch.inference_mode():
        for member in bench.members:
            passed = _passed(member.network.eval(), samples, training.batch_size)
            if not passed:
                raise RunError(
                    f"its network '{bench.config.fusion}' has no gates",
                    where=bench.run,
                    mend="train one that has: rrnn with network.view_gate other than none",
                )
            for modality, values in passed.items():
                hops = values.mean(dim=0).tolist() if len(values) else [None] * values.shape[1]
                rows.setdefault(modality, []).append(hops)
    return rows


def _passed(network: nn.Module, samples: Samples, size: int) -> dict[str, Tensor]:
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
