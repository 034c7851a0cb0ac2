"""The systems of a table: its rows by kind, with their features and settings resolved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from emocli.config import Tree, leaves, merge, section, subsection
from emocli.data.store.joined import parts_of
from emocli.errors import ConfigError, choice
from emocli.experiments.cited_rows import CitedSystem
from emocli.experiments.encoder_rows import EncoderSystem
from emocli.experiments.feature_rows import BaselineSystem, FusionSystem, network_fields
from emocli.experiments.rows import System, slug
from emocli.models import baselines
from emocli.plugin.experiment import Row, Table

PAPER = "paper"
"""The preset that takes the sizes a paper has for a corpus."""

KINDS: Mapping[str, type[System]] = {
    "fusion": FusionSystem,
    "baseline": BaselineSystem,
    "encoder": EncoderSystem,
    "cited": CitedSystem,
}
"""Field of `Row` that says what the row is, to its kind."""


def kind(row: Row) -> type[System]:
    """Return the kind of a row; of one that is like another row, once it has that one's network.

    Raises
    ------
    ConfigError
        If the row is nothing, or two things.
    """
    named = [system for field, system in KINDS.items() if getattr(row, field)]
    if len(named) != 1:
        what = f"row '{row.name}' has to be one of {', '.join(KINDS)}"
        raise ConfigError(f"{what}, not {len(named)} of them")
    return named[0]


def kinds(table: Table) -> list[type[System]]:
    """Return the kinds of rows that a table has."""
    return list(dict.fromkeys(kind(row) for row in _whole(table)))


def systems(
    table: Table, chosen: Mapping[str, str], there: Sequence[str], preset: str, tree: Tree
) -> list[System]:
    """Return the systems of a table's rows.

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
        ``network``, ``train`` and so on: settings of every row that has them, where the table does
        not set them itself, which is what makes it that row; ``rows``: slug to sections of settings
        of one row alone, which win over what the table says.

    Raises
    ------
    ConfigError
        If a setting belongs to no row.
    """
    whole = _whole(table)
    slugs = [slug(row.name) for row in whole]
    doubled = [name for name, count in Counter(slugs).items() if count > 1]
    _check_compared(table, [row.name for row in whole if kind(row).RUNS])
    if doubled:
        raise ConfigError(f"two rows of the table are called '{doubled[0]}'")
    rows = subsection(tree, "rows")
    own = {name: section(values, f"rows.{name}") for name, values in rows.items()}
    for name in own:
        if name not in slugs:
            raise ConfigError(f"there is no row '{name}'", where="rows", hint=choice(name, slugs))
    _check_shared(tree, whole)
    base = [_system(row, chosen, there, preset) for row in whole]
    sized = merge(table.sizes, tree)
    return [
        replace(
            system,
            settings=system.with_settings(
                sized if system.preset == PAPER else tree, own.get(system.slug, {})
            ),
        )
        for system in base
    ]


def overridden(rows: Iterable[tuple[str, Tree]], shared: Tree) -> list[str]:
    """Return a line for each setting of all rows that settings of some rows override.

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
    general = dict(leaves(shared))
    own = {name: dict(leaves(settings)) for name, settings in rows}
    kept: dict[str, list[str]] = {}
    for name, settings in own.items():
        for key, value in settings.items():
            if general.get(key, value) != value:
                kept.setdefault(key, []).append(name)
    changed = {key: [name for name in own if key not in own[name]] for key in kept}
    return [
        f"{key} does not count for {', '.join(names)}, which the table tells apart by it; "
        f"rows.ROW.{key} changes one"
        + (f" (it changes {', '.join(changed[key])})" if changed[key] else "")
        for key, names in kept.items()
    ]


def check_distinct(rows: Iterable[tuple[str, Tree, Tree]], shared: Tree) -> None:
    """Refuse a setting for all rows that makes two of them the same.

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


def _check_compared(table: Table, runs: Sequence[str]) -> None:
    """Refuse comparisons of rows that are only quoted, or not there."""
    compared = (*table.comparisons, *table.recoveries, table.alternatives)
    for name in (name for names in compared for name in names):
        if name not in runs:
            raise ConfigError(f"row '{name}' is not run, and cannot be compared with others")


def _whole(table: Table) -> list[Row]:
    """Return the rows, those that are like another one with that one's network."""
    rows = {row.name: row for row in table.rows}
    if len(rows) < len(table.rows):
        doubled = next(n for n, k in Counter(row.name for row in table.rows).items() if k > 1)
        raise ConfigError(f"two rows of the table are called '{slug(doubled)}'")
    return [_like(row, rows) for row in table.rows]


def _like(row: Row, rows: Mapping[str, Row]) -> Row:
    """Give a row that is like another one that one's network."""
    if not row.like:
        if row.baseline and row.baseline not in baselines.names():
            raise baselines.unknown_baseline(row.baseline, row.name)
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
    cls = kind(row)
    system = cls(row, (row.preset or preset) if cls.PRESET else "")
    if not cls.STORED:
        return system
    features = {**chosen, **row.features}
    wanted = row.modalities or tuple(features)
    available = {modality: features[modality] for modality in wanted if modality in features}
    unknown = [modality for modality in wanted if modality not in features]
    absent = [
        part
        for feature in available.values()
        if feature not in there
        for part in parts_of(feature)
        if part not in there
    ]
    lacking = ""
    if unknown:
        lacking = f"no feature of {' and '.join(unknown)} (there are: {', '.join(features)})"
    elif absent:
        lacking = f"the store has no feature '{absent[0]}'"
    return replace(system, features=available, lacking=lacking)


def _check_shared(tree: Tree, rows: Sequence[Row]) -> None:
    known = {key for row in rows if row.fusion for key in network_fields(row.fusion)}
    for key in subsection(tree, "network") if known else ():
        if key not in known:
            what = f"no network of the table has a setting 'network.{key}'"
            raise ConfigError(what, hint=choice(key, sorted(known), prefix="network."))
