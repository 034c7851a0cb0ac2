"""Writing a feature into a store: in parts, so that a kill loses little, then merged into one file.

``store/.<feature>.parts/NNNNNN.h5`` are small stores of a few clips each; ``begun.json`` beside
them says what they are parts of. The merge writes ``store/<feature>.h5`` in the manifest's order,
whatever the order the parts came in, so that a run that was interrupted ends with the same file as
one that was not.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from emocli.data.durable import (
    disk_errors,
    locked,
    make_folder,
    sweep,
    sync_folder,
    used_folder,
    write_text,
)
from emocli.data.stamp import changed
from emocli.data.store import EXTRA, Column, FeatureStore, store_path
from emocli.data.storefile import Contents, library_versions, write_store
from emocli.data.track import Array, Track
from emocli.errors import EmocliError, StoreError, reason
from emocli.parsing import read_object

BEGUN = "begun.json"
PART = 100
"""Clips written at a time, where many are at hand."""
MOST_PARTS = 1_000_000
"""Parts of a feature at most, ever; each is looked for."""
OVERWRITE = "give --overwrite to make it anew"
ALIKE = "all clips of a feature need rows of one shape and type: mend or leave out the others"


@dataclass(frozen=True)
class Recipe:
    """What determines a feature's values.

    Attributes
    ----------
    feature, modality : str
        Its name and what it describes.
    manifest : str
        Fingerprint of the manifest.
    settings : mapping
        Plain values.
    upstream : mapping
        Feature it is computed from to that feature's ``recipe``, ``method`` and content ``digest``.
    alone : bool
        Whether the arrays of a clip depend on that clip alone, not on others of the manifest.
    """

    feature: str
    modality: str
    manifest: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    upstream: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    alone: bool = False

    @property
    def fingerprint(self) -> str:
        """Equal for equal recipes.

        What an upstream feature holds does not count, so that clips can be added to it.
        """
        return self._digest(self.manifest, "recipe")

    @property
    def method(self) -> str:
        """Equal for recipes that make the same of a clip, even if the manifests differ."""
        return self._digest("" if self.alone else self.manifest, "method")

    def _digest(self, manifest: str, kind: str) -> str:
        upstream = {name: made[kind] for name, made in self.upstream.items()}
        whole = [self.feature, self.modality, manifest, self.settings, upstream]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()

    def attributes(self) -> dict[str, str]:
        """Return it as attributes of a store file."""
        texts = {"settings": self.settings, "upstream": self.upstream}
        return {
            "feature": self.feature,
            "modality": self.modality,
            "manifest": self.manifest,
            "recipe": self.fingerprint,
            "method": self.method,
            **{key: json.dumps(value, sort_keys=True) for key, value in texts.items()},
        }

    def difference(self, manifest: str, settings: Mapping[str, Any]) -> str:
        """Say how something made earlier differs."""
        keys = sorted({*settings, *self.settings})
        changed = [key for key in keys if settings.get(key) != self.settings.get(key)]
        if not changed:
            return "other upstream features" if manifest == self.manifest else "another manifest"
        key = changed[0]
        return f"other settings ({key} was {settings.get(key)!r}, is {self.settings.get(key)!r})"


@dataclass(frozen=True)
class ResumeInfo:
    """What the parts of a feature are parts of.

    Attributes
    ----------
    recipe, manifest, settings
        Of the recipe the parts are made by.
    overwrite : bool
        Whether the merged file is to replace a finished one, instead of extending it.
    next : int
        The first number no part was ever given. A number is used once: a worker that outlives
        its run cannot write over a later part.
    """

    recipe: str
    manifest: str
    settings: Mapping[str, Any]
    overwrite: bool
    next: int = 0


@dataclass(frozen=True)
class ExtractionState:
    """How far a feature has come.

    Attributes
    ----------
    sources : tuple of FeatureStore
        The finished file and the parts; the first one that has a clip counts.
    misfits : tuple of FeatureStore
        Parts whose rows have another shape or type than the others'.
    damaged : int
        Parts that cannot be read; their clips are computed again.
    begun : Begun, optional
        What the parts are parts of; None where there is none.
    stale : mapping
        Source to its clips that have changed since, or have left the manifest: they do not count.
    changed : frozenset of str
        Clips that count although their media files were replaced since.
    """

    sources: tuple[FeatureStore, ...] = ()
    misfits: tuple[FeatureStore, ...] = ()
    damaged: int = 0
    begun: ResumeInfo | None = None
    stale: Mapping[FeatureStore, Collection[str]] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()

    @property
    def places(self) -> dict[str, tuple[int, int]]:
        """Clip whose arrays are there to its source and its position in that, by number."""
        found: dict[str, tuple[int, int]] = {}
        for number, source in enumerate(self.sources):
            for k, clip_id in enumerate(source.ids):
                if clip_id not in self.stale.get(source, ()):
                    found.setdefault(clip_id, (number, k))
        return found

    @property
    def written(self) -> set[str]:
        """Ids of the clips whose arrays are there."""
        return set(self.places)

    @property
    def absent(self) -> set[str]:
        """Ids of the clips known to have no such medium."""
        known = (set(s.absent).difference(self.stale.get(s, ())) for s in self.sources)
        return set().union(*known) - self.written


def extraction_state(
    folder: Path,
    recipe: Recipe,
    *,
    sources: Mapping[str, str] | None = None,
    media: Mapping[str, str] | None = None,
    overwrite: bool = False,
    update: bool = False,
    opened: dict[Path, FeatureStore] | None = None,
) -> ExtractionState:
    """Look at how far a feature has come; nothing is changed.

    Parameters
    ----------
    folder, recipe, sources, media, overwrite, update
        As for :class:`FeatureWriter`.
    opened : dict, optional
        Parts that were looked at before; added to. A part never changes.

    Raises
    ------
    StoreError
        If what is there was made by another recipe, and neither ``overwrite`` nor ``update`` say
        what to do.
    """
    path, parts = store_path(folder, recipe.feature), _parts_folder(folder, recipe.feature)
    begun = _resumable(path, parts, recipe, overwrite, update and path.exists())
    replaces = overwrite or (begun is not None and begun.overwrite)
    finished = None if replaces else _finished(path, recipe)
    stale = _stale(finished, recipe, sources or {}, update) if finished else frozenset()
    made, damaged = _parts(parts, begun, {} if opened is None else opened)
    fitting, misfits = _sort_out([*([finished] if finished else []), *made])
    replaced = {source: changed(source.media, media or {}) for source in fitting}
    old = {source: _let_go(source, recipe, ids) for source, ids in replaced.items() if update}
    if finished:
        old[finished] = stale | old.get(finished, frozenset())
    kept = frozenset() if update else frozenset().union(*replaced.values()) - stale
    return ExtractionState(tuple(fitting), tuple(misfits), damaged, begun, old, kept)


def _let_go(source: FeatureStore, recipe: Recipe, replaced: frozenset[str]) -> frozenset[str]:
    """Return the clips that are to be made anew where the media of some were replaced."""
    if replaced and not recipe.alone:  # arrays of the others may depend on them
        return frozenset((*source.ids, *source.absent))
    return replaced


class FeatureWriter:
    """Writes one feature of a store; a context manager that keeps other writers out.

    Parameters
    ----------
    folder : Path
        The store.
    recipe : Recipe
        What is written.
    order : sequence of str
        Ids of the manifest's clips, in its order.
    sources : mapping, optional
        Clip to the fingerprint of what its arrays are made from: where the recipe's clips stand
        ``alone``, those of a finished file are kept that the same has been made of.
    media : mapping, optional
        Clip to sizes and times of its media files now, as `emocli.data.stamp` writes them.
    overwrite : bool
        Make the feature anew; a finished file stays until the new one takes its place.
    update : bool
        Let clips of a finished file go that have changed since, in the manifest or by their media
        files, or have left the manifest.

    Raises
    ------
    StoreError
        On entry, if another process is writing, if what is there was made by another recipe, or if
        the folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        order: Sequence[str],
        *,
        sources: Mapping[str, str] | None = None,
        media: Mapping[str, str] | None = None,
        overwrite: bool = False,
        update: bool = False,
    ) -> None:
        self.path = store_path(folder, recipe.feature)
        self._folder, self._recipe, self._order = folder, recipe, order
        self._sources, self._media, self._update = sources, media, update
        self._parts = _parts_folder(folder, recipe.feature)
        self._trash = self._parts.with_suffix(".trash")
        self._begun = ResumeInfo(
            recipe.fingerprint, recipe.manifest, dict(recipe.settings), overwrite
        )
        self._opened: dict[Path, FeatureStore] = {}
        self._lock = ExitStack()

    def __enter__(self) -> FeatureWriter:
        with ExitStack() as stack:
            stack.enter_context(used_folder(self._folder))
            stack.enter_context(locked(self._folder / f".{self._recipe.feature}.lock"))
            begun = self.extraction_state().begun
            if begun is None:
                self._discard_parts()
            self._begun = begun or self._begun
            self._sweep()
            self._lock = stack.pop_all()
        return self

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self._sweep()

    def extraction_state(self) -> ExtractionState:
        """Look at how far the feature has come."""
        return extraction_state(
            self._folder,
            self._recipe,
            sources=self._sources,
            media=self._media,
            overwrite=self._begun.overwrite,
            update=self._update,
            opened=self._opened,
        )

    def reserve(self, count: int) -> list[Path]:
        """Return paths for that many new parts."""
        first = self._begun.next
        self._begun = replace(self._begun, next=first + count)
        make_folder(self._parts)
        write_text(self._parts / BEGUN, json.dumps(asdict(self._begun), indent=1))
        return [_part(self._parts, number) for number in range(first, first + count)]

    def complete(
        self,
        ids: Sequence[str],
        track: Callable[[str], Track],
        names: Sequence[str] = (),
        rate: float | None = None,
    ) -> FeatureStore:
        """Write the clips that are not there yet, `PART` at a time, and finish.

        Parameters
        ----------
        ids : sequence of str
            All clips of the feature, at least one.
        track : callable
            Makes the track of a clip.
        names, rate
            Names of the columns of ``values``, and rows per second.

        Returns
        -------
        FeatureStore
            The finished file, open.

        Raises
        ------
        StoreError
            As `finish`; if a track has another shape or type than those before. What cannot be
            made leaves no parts behind: they would stand in the way of mended input.
        """
        known = self.extraction_state().written
        rest = [clip_id for clip_id in ids if clip_id not in known]
        parts = [rest[start : start + PART] for start in range(0, len(rest), PART)]
        kinds: dict[str, Column] = {}
        for path, part in zip(self.reserve(len(parts)), parts, strict=True):
            tracks = self._tracks(part, track, kinds)
            write_part(path, self._recipe, tracks, (), names=names, rate=rate)
        made = self.finish(ids)
        assert made is not None
        return made

    def _tracks(
        self, ids: Sequence[str], track: Callable[[str], Track], kinds: dict[str, Column]
    ) -> dict[str, Track]:
        """Make the tracks of a part; ``kinds`` is what the columns of all parts are."""
        made = {}
        try:
            for clip_id in ids:
                made[clip_id] = track(clip_id)
                columns = _columns(_arrays(made[clip_id])) if len(made[clip_id]) else kinds
                kinds.update({} if kinds else columns)
                if columns != kinds:
                    what = f"does not fit the clips before it: {_difference(columns, kinds)}"
                    raise StoreError(what, where=f"clip '{clip_id}'", hint=ALIKE)
        except EmocliError:
            self._discard_parts()
            raise
        return made

    def finish(self, expected: Collection[str] = ()) -> FeatureStore | None:
        """Merge all parts into one file.

        Parameters
        ----------
        expected : collection of str
            Clips that were written, as far as the caller knows.

        Returns
        -------
        FeatureStore or None
            The finished file, open; None if no clip was ever written.

        Raises
        ------
        StoreError
            If a part with an expected clip has vanished, or the file cannot be written.
        """
        now = self.extraction_state()
        lost = set(expected) - now.written
        if lost:
            raise self._lost(lost, now)
        recipe = self._recipe.fingerprint
        new = any(s.path != self.path or s.recipe != recipe for s in now.sources)
        if new and now.written:
            write_store(self.path, _merged(self._recipe, now, self._order, self._sources))
        self._discard_parts()
        return FeatureStore.open(self.path) if now.written else None

    def _lost(self, lost: set[str], now: ExtractionState) -> StoreError:
        """Say why clips that were written are not there: running again mends only some of it."""
        odd = [clip_id for part in now.misfits for clip_id in part.ids if clip_id in lost]
        if odd:
            what = f"{len(odd)} clips, '{odd[0]}' first, have rows of another shape or type than"
            return StoreError(f"{what} the others", where=self.path, hint=ALIKE)
        if now.damaged:
            what = f"{now.damaged} parts cannot be read back, with {len(lost)} clips"
            hint = "run the same command again; if it ends so again, choose another disk"
            return StoreError(what, where=self._parts, hint=hint)
        what = f"{len(lost)} clips, '{sorted(lost)[0]}' first, were written and are not there"
        hint = "see to it that nothing else removes files there, then run the same command again"
        return StoreError(what, where=self._parts, hint=hint)

    def _sweep(self) -> None:
        """Remove what killed processes were writing."""
        sweep(self._parts)
        sweep(self._folder, self.path.name)

    def _discard_parts(self) -> None:
        """Take the parts away at once, so that a kill never leaves a few of them."""
        with disk_errors(self._parts):
            shutil.rmtree(self._trash, ignore_errors=True)
            if self._parts.exists():
                self._parts.rename(self._trash)
                sync_folder(self._folder)
                shutil.rmtree(self._trash, ignore_errors=True)


def check_track(track: Track, names: Sequence[str] = ()) -> None:
    """Refuse a track that no store can hold.

    Raises
    ------
    TypeError, ValueError
        If an array or a note does not hold numbers, or ``values`` has not one column per name.
    """
    _note(track.notes)
    for name, array in _arrays(track).items():
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
        One of those :meth:`FeatureWriter.reserve` gave.
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
    arrays = {clip_id: _arrays(track) for clip_id, track in tracks.items()}
    kinds = {clip_id: _columns(named) for clip_id, named in arrays.items()}
    having_rows = [clip_id for clip_id in arrays if len(tracks[clip_id])]
    columns = kinds[(having_rows or list(arrays))[0]] if arrays else {}
    misfits = {i: _difference(kinds[i], columns) for i in having_rows if kinds[i] != columns}
    ids = [clip_id for clip_id in arrays if clip_id not in misfits]
    contents = Contents(
        ids=ids,
        lengths=[len(tracks[clip_id]) for clip_id in ids],
        columns=columns or {"values": Column(np.dtype("<f4"), ())},
        blocks=[(name, rows) for i in ids if len(tracks[i]) for name, rows in arrays[i].items()],
        names=names,
        notes=[_note(tracks[i].notes) for i in ids],
        absent=absent,
        attributes=_attributes(recipe, rate, library_versions()),
        media=[media.get(i, "") for i in (*ids, *absent)] if media else (),
    )
    write_store(path, contents)
    return misfits


# -- what is there


def _parts_folder(folder: Path, feature: str) -> Path:
    return folder / f".{feature}.parts"


def _part(parts: Path, number: int) -> Path:
    return parts / f"{number:06d}.h5"


def _resumable(
    path: Path, parts: Path, recipe: Recipe, overwrite: bool, update: bool
) -> ResumeInfo | None:
    """Return what was begun, if it is what is asked for now."""
    begun = _read_begun(parts)
    if begun is None:
        return None
    same = begun.recipe == recipe.fingerprint
    if overwrite:
        return begun if same and begun.overwrite else None
    if not same and not update and any(parts.glob("[0-9]*.h5")):
        what = f"was begun with {recipe.difference(begun.manifest, begun.settings)}"
        raise StoreError(what, where=path, hint=OVERWRITE)
    return begun if same else None


def _read_begun(parts: Path) -> ResumeInfo | None:
    try:
        return _begun(read_object(parts / BEGUN))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError) as error:
        what = f"is damaged ({reason(error)})"
        raise StoreError(what, where=parts / BEGUN, hint=f"remove the folder {parts}") from None


def _begun(value: Any) -> ResumeInfo:
    found = ResumeInfo(**value)
    kinds = {"recipe": str, "manifest": str, "settings": dict, "overwrite": bool, "next": int}
    for name, kind in kinds.items():
        if type(getattr(found, name)) is not kind:
            raise TypeError(f"its {name} is no {kind.__name__}")
    if not 0 <= found.next <= MOST_PARTS:
        raise ValueError(f"its next part is number {found.next}")
    return found


def _finished(path: Path, recipe: Recipe) -> FeatureStore | None:
    if not path.exists():
        return None
    try:
        store = FeatureStore.open(path)
    except StoreError as error:
        raise StoreError(error.what, where=path, hint=OVERWRITE) from None
    store.close()
    if store.recipe != recipe.fingerprint and store.method != recipe.method:
        what = f"was made with {recipe.difference(store.manifest_fingerprint, store.settings)}"
        raise StoreError(what, where=path, hint=OVERWRITE)
    return store


def _stale(
    store: FeatureStore, recipe: Recipe, sources: Mapping[str, str], update: bool
) -> frozenset[str]:
    """Return the clips of a finished file that are no longer what they were.

    Raises
    ------
    StoreError
        If there are any, and they are not to be let go.
    """
    if store.recipe == recipe.fingerprint:
        return frozenset()
    stale = frozenset(i for i, made_of in store.sources.items() if sources.get(i) != made_of)
    if stale and not update:
        gone = len(stale - sources.keys())
        what = f"was made with another manifest: {len(stale) - gone} of its clips have changed"
        hint = f"give --update to keep the others, or {OVERWRITE}"
        raise StoreError(f"{what}, {gone} are gone", where=store.path, hint=hint)
    return stale


def _parts(
    parts: Path, begun: ResumeInfo | None, opened: dict[Path, FeatureStore]
) -> tuple[list[FeatureStore], int]:
    """Open the parts by number: a listing of a shared folder may lag behind."""
    numbers = range(begun.next if begun else 0)
    paths = [path for path in (_part(parts, number) for number in numbers) if path.exists()]
    for path in paths:
        if path not in opened:
            with suppress(StoreError), FeatureStore.open(path) as part:
                opened[path] = part
    found = [opened[path] for path in paths if path in opened]
    made = [part for part in found if begun and part.recipe == begun.recipe]
    return made, len(paths) - len(made)


def _sort_out(sources: list[FeatureStore]) -> tuple[list[FeatureStore], list[FeatureStore]]:
    """Tell sources whose rows fit those of the first that has rows from those that do not."""
    kinds = next((_kinds(source) for source in sources if source.steps), {})
    fitting = [source for source in sources if not source.steps or _kinds(source) == kinds]
    return fitting, [source for source in sources if source not in fitting]


def _kinds(store: FeatureStore) -> dict[str, Column]:
    return {name: replace(column, offset=None) for name, column in store.columns.items()}


# -- what is written


def _arrays(track: Track) -> dict[str, Array]:
    """Return a track's arrays by column, in the types of the file."""
    values, extra = np.asarray(track.values), dict(sorted(track.extra.items()))
    arrays = {"values": values.astype(np.float32) if values.dtype.kind == "f" else values}
    if track.times is not None:
        arrays["times"] = np.asarray(track.times, np.float64)
    return arrays | {f"{EXTRA}{name}": np.asarray(array) for name, array in extra.items()}


def _note(notes: Mapping[str, float]) -> str:
    """Return a track's notes as text; NumPy's numbers become plain ones."""
    plain = {name: float(value) for name, value in sorted(notes.items())}
    return json.dumps(plain) if plain else ""


def _columns(arrays: Mapping[str, Array]) -> dict[str, Column]:
    return {name: Column(array.dtype, array.shape[1:]) for name, array in arrays.items()}


def _difference(columns: Mapping[str, Column], others: Mapping[str, Column]) -> str:
    name = next(name for name in [*others, *columns] if columns.get(name) != others.get(name))
    here, there = (_kind(kinds.get(name)) for kinds in (columns, others))
    return f"its {name} are {here}, those of other clips {there}"


def _kind(column: Column | None) -> str:
    if column is None:
        return "missing"
    return f"{column.dtype} ({', '.join(['T', *map(str, column.shape)])})"


def _attributes(
    recipe: Recipe, rate: float | None, versions: Mapping[str, str]
) -> dict[str, str | float]:
    known: dict[str, str | float] = {} if rate is None else {"rate": rate}
    return {**recipe.attributes(), **known, "versions": json.dumps(versions, sort_keys=True)}


def _merged(
    recipe: Recipe, now: ExtractionState, order: Sequence[str], made_of: Mapping[str, str] | None
) -> Contents:
    """Put the clips of all sources into the manifest's order."""
    sources, places, known = now.sources, now.places, now.absent
    ids = [clip_id for clip_id in order if clip_id in places]
    absent = [clip_id for clip_id in order if clip_id in known]
    model = next((s for s in sources if s.steps), next(s for s in sources if len(s)))
    return Contents(
        ids=ids,
        lengths=[sources[places[i][0]].length(i) for i in ids],
        columns=_kinds(model),
        blocks=_blocks(sources, [places[i] for i in ids]),
        names=model.dim_names,
        notes=[_note(sources[places[i][0]].notes(i)) for i in ids],
        absent=absent,
        attributes=_attributes(recipe, model.rate, _united([s.versions for s in sources])),
        sources=[made_of[clip_id] for clip_id in (*ids, *absent)] if made_of else (),
        media=_known_media(now, ids, absent),
    )


def _known_media(now: ExtractionState, ids: Sequence[str], absent: Sequence[str]) -> list[str]:
    """Return what each clip's source knows of its media; nothing if none knows anything."""
    known: dict[str, str] = {}
    for source in now.sources:
        for clip_id in source.absent:
            if clip_id not in now.stale.get(source, ()):
                known.setdefault(clip_id, source.media.get(clip_id, ""))
    places = now.places
    made = [now.sources[places[clip_id][0]].media.get(clip_id, "") for clip_id in ids]
    media = [*made, *(known[clip_id] for clip_id in absent)]
    return media if any(media) else []


def _blocks(
    sources: Sequence[FeatureStore], places: Iterable[tuple[int, int]]
) -> Iterator[tuple[str, Array]]:
    """Read the clips at (source, position), neighbours together, one file open at a time."""
    for number, first, last in _runs(places):
        with sources[number] as source:
            for name in source.columns:
                for start, stop in source.blocks(name, *source.span(first, last)):
                    yield name, source.rows(name, start, stop)


def _runs(places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Join places that follow each other in one source: (source, first, last + 1)."""
    run: tuple[int, int, int] | None = None
    for number, k in places:
        if run and run[0] == number and run[2] == k:
            run = number, run[1], k + 1
            continue
        if run:
            yield run
        run = number, k, k + 1
    if run:
        yield run


def _united(versions: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Join versions; where a library changed between two runs, both are named."""
    found: dict[str, set[str]] = {}
    for some in versions:
        for name, text in some.items():
            found.setdefault(name, set()).update(text.split(", "))
    return {name: ", ".join(sorted(texts)) for name, texts in sorted(found.items())}
