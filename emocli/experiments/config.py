"""Settings of ``reproduce``, and the table that it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from emocli import plugins
from emocli.config import Settings, Tree, build, subsection
from emocli.data.manifest import Task
from emocli.errors import ConfigError, choice
from emocli.plugin.experiment import Table
from emocli.quantities import Folds, Seed, Seeds


class ReproduceConfig(Settings):
    """Settings of the run of an experiment.

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


CORPUS = ("corpus", "printed")
"""Settings by which experiments name one of the paper's corpora: the one the clips are of."""


def read_table(name: str, settings: Tree, dataset: str = "", task: Task | None = None) -> Table:
    """Return the table of an experiment, whose name is written with hyphens.

    Where the settings do not name a corpus, it is the clips' ``dataset``, if the experiment knows
    that one; so is its ``task`` that of the clips.

    Raises
    ------
    ConfigError
        If there is none of that name, or its own settings are not as they should be.
    """
    module = plugins.load("experiments", plugin_of(name))
    values = subsection(settings, "experiment")
    usual: Tree = of_corpus(name, dataset)
    if task is not None and "task" in module.Config.model_fields:
        usual = {**usual, "task": task}
    table: Table = module.table(build(module.Config, {**usual, **values}, "experiment"))
    plugins.require(table, Table, "the result of table", name, module.__name__)
    return table


def plugin_of(name: str) -> str:
    """Return the plug-in of an experiment, whose name is written with hyphens.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    known = {plugin.replace("_", "-"): plugin for plugin in plugins.names("experiments")}
    if name not in known:
        raise ConfigError(f"no experiment is called '{name}'", hint=choice(name, [*known]))
    return known[name]


def of_corpus(name: str, dataset: str) -> Tree:
    """Return the settings of an experiment by which it knows a corpus, none if it does not."""
    fields = plugins.load("experiments", plugin_of(name)).Config.model_fields
    return {
        key: dataset
        for key, field in fields.items()
        if key in CORPUS and dataset in get_args(field.annotation)
    }


def check_sections(settings: Tree, known: Sequence[str]) -> None:
    """Refuse settings of something that is not there.

    Raises
    ------
    ConfigError
        If there are some.
    """
    for name, values in settings.items():
        if name not in known or not isinstance(values, Mapping):
            hint = choice(name, known)
            raise ConfigError(f"unknown section of settings '{name}'", hint=hint)
