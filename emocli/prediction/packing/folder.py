"""The folder of a packed run: its list of files, and the verification of them.

It is a run (`emocli.models.rundir`) that needs nothing outside it, and `PACK`, which lists every
file with its size and SHA-256; that is written last. What is not in the list is refused, except the
card and what a hidden name marks as no part of it. Nothing is read before all is verified.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emocli.config import Tree, leaves
from emocli.data.durable import digest
from emocli.data.json_io import OPTIONAL, key
from emocli.data.record import Record, Report
from emocli.errors import ReportError, RunError
from emocli.models.rundir import CARD

PACK = "pack.json"
MARK = ".packing"
"""The file of a folder whose packing has not ended; it holds the fingerprint of what is packed."""

ASSETS = "assets"
"""The folder of what features are computed with: encoders, networks, word vectors."""

MOST_FILES = 10_000
MOST_BYTES = 200 * 2**30
"""Of all files together; the largest encoders have some tens of GB."""

NAME = re.compile(r"(?!.*//)[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*){0,7}")
"""A file's path: below the folder, and nothing hidden."""

AGAIN = "pack the run again, or copy the folder again"


@dataclass(frozen=True, kw_only=True)
class PackedFile(Record):
    """A file as it was packed."""

    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class WordVectors(Record):
    """Word vectors, and how many of them are packed.

    Attributes
    ----------
    feature, setting : str
        What reads them.
    file, sha256, bytes : str, str, int
        The file that they are of.
    words : {'all', 'training', 'none'}
        Which are packed: the file as it is, the words of the training's corpus, or none.
    unknown : str
        What a word that is not among them is.
    """

    feature: str
    setting: str
    file: str
    sha256: str
    bytes: int
    words: str
    unknown: str


@dataclass(frozen=True, kw_only=True)
class FoldRepair(Record):
    """The repair of one fold: what it does about modalities that are not trusted, and cannot do.

    ``with_check`` (key ``asked``) is the repair for which a modality check and proxies are packed
    that it does not ask.
    """

    repair: Tree
    remarks: tuple[str, ...]
    with_check: Tree | None = field(default=None, metadata={**OPTIONAL, **key("asked")})


@dataclass(frozen=True, kw_only=True)
class Pack(Report):
    """Contents of ``pack.json``.

    Attributes
    ----------
    emocli : str
        Version that packed it.
    run : str
        Name of the run.
    fingerprint : str
        Of the networks and of how they were packed.
    folds : mapping
        Folder of a fold (``.`` if there is one run) to its repair.
    assets : mapping
        Feature to settings, and where in the folder the file or folder is that the setting names.
    outside : mapping
        ``feature.setting`` to what of the hub is needed beside it, by name and revision.
    vectors : tuple of WordVectors
    imported : tuple of str
        Features that have to be imported, for emocli does not compute them.
    licence : str
        As the card has it.
    files : mapping
        Path to size and SHA-256.
    """

    emocli: str
    run: str
    fingerprint: str
    folds: Mapping[str, FoldRepair]
    assets: Mapping[str, Mapping[str, str]]
    outside: Mapping[str, str]
    vectors: tuple[WordVectors, ...]
    imported: tuple[str, ...]
    licence: str
    files: Mapping[str, PackedFile]

    def placed(self, folder: Path) -> dict[str, Tree]:
        """Return the settings that say where the assets are, by feature."""
        return {
            feature: {key: str((folder / place).absolute()) for key, place in settings.items()}
            for feature, settings in self.assets.items()
        }

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.bytes for file in self.files.values())


def is_packed(folder: Path) -> bool:
    """Whether a folder holds a packed run, complete or not."""
    return (folder / PACK).is_file() or (folder / MARK).is_file()


def read_pack(folder: Path) -> Pack:
    """Read the list of a packed run, without looking at its files.

    Raises
    ------
    RunError
        If its packing has not ended, or the list is damaged, of another format, or names what no
        packed run has.
    """
    if not (folder / PACK).is_file():
        hint = "repeat the packing command to resume"
        raise RunError("its packing has not ended", where=folder, hint=hint)
    try:
        pack = Pack.read(folder / PACK)
    except ReportError as error:
        raise RunError(error.what, where=error.where, hint=error.hint or AGAIN) from None
    for name in (*pack.files, *_places(pack)):
        if len(name) > 500 or not NAME.fullmatch(name):
            raise RunError(f"names '{name[:80]}', which is no file of it", where=folder / PACK)
    sizes = [file.bytes for file in pack.files.values()]
    if len(sizes) > MOST_FILES or min(sizes, default=0) < 0 or sum(sizes) > MOST_BYTES:
        raise RunError("lists more than a packed run has", where=folder / PACK, hint=AGAIN)
    return pack


def _places(pack: Pack) -> Iterator[str]:
    for settings in pack.assets.values():
        yield from settings.values()
    yield from (name for name in pack.folds if name != ".")


def verified(folder: Path) -> Pack:
    """Read the list of a packed run, and make sure that its files are what was packed.

    Raises
    ------
    RunError
        If one is missing, altered, a link to elsewhere, or not in the list.
    """
    pack = read_pack(folder)
    there = set(_files(folder))
    for name, file in pack.files.items():
        if name not in there:
            raise RunError(f"its file '{name}' is missing", where=folder, hint=AGAIN)
        path = folder / name
        if path.stat().st_size != file.bytes or digest(path) != file.sha256:
            raise RunError(f"its file '{name}' is not what was packed", where=folder, hint=AGAIN)
    strange = sorted(there - pack.files.keys() - {PACK, CARD})
    if strange:
        hint = "remove it: nothing that is not packed is used"
        raise RunError(f"its list does not have the file '{strange[0]}'", where=folder, hint=hint)
    return pack


def _files(folder: Path) -> Iterator[str]:
    """Yield the files of a folder but hidden ones; none of them may lie elsewhere."""
    blobs = _blobs(folder)
    for count, path in enumerate(_walked(folder)):
        name = path.relative_to(folder).as_posix()
        target = path.resolve()
        if count > MOST_FILES:
            raise RunError("holds more files than a packed run has", where=folder, hint=AGAIN)
        if path.is_symlink() and not any(map(target.is_relative_to, blobs)):
            hint = "put the file itself there"
            raise RunError(f"its file '{name}' is a link", where=folder, hint=hint)
        if not target.is_file():
            raise RunError(f"its '{name}' is no file", where=folder, hint=AGAIN)
        yield name


def _walked(folder: Path) -> Iterator[Path]:
    """Yield the entries below a folder; links to folders are not followed."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walked(path)
        else:
            yield path


def _blobs(folder: Path) -> tuple[Path, ...]:
    """Return where the cache of the hub keeps the files to which a snapshot's links lead."""
    above = folder.resolve().parent
    if above.name != "snapshots":
        return ()
    return above.parent / "blobs", above.parent.parent / "blobs"  # of the repository, of all


def require_inside(folder: Path, settings: Mapping[str, Tree]) -> None:
    """Refuse settings of features that name a place outside of a packed run.

    Raises
    ------
    RunError
        If one does.
    """
    for name, value in leaves(settings):
        parts = Path(value).parts if isinstance(value, str) and len(value) < 4096 else ()
        if ".." in parts or parts[:1] == ("/",):
            what = f"its setting '{name}' names a place outside of it"
            raise RunError(what, where=folder, hint=AGAIN)
