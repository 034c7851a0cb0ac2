"""The writer of a feature: in parts, so that a kill loses little, then merged into one file.

``store/.<feature>.parts/NNNNNN.h5`` are small stores of a few clips each; ``begun.json`` beside
them says what they are parts of. The merge writes ``store/<feature>.h5`` in the manifest's order,
whatever the order the parts came in, so that a run that was interrupted ends with the same file as
one that was not.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

from emocli.data.durable import (
    disk_errors,
    locked,
    make_folder,
    sweep,
    sync_folder,
    used_folder,
    write_text,
)
from emocli.data.store.files import store_path
from emocli.data.store.format import write_store
from emocli.data.store.header import Column
from emocli.data.store.merge import merged
from emocli.data.store.parts import arrays_of, columns_of, difference, write_part
from emocli.data.store.reader import FeatureStore
from emocli.data.store.recipe import Recipe
from emocli.data.store.resume import (
    RESUME,
    ExtractionState,
    ResumeInfo,
    extraction_state,
    part_path,
    parts_folder,
)
from emocli.data.track import Track
from emocli.display import number_of
from emocli.errors import EmocliError, StoreError

PART = 100
"""Clips written at a time, where many are at hand."""
ALIKE = "all clips of a feature need rows of one shape and type: mend or leave out the others"


def write_feature(
    folder: Path,
    recipe: Recipe,
    ids: Sequence[str],
    track: Callable[[str], Track],
    names: Sequence[str] = (),
    rate: float | None = None,
    *,
    overwrite: bool = False,
) -> FeatureStore:
    """Write a feature whose tracks cost little: `FeatureWriter` and its ``complete`` in one."""
    with FeatureWriter(folder, recipe, ids, overwrite=overwrite) as writer:
        return writer.complete(ids, track, names, rate)


class FeatureWriter:
    """The writer of one feature of a store; a context manager that keeps other writers out.

    Parameters
    ----------
    order : sequence of str
        Ids of the manifest's clips, in its order.
    sources : mapping, optional
        Clip to the fingerprint of what its arrays are made from: where the recipe is
        ``per_clip``, those of a finished file are kept that the same has been made of.
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
        self._parts = parts_folder(folder, recipe.feature)
        self._trash = self._parts.with_suffix(".trash")
        self._resume_info = ResumeInfo(
            recipe.fingerprint, recipe.manifest, dict(recipe.settings), overwrite
        )
        self._opened: dict[Path, FeatureStore] = {}
        self._lock = ExitStack()

    def __enter__(self) -> FeatureWriter:
        with ExitStack() as stack:
            stack.enter_context(used_folder(self._folder))
            stack.enter_context(locked(self._folder / f".{self._recipe.feature}.lock"))
            resume_info = self.extraction_state().resume_info
            if resume_info is None:
                self._discard_parts()
            self._resume_info = resume_info or self._resume_info
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
            overwrite=self._resume_info.overwrite,
            update=self._update,
            opened=self._opened,
        )

    def reserve(self, count: int) -> list[Path]:
        """Return paths for that many new parts."""
        first = self._resume_info.next
        self._resume_info = replace(self._resume_info, next=first + count)
        make_folder(self._parts)
        write_text(self._parts / RESUME, json.dumps(asdict(self._resume_info), indent=1))
        return [part_path(self._parts, number) for number in range(first, first + count)]

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
        store = self.finish(ids)
        assert store is not None
        return store

    def _tracks(
        self, ids: Sequence[str], track: Callable[[str], Track], kinds: dict[str, Column]
    ) -> dict[str, Track]:
        """Make the tracks of a part; ``kinds`` is what the columns of all parts are."""
        tracks = {}
        try:
            for clip_id in ids:
                tracks[clip_id] = track(clip_id)
                columns = columns_of(arrays_of(tracks[clip_id])) if len(tracks[clip_id]) else kinds
                kinds.update({} if kinds else columns)
                if columns != kinds:
                    what = f"does not fit the clips before it: {difference(columns, kinds)}"
                    raise StoreError(what, where=f"clip '{clip_id}'", hint=ALIKE)
        except EmocliError:
            self._discard_parts()
            raise
        return tracks

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
        state = self.extraction_state()
        lost = set(expected) - state.written
        if lost:
            raise self._lost(lost, state)
        recipe = self._recipe.fingerprint
        new = any(s.path != self.path or s.header.recipe != recipe for s in state.sources)
        if new and state.written:
            write_store(self.path, merged(self._recipe, state, self._order, self._sources))
        self._discard_parts()
        return FeatureStore.open(self.path) if state.written else None

    def _lost(self, lost: set[str], state: ExtractionState) -> StoreError:
        """Say why clips that were written are not there: running again mends only some of it."""
        misfits = [clip_id for part in state.misfits for clip_id in part.ids if clip_id in lost]
        if misfits:
            clips = (
                f"clips have rows of another shape or type than the others, '{misfits[0]}' first"
            )
            what = number_of(len(misfits), clips)
            return StoreError(what, where=self.path, hint=ALIKE)
        if state.damaged:
            parts = number_of(state.damaged, "parts")
            what = f"{parts} cannot be read back, with {number_of(len(lost), 'clips')}"
            hint = "run the same command again; if it ends so again, choose another disk"
            return StoreError(what, where=self._parts, hint=hint)
        what = number_of(
            len(lost), f"clips were written and are not there, '{sorted(lost)[0]}' first"
        )
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
