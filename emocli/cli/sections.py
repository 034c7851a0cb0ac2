"""One file of settings for a whole experiment: every command takes its own sections.

A file may hold the sections of all commands, ``[covarep]`` for `emocli extract`, ``[network]`` and
``[train]`` for `emocli train`; a command leaves alone what belongs to others, and refuses what
belongs to none. A table of a command's own name, ``[fit_text.train]``, is taken by that command in
place of all shared sections.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from emocli import plugins
from emocli.config import Tree, merge, parse_sets, read_toml
from emocli.errors import ConfigError, choice

COMMANDS: Mapping[str, Callable[[], Collection[str]]] = MappingProxyType(
    {
        "manifest": lambda: plugins.names("datasets"),
        "extract": lambda: plugins.names("features"),
        "fit-cca": lambda: ("check",),
        "fit-encoder": lambda: ("encoder", "loss", "train", "augment"),
        "fit-text": lambda: ("text", "train"),
        "train": lambda: ("network", "train", "robust"),
        "reproduce": lambda: ("reproduce", "experiment", "network", "train", "check", "rows"),
    }
)
"""Command to the sections it takes."""


def settings(
    command: str,
    file: Path | None,
    pairs: Iterable[str] | None,
    takes: Collection[str] | None = None,
) -> Tree:
    """Read a command's settings: its sections of a TOML file, if any, under those of ``--set``.

    Parameters
    ----------
    command : str
        Which, as in `COMMANDS`.
    file : Path, optional
        A TOML file.
    pairs : iterable of str, optional
        What ``--set`` says: for the command itself to judge.
    takes : collection of str, optional
        Fewer sections than the command might take.

    Raises
    ------
    ConfigError
        If the file is absent or no TOML, or a section of it is none, or belongs to no command.
    """
    told = parse_sets(pairs or ())
    sections = COMMANDS[command]() if takes is None else takes
    return merge(_own(command, sections, file), told) if file else told


def _own(command: str, sections: Collection[str], file: Path) -> Tree:
    tree, table = read_toml(file), command.replace("-", "_")
    tables = {name.replace("-", "_") for name in COMMANDS}
    known = sorted({*tables, *(name for taken in COMMANDS.values() for name in taken())})
    for name, values in tree.items():
        if name not in known:
            what = f"section '{name}' belongs to no command"
            raise ConfigError(what, where=file, hint=choice(name, known))
        if not isinstance(values, Mapping):
            hint = f"give its settings below [{name}]"
            raise ConfigError(f"'{name}' is a section, not a setting", where=file, hint=hint)
    if table in tree and table not in sections:
        return dict(tree[table])
    return {name: values for name, values in tree.items() if name in sections}
