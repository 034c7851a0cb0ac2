"""A report of an experiment, of which each test says what matters to it."""

from __future__ import annotations

from typing import Any

from emocli.experiments.config import ReproduceConfig
from emocli.experiments.report import BestAlternative, ExperimentInputs, ExperimentReport


def experiment_report(**changes: Any) -> ExperimentReport:
    facts: dict[str, Any] = {
        **dict.fromkeys(("rows", "comparisons", "recoveries", "by_class", "notes", "warnings"), ()),
        **{key: {} for key in ("settings", "rules")},
        "chosen": BestAlternative(),
        "inputs": ExperimentInputs(manifest="", features={}),
        **ReproduceConfig().model_dump(),
        "format": ExperimentReport.FORMAT,
        "emocli": "0",
        "experiment": "x",
        "title": "A table",
        "dataset": "toy",
        "task": "single",
        "classes": ("a", "b"),
        "n": 40,
        "metrics": ("accuracy",),
        "definitions": {"accuracy": "share of hits"},
        "interval": "95 %",
        "seconds": 1.0,
    }
    return ExperimentReport(**facts | changes)
