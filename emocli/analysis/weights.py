"""Weights that a network gives the modalities, clean against corrupted.

Source: Mittal 2020, AAAI, sec. 5.3.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from emocli.errors import RunError
from emocli.plugin.analysis import (
    CLEAN_LABEL,
    OPTIONAL,
    AnalysisPage,
    Bounds,
    Clip,
    ConditionOptions,
    CsvRow,
    Finding,
    Number,
    Progress,
    Record,
    SplitReport,
    about_split,
    measured,
    name_of,
)
from emocli.plugin.analysis.drawing import (
    GREY,
    SCREEN,
    Cell,
    Drawing,
    Paragraph,
    Part,
    ReportTable,
    Span,
    SpanTable,
    Style,
    bar,
    text,
)

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from emocli.plugin.analysis.networks import (
        Corruptions,
        Evaluator,
        Network,
        RunEvaluator,
        Samples,
    )

    Weights = dict[str, dict[str, NDArray[np.float64]]]
    """Kind of weight and modality to the weight in every clip, shape (seeds, n); (n,) of one."""


NOISE = "0.01"
"""Signal-to-noise ratio, if no corruption is given (Mittal 2020)."""

KINDS = {"weights": "as the network weighs", "oracle": "if it knew the labels"}

WIDE = 4.5
"""Inches of a panel from which there is one in a row."""

UNUSED = "the prediction does not use these weights ({})"


@dataclass(frozen=True, kw_only=True)
class Options(ConditionOptions):
    """Show the mean weight of each modality, clean and corrupted, and what it changes by.

    Without --corrupt: noise at an SNR of 0.01 on every modality in turn.
    """


Means = Mapping[str, Mapping[str, tuple[Number, ...]]]
"""Kind of weight and modality to the mean over the clips, of each seed."""


@dataclass(frozen=True, kw_only=True)
class Change(Record):
    """The change of a weight by a corruption, in points with intervals and in per cent."""

    points: Number
    points_ci: Bounds
    points_ci_clips: Bounds | None = field(default=None, metadata=OPTIONAL)
    percent: Number

    @property
    def interval(self) -> str:
        """The interval, over groups of clips or else over clips, as a table shows it."""
        for bounds, over in ((self.points_ci, ""), (self.points_ci_clips, " over clips")):
            if bounds and bounds[0] == bounds[0]:
                return f"{bounds[0]:+.1f} to {bounds[1]:+.1f}{over}"
        return "-"


@dataclass(frozen=True, kw_only=True)
class Report(SplitReport):
    """Mean weights under each condition, and their change, mean over the seeds.

    ``unused`` is the setting by which the prediction does without them; ``interval`` and
    ``warnings`` say what the intervals are.
    """

    unused: str
    interval: str
    warnings: tuple[str, ...]
    conditions: Mapping[str, Means]
    change: Mapping[str, Mapping[str, Mapping[str, Change]]]

    @property
    def title(self) -> str:
        """Title of table and figure; says if the prediction does without the weights."""
        return " · ".join([super().title, *([UNUSED.format(self.unused)] if self.unused else [])])


def measure(options: Options, progress: Progress) -> Finding:
    """Average the weight of each modality over the clips that have it, under each condition.

    ``weights`` are those the network computes; ``oracle``, where it has them, those it would
    compute if it knew the labels. Where the prediction does not depend on them, as the network
    says itself (`Network.unweighted`), ``unused`` says by which settings, and so do table and
    figure.

    Raises
    ------
    EmocliError
        If the run is no run, what is asked does not fit it, or its network weighs nothing.
    """
    from emocli.plugin.analysis.networks import interval_over, warnings

    evaluator, weights = measured(options, _pooled, progress, NOISE)
    clips, clean = evaluator.samples.clips, weights[CLEAN_LABEL]
    report = Report(
        **vars(about_split(options, evaluator)),
        unused=evaluator.parts[0].members[0].network.unweighted,
        interval=interval_over(clips),
        warnings=tuple(warnings(clips)),
        conditions={label: _means(evaluator, own) for label, own in weights.items()},
        change={
            label: _changes(evaluator, clean, own)
            for label, own in weights.items()
            if label != CLEAN_LABEL
        },
    )
    labels = [label for label in weights if options.corrupt and label != CLEAN_LABEL]
    return Finding(
        name_of("weights", options, evaluator, *labels),
        report,
        _rows(report),
        (tabulate(report),),
        lambda style: draw(report, style),
    )


def _pooled(evaluator: Evaluator, corruptions: Corruptions, seed: int) -> Weights:
    """Collect the weights of every clip by the networks of the fold that tests it."""
    import numpy as np

    parts = [_weights(part, part.transformed(corruptions, seed)) for part in evaluator.parts]
    return {
        kind: {m: np.concatenate([part[kind][m] for part in parts], axis=1) for m in by_modality}
        for kind, by_modality in parts[0].items()
    }


def _weights(evaluator: RunEvaluator, samples: Samples) -> Weights:
    """Collect the weights of every clip by every seed of the run.

    Raises
    ------
    RunError
        If the network weighs nothing.
    """
    import numpy as np
    import torch

    from emocli.plugin.analysis.networks import deterministic_torch

    training = evaluator.config.train
    seeds: list[Weights] = []
    with deterministic_torch(training.threads), torch.inference_mode():
        for member in evaluator.members:
            seeds.append(_of_member(member.network.eval(), samples, training.batch_size))
            if not seeds[-1]["weights"]:
                raise RunError(
                    f"its network '{evaluator.config.fusion}' gives its modalities no weights",
                    where=evaluator.run,
                    hint="train one that does: its output holds `weights`, see docs/analyses.md",
                )
    return {
        kind: {m: np.stack([own[kind][m] for own in seeds]) for m in by_modality}
        for kind, by_modality in seeds[0].items()
    }


def _of_member(network: Network, samples: Samples, size: int) -> Weights:
    """Collect the weights of every clip, shape (n,)."""
    import numpy as np

    from emocli.plugin.analysis.networks import level

    parts: dict[str, dict[str, list[NDArray[np.float64]]]] = {"weights": {}}
    for batch in samples.batches(size, level(network)):
        output = network(batch)
        kinds = {"weights": output.weights, "oracle": network.oracle(output, batch)}
        for kind, by_modality in kinds.items():
            for modality, values in by_modality.items():
                rows = parts.setdefault(kind, {}).setdefault(modality, [])
                rows.append(values.double().numpy())
    return {k: {m: np.concatenate(rows) for m, rows in own.items()} for k, own in parts.items()}


def _having(evaluator: Evaluator, modality: str) -> NDArray[np.bool_]:
    """Tell which clips have a modality, in the order in which the networks visit them."""
    import numpy as np

    store = evaluator.samples.stores[modality]
    return np.array([bool(store.length(clip.id)) for clip in _visited(evaluator)])


def _visited(evaluator: Evaluator) -> list[Clip]:
    from emocli.plugin.analysis.networks import level

    if level(evaluator.parts[0].members[0].network) == "clip":
        return list(evaluator.samples.clips)
    dialogues = [dialogue for part in evaluator.parts for dialogue in part.samples.dialogues()]
    return [clip for dialogue in dialogues for clip in dialogue]


def _means(evaluator: Evaluator, weights: Weights) -> Means:
    """Average over the clips that have the modality."""
    return {
        kind: {
            m: tuple(values[:, _having(evaluator, m)].mean(axis=1).tolist())
            for m, values in own.items()
            if _having(evaluator, m).any()
        }
        for kind, own in weights.items()
    }


def _changes(
    evaluator: Evaluator, clean: Weights, corrupted: Weights
) -> dict[str, dict[str, Change]]:
    """Compare with the clean condition, on the same clips; means over the seeds."""
    import numpy as np

    from emocli.plugin.analysis.networks import clustered

    groups = np.array(clustered(_visited(evaluator)))
    changes: dict[str, dict[str, Change]] = {}
    for kind, own in corrupted.items():
        for modality, values in own.items():
            having = _having(evaluator, modality)
            if having.any():
                after, before = (
                    each[:, having].mean(axis=0) for each in (values, clean[kind][modality])
                )
                change = _change(after, before, groups[having].tolist())
                changes.setdefault(kind, {})[modality] = change
    return changes


def _change(
    after: NDArray[np.float64], before: NDArray[np.float64], groups: Sequence[str]
) -> Change:
    from emocli.plugin.analysis.networks import cluster_bootstrap

    interval, usual = cluster_bootstrap(after - before, groups).times(100), float(before.mean())
    return Change(
        points=interval.mean,
        points_ci=interval.bounds,
        points_ci_clips=interval.clips,
        percent=interval.mean / usual if usual else float("nan"),
    )


def _rows(report: Report) -> Iterator[CsvRow]:
    """Yield a row per condition, modality and seed."""
    for condition, kinds in report.conditions.items():
        for modality in kinds["weights"]:
            for index, seed in enumerate(report.seeds):
                yield {
                    "condition": condition,
                    "modality": modality,
                    "seed": seed,
                    **{kind: own[modality][index] for kind, own in kinds.items()},
                }


def tabulate(report: Report) -> ReportTable:
    """Return a row per condition and modality: clean, corrupted and the change; seeds' means."""
    import numpy as np

    rows: list[tuple[Cell, ...]] = []
    for condition, kinds in report.change.items():
        for kind, own in kinds.items():
            for modality, change in own.items():
                sides = (
                    report.conditions[label][kind][modality] for label in (CLEAN_LABEL, condition)
                )
                means = (float(np.mean(seeds)) for seeds in sides)
                percent = "-" if np.isnan(change.percent) else f"{change.percent:+.1f}"
                points = (f"{change.points:+.1f}", change.interval, percent)
                rows.append((condition, kind, modality, *means, *points))
    columns = ("condition", "kind", "modality", "clean", "corrupted", "points", "95 %", "per cent")
    return ReportTable(report.title, columns, tuple(rows))


def parts(report: Report, run: Path) -> Iterator[Part]:
    """Yield the weights of the modalities, and what each condition changes, drawn in points."""
    table = tabulate(report)
    changes = [
        c for kinds in report.change.values() for own in kinds.values() for c in own.values()
    ]
    spans = tuple(Span(c.points, c.points_ci_clips or c.points_ci) for c in changes)
    rows = tuple(tuple(text(cell) for cell in row) for row in table.rows)
    yield SpanTable(table.columns, rows, spans, (0, 1, 2), table.title, zero=True)
    yield Paragraph(f"Drawn: the change in points. Intervals: {report.interval}.")


PAGE = AnalysisPage(
    70,
    "Weights of the modalities",
    parts,
    "weights of the modalities",
    output="weights",
)


def draw(report: Report, style: Style = SCREEN) -> dict[str, Drawing]:
    """Draw the mean weight of each modality under each condition; bars are the seeds' spread."""
    conditions = report.conditions
    kinds, modalities = list(conditions[CLEAN_LABEL]), list(conditions[CLEAN_LABEL]["weights"])
    width = max(3.2, 0.28 * len(modalities) * len(conditions) + 1.2)
    most = 2 if width < WIDE else 1
    drawing, panels = style.panels(len(kinds), width, 3.4, most, sharey=True)
    for axes, kind in zip(panels, kinds, strict=True):
        _bars(axes, {label: own[kind] for label, own in conditions.items()}, modalities)
        axes.set_title(KINDS[kind])
    panels[0].set_ylabel("weight (mean over clips)")
    style.legend(drawing)
    return {"": style.drawing(drawing, report.title, _caption(report))}


def _caption(report: Report) -> str:
    seeds = len(report.seeds)
    bars = f"; bars: plus and minus one standard deviation over {seeds} seeds" if seeds > 1 else ""
    unused = f" {UNUSED.format(report.unused).capitalize()}." if report.unused else ""
    return (
        f"Weight of each modality in {report.run} ({report.fusion}), mean over "
        f"the {report.n} clips of {report.dataset} ({report.split}) that have it{bars}. Dotted: "
        f"equal weights.{unused}"
    )


def _bars(axes: Axes, conditions: Means, modalities: list[str]) -> None:
    import numpy as np

    each = 0.8 / len(conditions)
    for index, (label, weights) in enumerate(conditions.items()):
        values = np.array([weights[modality] for modality in modalities])
        places = np.arange(len(modalities)) + each * (index - (len(conditions) - 1) / 2)
        look = bar(index - 1) if index else {"facecolor": GREY}
        axes.bar(
            places,
            values.mean(axis=1),
            width=0.9 * each,
            yerr=values.std(axis=1, ddof=1) if values.shape[1] > 1 else None,
            capsize=2,
            label=textwrap.fill(label, 28),
            **look,
        )
    axes.axhline(1 / len(modalities), color="black", linewidth=0.8, linestyle=":")
    axes.set_xticks(range(len(modalities)), modalities)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
