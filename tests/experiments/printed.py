"""Experiments' tables, and the values of the papers in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emocli import plugins
from emocli.config import build
from emocli.plugin.experiment import Row, Table


def table(name: str, **settings: Any) -> Table:
    module = plugins.load("experiments", name)
    result: Table = module.table(build(module.Config, settings, "experiment"))
    return result


def printed(made: Table) -> dict[tuple[str, str, str], float]:
    """Row, condition and metric to the printed value."""
    return _by_row(made, lambda row: row.printed)


def printed_by_class(made: Table) -> dict[tuple[str, str, str], float]:
    """Row, metric and class to the printed value."""
    return _by_row(made, lambda row: row.printed_by_class)


def _by_row(
    made: Table, of_row: Callable[[Row], Mapping[str, Mapping[str, float]]]
) -> dict[tuple[str, str, str], float]:
    return {
        (row.name, outer, inner): value
        for row in made.rows
        for outer, values in of_row(row).items()
        for inner, value in values.items()
    }


def row(made: Table, name: str) -> Row:
    return next(each for each in made.rows if each.name == name)
