"""How an experiment is run, and the files that come out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emocli import plugins
from emocli.config import Settings, Tree, build
from emocli.data.durable import write_bytes, write_text
from emocli.data.json_io import as_json, plain
from emocli.errors import ConfigError, choice
from emocli.experiments.report import draw, markdown
from emocli.plugin.experiment import Extractors, Table
from emocli.quantities import Folds, Seed, Seeds

Say = Callable[[str], None]

REPORT, TABLE = "report.json", "table.md"


class Protocol(Settings):
    """How an experiment is run.

    Attributes
    ----------
    folds : int
        Of a cross-validation; 0 for the manifest's own splits.
    seeds : int
        Trainings of each network on each fold.
    preset : str
        Of networks whose row does not say.
    check_preset : str
        Of the modality check, where a row needs it.
    features : tuple of str
        One per modality; all in the store if none is named.
    corruption_seed : int
        Another seed, other noise.
    only : tuple of str
        Rows to run now, by slug; all if none is named.
    """

    folds: Folds = 0
    seeds: Seeds = 5
    preset: str = "paper"
    check_preset: str = "plus"
    features: tuple[str, ...] = ()
    corruption_seed: Seed = 0
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reproduction:
    """What came out.

    Attributes
    ----------
    path : Path
        The report, a JSON file.
    data : dict
        Its content: ``rows`` with their ``conditions``, ``comparisons``, what it was computed from
        and what it took.
    table : Path
        The same to be read, in Markdown.
    figures : tuple of Path
        And drawn.
    """

    path: Path
    data: dict[str, Any]
    table: Path
    figures: tuple[Path, ...]


def wanted(name: str, settings: Tree) -> Table | Extractors:
    """Return the table of an experiment, whose name is written with hyphens.

    Raises
    ------
    ConfigError
        If there is none of that name, or its own settings are not as they should be.
    """
    known = [found.replace("_", "-") for found in plugins.names("experiments")]
    if name not in known:
        raise ConfigError(f"no experiment is called '{name}'", hint=choice(name, known))
    module = plugins.load("experiments", name.replace("-", "_"))
    table: Table | Extractors = module.table(
        build(module.Config, settings.get("experiment", {}), "experiment")
    )
    return table


def check_sections(settings: Tree, known: Sequence[str]) -> None:
    """Refuse settings of something that is not there.

    Raises
    ------
    ConfigError
        If there are some.
    """
    for section, values in settings.items():
        if section not in known or not isinstance(values, Mapping):
            hint = choice(section, known)
            raise ConfigError(f"unknown section of settings '{section}'", hint=hint)


def write(out: Path, report: dict[str, Any]) -> Reproduction:
    """Write a report as JSON, as Markdown and drawn."""
    data: dict[str, Any] = plain(report)
    drawn = draw(data)
    for suffix, content in drawn.items():
        write_bytes(out / f"figure{suffix}", content)
    write_text(out / TABLE, markdown(data))
    write_text(out / REPORT, as_json(data))
    figures = tuple(out / f"figure{suffix}" for suffix in drawn)
    return Reproduction(out / REPORT, data, out / TABLE, figures)
