"""Tables of papers, and the figures that stand in brackets there."""

from __future__ import annotations

from typing import Any

from emocli import plugins
from emocli.config import build
from emocli.plugin.experiment import Row, Table


def table(name: str, **settings: Any) -> Table:
    module = plugins.load("experiments", name)
    made: Table = module.table(build(module.Config, settings, "experiment"))
    return made


def printed(made: Table) -> dict[tuple[str, str, str], float]:
    """Row, condition and metric to the figure that is shown in brackets."""
    return {
        (row.name, condition, metric): value
        for row in made.rows
        for condition, metrics in row.printed.items()
        for metric, value in metrics.items()
    }


def row(made: Table, name: str) -> Row:
    return next(each for each in made.rows if each.name == name)


def printed_by_class(made: Table) -> dict[tuple[str, str, str], float]:
    """Row, metric and class to the figure that is shown in brackets."""
    return {
        (row.name, metric, name): value
        for row in made.rows
        for metric, classes in row.printed_by_class.items()
        for name, value in classes.items()
    }
