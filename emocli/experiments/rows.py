"""The rows of an experiment made concrete: what they are given, and with which settings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from emocli import plugins
from emocli.config import Tree, leaves, merge, section
from emocli.errors import ConfigError, choice
from emocli.models import baselines
from emocli.plugin.experiment import Row, Table

SHARED = ("network", "train")
"""Sections of settings of every network."""


@dataclass(frozen=True)
class System:
    """A row, ready to run.

    Attributes
    ----------
    row : Row
        What the table says; a row that is like another one has that one's network.
    slug : str
        Its name, for files.
    trained : str
        The slug of the row whose networks are tested: its own, or that of the row it is like.
    features : mapping
        What it is given: modality to feature.
    preset : str
        Of the network.
    settings : mapping
        Laid over the preset.
    lacking : str
        Why it cannot run; empty if it can.
    """

    row: Row
    slug: str
    trained: str
    features: Mapping[str, str]
    preset: str
    settings: Tree
    lacking: str

    @property
    def learns(self) -> bool:
        """Whether networks have to be trained for it."""
        return bool(self.row.fusion) and not self.row.like and not self.lacking


def systems(
    table: Table, chosen: Mapping[str, str], there: Sequence[str], preset: str, tree: Tree
) -> list[System]:
    """Make the rows of a table concrete.

    Parameters
    ----------
    table : Table
        The experiment.
    chosen : mapping
        Modality to the feature it is seen through, where a row does not say.
    there : sequence of str
        All features in the store.
    preset : str
        Of rows that do not say.
    tree : mapping
        ``network`` and ``train``: settings of every network that has them, where its row does not
        set them itself, which is what makes it that row; ``rows``: slug to sections of settings of
        one row alone, which win over what the table says.

    Raises
    ------
    ConfigError
        If a setting belongs to no row.
    """
    rows = {row.name: row for row in table.rows}
    whole = [_like(row, rows) for row in table.rows]
    slugs = [slug(row.name) for row in whole]
    doubled = [name for name, count in Counter(slugs).items() if count > 1]
    if doubled or len(rows) < len(whole):
        raise ConfigError(f"two rows of the table are called '{(doubled or slugs)[0]}'")
    own = {name: section(values, f"rows.{name}") for name, values in tree.get("rows", {}).items()}
    for name in own:
        if name not in slugs:
            raise ConfigError(f"there is no row '{name}'", where="rows", hint=choice(name, slugs))
    _check_shared(tree, whole)
    made = [_system(row, chosen, there, preset) for row in whole]
    return [_with_settings(system, tree, own.get(system.slug, {})) for system in made]


def overruled(rows: Iterable[tuple[str, Tree]], shared: Tree) -> list[str]:
    """Say which settings of all rows do not count for some, because the table sets them there.

    Parameters
    ----------
    rows : iterable of (str, mapping)
        Slug of each row, and what the table sets.
    shared : mapping
        What the command sets for all.

    Returns
    -------
    list of str
        A line for each such setting.
    """
    told = dict(leaves(shared))
    own = {name: dict(leaves(settings)) for name, settings in rows}
    found: dict[str, list[str]] = {}
    for name, settings in own.items():
        for key, value in settings.items():
            if told.get(key, value) != value:
                found.setdefault(key, []).append(name)
    changed = {key: [name for name in own if key not in own[name]] for key in found}
    return [
        f"{key} does not count for {', '.join(names)}, which the table tells apart by it; "
        f"rows.ROW.{key} changes one"
        + (f" (it changes {', '.join(changed[key])})" if changed[key] else "")
        for key, names in found.items()
    ]


def check_apart(rows: Iterable[tuple[str, Tree, Tree]], shared: Tree) -> None:
    """Refuse a setting for all rows that makes some what another one is, by which it is told apart.

    Parameters
    ----------
    rows : iterable of (str, mapping, mapping)
        Slug of each row, what the table sets, and what it would otherwise have.
    shared : mapping
        What the command sets for all.

    Raises
    ------
    ConfigError
        If there is one.
    """
    known = [(name, dict(leaves(table)), dict(leaves(base))) for name, table, base in rows]
    for key, value in leaves(shared):
        those = [name for name, table, _ in known if table.get(key, ...) == value]
        others = [
            name
            for name, table, base in known
            if key not in table and base.get(key, value) != value
        ]
        if those and others:
            what = f"'{key}' = {value!r} would make {', '.join(others)} what {those[0]} is by it"
            hint = f"set it for one row: rows.{others[0]}.{key}={value}"
            raise ConfigError(what, hint=hint)


def slug(name: str) -> str:
    """Write a name with nothing but small letters, digits, dots and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")


def _like(row: Row, rows: Mapping[str, Row]) -> Row:
    """Give a row that is like another one that one's network."""
    if not row.like:
        if row.baseline and row.baseline not in baselines.names():
            hint = choice(row.baseline, baselines.names())
            raise ConfigError(f"no baseline is called '{row.baseline}'", where=row.name, hint=hint)
        return row
    if row.like not in rows or rows[row.like].like or not rows[row.like].fusion:
        raise ConfigError(f"row '{row.name}' is like '{row.like}', which has no network of its own")
    other = rows[row.like]
    return replace(
        row,
        fusion=other.fusion,
        modalities=other.modalities,
        features=other.features,
        preset=other.preset,
        settings=other.settings,
        training=other.training,
    )


def _system(row: Row, chosen: Mapping[str, str], there: Sequence[str], preset: str) -> System:
    features = {**chosen, **row.features}
    wanted = row.modalities or tuple(features)
    given = {modality: features[modality] for modality in wanted if modality in features}
    unknown = [modality for modality in wanted if modality not in features]
    absent = [feature for feature in given.values() if feature not in there]
    lacking = ""
    if unknown:
        lacking = f"no feature of {' and '.join(unknown)} (there are: {', '.join(features)})"
    elif absent:
        lacking = f"the store has no feature '{absent[0]}'"
    return System(
        row=row,
        slug=slug(row.name),
        trained=slug(row.like or row.name),
        features=given,
        preset=row.preset or preset,
        settings={},
        lacking=lacking,
    )


def _with_settings(system: System, tree: Tree, own: Tree) -> System:
    """Lay the row's settings over the command's, and those the command has for it over these."""
    fusion = system.row.fusion
    shared = _shared(tree, fusion) if fusion else _standardising(tree)
    return replace(system, settings=merge(merge(shared, system.row.settings), own))


def _standardising(tree: Tree) -> Tree:
    """Return the only setting that baselines share with networks: how features are standardised."""
    train = tree.get("train", {})
    return {"train": {"outliers": train["outliers"]}} if "outliers" in train else {}


def _shared(tree: Tree, fusion: str) -> Tree:
    """Return the settings that a network has."""
    known = _fields(fusion)
    network = {key: value for key, value in tree.get("network", {}).items() if key in known}
    return {"network": network, "train": tree.get("train", {})}


def _fields(fusion: str) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = plugins.load("fusion", fusion).Config.model_fields
    return fields


def _check_shared(tree: Tree, rows: Sequence[Row]) -> None:
    known = {key for row in rows if row.fusion for key in _fields(row.fusion)}
    for key in tree.get("network", {}) if known else ():
        if key not in known:
            what = f"no network of the table has a setting 'network.{key}'"
            raise ConfigError(what, hint=choice(key, sorted(known)))
