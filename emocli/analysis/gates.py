"""Openness of the gate of each view, hop by hop, clean against corrupted.

Source: Beard 2018, CoNLL, eq. 9 and 11, sec. 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from emocli.errors import RunError
from emocli.plugin.analysis import (
    CLEAN_LABEL,
    AnalysisPage,
    ConditionOptions,
    CsvRow,
    Finding,
    Number,
    Option,
    Progress,
    SplitReport,
    about_split,
    measured,
    name_of,
)
from emocli.plugin.analysis.drawing import (
    GREY,
    SCREEN,
    Chart,
    ChartLine,
    Drawing,
    Panels,
    Paragraph,
    Part,
    ReportTable,
    Style,
    legend_of,
    line,
)
from emocli.plugin.robustness import CorruptionSpec

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray
    from torch import Tensor

    from emocli.plugin.analysis.networks import (
        Corruptions,
        Evaluator,
        Network,
        RunEvaluator,
        Samples,
    )


Gates = Mapping[str, tuple[tuple[Number, ...], ...]]
"""View to a row per seed with a number per hop; NaN where no clip has the view."""

PANEL = 2.9
"""Inches."""

APART = 0.08
"""Hops between one condition and the next, so that their bars can be told apart."""


@dataclass(frozen=True, kw_only=True)
class Options(ConditionOptions):
    """Show how far each view passes the gate in each hop, clean and corrupted."""

    corrupt: Annotated[
        tuple[CorruptionSpec, ...],
        Option(
            "As in emocli evaluate; repeat to corrupt several at once. Default: Gaussian noise at "
            "0 dB on every modality in turn.",
            "MODALITY[:NAME][@LEVEL]",
        ),
    ] = ()


@dataclass(frozen=True, kw_only=True)
class Report(SplitReport):
    """The gates under each condition."""

    gates: Mapping[str, Gates]


def measure(options: Options, progress: Progress) -> Finding:
    """Measure how far each view passes its gate in each hop; 1 is open, 0 shut.

    Numbers are means over the clips that have the view, of each seed.

    Raises
    ------
    EmocliError
        If the run is no run, what is asked does not fit it, or its network has no gates.
    """
    evaluator, gates = measured(options, _gates, progress)
    report = Report(**vars(about_split(options, evaluator)), gates=gates)
    labels = [label for label in gates if options.corrupt and label != CLEAN_LABEL]
    return Finding(
        name_of("gates", options, evaluator, *labels),
        report,
        _rows(report),
        (tabulate(report),),
        lambda style: draw(report, style),
    )


def _gates(evaluator: Evaluator, corruptions: Corruptions, seed: int) -> Gates:
    """Measure the gates of each view, in every clip by the networks of the fold that tests it."""
    import torch

    parts = [_open(part, part.transformed(corruptions, seed)) for part in evaluator.parts]
    rows: dict[str, list[tuple[float, ...]]] = {}
    for folds in zip(*parts, strict=True):  # of one seed
        for modality in folds[0]:
            values = torch.cat([passed[modality] for passed in folds])
            rows.setdefault(modality, []).append(tuple(values.mean(dim=0).tolist()))
    return {modality: tuple(seeds) for modality, seeds in rows.items()}


def _open(evaluator: RunEvaluator, samples: Samples) -> list[dict[str, Tensor]]:
    """Collect the gates of every clip, of each seed.

    Raises
    ------
    RunError
        If the network has none.
    """
    import torch

    from emocli.plugin.analysis.networks import deterministic_torch

    training = evaluator.config.train
    with deterministic_torch(training.threads), torch.inference_mode():
        gates = [_passed(m.network.eval(), samples, training.batch_size) for m in evaluator.members]
    if not all(gates):
        raise RunError(
            f"its network '{evaluator.config.fusion}' has no gates",
            where=evaluator.run,
            hint="train one that has: its output holds `gates`, see docs/analyses.md",
        )
    return gates


def _passed(network: Network, samples: Samples, size: int) -> dict[str, Tensor]:
    """Collect the gates of every clip, by view: (clips that have it, hops)."""
    import torch

    from emocli.plugin.analysis.networks import level

    gates: dict[str, list[Tensor]] = {}
    for batch in samples.batches(size, level(network)):
        for modality, values in network(batch).gates.items():
            gates.setdefault(modality, []).append(values[batch.views[modality].observed])
    return {modality: torch.cat(parts) for modality, parts in gates.items()}


def _rows(report: Report) -> Iterator[CsvRow]:
    """Yield a row per condition, view, seed and hop."""
    for condition, views in report.gates.items():
        for modality, seeds in views.items():
            for seed, hops in zip(report.seeds, seeds, strict=True):
                for hop, value in enumerate(hops, 1):
                    yield {
                        "condition": condition,
                        "view": modality,
                        "seed": seed,
                        "hop": hop,
                        "gate": value,
                    }


def tabulate(report: Report) -> ReportTable:
    """Return a row per view and hop, a column per condition; means over the seeds."""
    import numpy as np

    means = {
        condition: {view: np.mean(rows, axis=0).tolist() for view, rows in gates.items()}
        for condition, gates in report.gates.items()
    }
    rows = tuple(
        (view, hop + 1, *(views[view][hop] for views in means.values()))
        for view, hops in means[CLEAN_LABEL].items()
        for hop in range(len(hops))
    )
    return ReportTable(report.title, ("view", "hop", *means), rows)


def parts(report: Report, run: Path) -> Iterator[Part]:
    """Yield a chart per view: how far it passes its gate in each hop, a line per condition."""
    charts = tuple(_chart(report, view) for view in report.gates[CLEAN_LABEL])
    yield Paragraph(f"{report.title}: share of each view that passes its gate; 1 is open, 0 shut.")
    yield from (Panels(charts), legend_of(charts))


def _chart(report: Report, view: str) -> Chart:
    import numpy as np

    lines = []
    for look, (condition, gates) in enumerate(report.gates.items()):
        means = np.mean(gates[view], axis=0).tolist()
        hops = tuple(map(float, range(1, len(means) + 1)))
        lines.append(ChartLine(condition, hops, tuple(means), look))
    ticks = {x: f"{x:g}" for x in lines[0].x}
    label = "passes the gate"
    return Chart(view, "hop", label, tuple(lines), x_ticks=ticks, y_range=(0.0, 1.0))


PAGE = AnalysisPage(75, "Gates", parts, "how far each view passes its gate", output="gates")


def draw(report: Report, style: Style = SCREEN) -> dict[str, Drawing]:
    """Draw how far each view passes in each hop: mean over the seeds, bars their spread."""
    import numpy as np

    conditions, views = report.gates, list(report.gates[CLEAN_LABEL])
    drawing, panels = style.panels(len(views), PANEL, 3.0, sharey=True)
    for axes, view in zip(panels, views, strict=True):
        for index, (condition, gates) in enumerate(conditions.items()):
            shift = APART * (index - (len(conditions) - 1) / 2)
            values = np.array(gates[view])
            _line(axes, values, condition, _look(index, len(conditions)), shift)
        axes.set_title(view)
        axes.grid(axis="y", alpha=0.3)
    drawing.supxlabel("hop", fontsize=style.size)
    drawing.supylabel("passes the gate (mean over clips)", fontsize=style.size)
    style.legend(drawing)
    return {"": style.drawing(drawing, report.title, _caption(report))}


def _look(index: int, count: int) -> dict[str, Any]:
    """Look of a condition; the first one is the clean one."""
    if index == 0:
        return line(0, count) | {"color": GREY}
    return line(index - 1, count) | {"marker": line(index)["marker"]}


def _caption(report: Report) -> str:
    seeds = len(report.seeds)
    bars = (
        f" Points are means over {seeds} seeds, bars plus and minus their standard deviation."
        if seeds > 1
        else ""
    )
    return (
        f"Openness of the gate of each view in each hop (1: all of the view passes, 0: nothing), "
        f"mean over the {report.n} clips of {report.dataset} ({report.split}) that have the view; "
        f"network {report.fusion}, run {report.run}. Lines are conditions, side by side to be told "
        f"apart.{bars}"
    )


def _line(
    axes: Axes, values: NDArray[np.float64], condition: str, look: dict[str, Any], shift: float
) -> None:
    """Draw one condition, values (seed, hop), a little aside."""
    import numpy as np

    hops = np.arange(1, values.shape[1] + 1)
    axes.errorbar(
        hops + shift,
        values.mean(axis=0),
        yerr=values.std(axis=0, ddof=1) if len(values) > 1 else None,
        capsize=2,
        elinewidth=0.9,
        label=condition,
        **look,
    )
    axes.set_xticks(hops)
