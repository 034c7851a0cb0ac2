"""What an analysis leaves in a run's folder of reports: data as JSON and CSV, and figures."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emocli import __version__
from emocli.data.clip import Split
from emocli.data.durable import alone, write_bytes
from emocli.data.filenames import named
from emocli.data.json_io import as_json
from emocli.display import csv_cell
from emocli.evaluation.cross_validation import Evaluator
from emocli.models.rundir import REPORTS


@dataclass(frozen=True)
class Analysis:
    """A finished analysis.

    Attributes
    ----------
    path : Path
        Its data (JSON); beside it the same as a table (CSV).
    data : mapping
        What the JSON holds.
    figures : tuple of Path
        What was drawn.
    """

    path: Path
    data: dict[str, Any]
    figures: tuple[Path, ...]


def about(run: Path, evaluator: Evaluator) -> dict[str, Any]:
    """Say whose analysis it is, and of which corpus: what its data begin with."""
    config = evaluator.config
    return {
        "format": 1,
        "emocli": __version__,
        "run": run.resolve().name,
        "fusion": config.fusion,
        "seeds": list(config.seeds),
        "dataset": evaluator.samples.manifest.dataset,
        "trained_on": config.dataset,
    }


def tried(run: Path, evaluator: Evaluator, split: Split, seed: int) -> dict[str, Any]:
    """Say whose analysis it is and on which clips; ``seed`` is that of the corruptions."""
    return {
        **about(run, evaluator),
        "split": split,
        "n": len(evaluator.samples),
        "repair": evaluator.repair.label,
        "corruption_seed": seed,
    }


def titled(*parts: str | None, seed: int = 0) -> str:
    """Name an analysis after what sets it apart from others of the run; empty parts are left out.

    ``seed`` is that of the corruptions.
    """
    return "+".join([*filter(None, parts), *([f"seed {seed}"] if seed else [])])


def write(
    run: Path,
    name: str,
    data: dict[str, Any],
    rows: Sequence[Mapping[str, Any]],
    drawn: Mapping[str, bytes],
) -> Analysis:
    """Write an analysis into a run; the JSON last, so that what has it is complete.

    Parameters
    ----------
    run : Path
        The run.
    name : str
        Of the files, as `named` makes it one.
    data : mapping
        Plain values.
    rows : sequence of mapping
        The table: column to value, the same columns in every row.
    drawn : mapping
        End of a figure's name (``.png``) to its content.
    """
    folder = run / REPORTS
    name = named(name)
    files = {**drawn, ".csv": _table(rows).encode(), ".json": as_json(data).encode()}
    with alone(folder / f"{name}.json", wait=True):
        for suffix, content in files.items():
            write_bytes(folder / f"{name}{suffix}", content)
    figures = tuple(folder / f"{name}{suffix}" for suffix in drawn)
    return Analysis(folder / f"{name}.json", data, figures)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writerow({name: csv_cell(name) for name in writer.fieldnames})
    writer.writerows({key: csv_cell(value) for key, value in row.items()} for row in rows)
    return file.getvalue()
