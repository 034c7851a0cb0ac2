"""The manifest: a corpus as a list of clips, a CSV file with a TOML file beside it."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.config import Settings, build
from emocli.data import folds, rules
from emocli.data.clip import SPLITS, Clip, by_dialogue, split_named
from emocli.data.durable import alone, digest, disk_errors, replacing, write_at
from emocli.data.encoding import read_text
from emocli.data.folds import Fold
from emocli.data.rules import LABEL, MEDIA, MOST_NAMES, Task
from emocli.data.table import Table, read_table
from emocli.display import csv_cell, csv_text
from emocli.errors import ConfigError, ManifestError, choice
from emocli.parsing import parse_toml

__all__ = ["Manifest", "Sidecar", "Task"]


class Sidecar(Settings):
    """What ``<manifest>.toml`` says about the corpus.

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
    replaces: str = ""


@dataclass(frozen=True)
class Manifest:
    """A corpus: its clips, in the order of the file, and what is known of all of them.

    Attributes
    ----------
    clips : tuple of Clip
        At least one; their media are inside ``root``.
    classes : tuple of str
        In the order of a network's outputs.
    task : {'single', 'multi', 'intensity'}
        What is predicted: a clip's ``label``, or its ``labels``, 0/1 or a number for every class.
    dataset, citation, licence : str
        Of the corpus.
    root : Path
        Folder of the media.
    path : Path, optional
        The file it was read from.
    overlap : bool
        Whether a speaker or a dialogue may be in two splits.
    notes : tuple of str
        What was left out or could not be done when it was built; not written.
    fold : Fold, optional
        Which fold is tested, if the splits are those of `folded`; not written.

    Raises
    ------
    ManifestError
        If it breaks a rule; ``lines`` (of the clips in ``path``) are for that message only.
    """

    clips: tuple[Clip, ...]
    classes: tuple[str, ...]
    task: Task
    dataset: str
    root: Path
    citation: str = ""
    licence: str = ""
    path: Path | None = field(default=None, compare=False)
    overlap: bool = False
    notes: tuple[str, ...] = field(default=(), compare=False)
    fold: Fold | None = None
    lines: InitVar[Sequence[int]] = ()

    def __post_init__(self, lines: Sequence[int]) -> None:
        place = partial(self._place, lines)
        if not self.clips:
            raise ManifestError("holds no clip", where=self._name)
        twice = rules.repeated(self.classes)
        if twice is not None:
            raise ManifestError(f"class '{twice}' is listed twice", where=self._name)
        rules.check_ids(self.clips, place)
        rules.check_values(self.clips, self.classes, self.task, self.root, place)
        if not self.overlap:
            rules.check_groups(self.clips, place)

    @classmethod
    def read(cls, path: Path, root: Path | None = None) -> Manifest:
        """Read ``path`` (CSV) and the TOML file of the same name beside it.

        Parameters
        ----------
        path : Path
            The CSV file; the columns are those of ``data_manifests/README.md``.
        root : Path, optional
            Folder of the media, instead of the one the TOML file names.

        Raises
        ------
        ManifestError
            If either file is absent or breaks a rule; the message names row and column.
        """
        path = Path(path)
        table, sidecar = _read_both(path)
        known = (*PARSERS, *(MEDIA + kind for kind in KINDS), *(LABEL + c for c in sidecar.classes))
        base = rules.absolute(path.parent / sidecar.root if root is None else Path(root))
        manifest = cls(
            clips=tuple(_clips(table.renamed(known), path, base, sidecar.classes)),
            classes=sidecar.classes,
            task=sidecar.task,
            dataset=sidecar.dataset,
            root=base,
            citation=sidecar.citation,
            licence=sidecar.licence,
            path=path,
            overlap=sidecar.overlap,
            lines=table.lines,
        )
        rules.check_links(manifest.clips, base, partial(manifest._place, table.lines))
        return manifest

    def write(self, path: Path) -> None:
        """Write ``path`` and the TOML file beside it, both or none.

        Reading them again gives an equal manifest. Media paths are written relative to the root.
        The TOML file takes its place first, and says which CSV file it replaces; so what a kill
        between the two leaves is refused by `read`.

        Raises
        ------
        ManifestError
            If that is impossible, or a link leads from the media out of the root; files that were
            there are left as they were.
        """
        path = Path(path)
        rules.check_links(self.clips, self.root, partial(self._place, ()))
        sidecar = _sidecar_path(path)
        cells = _encoded(self._csv(), path)
        with alone(path, wait=True):
            about = _encoded(self._toml(rules.absolute(path.parent), _replaced(path, cells)), path)
            with replacing(path) as table, replacing(sidecar) as facts:
                for descriptor, content in ((table, cells), (facts, about)):
                    write_at(descriptor, content, 0)
                    os.fsync(descriptor)

    def split(self, name: str) -> tuple[Clip, ...]:
        """Return the clips of ``train``, ``valid`` or ``test``.

        Raises
        ------
        ManifestError
            If there is no split of that name.
        """
        if name not in SPLITS:
            hint = f"splits are: {', '.join(SPLITS)}"
            raise ManifestError(f"there is no split '{name}'", hint=hint)
        return tuple(clip for clip in self.clips if clip.split == name)

    def folded(self, index: int, count: int) -> Manifest:
        """Return the same clips with the splits of a cross-validation.

        Parameters
        ----------
        index : int
            The fold to test, counted from 0. The next one (after the last comes the first)
            validates, the others train.
        count : int
            How many folds: those of the clips' ``fold`` if there are so many, else
            `emocli.data.folds.assign` makes them.

        Raises
        ------
        ManifestError
            If the corpus cannot be folded so.
        """
        try:
            numbers = folds.assign(self.clips, count, self.overlap)
        except ManifestError as error:
            raise ManifestError(error.what, where=self._name, hint=error.hint) from None
        if not 0 <= index < count:
            hint = f"folds are 0 to {count - 1}"
            raise ManifestError(f"there is no fold {index}", where=self._name, hint=hint)
        fold = Fold(index=index, count=count)
        pairs = zip(self.clips, numbers, strict=True)
        clips = tuple(replace(clip, split=fold.split(number)) for clip, number in pairs)
        return replace(self, clips=clips, fold=fold)

    def dialogues(self) -> dict[str, tuple[Clip, ...]]:
        """Return the clips of each dialogue by turn; a clip without dialogue is one by itself."""
        return by_dialogue(self.clips)

    def clip(self, clip_id: str) -> Clip:
        """Return the clip of that id.

        Raises
        ------
        ManifestError
            If there is none.
        """
        if clip_id not in self._by_id:
            hint = choice(clip_id, list(self._by_id), MOST_NAMES)
            raise ManifestError(f"there is no clip '{clip_id}'", where=self._name, hint=hint)
        return self._by_id[clip_id]

    def is_labelled(self, clip: Clip) -> bool:
        """Whether the clip has what the task asks for."""
        return clip.label is not None if self.task == "single" else bool(clip.labels)

    def targets(self, clips: Iterable[Clip]) -> NDArray[Any]:
        """Return the labels as numbers.

        Returns
        -------
        ndarray
            Index of the class, int64, shape (n,), for a single-label task; else 0/1 or
            intensities, float32, shape (n, classes).

        Raises
        ------
        ManifestError
            If a clip has no label.
        """
        clips = tuple(clips)
        for clip in clips:
            if not self.is_labelled(clip):
                raise ManifestError(f"clip '{clip.id}' has no label", where=self._name)
        if self.task == "single":
            return np.array([self.classes.index(clip.label or "") for clip in clips], np.int64)
        rows = [[clip.labels[name] for name in self.classes] for clip in clips]
        return np.array(rows, np.float32).reshape(len(rows), len(self.classes))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that a feature may depend on: ids, times, texts and media paths.

        Independent of the order of the clips, of labels and splits, and of where the root is.
        """
        digest = hashlib.sha256()
        for _, record in sorted(self._records.items()):
            digest.update(record)
        return digest.hexdigest()

    @cached_property
    def sources(self) -> Mapping[str, str]:
        """Clip to the SHA-256 over all of it that a feature of it alone may depend on."""
        return {i: hashlib.sha256(record).hexdigest() for i, record in self._records.items()}

    @cached_property
    def _records(self) -> Mapping[str, bytes]:
        prefix, found = rules.folder_prefix(self.root), {}
        for clip in self.clips:
            media = [[name, rules.relative(path, prefix)] for name, path in clip.media.items()]
            record = [clip.id, clip.start, clip.end, clip.text, sorted(media)]
            found[clip.id] = json.dumps(record).encode()
        return found

    @cached_property
    def _by_id(self) -> Mapping[str, Clip]:
        return {clip.id: clip for clip in self.clips}

    @property
    def _name(self) -> Path | str:
        return self.path or self.dataset

    def _place(self, lines: Sequence[int], index: int, column: str) -> str:
        row = f"row {lines[index]}" if lines else f"clip '{self.clips[index].id}'"
        return f"{self._name}, {row}, column '{column}'"

    def _toml(self, folder: Path, replaces: str) -> str:
        root = rules.absolute(self.root)
        inside = root.is_relative_to(folder)
        values = {
            "dataset": self.dataset,
            "task": self.task,
            "classes": list(self.classes),
            "citation": self.citation,
            "licence": self.licence,
            "root": (root.relative_to(folder) if inside else root).as_posix(),
            "overlap": self.overlap,
            **({"replaces": replaces} if replaces else {}),
        }
        # JSON's strings, lists and booleans are TOML's too, but for a bare DEL character.
        lines = (f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in values.items())
        return "".join(lines).replace("\x7f", "\\u007f")

    def _csv(self) -> str:
        prefix = rules.folder_prefix(self.root)
        media = sorted({name for clip in self.clips for name in clip.media})
        graded = {name for clip in self.clips for name in clip.labels}
        labels = [name for name in self.classes if name in graded]
        plain = PLAIN if self.clips[0].fold is None else (*PLAIN, FOLD)
        columns = (*plain, *(MEDIA + m for m in media), "label", *(LABEL + c for c in labels))
        rows: list[Iterable[object]] = [columns]
        for clip in self.clips:
            paths = (
                rules.relative(clip.media[m], prefix) if m in clip.media else "" for m in media
            )
            grades = (clip.labels.get(name) for name in labels)
            rows.append((*(getattr(clip, name) for name in plain), *paths, clip.label, *grades))
        return "".join(",".join(map(_cell, row)) + "\n" for row in rows)


def _split(cell: str) -> str:
    return split_named(cell) or cell  # what is no split is refused with all other rules


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        comma = ", write a point for the decimal comma" if DECIMAL_COMMA.fullmatch(cell) else ""
        raise ValueError(f"'{cell}' is not a number{comma}") from None
    if not math.isfinite(value):
        raise ValueError(f"'{cell}' is not a finite number")
    return value


def _whole_number(cell: str) -> int:
    value = _number(cell)
    if value != int(value):
        raise ValueError(f"'{cell}' is not a whole number")
    return int(value)


PARSERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "id": str,
        "split": _split,
        "dialogue": str,
        "turn": _whole_number,
        "speaker": str,
        "start": _number,
        "end": _number,
        "text": str,
        "fold": _whole_number,
        "label": str,
    }
)
"""Columns that are attributes of a clip; an empty cell is the attribute's default."""

TRIES = 5
"""Readings of a manifest that another process replaces meanwhile."""
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")

KINDS = ("audio", "video", "words")
"""Media that emocli's own features read."""

FOLD = "fold"
PLAIN = tuple(name for name in PARSERS if name not in (FOLD, "label"))
"""Those that every manifest has."""

REQUIRED = ("id", "split")
"""Cells that may not be empty; the column ``split`` itself may be missing (all are ``train``)."""


def _clips(table: Table, path: Path, root: Path, classes: Sequence[str]) -> Iterator[Clip]:
    _check_header(table.header, path, classes)
    prefix = rules.folder_prefix(root)
    columns = [(name, *_column(name, prefix)) for name in table.header]
    empty = {name: "" for name in REQUIRED if name in table.header}
    for line, row in zip(table.lines, table.rows, strict=True):
        values: dict[str, dict[str, Any]] = {"": dict(empty), MEDIA: {}, LABEL: {}}
        for cell, (name, group, key, parse) in zip(row, columns, strict=True):
            if not cell:
                continue
            try:
                values[group][key] = parse(csv_text(cell))
            except ValueError as fault:
                where = f"{path}, row {line}, column '{name}'"
                raise ManifestError(str(fault), where=where) from None
        yield Clip(**values[""], media=values[MEDIA], labels=values[LABEL])


def _column(name: str, prefix: str) -> tuple[str, str, Callable[[str], Any]]:
    if name.startswith(MEDIA):
        return MEDIA, name.removeprefix(MEDIA), lambda cell: media_path(cell, prefix)
    if name.startswith(LABEL):
        return LABEL, name.removeprefix(LABEL), _number
    return "", name, PARSERS[name]


def _check_header(header: Sequence[str], path: Path, classes: Sequence[str]) -> None:
    where = f"{path}, row 1"
    labels = [LABEL + name for name in classes]
    for name in header:
        if name in PARSERS or name in labels or (name.startswith(MEDIA) and name != MEDIA):
            continue
        known = [*PARSERS, *(MEDIA + kind for kind in KINDS), *labels]
        raise ManifestError(
            f"unknown column '{name}'", where=where, hint=choice(name, known, MOST_NAMES)
        )
    if "id" not in header:
        raise ManifestError("column 'id' is missing", where=where)


def media_path(cell: str, prefix: str) -> Path:
    """Return the file a cell names, below a folder that ends in a separator.

    Raises
    ------
    ValueError
        If it names none below it.
    """
    below = slashes(cell, prefix)
    if WINDOWS_DRIVE.match(cell) or Path(below).is_absolute():
        raise ValueError(f"'{cell}' is an absolute path; paths are relative to the root")
    path = os.path.normpath(prefix + below)
    if not path.startswith(prefix):
        raise ValueError(f"'{cell}' leads outside the root '{prefix}'")
    return Path(path)


def slashes(cell: str, prefix: str) -> str:
    """Return a path with slashes for backslashes, unless a file below has that very name."""
    if "\\" not in cell or os.path.exists(prefix + cell):  # noqa: PTH110 - False for any name
        return cell
    return cell.replace("\\", "/")


def _cell(value: object) -> str:
    text = "" if value is None else str(csv_cell(value))
    if not any(mark in text for mark in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


def _read_both(path: Path) -> tuple[Table, Sidecar]:
    """Read a CSV file and the TOML file that belongs to it."""
    for _ in range(TRIES):
        before = _identity(path)
        table, sidecar = read_table(path, ManifestError), _read_sidecar(path)
        half = bool(sidecar.replaces) and digest(path) == sidecar.replaces
        if _identity(path) == before:
            break
    if half:
        what = f"is not the file that '{_sidecar_path(path).name}' beside it describes: the "
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


def _replaced(path: Path, content: bytes) -> str:
    """Return the digest of the file that is about to be replaced, if it holds something else."""
    if not path.is_file():
        return ""
    with disk_errors(path):
        there = digest(path)
    return "" if there == hashlib.sha256(content).hexdigest() else there


def _read_sidecar(path: Path) -> Sidecar:
    sidecar = _sidecar_path(path)
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


def _sidecar_path(path: Path) -> Path:
    if path.suffix == ".toml":
        raise ManifestError("describes a manifest", where=path, hint="name the .csv file beside it")
    return path.with_suffix(".toml")


def _encoded(text: str, path: Path) -> bytes:
    if "\0" in text:
        raise ManifestError("a text or a name holds a NUL character", where=path)
    try:
        return text.encode()
    except UnicodeEncodeError as fault:
        bad = fault.object[fault.start : fault.end]
        raise ManifestError(f"{bad!r} cannot be written in UTF-8", where=path) from None
