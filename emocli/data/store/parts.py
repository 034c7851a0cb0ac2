"""One part of a feature: the tracks of a few clips as a store file of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from emocli.data.store.format import StoreContents, write_store
from emocli.data.store.header import EXTRA, Column
from emocli.data.store.recipe import Recipe
from emocli.data.track import Array, Track


def check_track(track: Track, names: Sequence[str] = ()) -> None:
    """Refuse a track that no store can hold.

    Raises
    ------
    TypeError, ValueError
        If an array or a note does not hold numbers, or ``values`` has not one column per name.
    """
    note_text(track.notes)
    for name, array in arrays_of(track).items():
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} holds {array.dtype}, not numbers")
    shape = np.shape(track.values)[1:]
    if names and shape != (len(names),):
        raise ValueError(f"values has rows of shape {shape} for {len(names)} names")


def write_part(
    path: Path,
    recipe: Recipe,
    tracks: Mapping[str, Track],
    absent: Sequence[str],
    *,
    names: Sequence[str] = (),
    rate: float | None = None,
    media: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Write the tracks of a few clips.

    Parameters
    ----------
    path : Path
        One of those `emocli.data.store.writer.FeatureWriter.reserve` returns.
    recipe : Recipe
        How the tracks were made.
    tracks : mapping
        Clip to its track.
    absent : sequence of str
        Clips that have no such medium.
    names, rate
        Names of the columns of ``values``, and rows per second.
    media : mapping, optional
        Clip to sizes and times of its media files, as `emocli.data.stamp` writes them.

    Returns
    -------
    dict
        Clips that were left out because their arrays do not fit the others', and why.

    Raises
    ------
    StoreError
        If the disk is full or the folder cannot be written.
    """
    arrays = {clip_id: arrays_of(track) for clip_id, track in tracks.items()}
    kinds = {clip_id: columns_of(named) for clip_id, named in arrays.items()}
    having_rows = [clip_id for clip_id in arrays if len(tracks[clip_id])]
    columns = kinds[(having_rows or list(arrays))[0]] if arrays else {}
    misfits = {i: difference(kinds[i], columns) for i in having_rows if kinds[i] != columns}
    ids = [clip_id for clip_id in arrays if clip_id not in misfits]
    contents = StoreContents(
        ids=ids,
        lengths=[len(tracks[clip_id]) for clip_id in ids],
        columns=columns or {"values": Column(np.dtype("<f4"), ())},
        blocks=[(name, rows) for i in ids if len(tracks[i]) for name, rows in arrays[i].items()],
        names=names if columns else (),  # of clips without a track there are no rows to name
        notes=[note_text(tracks[i].notes) for i in ids],
        absent=absent,
        attributes=recipe.attributes(rate, recipe.versions()),
        media=[media.get(i, "") for i in (*ids, *absent)] if media else (),
    )
    write_store(path, contents)
    return misfits


def arrays_of(track: Track) -> dict[str, Array]:
    """Return a track's arrays by column, in the types of the file."""
    values, extra = np.asarray(track.values), dict(sorted(track.extra.items()))
    arrays = {"values": values.astype(np.float32) if values.dtype.kind == "f" else values}
    if track.times is not None:
        arrays["times"] = np.asarray(track.times, np.float64)
    return arrays | {f"{EXTRA}{name}": np.asarray(array) for name, array in extra.items()}


def note_text(notes: Mapping[str, float]) -> str:
    """Return a track's notes as text; NumPy's numbers become plain ones."""
    numbers = {name: float(value) for name, value in sorted(notes.items())}
    return json.dumps(numbers) if numbers else ""


def columns_of(arrays: Mapping[str, Array]) -> dict[str, Column]:
    """Return the kinds of a track's arrays."""
    return {name: Column(array.dtype, array.shape[1:]) for name, array in arrays.items()}


def difference(columns: Mapping[str, Column], others: Mapping[str, Column]) -> str:
    """Say in which array two clips differ."""
    name = next(name for name in [*others, *columns] if columns.get(name) != others.get(name))
    here, there = (_kind(kinds.get(name)) for kinds in (columns, others))
    return f"its {name} are {here}, those of other clips {there}"


def _kind(column: Column | None) -> str:
    if column is None:
        return "missing"
    return f"{column.dtype} ({', '.join(['T', *map(str, column.shape)])})"
