"""The work on one part of an extraction: a few clips, computed and written by one worker."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from emocli.data.clip import Clip
from emocli.data.stamp import joined, stamps
from emocli.data.store import FeatureStore, Recipe
from emocli.data.store.parts import check_track, write_part
from emocli.errors import StoreError
from emocli.extraction.failures import Failure, failure
from emocli.plugin.feature import Absent, Extractor, Track


class SharedExtractor:
    """An extractor on its way to the workers: pickled once, unpickled once in each.

    ``turn`` is held while it computes, since an extractor need not be safe for threads and a
    worker of a cluster may have several.
    """

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self.turn = threading.Lock()
        self._packed = b""

    def __reduce__(self) -> tuple[object, ...]:
        self._packed = self._packed or pickle.dumps(self.extractor, pickle.HIGHEST_PROTOCOL)
        return _unpack, (self._packed,)


@lru_cache(maxsize=1)
def _unpack(packed: bytes) -> SharedExtractor:
    return SharedExtractor(pickle.loads(packed))


@dataclass(frozen=True)
class PartJob:
    """The part a worker is to write: its path and clips, the recipe and the extractor.

    ``upstream`` are the store files of the features it is computed from.
    """

    path: Path
    clips: tuple[Clip, ...]
    recipe: Recipe
    shared: SharedExtractor
    upstream: Mapping[str, Path]


@dataclass(frozen=True)
class Outcome:
    """The outcome of a part: how many clips were looked at, and the ids of those written.

    ``absent`` are the clips without such a medium, and what each lacks.
    """

    clips: int
    written: tuple[str, ...]
    absent: Mapping[str, str]
    failures: tuple[Failure, ...]


def compute(job: PartJob) -> Outcome:
    """Compute and write one part; a clip that fails does not stop the others.

    Raises
    ------
    StoreError
        If the part cannot be written, or an upstream store cannot be read.
    """
    feature, extractor = job.recipe.feature, job.shared.extractor
    tracks: dict[str, Track] = {}
    absent: dict[str, str] = {}
    failures: list[Failure] = []
    with ExitStack() as stack, job.shared.turn:
        stores = {name: stack.enter_context(_open(name, job)) for name in job.upstream}
        media = _media(job.clips, tuple(stores.values()))
        for clip in job.clips:
            try:
                track: object = extractor(clip, _upstream(clip, stores))
                if not isinstance(track, Track):
                    failures.append(no_track(feature, clip.id, track))
                    continue
                check_track(track, extractor.names)
                tracks[clip.id] = track
            except Absent as reason:
                absent[clip.id] = str(reason)
            except Exception as error:  # one clip must not cost a night's work
                failures.append(failure(feature, clip.id, error))
    if tracks or absent:
        misfits = write_part(
            job.path,
            job.recipe,
            tracks,
            tuple(absent),
            names=extractor.names,
            rate=extractor.rate,
            media=media,
        )
        failures += [misfit(feature, clip_id, why) for clip_id, why in misfits.items()]
    written = tuple(tracks.keys() - {row.id for row in failures})
    return Outcome(len(job.clips), written, absent, tuple(failures))


def _media(clips: Sequence[Clip], stores: Sequence[FeatureStore]) -> dict[str, str]:
    """Return of which files the arrays will be: the clips' own, or those the upstream saw."""
    if not stores:
        return stamps(clips)
    return {c.id: joined(store.media.get(c.id, "") for store in stores) for c in clips}


def misfit(feature: str, clip_id: str, why: str) -> Failure:
    """Describe a track that does not fit the others': a bug of the extractor."""
    return Failure(feature, clip_id, "ValueError", why, unexpected=True)


def no_track(feature: str, clip_id: str, result: object) -> Failure:
    """Describe what is returned in place of a track: a bug of the extractor."""
    what = f"the extractor of '{feature}' returns {type(result).__name__}, not a Track"
    return failure(feature, clip_id, TypeError(what))


def _open(name: str, job: PartJob) -> FeatureStore:
    store = FeatureStore.open(job.upstream[name])
    if store.fingerprint != job.recipe.upstream[name]["digest"]:
        store.close()
        raise StoreError("was replaced while in use", where=store.path, hint="start again")
    return store


def _upstream(clip: Clip, stores: Mapping[str, FeatureStore]) -> dict[str, Track]:
    for name, store in stores.items():
        if clip.id in store.absent:
            raise Absent(f"the clip has no {name}")
        if clip.id not in store:
            hint = f"see its row for {name}"
            raise StoreError(f"feature '{name}' could not be computed for the clip", hint=hint)
    return {name: store.track(clip.id) for name, store in stores.items()}
