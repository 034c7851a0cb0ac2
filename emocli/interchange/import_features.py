"""The import of features that were computed elsewhere into a store."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emocli.data.align import Timed, average
from emocli.data.clip import Clip
from emocli.data.durable import digest
from emocli.data.manifest import Manifest
from emocli.data.store import Recipe, write_feature
from emocli.data.store.files import INSPECTED, RESERVED
from emocli.data.store.imported import ALIGN_TO, ALIGN_TO_SHA256, SHA256, SOURCE
from emocli.data.store.joined import JOIN
from emocli.data.track import Track
from emocli.display import number_of
from emocli.errors import EmocliWarning, StoreError, suggestion
from emocli.interchange.csd import Csd
from emocli.interchange.sources import FeatureSource, locate, modalities_of, opened
from emocli.interchange.table_source import LONGER, TableFormat, TableSource
from emocli.parsing import Tree

USUAL = ("text", "audio", "visual")
"""Modalities that emocli's own features describe; there may be others."""

COLUMNS = "entries need the same columns: leave the others out of the manifest"


@dataclass(frozen=True)
class Import:
    """The report of an import: the feature, its store file and its clips.

    Attributes
    ----------
    unknown : int
        Entries of the file that no clip of the manifest is in; left out.
    missing : int
        Clips of the manifest that the file does not have.
    empty : int
        Clips in the store without a row: nothing in the file is of their part of the recording.
    non_finite : int
        NaN and infinite numbers; they are kept, and read as 0.
    names_left : int
        Names of columns that the file has, left out since it has another number of columns.
    longer : int
        Clips without a row in a table but those that last longer, of which they have a part.
    left_out : mapping
        What was left out of tables: how many ``rows`` they have of the clips, how many of them
        ``failed``, were ``unsure``, ``without_a_number``, or ``of_other_faces``.
    words, silent : int, optional
        Words that were averaged over, and those that no row of the file overlaps, which are zero.
    """

    feature: str
    modality: str
    path: Path
    clips: int
    unknown: int
    missing: int
    empty: int
    non_finite: int
    names_left: int = 0
    words: int | None = None
    silent: int | None = None
    longer: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        aligned = "" if self.words is None else f"; {self.words} words, zero in {self.silent}"
        empty = f"; without a row: {self.empty}" if self.empty else ""
        longer = f"; with a part of a longer row: {self.longer}" if self.longer else ""
        names = f"; names of columns left out: {self.names_left}" if self.names_left else ""
        counts = dict(self.left_out)
        rows = counts.pop("rows", 0)
        dropped = [f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count]
        tables = f"; of {rows} rows left out: {', '.join(dropped)}" if dropped else ""
        return (
            f"{self.path}: {number_of(self.clips, 'clips')} as {self.feature} "
            f"({self.modality}){aligned}; "
            f"left out, not in the manifest: {self.unknown}; "
            f"in the manifest, not in the file: {self.missing}{empty}{longer}; "
            f"non-finite values, read as 0: {self.non_finite}{names}{tables}"
        )


def import_all(
    sources: Sequence[Path],
    manifest: Manifest,
    store: Path,
    *,
    name: str | None = None,
    modality: str | None = None,
    align_to: Path | None = None,
    overwrite: bool = False,
    form: TableFormat | None = None,
) -> list[Import]:
    """Take files into a store; of a pickle every modality, if none is asked for.

    Parameters
    ----------
    sources, manifest, store, align_to, overwrite, form
        As for :func:`import_features`.
    name : str, optional
        Name of the feature; by default that of the format or of the file, of a pickle with several
        modalities followed by the modality.
    modality : str, optional
        By default what the format or the file says, or its name.

    Raises
    ------
    StoreError
        As :func:`import_features`; nothing is written if a modality cannot be told.
    """
    if modality and modality not in USUAL and (nearest := suggestion(modality, USUAL)):
        message = f"modality '{modality}' is none of {', '.join(USUAL)}: {nearest}"
        warnings.warn(message, EmocliWarning, stacklevel=2)
    known = modality or (form.modality if form else None)
    if form and not known:
        what = f"tables of the format '{form.name}' may describe anything"
        raise StoreError(what, hint="give --modality text, audio, visual or any other")
    name = form.name if form and name is None and len(sources) == 1 else name
    plan = [
        (source, described, f"{source.stem}_{described}" if len(modalities) > 1 else source.stem)
        for source, modalities in ((s, (known,) if known else modalities_of(s)) for s in sources)
        for described in modalities
    ]
    if name is not None and len(plan) > 1:
        what = f"{len(plan)} features cannot all be called '{name}'"
        raise StoreError(what, hint="import them one by one")
    return [
        import_features(
            source,
            name or default,
            described,
            manifest,
            store,
            align_to=align_to,
            overwrite=overwrite,
            form=form,
        )
        for source, described, default in plan
    ]


def import_features(
    source: Path,
    name: str,
    modality: str,
    manifest: Manifest,
    store: Path,
    *,
    align_to: Path | None = None,
    overwrite: bool = False,
    form: TableFormat | None = None,
) -> Import:
    """Take a file into a store as a feature.

    Parameters
    ----------
    source : Path
        A ragged npz (:mod:`emocli.interchange.npz`), a computational sequence
        (:mod:`emocli.interchange.csd`) or an MMSA pickle (:mod:`emocli.interchange.mmsa`). An
        entry is a clip by its id, or a recording by the clips' dialogue, of which each is a part,
        from ``start`` to ``end``.
    name, modality : str
        Name of the feature, and what it describes; of a pickle also which array is taken.
    manifest : Manifest
        The clips; what they do not ask for is left out.
    store : Path
        Folder of the store; made if need be.
    align_to : Path, optional
        A computational sequence of words, or of anything else: its intervals become the rows, the
        mean of what overlaps them. Pauses (``sp``) are no words.
    overwrite : bool
        Replace a feature of that name made from other input.
    form : TableFormat, optional
        The format of tables that the source is a file or a folder of.

    Raises
    ------
    StoreError
        If the file breaks a rule, has no clip of the manifest, or the store cannot take it.
    """
    require_name(name, modality)
    with ExitStack() as files:
        settings: Tree
        taken: FeatureSource
        if form is None:
            taken = files.enter_context(opened(source, modality))
            settings = {SOURCE: source.name, SHA256: digest(source)}
        else:
            taken = tables = TableSource(source, form, manifest)
            settings = {SOURCE: source.name, SHA256: tables.digest, "format": form.name}
            settings |= {form.name: form.layout.model_dump(mode="json")}
        words = None if align_to is None else _Words(files.enter_context(Csd(align_to)))
        entries = set(taken.entries)
        ids = [c.id for c in manifest.clips if c.id in entries or c.dialogue in entries]
        if not ids:
            raise _nothing(source, taken, manifest)
        if align_to is not None:
            settings |= {ALIGN_TO: align_to.name, ALIGN_TO_SHA256: digest(align_to)}
        recipe = Recipe(name, modality, manifest.fingerprint, settings)
        used = [c.id if c.id in entries else c.dialogue for c in map(manifest.clip, ids)]
        alike = _Alike(taken, source, used)

        def track(clip_id: str) -> Track:
            return _track(alike, entries, manifest.clip(clip_id), words)

        names = alike.names
        with write_feature(store, recipe, ids, track, names, overwrite=overwrite) as stored:
            notes = {name: int(count) for name, count in stored.header.notes.items()}
            return Import(
                feature=name,
                modality=modality,
                path=stored.path,
                clips=len(stored),
                unknown=len(entries.difference(used)),
                missing=len(manifest.clips) - len(ids),
                empty=sum(not stored.length(clip_id) for clip_id in ids),
                non_finite=stored.header.non_finite,
                names_left=len(taken.names) - len(alike.names),
                words=notes.get("words", 0) if words else None,
                silent=notes.get("words.silent", 0) if words else None,
                longer=notes.get(LONGER, 0),
                left_out={k.removeprefix("rows."): n for k, n in notes.items() if k[:4] == "rows"},
            )


class _Alike:
    """A source whose entries all have the columns of the first that has rows."""

    def __init__(self, source: FeatureSource, path: Path, used: Sequence[str]) -> None:
        self.entries, self.from_clip, self.notes = source.entries, source.from_clip, source.notes
        self._source, self._path = source, path
        self._first, self._width = "", 0
        for entry in used:
            values = source.rows(entry).values
            if len(values):
                self._first, self._width = entry, values.shape[1]
                break
        fits = len(source.names) == self._width or not self._first
        self.names = source.names if fits else ()

    @property
    def hint(self) -> str:
        """That of the source."""
        return self._source.hint

    def rows(self, entry: str) -> Timed:
        """Return the rows of an entry.

        Raises
        ------
        StoreError
            If they have other columns than those of other entries, or none.
        """
        rows = self._source.rows(entry)
        width = rows.values.shape[1]
        if len(rows.values) and (width != self._width or not width):
            others = f", entry '{self._first}' has {self._width}" if width else ""
            where = f"{self._path}, entry '{entry}'"
            raise StoreError(f"has rows of {width} columns{others}", where=where, hint=COLUMNS)
        return rows


class _Words:
    """The intervals of a computational sequence, by clip; those of the entry read last are kept."""

    def __init__(self, file: Csd) -> None:
        self._file, self._entries = file, set(file.entries)
        self._last: tuple[str, NDArray[np.float64]] | None = None

    def of(self, clip: Clip) -> NDArray[np.float64]:
        """Return the clip's intervals, shape (n, 2), from its start; none if it is not there."""
        start = clip.start or 0.0
        whole = clip.id not in self._entries
        entry = clip.dialogue if whole else clip.id
        if entry not in self._entries:
            return np.zeros((0, 2))
        if self._last is None or self._last[0] != entry:
            self._last = entry, self._file.spans(entry)
        spans = self._last[1]
        rows = Timed(np.zeros((len(spans), 0), np.float32), spans)
        if whole:
            rows = rows.cut(start, np.inf if clip.end is None else clip.end)
        return spans[:0] if rows.intervals is None else rows.intervals - start


def _track(source: FeatureSource, entries: set[str], clip: Clip, words: _Words | None) -> Track:
    rows = locate(source, entries, clip)
    notes = dict(source.notes(clip.id if clip.id in entries else clip.dialogue))
    if words is not None:
        if not rows.timed:
            what = f"the rows of clip '{clip.id}' have no times, so they cannot be aligned"
            raise StoreError(what, hint="leave --align-to out")
        # Without a row of its own the clip lacks the feature: zeros would hide that.
        grid = words.of(clip) if len(rows.values) else np.zeros((0, 2))
        rows, silent = average(rows, grid)
        notes |= {"words": len(rows.values), "words.silent": silent}
    return Track(rows.values, rows.times, notes=notes)


def _nothing(path: Path, source: FeatureSource, manifest: Manifest) -> StoreError:
    first, clip = next(iter(source.entries), None), manifest.clips[0]
    entry = "none" if first is None else f"'{first}'"
    inside = f" of dialogue '{clip.dialogue}'" if clip.dialogue else ""
    what = f"has no clip of the manifest (its first entry is {entry}, "
    what += f"the manifest's first clip '{clip.id}'{inside})"
    return StoreError(what, where=path, hint=source.hint)


def require_name(name: str, modality: str) -> None:
    """Refuse what cannot be the name of a feature or of a modality, with a `StoreError`."""
    if not name or name.startswith(".") or Path(name).name != name or "\\" in name:
        raise StoreError(f"'{name}' cannot be a feature's name", hint="give a plain file name")
    if JOIN in name:
        hint = "give another one"
        raise StoreError(f"'{name}' has a {JOIN}, which joins features", hint=hint)
    if name in RESERVED | INSPECTED:
        raise StoreError(f"'{name}' is a name of emocli's own", hint="give another one")
    if not modality.strip():
        raise StoreError("a modality needs a name", hint="give text, audio, visual or any other")
