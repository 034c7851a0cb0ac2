"""An experiment's report in words: one document, as Markdown or as a page with its figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from emocli.config import subsection
from emocli.display import number_of, printable
from emocli.experiments.drawing import (
    classes_caption,
    conditions,
    rows_caption,
    starts,
    sweeps_caption,
)
from emocli.experiments.report import AnalysisReport, ExperimentReport, RowReport
from emocli.metrics.summary import Estimate
from emocli.report import document
from emocli.report.document import Block, Grid, Heading, Listing, Paragraph, Picture, grid


def markdown(report: ExperimentReport) -> str:
    """Write the rows under their conditions, metric by metric, comparisons and trainings."""
    return document.markdown(list(blocks(report)))


def page(report: ExperimentReport, pictures: document.Pictures) -> str:
    """Write the same as one HTML page.

    Parameters
    ----------
    report : ExperimentReport
        What came out.
    pictures : callable
        Returns the content of a figure by the name of its file.
    """
    title = f"{report.experiment} · {report.dataset}"
    return document.page(title, list(blocks(report)), pictures)


def blocks(report: ExperimentReport) -> Iterator[Block]:
    """Yield the parts of the document."""
    yield from (Heading(report.title, 1), Paragraph(_lead(report)))
    for index, metric in enumerate(report.metrics):
        what = report.definitions.get(metric, "")
        yield from (Heading(f"{metric} ({what})"), _table(report, metric))
        if index == 0:
            yield Picture("figure.png", f"{metric} of every row", rows_caption(report))
            yield from (*_chosen(report), *_compared(report), *_recovered(report))
    for index, metric in enumerate(report.by_class):
        yield Heading(f"{metric} of each class, {starts(report)}")
        yield _classes(report, metric)
        if index == 0:
            yield Picture("figure-classes.png", f"{metric} of each class", classes_caption(report))
    if report.sweeps:
        yield Heading(f"{report.metrics[0]} over settings")
        yield Picture("figure-sweeps.png", "sweeps", sweeps_caption(report))
    for analysis in report.analyses:
        yield Heading(printable(analysis.name))
        yield from _analysed(analysis)
    yield from (Heading("Cost"), _trainings(report))
    yield from _listed("Not run", [f"{r.row}: {r.lacking}" for r in report.rows if r.lacking])
    yield from _listed("Quoted", list(_quoted(report)))
    yield from _listed("Notes", [*report.warnings, *report.notes])


def cells(report: ExperimentReport, metric: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each row's name and its text for each condition; empty where it was not tested.

    What the paper printed is in brackets; of a row that is only quoted it is all there is.
    """
    names = conditions(report)
    for row in report.rows:
        tested = {c.name: value(c.metrics, metric) for c in row.conditions}
        yield row.row, [_with_claim(tested.get(n, ""), _claim(row, n, metric)) for n in names]


def value(metrics: Mapping[str, float], metric: str) -> str:
    """Write a metric; of several seeds, with its spread."""
    mean, std = (metrics.get(name, math.nan) for name in (metric, f"{metric}_std"))
    if math.isnan(mean):
        return "-"
    return f"{mean:.3f}" if math.isnan(std) else f"{mean:.3f} ± {std:.3f}"


def _claim(row: RowReport, condition: str, metric: str) -> str:
    """Write what a paper printed, in brackets; empty if it printed nothing."""
    return _bracketed(row.printed.get(condition, {}).get(metric))


def _bracketed(claim: float | None) -> str:
    """Write a printed number with all its digits, by the fourth of which some rows differ."""
    if claim is None:
        return ""
    text = f"{claim:.4f}"
    return f"({text.removesuffix('0')})"


def _listed(title: str, lines: list[str]) -> Iterator[Block]:
    if lines:
        yield from (Heading(title), Listing(tuple(lines)))


def _quoted(report: ExperimentReport) -> Iterator[str]:
    """Name the rows that are only quoted, source by source."""
    for source in dict.fromkeys(row.cited for row in report.rows if row.cited):
        names = ", ".join(row.row for row in report.rows if row.cited == source)
        yield f"{source}: {names}"


def _analysed(analysis: AnalysisReport) -> Iterator[Block]:
    """Yield the figures, notes and tables of an analysis."""
    names = (name for name in analysis.figures if name.endswith("png"))
    yield from (Picture(name, analysis.row, analysis.captions.get(name, "")) for name in names)
    yield from (Paragraph(printable(note)) for note in analysis.notes)
    for table in analysis.tables:
        yield grid(table)


def _lead(report: ExperimentReport) -> str:
    features = dict.fromkeys(name for row in report.rows for name in row.features)
    folds = f"{report.folds} folds, pooled" if report.folds else "the manifest's test split"
    return (
        f"`emocli reproduce {report.experiment}` on {report.dataset}: {report.n} test "
        f"clips ({folds}), {number_of(report.seeds, 'seeds')}, preset `{report.preset}`, check "
        f"`{report.check_preset}`, features {', '.join(features)}{_changed(report)}. "
        "Mean ± standard deviation over the seeds; in brackets what the paper printed."
    )


def _changed(report: ExperimentReport) -> str:
    """List what the settings change for all rows: which network the numbers are of."""
    sections = [s for s in report.settings if s in ("network", "train", "experiment")]
    own = ((s, subsection(report.settings, s)) for s in sections)
    listed = ", ".join(f"`{s}.{key}={v}`" for s, values in own for key, v in values.items())
    return f"; changed: {listed}" if listed else ""


def _table(report: ExperimentReport, metric: str) -> Grid:
    """Show a metric of every row under every condition, what the paper printed in brackets."""
    names = conditions(report)
    return Grid(["system", *names], [[name, *texts] for name, texts in cells(report, metric)])


def _with_claim(text: str, claim: str) -> str:
    return f"{text} {claim}".strip()


def _chosen(report: ExperimentReport) -> Iterator[Block]:
    """Say which of the alternatives is best on the valid clips."""
    chosen = report.chosen
    if chosen.valid:
        rest = ", ".join(f"{name} {valid:.3f}" for name, valid in chosen.valid.items())
        best = f"On the validation clips **{chosen.row}** is best ({chosen.metric}: {rest})."
        yield Paragraph(best)


def _classes(report: ExperimentReport, metric: str) -> Grid:
    """Show a metric class by class, what the paper printed in brackets."""
    names, rows = report.classes, []
    for row in (row for row in report.rows if row.conditions):
        of, claims = row.conditions[0].per_class or {}, row.printed_by_class.get(metric, {})
        texts = (_with_claim(value(of[k], metric), _bracketed(claims.get(k))) for k in names)
        rows.append([row.row, *texts])
    return Grid(["system", *names], rows)


def _compared(report: ExperimentReport) -> Iterator[Block]:
    """Say how rows compare: the difference, and how much less the first loses by a condition."""
    if not report.comparisons:
        return
    columns = ["first - second", "condition", "difference", "p", "of what the condition costs", "p"]
    rows = [
        [
            " - ".join(pair.rows),
            pair.condition,
            *_interval(pair.difference),
            *(_interval(pair.loss) if pair.loss else ("", "")),
        ]
        for pair in report.comparisons
    ]
    metric = report.comparisons[0].metric
    yield Paragraph(
        f"Paired by clip, {metric}; {report.interval}. A loss is what a condition costs a "
        "system: where its difference is negative the first one loses less."
    )
    yield Grid(columns, rows, left=(0, 1))


def _recovered(report: ExperimentReport) -> Iterator[Block]:
    """Yield the table of the share of the gap between two rows that other rows recover."""
    if not report.recoveries:
        return
    rows = [[*each.rows, _interval(each.share)[0]] for each in report.recoveries]
    yield Paragraph(
        f"How much of the {report.recoveries[0].metric} between two rows a system makes up "
        f"for, each under its first condition; {report.interval}."
    )
    yield Grid(["system", "from", "to", "share"], rows, left=(0, 1, 2))


def _interval(estimate: Estimate) -> tuple[str, str]:
    if math.isnan(estimate.mean):
        return "-", "-"
    text = ""
    for bounds, over in ((estimate.ci, ""), (estimate.ci_clips, " over clips")):
        if bounds and not math.isnan(bounds[0]) and not text:
            text = f" ({bounds[0]:+.3f} to {bounds[1]:+.3f}{over})"
    return f"{estimate.mean:+.3f}{text}", _p(estimate.p)


def _p(value: float) -> str:
    """Write a p, which is never 0."""
    if math.isnan(value):
        return "-"
    return f"{value:.3f}" if value >= 0.0005 else "< 0.001"


def _trainings(report: ExperimentReport) -> Grid:
    rows = [_training(row) for row in report.rows if row.conditions]
    return Grid(["system", "is", "parameters", "best epochs", "training"], rows, left=(0, 1))


def _training(row: RowReport) -> list[str]:
    epochs, seconds = row.best_epochs, row.seconds
    chosen = ", ".join(f"{value:g}" for value in row.C or ())
    return [
        row.row,
        f"{row.system}{f', C = {chosen}' if chosen else ''}",
        "" if row.parameters is None else f"{row.parameters:,}",
        f"{min(epochs)} to {max(epochs)}" if epochs else "",
        f"{seconds:,.0f} s" if seconds else "",
    ]
