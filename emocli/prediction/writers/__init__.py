"""Writers of predictions, one file format each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emocli.data.durable import write_text
from emocli.data.json_io import as_json
from emocli.display import exact_json
from emocli.prediction.timeline import FailedInput, PredictionReport
from emocli.prediction.writers.page import html_text
from emocli.prediction.writers.table import csv_text

CSV, JSON, FAILURES = "predictions.csv", "predictions.json", "failures.jsonl"
PAGE = "report.html"


def write_all(report: PredictionReport, out: Path) -> None:
    """Write everything that is always written; the JSON, which holds all, last."""
    write_text(out / CSV, csv_text(report))
    write_text(out / PAGE, html_text(report, out))
    write_failures(report.failures, out / FAILURES)
    write_text(out / JSON, as_json(report))


def write_failures(failures: Sequence[FailedInput], path: Path) -> None:
    """Write a line for everything that could not be used; no file if all could."""
    import json

    if not failures:
        path.unlink(missing_ok=True)
        return
    lines = (exact_json(json.dumps(each.data(), ensure_ascii=False)) for each in failures)
    write_text(path, "".join(f"{line}\n" for line in lines))
