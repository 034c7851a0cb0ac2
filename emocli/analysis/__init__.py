"""Analyses of a trained network: a file each, or a folder where report and drawing need more.

An analysis is a plug-in: a module with ``Options``, a frozen dataclass (of `OfRun` or
`OfRunOrStore`) whose docstring is the help of ``emocli analyze NAME`` and whose fields are its
options, and ``measure(options, progress) -> Finding``, whose report is a frozen dataclass of
`Report`, and the module's ``Report``, too. With ``PAGE``, an `AnalysisPage`, it has a section of
its own on the page of `emocli report`; else its figures are shown there. What it stands on is here:
`Option` and `Argument` of its options, `ReportTable`, and the `Style` that it draws in, which makes
a `Drawing`: a figure with its title and caption. Its heavy libraries are imported inside functions,
so that the help is there at once.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from emocli import plugins
from emocli.data.durable import write_bytes, write_lock
from emocli.data.filenames import named
from emocli.data.json_io import as_json, plain
from emocli.data.pool import Progress as Progress
from emocli.data.record import Report as Report
from emocli.display import csv_cell
from emocli.evaluation.options import OtherCorpusOptions, RunOptions
from emocli.options import Argument as Argument
from emocli.options import Option as Option
from emocli.parsing import Tree
from emocli.report import canvas
from emocli.report.canvas import Drawing as Drawing
from emocli.report.canvas import Style as Style
from emocli.report.document import Part as Part
from emocli.report.tables import ReportTable as ReportTable

CsvRow = Mapping[str, object]
"""Column to value."""


@dataclass(frozen=True)
class OfRun(RunOptions):
    """Options of an analysis of a network."""

    @property
    def place(self) -> Path:
        """The folder whose reports hold the analysis."""
        return self.run


@dataclass(frozen=True)
class OfRunOrStore(OtherCorpusOptions):
    """Options of an analysis that needs features, not a network."""

    place: Annotated[
        Path, Argument("A run, or a cross-validation; or a store, with --manifest.", "RUN|STORE")
    ]


@dataclass(frozen=True)
class Finding:
    """The outcome of an analysis, before it is written.

    Attributes
    ----------
    name : str
        Name of the files, as `file_name` makes it.
    report : Report
        The JSON file.
    rows : iterable of mapping
        The CSV file: the same columns in every row.
    tables : tuple of ReportTable
        What is printed.
    draw : callable
        The drawings in a style, by the end of their files' names.
    notes : tuple of str
        What was asked for and there is none of, a line each.
    """

    name: str
    report: Report
    rows: Iterable[CsvRow]
    tables: tuple[ReportTable, ...]
    draw: Callable[[Style], Mapping[str, Drawing]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnalysisPage:
    """The section of an analysis on the page of a run.

    Attributes
    ----------
    place : int
        Where it stands among the sections of `emocli.pages`, the lowest first.
    title : str
        Its heading.
    parts : callable
        Yields its parts from a ``Report`` and the folder of the run.
    absent : str
        What it shows and of which networks, for pages of runs that have not been analysed.
    """

    place: int
    title: str
    parts: Callable[[Any, Path], Iterable[Part]]
    absent: str


@dataclass(frozen=True)
class Analysis:
    """A finished analysis.

    Attributes
    ----------
    path : Path
        Its report (JSON); beside it the same as a table (CSV).
    report : Report
        What the JSON holds.
    tables : tuple of ReportTable
        What is printed.
    figures : tuple of Path
        What was drawn; the caption of each is beside it (``.txt``).
    notes : tuple of str
        What was asked for and there is none of, a line each.
    """

    path: Path
    report: Report
    tables: tuple[ReportTable, ...]
    figures: tuple[Path, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def data(self) -> Tree:
        """The report in plain values."""
        values: Tree = plain(self.report)
        return values


def analyse(
    name: str, options: OfRun | OfRunOrStore, progress: Progress = lambda done, total: None
) -> Analysis:
    """Analyse, and write the report into the folder that it is of.

    Parameters
    ----------
    name : str
        Which one: the name of its module.
    options : OfRun or OfRunOrStore
        Its ``Options``.
    progress : callable
        Told conditions done, and all conditions.

    Raises
    ------
    EmocliError
        If the run is no run, what is asked does not fit it, or its network has nothing to show.
    """
    from emocli.evaluation.run_inputs import speaker_note

    finding: Finding = plugins.load("analyses", name).measure(options, progress)
    drawn: dict[str, bytes] = {}
    if options.figures:
        style = canvas.STYLES[options.style]
        with style.active():
            drawn = canvas.render(finding.draw(style), style)
    written = write(options.place, finding, drawn)
    return replace(written, notes=(*written.notes, *speaker_note(options.place)))


def file_name(*parts: str | None, seed: int = 0) -> str:
    """Name an analysis after what sets it apart from others of the run; empty parts are left out.

    ``seed`` is that of the corruptions.
    """
    return "+".join([*filter(None, parts), *([f"seed {seed}"] if seed else [])])


def write(place: Path, finding: Finding, drawn: Mapping[str, bytes]) -> Analysis:
    """Write an analysis into a run; the JSON last, so that what has it is complete.

    ``drawn`` is the content of the figures and captions by the end of their names (``.png``).
    """
    from emocli.models.rundir import REPORTS

    folder, name = place / REPORTS, named(finding.name)
    path = folder / f"{name}.json"
    with write_lock(path, wait=True):
        figures = canvas.write(folder, name, drawn)
        write_bytes(folder / f"{name}.csv", _csv(list(finding.rows)).encode())
        write_bytes(path, as_json(finding.report).encode())
    return Analysis(path, finding.report, finding.tables, figures, finding.notes)


def _csv(rows: list[CsvRow]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writerow({name: csv_cell(name) for name in writer.fieldnames})
    writer.writerows({key: csv_cell(plain(value)) for key, value in row.items()} for row in rows)
    return file.getvalue()
