"""Clips in the tables of other programs: their rows, without frames that failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emocli import plugins
from emocli.config import Tree, build, subsection
from emocli.data.align import Timed
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.errors import StoreError
from emocli.interchange.tables import Numbers, TableRows, Tables
from emocli.plugin.format import Format, Layout

LONGER = "longer"
"""Note of a clip whose rows last longer than itself."""


@dataclass(frozen=True)
class TableFormat:
    """A format of tables and its layout."""

    name: str
    modality: str
    layout: Layout

    @classmethod
    def named(cls, name: str, settings: Tree, columns: tuple[str, ...] = ()) -> TableFormat:
        """Take a format by its name.

        Parameters
        ----------
        settings : mapping
            Formats to their settings.
        columns : tuple of str
            Patterns of the columns that are features; those of the settings if empty.

        Raises
        ------
        ConfigError
            If there is no such format or setting.
        """
        module: Format = plugins.load("formats", name)
        own = subsection(settings, name) | ({"columns": columns} if columns else {})
        return cls(name, module.MODALITY, build(module.Config, own, name))


@dataclass(frozen=True)
class _Place:
    """The table that a clip's rows are in, and whether it is about the whole recording."""

    name: str
    whole: bool


class TableSource:
    """The tables of a folder, as a source of features by clip.

    A table is about a clip by its id, or about a whole recording: by the clips' dialogue, or by the
    name of their media file. Then each clip is cut out of it by its start and end.
    """

    from_clip = True

    def __init__(self, root: Path, form: TableFormat, manifest: Manifest) -> None:
        places = [(clip, list(_names(clip))) for clip in manifest.clips]
        wanted = frozenset(place.name for _, several in places for place in several)
        # Where tables may describe anything, they may tell nothing but features.
        program = form.name if form.modality else ""
        self.layout, self._name = form.layout, form.name
        self._tables = Tables(root, form.layout, wanted, program)
        names = frozenset(self._tables.names)
        taken = ((clip, [p for p in several if p.name in names]) for clip, several in places)
        self._places = {clip.id: (clip, several[0]) for clip, several in taken if several}
        used = {place.name for _, place in self._places.values()}
        for name in used:
            self._tables.require_one(name)
        self.entries: Sequence[str] = [*self._places, *sorted(names - used)]
        self._last: tuple[str, Timed, Mapping[str, int]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, known once a table was read."""
        return self._tables.columns

    @property
    def hint(self) -> str:
        """What to do if no clip is in the tables; empty if that is not known."""
        column = self._tables.naming
        return (
            f"if column '{column}' names no files: --set '{self._name}.file=[]'" if column else ""
        )

    @property
    def digest(self) -> str:
        """SHA-256 over the names and the contents of the files."""
        return self._tables.digest

    def rows(self, entry: str) -> Timed:
        """Return the rows of a clip, times from its start."""
        return self._read(entry)[0]

    def notes(self, entry: str) -> Mapping[str, int]:
        """Return how many rows a clip has in the tables, and how many of them are left out."""
        return self._read(entry)[1]

    def _read(self, entry: str) -> tuple[Timed, Mapping[str, int]]:
        if self._last is None or self._last[0] != entry:
            clip, place = self._places[entry]
            rows = self._tables.rows(place.name)
            rows, longer = _part(rows, clip) if place.whole else (rows, False)
            rows, notes = kept(_in_time(rows), self.layout, f"clip '{entry}'")
            notes = {**notes, LONGER: int(longer)}
            timed = Timed(rows.values.astype(np.float32), rows.spans)
            self._last = entry, timed.since(clip.start or 0.0) if place.whole else timed, notes
        return self._last[1:]


def _names(clip: Clip) -> Iterable[_Place]:
    """Say by what names tables may be about a clip, the first one first."""
    yield _Place(clip.id, whole=False)
    if clip.dialogue:
        yield _Place(clip.dialogue, whole=True)
    yield from (_Place(path.stem, whole=True) for path in clip.media.values())


def _part(rows: TableRows, clip: Clip) -> tuple[TableRows, bool]:
    """Cut a clip out of the rows about its recording, by their middles.

    Where there is none, rows that last longer and cover the clip are its own: the parts of them
    that are within it. Returned is also whether it is so.

    Raises
    ------
    StoreError
        If it is a part of the recording, and the rows have no times.
    """
    if clip.start is None and clip.end is None:
        return rows, False
    if rows.spans is None:
        what = f"clip '{clip.id}' cannot be cut out of its recording, whose rows have no times"
        hint = "set the column of the time, or that of the frame and the rate"
        raise StoreError(what, hint=hint)
    middle, (starts, ends) = rows.spans.mean(axis=1), rows.spans.T
    start, end = clip.start or 0.0, np.inf if clip.end is None else clip.end
    inside = (start <= middle) & (middle < end)
    end = min(end, ends.max(initial=start))
    around = (starts <= start) & (end <= ends) & (start < end)
    if inside.any() or not around.any():
        return rows[inside], False
    cut = replace(rows[around], spans=np.tile([start, end], (int(around.sum()), 1)))
    return cut, True


def _in_time(rows: TableRows) -> TableRows:
    """Put rows in the order of their times: tables are also sorted by other columns, or joined."""
    return rows if rows.spans is None else rows[np.argsort(rows.spans[:, 0], kind="stable")]


def kept(rows: TableRows, layout: Layout, where: str) -> tuple[TableRows, Mapping[str, int]]:
    """Leave out rows that failed, and of several faces what is not wanted; count both.

    Frames that failed are missing, not zeros. ``where`` is what a message names.

    Raises
    ------
    StoreError
        If one of several rows of a frame is to be taken, and nothing tells which.
    """
    failed = ~rows.success | np.isnan(rows.confidence)
    unsure = ~failed & (rows.confidence < layout.min_confidence)
    empty = ~failed & ~unsure & np.isnan(rows.values).all(axis=1)
    spans = np.zeros((len(rows), 2)) if rows.spans is None else rows.spans
    untimed = ~failed & ~unsure & ~empty & ~np.isfinite(spans).all(axis=1)
    good = rows[~(failed | unsure | empty | untimed)]
    taken = _faces(good, layout, where)
    notes = {
        "rows": len(rows),
        "rows.failed": int(failed.sum()),
        "rows.unsure": int(unsure.sum()),
        "rows.without_a_number": int(empty.sum()),
        "rows.without_a_time": int(untimed.sum()),
        "rows.of_other_faces": len(good) - len(taken),
    }
    return taken, notes


def _faces(rows: TableRows, layout: Layout, where: str) -> TableRows:
    if layout.faces == "all" or len(rows) < 2:
        return rows
    if layout.faces == "mean":
        return _mean(rows)
    if rows.face is not None:
        rows = rows[rows.face == _main(rows.face, rows.confidence)]
    else:
        _require_surest(rows, where)
    # The surest of each frame, in the order of the table.
    order = np.lexsort((np.arange(len(rows)), -rows.confidence))
    _, first = np.unique(rows.frame[order], return_index=True)
    return rows[np.sort(order[first])]


def _require_surest(rows: TableRows, where: str) -> None:
    """Refuse several rows of a frame, none of which is surer than the others, unless all agree."""
    ordered = rows[np.lexsort((-rows.confidence, rows.frame))]
    same = np.diff(ordered.frame) == 0
    surest = np.r_[True, ~same][:-1]  # of its frame
    tied = surest & same & (np.diff(ordered.confidence) == 0)
    one, next_one = ordered.values[:-1], ordered.values[1:]
    alike = ((one == next_one) | (np.isnan(one) & np.isnan(next_one))).all(axis=1)
    if (tied & ~alike).any():
        what = "has several rows of a frame, and no column tells whose they are or how sure"
        hint = (
            "name that column, --set 'FORMAT.face=[\"NAME\"]', or --set FORMAT.faces=all (or mean)"
        )
        raise StoreError(what, where=where, hint=hint)


def _main(face: NDArray[np.str_], confidence: Numbers) -> str:
    """Return the face of most rows; of several the surest, of those the first."""
    labels, counts = np.unique(face, return_counts=True)
    sure = [confidence[face == label].mean() for label in labels]
    return str(labels[np.lexsort((np.negative(sure), -counts))[0]])


def _mean(rows: TableRows) -> TableRows:
    """Average over the faces of each frame, number by number over those that are there."""
    frames, first, where = np.unique(rows.frame, return_index=True, return_inverse=True)
    there = np.isfinite(rows.values)
    total, count = np.zeros((2, len(frames), rows.values.shape[1]))
    np.add.at(total, where, np.where(there, rows.values, 0))
    np.add.at(count, where, there)
    with np.errstate(invalid="ignore"):
        values = total / count
    one = rows[first]
    return TableRows(values, one.spans, one.frame, None, one.confidence, one.success)
