"""The inspection of a report: of a reproduction, the demo, a study, an evaluation, an analysis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from emocli import plugins
from emocli.config import Plain, Tree
from emocli.data.record import Report, read_data
from emocli.display import number_of
from emocli.errors import ReportError
from emocli.pipeline.inspect.sections import Inspection, table_of
from emocli.pipeline.inspect.study import inspect_greedy, inspect_nested, inspect_search
from emocli.plugin.analysis import analysis_of
from emocli.report.tables import text as cell

REPORTS = ("report.json", "study.json", "tune.json", "predictions.json")
"""What a folder ends in that is no run."""

WIDEST = 60
"""Characters of a list that is shown whole."""

COMMANDS = "analyze, compare, demo, evaluate, predict, reproduce or tune"


@dataclass(frozen=True)
class ReportKind:
    """A kind of report: its name, the module and name of its class, and the key of its rows."""

    name: str
    module: str
    record: str
    rows: str = ""

    def __call__(self, data: Tree, file: Path) -> Inspection:
        """Look into such a report."""
        kind: type[Report] = getattr(import_module(self.module), self.record)
        return _inspection(self.name, kind.parsed(data, file), file, self.rows)


KINDS: tuple[tuple[frozenset[str], Callable[[Tree, Path], Inspection]], ...] = (
    (
        frozenset({"experiment", "rows"}),
        ReportKind("reproduction", "emocli.experiments.report", "ExperimentReport", "rows"),
    ),
    (
        frozenset({"systems", "talk"}),
        ReportKind("demo", "emocli.pipeline.demo_report", "DemoReport", "systems"),
    ),
    (frozenset({"study", "space"}), inspect_search),
    (frozenset({"study", "folds"}), inspect_nested),
    (frozenset({"study", "trials"}), inspect_greedy),
    (
        frozenset({"clean", "sweep"}),
        ReportKind("evaluation", "emocli.evaluation.report", "EvaluationReport"),
    ),
    (
        frozenset({"reference", "pairs"}),
        ReportKind("comparison", "emocli.evaluation.comparison_report", "ComparisonReport", "runs"),
    ),
    (
        frozenset({"networks", "segments"}),
        ReportKind("prediction", "emocli.prediction.timeline", "PredictionReport", "segments"),
    ),
    (
        frozenset({"commands"}),
        ReportKind("log of commands", "emocli.models.commands", "CommandLog", "commands"),
    ),
)
"""Keys that tell a report from all before it, in every format that is read, and its inspection."""


def report_in(path: Path) -> Path | None:
    """Return the file of a report: the path itself, or what is in the folder."""
    files = [path / name for name in REPORTS] if path.is_dir() else [path]
    return next((file for file in files if file.suffix == ".json" and file.is_file()), None)


def inspect_report(file: Path) -> Inspection:
    """Look into a report.

    Raises
    ------
    ReportError
        If it is damaged, of another format, or of no known kind.
    """
    data = read_data(file)
    for keys, look_into in KINDS:
        if keys <= data.keys():
            return look_into(data, file)
    names = plugins.names("analyses")
    stated = next((name for name in names if name == data.get("analysis")), None)
    name = stated or analysis_of(file.stem, names)
    if name and (kind := plugins.load("analyses", name).Report):
        return _inspection(f"report of analyze {name}", kind.parsed(data, file), file)
    if "analysis" in data:
        what = f"is of the analysis '{data['analysis']}', which is not installed"
        raise ReportError(what, where=file, hint="install the package that adds it")
    has = ", ".join(key[:20] for key in [*data][:4]) or "nothing"
    what = f"is no report, or the report of something else (it has {has})"
    hint = f"name the folder it is in, or a report of emocli {COMMANDS}"
    raise ReportError(what, where=file, hint=hint)


def _inspection(kind: str, report: Report, file: Path, rows: str = "") -> Inspection:
    data = report.data()
    shown = {k: _summary(v) for k, v in data.items() if k != rows}
    more: Tree = {}
    listed = data.get(rows)
    if isinstance(listed, list):
        more["rows"] = len(listed)
    if file.name in REPORTS:
        more["inside"] = sorted(p.name for p in file.parent.iterdir() if p.name[0] != ".")
    return Inspection(kind, file, data | more, (table_of(kind, shown | more),), ())


def _summary(value: Plain) -> object:
    """Return a value as a cell shows it: a short list whole, of what is larger the size."""
    if not isinstance(value, list | Mapping):
        return "-" if value is None else value
    nested = isinstance(value, Mapping) or any(isinstance(v, list | Mapping) for v in value)
    text = "" if nested else ", ".join(map(cell, value))
    return number_of(len(value), "entries") if nested or len(text) > WIDEST else text
