"""The running of analyses: their reports, tables and figures, written into the folder of a run.

An analysis is a plug-in of `emocli.plugin.analysis`: a file here, or a folder where report and
drawing need more. Its heavy libraries are imported inside functions, so that the help is there at
once.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from emocli import plugins
from emocli.data.durable import write_bytes, write_lock
from emocli.data.filenames import named
from emocli.data.json_io import as_json, plain_values
from emocli.data.pool import Progress
from emocli.data.record import Report
from emocli.display import csv_cell
from emocli.parsing import Tree
from emocli.plugin.analysis import CsvRow, Finding, OfRun, OfRunOrStore, VersionedReport
from emocli.report import canvas
from emocli.report.tables import ReportTable


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
        values: Tree = plain_values(self.report)
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

    module = plugins.load("analyses", name)
    finding: Finding = module.measure(options, progress)
    plugins.require(finding, Finding, "the result of measure", name, module.__name__)
    notes = speaker_note(options.place)
    if isinstance(finding.report, VersionedReport):
        report = finding.report.of_analysis(name, next(iter(notes), None))
        finding = replace(finding, report=report)
    drawn: dict[str, bytes] = {}
    if options.figures:
        style = canvas.STYLES[options.style]
        with style.active():
            drawn = canvas.render(finding.draw(style), style)
    written = write(options.place, finding, drawn)
    return replace(written, notes=(*written.notes, *notes))


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
    columns = list(dict.fromkeys(column for row in rows for column in row))
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writerow({name: csv_cell(name) for name in columns})
    writer.writerows(
        {key: csv_cell(plain_values(value)) for key, value in row.items()} for row in rows
    )
    return file.getvalue()
