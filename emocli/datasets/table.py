"""Any folder with a table of labels: a row per clip, features or recordings beside it.

Source: no corpus in particular.

``labels.csv`` has a column ``id`` and a column of labels; ``split``, ``dialogue``, ``turn``,
``speaker``, ``start``, ``end``, ``text``, ``fold`` and ``media.<kind>`` are as in a manifest.
Without a column ``media.<kind>``, recordings are found by their names: ``<id>.wav``, ``<id>.mp4``
and so on, anywhere below the folder.

Labels are classes; or numbers, which ``edges`` cut into classes. Without ``edges`` a few whole
numbers are classes, other numbers intensities; ``task`` says it otherwise. Names of classes that
differ in case or blanks alone are one class. A clip whose label is empty or ``nan`` has none.
Columns ``label.<class>`` beside classes are votes for them, counts or shares, for
``train.target=votes``.

Without a column ``turn``, the clips of a dialogue follow each other by ``start`` if all have one in
the same recording, else in the order of the rows.

Splits are those of the table; with ``split=new``, or where the table has none, they are drawn: by
dialogue, else by speaker, else clip by clip.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import field_validator

from emocli.config import Settings
from emocli.data import manifest_rules
from emocli.data.clip import SPLITS, Clip
from emocli.data.columns import FOLD, KINDS, PARSERS, PLAIN, media_path
from emocli.data.manifest import Manifest
from emocli.data.manifest_rules import GROUP, LABEL, MEDIA, MOST_NAMES, absolute, folder_prefix
from emocli.data.media.content import AUDIO, STILLS, VIDEO
from emocli.data.table import DataTable, read_table
from emocli.datasets._labels import (
    LabelColumn,
    Labels,
    cleaned_label,
    composed,
    number,
    read_labels,
)
from emocli.errors import ManifestError, choice
from emocli.plugin.dataset import HEADER, Folder, counted, random_split, require_columns
from emocli.quantities import Number

COLUMNS = (*PLAIN, FOLD)
FILES = (("audio", AUDIO), ("video", VIDEO), ("video", STILLS))
"""Kinds of media and their files; what is first in the list is taken before what comes later."""


class Config(Settings):
    """Settings: the table, and the label in it.

    Attributes
    ----------
    labels : str
        The table, relative to the folder.
    label : str
        Column of the labels; by default ``label``, or the only one that is nothing else.
    task : {'auto', 'single', 'intensity'}
        What labels are: as described above, names of classes, or numbers.
    edges : tuple of float
        Rising numbers between the classes; a label that is an edge belongs to the class above it.
    classes : tuple of str
        The classes in their order; of numbers their names, from the lowest.
    split : {'given', 'new'}
        The splits that the table names, or new ones, drawn by speaker or dialogue.
    overlap : bool
        Whether a speaker or a dialogue may be in two splits of the table.
    dataset : str
        Name of the corpus; by default that of the folder.
    citation : str
        What to cite for the corpus; reports name it.
    licence : str
        The licence of the corpus; reports name it.
    """

    labels: str = "labels.csv"
    label: str = ""
    task: Literal["auto", "single", "intensity"] = "auto"
    edges: tuple[Number, ...] = ()
    classes: tuple[str, ...] = ()
    split: Literal["given", "new"] = "given"
    overlap: bool = False
    dataset: str = ""
    citation: str = ""
    licence: str = ""

    @field_validator("edges")
    @classmethod
    def _rising(cls, edges: tuple[float, ...]) -> tuple[float, ...]:
        if not all(low < high for low, high in pairwise(edges)):
            raise ValueError("Edges must rise")
        return edges


def build(root: Path, config: Config) -> Manifest:
    """Make the manifest of a folder with a table.

    Raises
    ------
    ManifestError
        If the table is absent, it is not clear what its labels mean, or which of several files is
        a clip's recording.
    """
    root = absolute(root)
    path = absolute(root / config.labels)
    table = _table(path)
    if config.split == "given":
        _require_splits(table, path)
    column = _column(table, config.label, path)
    labels = read_labels(_label_column(table, column, path), config)
    polled = _vote_columns(table, labels)
    rows = tuple(
        replace(clip, labels={**clip.labels, **_votes(row, polled, where)})
        for k, (line, row) in enumerate(zip(table.lines, table.records(), strict=True))
        for where in (f"{path}, row {line}",)
        for clip in (labels.on(_clip(row, root, where), k),)
    )
    clips, unclaimed = _with_media(rows, root, table, path)
    clips, unordered = _with_turns(clips, table, path)
    drawn = config.split == "new" or "split" not in table.header
    _check(clips, labels, root, table, path, groups=not drawn and not config.overlap)
    clips = random_split(clips, _group) if drawn else clips
    return Manifest(
        clips=clips,
        classes=labels.classes,
        task=labels.task,
        dataset=config.dataset or root.name,
        root=root,
        citation=config.citation,
        licence=config.licence,
        overlap=config.overlap and not drawn,
        notes=(
            *labels.notes,
            *_other_columns(table, (column, *polled)),
            *counted(
                (
                    sum(not clip.dialogue and not clip.speaker for clip in clips) * drawn,
                    "clips are split one by one: their dialogues and speakers are not known",
                ),
                (sum(cell is None for cell in labels.cells), "clips have no label"),
                (unordered, "clips have no turn: their dialogues follow the order of the rows"),
                (unclaimed, "recordings left out: no clip has their name"),
            ),
            *_empty_splits(clips, drawn),
        ),
    )


def _table(path: Path) -> DataTable:
    if not path.exists():
        hint = "write it, a row per clip, with columns id and label; or name it: table.labels=FILE"
        raise ManifestError("there is no such file", where=path, hint=hint)
    table = read_table(path, ManifestError).renamed((*COLUMNS, *(MEDIA + kind for kind in KINDS)))
    if not table.rows:
        raise ManifestError("holds no clip", where=path)
    return require_columns(table, path, ["id"], HEADER)


def _require_splits(table: DataTable, path: Path) -> None:
    for line, row in zip(table.lines, table.records(), strict=True):
        if not row.get("split", "-").strip():
            hint = "fill it in, or draw splits: table.split=new"
            raise ManifestError("is empty", where=f"{path}, row {line}, column 'split'", hint=hint)


def _check(
    clips: Sequence[Clip], labels: Labels, root: Path, table: DataTable, path: Path, *, groups: bool
) -> None:
    """Check what every manifest is checked for, here with the rows of the table."""

    def place(index: int, column: str) -> str:
        return f"{path}, row {table.lines[index]}, column '{column}'"

    manifest_rules.check_ids(clips, place)
    manifest_rules.check_values(clips, labels.classes, labels.task, root, place)
    if groups:
        try:
            manifest_rules.check_groups(clips, place)
        except ManifestError as error:
            hint = "keep it in one, draw splits (table.split=new), or say table.overlap=true"
            raise ManifestError(error.what, where=error.where, hint=hint) from None


def _empty_splits(clips: Sequence[Clip], drawn: bool) -> Iterator[str]:
    hint = "" if drawn else "; draw splits: table.split=new"
    for name in SPLITS[:2]:
        if not any(clip.split == name for clip in clips):
            yield f"no clip is in {name}: training needs it{hint}"


def _group(clip: Clip) -> str:
    return clip.dialogue or clip.speaker or clip.id


def _clip(row: Mapping[str, str], root: Path, where: str) -> Clip:
    values: dict[str, Any] = {}
    media: dict[str, Path] = {}
    groups = {n.removeprefix(GROUP): c.strip() for n, c in row.items() if n.startswith(GROUP)}
    for name, cell in row.items():
        kind = name.removeprefix(MEDIA) if name.startswith(MEDIA) else ""
        if not cell.strip() or not (kind or name in COLUMNS):
            continue
        try:
            if kind:
                media[kind] = _file(cell.strip(), root)
            else:
                values[name] = PARSERS[name](cell if name == "text" else cell.strip())
        except ValueError as fault:
            raise ManifestError(str(fault), where=f"{where}, column '{name}'") from None
    groups = {name: value for name, value in groups.items() if name and value}
    return Clip(**{"id": "", **values}, media=media, groups=groups)


def _file(cell: str, root: Path) -> Path:
    """Return the file a cell names; that it is inside the folder is checked with all else."""
    return Path(cell) if Path(cell).is_absolute() else media_path(cell, folder_prefix(root))


def _with_media(
    clips: Sequence[Clip], root: Path, table: DataTable, path: Path
) -> tuple[tuple[Clip, ...], int]:
    """Find recordings by the clips' names, unless the table names them; and count the others."""
    if any(name.startswith(MEDIA) for name in table.header):
        return tuple(clips), 0
    folder = Folder.scan(root)
    by_kind = [(kind, _by_name(folder.with_suffix(suffixes), root)) for kind, suffixes in FILES]
    used: set[Path] = set()
    done = []
    for line, clip in zip(table.lines, clips, strict=True):
        media: dict[str, Path] = {}
        for kind, files in by_kind:
            one = _only(files.get(composed(clip.id), []), kind, clip, f"{path}, row {line}")
            media |= {kind: one} if one and kind not in media else {}
        used.update(media.values())
        done.append(replace(clip, media=media))
    return tuple(done), len(set(folder.with_suffix(AUDIO | VIDEO)) - used)


def _by_name(files: Iterable[Path], root: Path) -> dict[str, list[Path]]:
    """List files by what an id may be: name, or path below the folder, with suffix or without.

    Hidden files and those in hidden folders belong to other programs.
    """
    by_name: dict[str, list[Path]] = {}
    for file in files:
        below = file.relative_to(root)
        if any(part.startswith(".") for part in below.parts):
            continue
        names = {file.stem, file.name, below.as_posix(), below.with_suffix("").as_posix()}
        for name in names:
            by_name.setdefault(composed(name), []).append(file)
    return by_name


def _with_turns(
    clips: Sequence[Clip], table: DataTable, path: Path
) -> tuple[tuple[Clip, ...], int]:
    """Give clips of dialogues their turns, and count those that only follow the rows."""
    numbered = [bool(row.get("turn", "").strip()) for row in table.records()]
    groups: dict[str, list[int]] = {}
    for place, clip in enumerate(clips):
        groups.setdefault(clip.dialogue, []).append(place)
    turns: dict[int, int] = {}
    unordered = 0
    for dialogue, places in groups.items():
        if not dialogue or len(places) == 1 or all(numbered[place] for place in places):
            continue
        if any(numbered[place] for place in places):
            line = table.lines[next(place for place in places if not numbered[place])]
            what = f"is empty, though other clips of dialogue '{dialogue}' have one"
            raise ManifestError(what, where=f"{path}, row {line}, column 'turn'")
        timed = _same_clock([clips[place] for place in places])
        order = sorted(places, key=lambda place: _span(clips[place])) if timed else places
        unordered += 0 if timed else len(places)
        turns |= {place: turn for turn, place in enumerate(order)}
    placed = (replace(c, turn=turns.get(place, c.turn)) for place, c in enumerate(clips))
    return tuple(placed), unordered


def _same_clock(clips: Sequence[Clip]) -> bool:
    """Whether the starts of clips can be compared: all are known, in one recording or in none."""
    recordings = {tuple(sorted(clip.media.items())) for clip in clips}
    return all(clip.start is not None for clip in clips) and len(recordings) == 1


def _span(clip: Clip) -> tuple[float, float]:
    return clip.start or 0.0, math.inf if clip.end is None else clip.end


def _only(files: Sequence[Path], kind: str, clip: Clip, where: str) -> Path | None:
    if len(files) > 1:
        names = ", ".join(f"'{file}'" for file in files[:MOST_NAMES])
        what = f"clip '{clip.id}' has several files of {kind}: {names}"
        hint = f"name the right one in a column '{MEDIA}{kind}', or move the others away"
        raise ManifestError(what, where=where, hint=hint)
    return files[0] if files else None


def _others(table: DataTable) -> list[str]:
    """Return the columns that may be labels."""
    known = (MEDIA, GROUP)
    return [n for n in table.header if n.strip() and n not in COLUMNS and not n.startswith(known)]


def _other_columns(table: DataTable, used: Sequence[str]) -> Iterator[str]:
    left = [name for name in _others(table) if name not in used]
    unnamed = sum(not name.strip() for name in table.header)
    if left:
        yield f"columns left out: {', '.join(left[:MOST_NAMES])}"
    yield from counted((unnamed, "columns left out: they have no name"))


def _column(table: DataTable, chosen: str, path: Path) -> str:
    """Find the column of labels."""
    others = _others(table)
    if chosen in others:
        return chosen
    if chosen:
        raise ManifestError(
            f"has no column '{chosen}'", where=path, hint=choice(chosen, others, MOST_NAMES)
        )
    labelled = [name for name in others if name.strip().lower() == "label"]
    if len(others) == 1 or len(labelled) == 1:
        return (labelled or others)[0]
    if not others:
        raise ManifestError("has no column of labels", where=path, hint="add one, e.g. 'label'")
    raise ManifestError(
        f"has several columns that may be the labels: {', '.join(others[:MOST_NAMES])}",
        where=path,
        hint="choose one with --set table.label=NAME",
    )


def _vote_columns(table: DataTable, labels: Labels) -> list[str]:
    """Return the columns of votes for classes."""
    classes = labels.classes if labels.task == "single" else ()
    return [name for name in (LABEL + each for each in classes) if name in table.header]


def _votes(row: Mapping[str, str], columns: Sequence[str], where: str) -> dict[str, float]:
    """Return the votes of a clip by class, if it has any; an empty cell is no vote.

    Raises
    ------
    ManifestError
        If a cell is no number of votes.
    """
    votes = {}
    for name in columns:
        cell = row[name].strip()
        count = number(cell) if cell else 0.0
        if count is None or count < 0:
            what = f"'{cell}' is no number of votes"
            raise ManifestError(what, where=f"{where}, column '{name}'")
        votes[name.removeprefix(LABEL)] = count
    return votes if any(votes.values()) else {}


def _label_column(table: DataTable, column: str, path: Path) -> LabelColumn:
    cells = [cleaned_label(row[column]) for row in table.records()]
    return LabelColumn(column.strip(), tuple(cells), tuple(table.lines), path)
