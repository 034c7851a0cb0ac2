"""The TOML file beside a manifest's CSV file, and reading the two together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from emocli.config import Settings, build
from emocli.data.durable import digest, disk_errors
from emocli.data.encoding import read_text
from emocli.data.manifest_rules import Task, absolute
from emocli.data.table import DataTable, read_table
from emocli.errors import ConfigError, ManifestError
from emocli.parsing import Plain, parse_toml

NAME_ONE = "name the .csv file of a manifest, which emocli manifest writes"

TRIES = 5
"""Readings of a manifest that another process replaces meanwhile."""


class Sidecar(Settings):
    """The contents of ``<manifest>.toml``: facts about the corpus.

    Attributes
    ----------
    dataset : str
        Name of the corpus.
    classes : tuple of str
        In the order of a network's outputs.
    task : {'single', 'multi', 'intensity'}
        One class per clip; any number of classes; a number per class.
    citation, licence : str
        Of the corpus.
    root : str
        Folder the media paths are relative to; itself relative to the manifest's folder, which is
        the default.
    overlap : bool
        Whether a speaker or a dialogue may be in two splits.
    splits : str
        Where the splits are from, if they are not the corpus's own.
    replaces : str
        SHA-256 of the CSV file that was there when both were written: one that still has it is
        not the one this describes, for a kill came between the two.
    """

    dataset: str
    classes: tuple[str, ...]
    task: Task = "single"
    citation: str = ""
    licence: str = ""
    root: str = ""
    overlap: bool = False
    splits: str = ""
    replaces: str = ""


def toml_text(values: Mapping[str, Plain]) -> str:
    """Return the text of a TOML file of strings, lists of them and booleans."""
    # JSON's strings, lists and booleans are TOML's too, but for a bare DEL character.
    lines = (f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in values.items())
    return "".join(lines).replace("\x7f", "\\u007f")


def read_both(path: Path) -> tuple[DataTable, Sidecar]:
    """Read a CSV file and the TOML file that belongs to it.

    Raises
    ------
    ManifestError
        If either is absent or damaged, or they do not belong together.
    """
    for _ in range(TRIES):
        before = _identity(path)
        table = read_table(path, ManifestError, hint=NAME_ONE)
        sidecar = _read_sidecar(path)
        half = bool(sidecar.replaces) and digest(path) == sidecar.replaces
        if _identity(path) == before:
            break
    if half:
        what = f"is not the file that '{sidecar_path(path).name}' beside it describes: the "
        what += "command that was replacing both was killed, or an older file was put back"
        hint = "run emocli manifest again, or put back the older .toml file, too"
        raise ManifestError(what, where=path, hint=hint)
    return table, sidecar


def _identity(path: Path) -> tuple[int, ...]:
    """Tell a file from one that has taken its place."""
    try:
        file = path.stat()
    except OSError:
        return ()
    return file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns


def replaced(path: Path, content: bytes) -> str:
    """Return the digest of the file that is about to be replaced, if it holds something else."""
    if not path.is_file():
        return ""
    with disk_errors(path):
        there = digest(path)
    return "" if there == hashlib.sha256(content).hexdigest() else there


def _read_sidecar(path: Path) -> Sidecar:
    sidecar = sidecar_path(path)
    if not sidecar.exists():
        raise ManifestError(
            f"there is no '{sidecar.name}' beside it",
            where=path,
            hint="write it: dataset = 'NAME', task = 'single', classes = ['A', 'B']",
        )
    try:
        return build(Sidecar, parse_toml(read_text(sidecar, ManifestError)), "")
    except ConfigError as error:
        raise ManifestError(error.what, where=sidecar, hint=error.hint) from None
    except ValueError as error:
        raise ManifestError(f"is not valid TOML ({error})", where=sidecar) from None


def sidecar_path(path: Path) -> Path:
    """Return the path of the TOML file beside a CSV file."""
    if path.suffix == ".toml":
        raise ManifestError("describes a manifest", where=path, hint="name the .csv file beside it")
    return path.with_suffix(".toml")


def encoded(text: str, path: Path) -> bytes:
    """Return the bytes of a file's text; `ManifestError` if it cannot be written."""
    if "\0" in text:
        raise ManifestError("a text or a name holds a NUL character", where=path)
    try:
        return text.encode()
    except UnicodeEncodeError as fault:
        bad = fault.object[fault.start : fault.end]
        raise ManifestError(f"{bad!r} cannot be written in UTF-8", where=path) from None


def require_spared(path: Path, inputs: Iterable[Path]) -> None:
    """Require that writing a manifest replaces nothing that it is made from.

    Raises
    ------
    ManifestError
        If its CSV file or the TOML file beside it is one of the inputs, by whatever path.
    """
    path = absolute(path)
    written = [each for each in (path, sidecar_path(path)) if each.exists()]
    for each in inputs if written else ():
        for file in written:
            if _is_same(each, file):
                what = f"is read, and writing the manifest '{path.name}' would replace it"
                raise ManifestError(what, where=file, hint="write the manifest elsewhere")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # it is not there, or no path
        return False
