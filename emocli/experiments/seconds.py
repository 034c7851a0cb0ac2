"""The seconds that the trainings of an experiment took, of this and of earlier commands."""

from __future__ import annotations

import json
from pathlib import Path

from emocli.data.durable import write_text
from emocli.parsing import numbers_by_name, read_object

SECONDS = "seconds.json"
"""Seconds of the trainings of an experiment, by row; beside its runs."""

FORMER = "costs.json"
"""Its name before, which is still read."""


def training_seconds(out: Path) -> dict[str, float]:
    """Read the seconds that were spent on trainings, by row."""
    path = out / SECONDS
    try:
        return numbers_by_name(read_object(path if path.exists() else out / FORMER))
    except (OSError, ValueError, TypeError):
        return {}


def add_seconds(out: Path, slug: str, spent: float) -> float:
    """Add the time that was spent on trainings; what an interruption cuts short is lost."""
    seconds = training_seconds(out)
    seconds[slug] = seconds.get(slug, 0.0) + spent
    write_text(out / SECONDS, json.dumps(seconds, indent=2) + "\n")
    return seconds[slug]
