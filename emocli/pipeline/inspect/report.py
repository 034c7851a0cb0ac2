"""The inspection of a folder that ends in a report: a reproduction, or the demo."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from emocli.data.record import Report
from emocli.errors import EmocliError, ReportError
from emocli.pipeline.inspect.sections import Inspection, table_of


def inspect_report(path: Path) -> Inspection:
    """Look into a folder that ends in a report: a reproduction, or the demo."""
    from emocli.experiments.report import ExperimentReport
    from emocli.pipeline.demo import DemoReport

    file = path / "report.json"
    with suppress(ReportError):
        table = ExperimentReport.read(file)
        return _inspection("reproduction", path, table, len(table.rows))
    with suppress(ReportError):
        demo = DemoReport.read(file)
        return _inspection("demo", path, demo, len(demo.systems))
    what = "is damaged, or the report of something else"
    raise EmocliError(what, where=file, hint="repeat the command that made it")


def _inspection(kind: str, path: Path, report: Report, rows: int) -> Inspection:
    inside = [p.name for p in sorted(path.iterdir()) if not p.name.startswith(".")]
    told = {k: v for k, v in report.data().items() if isinstance(v, str | int | float)}
    facts: dict[str, object] = {**told, "rows": rows, "inside": inside}
    return Inspection(kind, path, facts, (table_of(kind, facts),), ())
