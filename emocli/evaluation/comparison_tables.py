"""A comparison of runs as tables, and as files for spreadsheets and papers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from emocli.data.columns import csv_rows
from emocli.data.durable import write_bytes
from emocli.data.json_io import as_json
from emocli.display import markdown, number_of, printable
from emocli.errors import ConfigError
from emocli.evaluation.comparison_report import ComparedRun, ComparisonReport, MetricDifference
from emocli.metrics.intervals import MetricInterval, remarks
from emocli.report.tables import (
    Cell,
    ReportTable,
    as_latex,
    as_markdown,
    bounds,
    number,
    spread,
    text,
)


def tables(report: ComparisonReport) -> tuple[ReportTable, ...]:
    """Return the runs, and then every pair of them if there are more than two."""
    return (_runs(report), *([_pairs(report)] if len(report.pairs) > 1 else []))


def write(report: ComparisonReport, path: Path) -> None:
    """Write a comparison as the end of the file's name says: .csv, .md, .tex or .json.

    Raises
    ------
    ConfigError
        If it is none of these.
    """
    require_known(path)
    write_bytes(path, WRITERS[path.suffix](report).encode())


def require_known(path: Path) -> None:
    """Refuse a file whose name does not say how it is written; errors as of `write`."""
    if path.suffix not in WRITERS:
        hint = f"names end in {', '.join(WRITERS)}"
        raise ConfigError(f"cannot write a comparison as '{path.suffix}'", where=path, hint=hint)


def _title(report: ComparisonReport) -> str:
    condition = " + ".join(report.corruption) or "clean"
    return (
        f"{report.metric.replace('_', ' ')} on {number_of(report.n, 'clips')} of {report.dataset} "
        f"({report.split}), {condition}"
    )


def _runs(report: ComparisonReport) -> ReportTable:
    over = "95 %" if _has_groups(report) else "95 % over clips"
    columns = ("run", report.metric.replace("_", " "), over, "change", over, "p", "p Holm")
    title = f"{_title(report)}; change: vs {report.reference}"
    return ReportTable(title, columns, tuple(map(_run, report.runs)))


def _run(run: ComparedRun) -> tuple[Cell, ...]:
    head = (run.run, spread(run.value, run.std), bounds(run.ci_clips or run.ci))
    return (*head, *(_change(run.change) if run.change else ("",) * 4))


def _change(change: MetricDifference) -> tuple[Cell, ...]:
    both = bounds(change.ci_clips or change.ci)
    return number(change.difference, signed=True), both, change.p, change.p_holm


def _pairs(report: ComparisonReport) -> ReportTable:
    over = "95 %" if _has_groups(report) else "95 % over clips"
    tested = any(pair.p_mcnemar is not None for pair in report.pairs)
    columns = ("run", "against", "difference", over, "p", "p Holm")
    rows = (
        (
            *(*pair.runs, *_change(pair)),
            *([math.nan if pair.p_mcnemar is None else pair.p_mcnemar] if tested else []),
        )
        for pair in report.pairs
    )
    return ReportTable("pairs", (*columns, *(["McNemar"] if tested else [])), tuple(rows))


def _has_groups(report: ComparisonReport) -> bool:
    return report.runs[0].ci_clips is None


def _markdown(report: ComparisonReport) -> str:
    lines = (f"{markdown(note)}\n" for note in notes(report))
    return "\n".join([*map(as_markdown, tables(report)), *lines])


def _latex(report: ComparisonReport) -> str:
    lines = (f"% {printable(note)}" for note in notes(report))
    return "\n".join([*map(as_latex, tables(report)), *lines, ""])


def notes(report: ComparisonReport) -> tuple[str, ...]:
    """Say what the numbers are, a line each."""
    several = max(len(run.seeds) for run in report.runs)
    return (
        f"intervals: {report.interval}",
        *remarks(
            [MetricInterval.of(run.value, run.ci, run.ci_clips) for run in report.runs],
            report.n,
            [MetricInterval.of(each.difference, each.ci, each.ci_clips) for each in report.pairs],
        ),
        f"{report.metric}: {report.definition}",
        *_repairs(report),
        *(["±: standard deviation over the seeds, no interval over clips"] if several > 1 else []),
        *([f"p Holm: adjusted for {len(report.pairs)} pairs"] if len(report.pairs) > 1 else []),
        *_mcnemar(report),
        *report.warnings,
    )


def _mcnemar(report: ComparisonReport) -> Iterator[str]:
    """Say what McNemar's p is not, where there is one; of two runs no table has it."""
    tested = [pair.p_mcnemar for pair in report.pairs if pair.p_mcnemar is not None]
    if tested:
        alone = f" (p {text(tested[0])})" if len(report.pairs) == 1 else ""
        yield f"McNemar{alone}: takes clips for independent, and is not adjusted"


def _repairs(report: ComparisonReport) -> Iterator[str]:
    """Say what is done about modalities that are not trusted, where anything is."""
    repairs = {run.run: run.repair or "none" for run in report.runs}
    different = set(repairs.values())
    if len(different) > 1:
        yield f"repair: {'; '.join(f'{run}: {repair}' for run, repair in repairs.items())}"
    elif different != {"none"}:
        yield f"repair: {different.pop()}"


def _csv(report: ComparisonReport) -> str:
    """Return a row per run, numbers in full."""
    columns = (
        *("run", "network", "preset", "features", "seeds", "dataset", "split", "clips"),
        *("corruption", "repair", "metric", "value", "std", "low", "high", "interval"),
        *("reference", "change", "change_low", "change_high", "p", "p_holm", "p_mcnemar"),
    )
    return csv_rows([columns, *(_csv_row(report, run) for run in report.runs)])


def _csv_row(report: ComparisonReport, run: ComparedRun) -> tuple[object, ...]:
    change = run.change
    numbers = (
        (
            *(change.difference, *(change.ci_clips or change.ci)),
            *(change.p, change.p_holm, change.p_mcnemar),
        )
        if change
        else (None,) * 6
    )
    return (
        *(run.run, run.fusion, run.preset, " ".join(run.features), len(run.seeds)),
        *(report.dataset, report.split, report.n, " + ".join(report.corruption), run.repair),
        *(report.metric, run.value, run.std, *(run.ci_clips or run.ci), report.interval),
        *(report.reference if change else None, *numbers),
    )


WRITERS: Mapping[str, Callable[[ComparisonReport], str]] = MappingProxyType(
    {".csv": _csv, ".md": _markdown, ".tex": _latex, ".json": as_json}
)
"""End of a file's name to what writes its text."""
