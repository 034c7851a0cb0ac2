"""The state of an extraction that can be resumed: the finished file, and the parts beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emocli.data.stamp import changed
from emocli.data.store.files import store_path
from emocli.data.store.header import Column
from emocli.data.store.reader import FeatureStore
from emocli.data.store.recipe import Recipe
from emocli.errors import StoreError, reason
from emocli.parsing import Tree, read_object

RESUME = "begun.json"
MOST_PARTS = 1_000_000
"""Parts of a feature at most, ever; each is looked for."""
OVERWRITE = "give --overwrite to make it anew"


@dataclass(frozen=True)
class ResumeInfo:
    """The extraction that the parts of a feature belong to.

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
    settings: Tree
    overwrite: bool
    next: int = 0


@dataclass(frozen=True)
class ExtractionState:
    """The state of an extraction: the sources with the clips that are there.

    Attributes
    ----------
    sources : tuple of FeatureStore
        The finished file and the parts; the first one that has a clip counts.
    misfits : tuple of FeatureStore
        Parts whose rows have another shape or type than the others'.
    damaged : int
        Parts that cannot be read; their clips are computed again.
    resume_info : ResumeInfo, optional
        What the parts are parts of; None where there is none.
    stale : mapping
        Source to its clips that have changed since, or have left the manifest: they do not count.
    changed : frozenset of str
        Clips that count although their media files were replaced since.
    """

    sources: tuple[FeatureStore, ...] = ()
    misfits: tuple[FeatureStore, ...] = ()
    damaged: int = 0
    resume_info: ResumeInfo | None = None
    stale: Mapping[FeatureStore, Collection[str]] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()

    @property
    def places(self) -> dict[str, tuple[int, int]]:
        """Clip whose arrays are there to its source and its position in that, by number."""
        places: dict[str, tuple[int, int]] = {}
        for number, source in enumerate(self.sources):
            for k, clip_id in enumerate(source.ids):
                if clip_id not in self.stale.get(source, ()):
                    places.setdefault(clip_id, (number, k))
        return places

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
    path, parts = store_path(folder, recipe.feature), parts_folder(folder, recipe.feature)
    resume_info = _resumable(path, parts, recipe, overwrite, update and path.exists())
    replaces = overwrite or (resume_info is not None and resume_info.overwrite)
    finished = None if replaces else _finished(path, recipe)
    stale = _stale(finished, recipe, sources or {}, update) if finished else frozenset()
    readable, damaged = _parts(parts, resume_info, {} if opened is None else opened)
    fitting, misfits = _fitting([*([finished] if finished else []), *readable])
    replaced = {source: changed(source.media, media or {}) for source in fitting}
    old = {source: _outdated(source, recipe, ids) for source, ids in replaced.items() if update}
    if finished:
        old[finished] = stale | old.get(finished, frozenset())
    kept = frozenset() if update else frozenset().union(*replaced.values()) - stale
    return ExtractionState(tuple(fitting), tuple(misfits), damaged, resume_info, old, kept)


def _outdated(source: FeatureStore, recipe: Recipe, replaced: frozenset[str]) -> frozenset[str]:
    """Return the clips that are to be made anew where the media of some were replaced."""
    if replaced and not recipe.per_clip:  # arrays of the others may depend on them
        return frozenset((*source.ids, *source.absent))
    return replaced


def parts_folder(folder: Path, feature: str) -> Path:
    """Return the folder of the parts of a feature."""
    return folder / f".{feature}.parts"


def part_path(parts: Path, number: int) -> Path:
    """Return the path of a part."""
    return parts / f"{number:06d}.h5"


def _resumable(
    path: Path, parts: Path, recipe: Recipe, overwrite: bool, update: bool
) -> ResumeInfo | None:
    """Return the state of the interrupted extraction, if its settings are the requested ones."""
    resume_info = _read_resume_info(parts)
    if resume_info is None:
        return None
    same = resume_info.recipe == recipe.fingerprint
    if overwrite:
        return resume_info if same and resume_info.overwrite else None
    if not same and not update and any(parts.glob("[0-9]*.h5")):
        what = f"was begun with {recipe.difference(resume_info.manifest, resume_info.settings)}"
        raise StoreError(what, where=path, hint=OVERWRITE)
    return resume_info if same else None


def _read_resume_info(parts: Path) -> ResumeInfo | None:
    try:
        return _resume_info(read_object(parts / RESUME))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError) as error:
        what = f"is damaged ({reason(error)})"
        raise StoreError(what, where=parts / RESUME, hint=f"remove the folder {parts}") from None


def _resume_info(value: Any) -> ResumeInfo:
    resume_info = ResumeInfo(**value)
    kinds = {"recipe": str, "manifest": str, "settings": dict, "overwrite": bool, "next": int}
    for name, kind in kinds.items():
        if type(getattr(resume_info, name)) is not kind:
            raise TypeError(f"its {name} is no {kind.__name__}")
    if not 0 <= resume_info.next <= MOST_PARTS:
        raise ValueError(f"its next part is number {resume_info.next}")
    return resume_info


def _finished(path: Path, recipe: Recipe) -> FeatureStore | None:
    if not path.exists():
        return None
    try:
        store = FeatureStore.open(path)
    except StoreError as error:
        raise StoreError(error.what, where=path, hint=OVERWRITE) from None
    store.close()
    if store.header.recipe != recipe.fingerprint and store.header.method != recipe.method:
        old = store.header
        what = f"was made with {recipe.difference(old.manifest, old.settings, old.modality)}"
        raise StoreError(what, where=path, hint=OVERWRITE)
    return store


def _stale(
    store: FeatureStore, recipe: Recipe, sources: Mapping[str, str], update: bool
) -> frozenset[str]:
    """Return the clips of a finished file that are no longer what they were."""
    if store.header.recipe == recipe.fingerprint:
        return frozenset()
    stale = frozenset(i for i, source in store.sources.items() if sources.get(i) != source)
    if stale and not update:
        gone = len(stale - sources.keys())
        what = f"was made with another manifest: {len(stale) - gone} of its clips have changed"
        hint = f"give --update to keep the others, or {OVERWRITE}"
        raise StoreError(f"{what}, {gone} are gone", where=store.path, hint=hint)
    return stale


def _parts(
    parts: Path, resume_info: ResumeInfo | None, opened: dict[Path, FeatureStore]
) -> tuple[list[FeatureStore], int]:
    """Open the parts by number: a listing of a shared folder may lag behind."""
    numbers = range(resume_info.next if resume_info else 0)
    paths = [path for path in (part_path(parts, number) for number in numbers) if path.exists()]
    for path in paths:
        if path not in opened:
            with suppress(StoreError), FeatureStore.open(path) as part:
                opened[path] = part
    readable = [opened[path] for path in paths if path in opened]
    own = [part for part in readable if resume_info and part.header.recipe == resume_info.recipe]
    return own, len(paths) - len(own)


def _fitting(sources: list[FeatureStore]) -> tuple[list[FeatureStore], list[FeatureStore]]:
    """Tell sources whose rows fit those of the first that has rows from those that do not."""
    kinds = next((kinds_of(source) for source in sources if source.steps), {})
    fitting = [source for source in sources if not source.steps or kinds_of(source) == kinds]
    return fitting, [source for source in sources if source not in fitting]


def kinds_of(store: FeatureStore) -> dict[str, Column]:
    """Return the kinds of a store's arrays, wherever they lie in its file."""
    return {name: replace(column, offset=None) for name, column in store.columns.items()}
