"""Files of settings: one for a whole experiment, of which every command takes its own sections.

A file may hold the sections of all commands, ``[covarep]`` for `emocli extract`, ``[network]`` and
``[train]`` for `emocli train`; a command leaves alone what belongs to others, and refuses what
belongs to none. A table of a command's own name, ``[fit_text.train]``, is taken by that command in
place of all shared sections.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from emocli.cli.commands import discovered
from emocli.config import Plain, Tree, merge, parse_sets, read_toml, subsection
from emocli.errors import ConfigError, choice


def command_sections() -> dict[str, Collection[str]]:
    """Return the names of the commands that take sections of a file of settings, and which."""
    return {command.name: taken for command in discovered().usable if (taken := command.sections())}


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
        Its name.
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
    typed = parse_sets(pairs or ())
    return merge(_own(command, takes, file), typed) if file else typed


def robust(pairs: Iterable[str] | None) -> Tree | None:
    """Read ``--set`` of a command that takes the section ``robust`` alone; errors as `settings`."""
    tree = parse_sets(pairs or ())
    for section in tree.keys() - {"robust"}:
        raise ConfigError(f"unknown setting '{section}'", hint="there is robust.KEY")
    return subsection(tree, "robust") if "robust" in tree else None


def table(command: str, file: Path | None) -> Tree:
    """Return the table of a command's own name in a file, for another that does its work."""
    name = command.replace("-", "_")
    own = {} if file is None else read_toml(file).get(name)
    return dict(own) if isinstance(own, Mapping) else {}


def section_of(section: str, values: Mapping[str, Plain]) -> Tree:
    """Return the settings that have a value, as a section; nothing if none has."""
    own: Tree = {name: value for name, value in values.items() if value is not None}
    return {section: own} if own else {}


def _own(command: str, takes: Collection[str] | None, file: Path) -> Tree:
    tree, table, commands = read_toml(file), command.replace("-", "_"), command_sections()
    sections = commands.get(command, ()) if takes is None else takes
    tables = {name.replace("-", "_") for name in commands}
    known = sorted({*tables, *(name for taken in commands.values() for name in taken)})
    for name, values in tree.items():
        if name not in known:
            what = f"section '{name}' belongs to no command"
            raise ConfigError(what, where=file, hint=choice(name, known))
        if not isinstance(values, Mapping):
            hint = f"give its settings below [{name}]"
            raise ConfigError(f"'{name}' is a section, not a setting", where=file, hint=hint)
    if table in tree and table not in sections:
        return subsection(tree, table)
    return {name: values for name, values in tree.items() if name in sections}
