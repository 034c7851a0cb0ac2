"""Several features of one modality read as one: ``face_hog+action_units``.

Their columns stand side by side, in the order in which they are named. The rows are those of one of
them, in each clip of the first of these that has rows there:

1. a feature of uneven rows with times, such as one row per word;
2. of features of evenly spaced rows the one with most rows per second;
3. one without times;
4. one of a single row per clip.

Every other feature is brought to these rows:

- if it has one row per clip, that is repeated;
- if it has rows at the same times, or no times and as many rows, they are taken as they are;
- to words, the mean of its rows that overlap each, as `emocli align` has it;
- to rows in even steps, its row that is nearest in time, if that lasts until then.

Where it has nothing, its columns are 0, as `emocli align` leaves the words that nothing overlaps:
these steps of the feature are missing, while the modality is there. A clip lacks the modality if it
has none of the features.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from emocli.data.align import Timed, average, by_start, intervals
from emocli.data.manifest import Manifest
from emocli.data.store.feature import StoredFeature
from emocli.data.store.header import TIMES, Header
from emocli.data.store.reader import FeatureStore
from emocli.data.track import Array, Track
from emocli.display import number_of
from emocli.errors import StoreError

RULE = 1
"""Version of the way features are joined; part of the fingerprint."""

JOIN = "+"
"""Stands between the names."""

LOOKED_AT = 8
"""Clips by whose times a feature without a stated rate is judged even or not."""

EVEN, EVENLY = 0.1, 0.9
"""Steps that differ by less than this share from the median are even; so many have to be."""

SAME = 1e-6
"""Seconds by which equal times may differ."""


def parts_of(name: str) -> tuple[str, ...]:
    """Return the names of the features that a name joins, of a plain name that one.

    Raises
    ------
    StoreError
        If one is empty or named twice.
    """
    names = tuple(name.split(JOIN))
    if not all(names):
        hint = f"write the features' names with a {JOIN} between them"
        raise StoreError(f"'{name}' names a feature that has no name", hint=hint)
    if doubled := next((part for part in names if names.count(part) > 1), None):
        raise StoreError(f"'{name}' names '{doubled}' twice", hint="name each feature once")
    return names


@dataclass(frozen=True)
class JoinedPart:
    """One of the features, and how its rows lie in time.

    Attributes
    ----------
    store : FeatureStore
        The feature.
    rate : float or None
        Rows per second where they are evenly spaced, as the store says or as their times are.
    single : bool
        Whether no clip has more than one row.
    """

    store: FeatureStore
    rate: float | None
    single: bool

    @classmethod
    def of(cls, store: FeatureStore) -> JoinedPart:
        """Look at a feature."""
        single = all(store.length(clip_id) <= 1 for clip_id in store.ids)
        return cls(store, None if single else _rate(store), single)

    @property
    def timed(self) -> bool:
        """Whether there is a time for each row."""
        return TIMES in self.store.columns or self.rate is not None

    @property
    def rank(self) -> tuple[int, float]:
        """The smaller, the sooner the joined rows are those of this feature."""
        if self.single:
            return 3, 0.0
        if not self.timed:
            return 2, 0.0
        return (0, 0.0) if self.rate is None else (1, -self.rate)

    def times(self, clip_id: str) -> NDArray[np.float64]:
        """Return the seconds of a clip's rows.

        Raises
        ------
        StoreError
            If they are not known.
        """
        if TIMES not in self.store.columns:
            return np.arange(self.store.length(clip_id)) / (self.rate or 1.0)
        times = self.store.rows(TIMES, *self.store.span_of(clip_id)).astype(np.float64)
        if not np.isfinite(times).all():
            what = f"the times of clip '{clip_id}' are not known, so nothing can be joined to it"
            raise StoreError(what, where=self.store.path, hint="import it with all times or none")
        return times

    def values(self, clip_id: str) -> Array:
        """Return a clip's rows; none where it lacks the feature."""
        if clip_id in self.store:
            return self.store[clip_id]
        return np.zeros((0, self.store.dim), np.float32)


class JoinedFeatures:
    """Features of one modality side by side, read clip by clip; used like a `FeatureStore`.

    Attributes
    ----------
    name, modality : str
        The names with a plus between them, and the modality they describe.
    fingerprint : str
        Digest of the content of all, and of the rule by which they are joined.
    path : Path
        The store's folder with that name, for messages.
    ids : tuple of str
        Clips that have any of the features, in the manifest's order.
    parts : tuple of JoinedPart
        The features in the order of their columns.
    header : Header
        How the values were made: settings by feature.
    """

    def __init__(self, folder: Path, stores: Sequence[FeatureStore], manifest: Manifest) -> None:
        self.name = JOIN.join(store.name for store in stores)
        self.path = folder / self.name
        _check_modality(folder, stores)
        for store in stores:
            _ = store.dim  # refuses rows that are no vectors
        self.parts = tuple(map(JoinedPart.of, stores))
        self._order = sorted(self.parts, key=lambda part: part.rank)
        inside = {clip_id for store in stores for clip_id in store.ids}
        self.ids = tuple(clip.id for clip in manifest.clips if clip.id in inside)
        self.header = _header(self.name, self.parts, self._order[0])
        self.modality, self.fingerprint = self.header.modality, self.header.digest
        for clip_id in self.ids:
            self._require_lengths(clip_id)

    @property
    def dim(self) -> int:
        """Columns of all features together."""
        return sum(part.store.dim for part in self.parts)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row."""
        return (self.dim,)

    @cached_property
    def dim_names(self) -> tuple[str, ...]:
        """Names of the columns, after the name of their feature."""
        return tuple(
            f"{part.store.name}.{name}"
            for part in self.parts
            for name in part.store.dim_names or map(str, range(part.store.dim))
        )

    @property
    def steps(self) -> int:
        """Rows of all clips together."""
        return sum(map(self.length, self.ids))

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, clip_id: object) -> bool:
        return any(clip_id in part.store for part in self.parts)

    def length(self, clip_id: str) -> int:
        """Rows of a clip; 0 where it has none of the features."""
        return self._leader(clip_id).store.length(clip_id)

    def __getitem__(self, clip_id: str) -> Array:
        """Return a clip's rows, shape (T, D); non-finite numbers and missing steps are 0."""
        return self._rows(clip_id, [part.values(clip_id) for part in self.parts])[0]

    def track(self, clip_id: str) -> Track:
        """Return a clip's rows with their times, if they have some."""
        leader = self._leader(clip_id)
        times = leader.times(clip_id) if leader.timed else None
        return Track(self[clip_id], times)

    def lacking(self, clip_id: str) -> Mapping[str, int]:
        """Feature to the rows of a clip in which its columns are 0 for want of it."""
        empty = [np.zeros((part.store.length(clip_id), 0), np.float32) for part in self.parts]
        missing = self._rows(clip_id, empty)[1]
        names = [part.store.name for part in self.parts]
        return {name: count for name, count in zip(names, missing, strict=True) if count}

    def close(self) -> None:
        """Close the files; reading opens them again."""
        for part in self.parts:
            part.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"JoinedFeatures({str(self.path)!r}, {len(self)} clips)"

    def _leader(self, clip_id: str) -> JoinedPart:
        """Return the feature whose rows the clip has."""
        there = (part for part in self._order if part.store.length(clip_id))
        return next(there, self._order[0])

    def _rows(self, clip_id: str, values: Sequence[Array]) -> tuple[Array, list[int]]:
        """Put the values of the features side by side; count the rows each of them lacks."""
        leader = self._leader(clip_id)
        brought = [
            _resampled(part, leader, clip_id, own)
            for part, own in zip(self.parts, values, strict=True)
        ]
        return np.concatenate([rows for rows, _ in brought], axis=1), [n for _, n in brought]

    def _require_lengths(self, clip_id: str) -> None:
        """Refuse features without times whose rows are not as many as the others'.

        Raises
        ------
        StoreError
            If there is one.
        """
        leader = self._leader(clip_id)
        count = leader.store.length(clip_id)
        for part in self.parts:
            own = part.store.length(clip_id)
            if own in (0, count) or part.single or (part.timed and leader.timed):
                continue
            untimed = leader.store.name if part.timed else part.store.name
            raise StoreError(
                f"'{part.store.name}' has {own} rows of clip '{clip_id}', '{leader.store.name}' "
                f"has {count}, and '{untimed}' has no times by which they could be joined",
                where=self.path.parent,
                hint="import it with times, or with a row for each of the other's",
            )


def missing_parts(store: StoredFeature, clips: Iterable[str], of: str) -> Iterator[str]:
    """Yield a line about each part that a feature lacks in some of the clips, ``of`` a split."""
    whole: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    for clip_id in clips:
        for part, count in store.lacking(clip_id).items():
            everywhere = count == store.length(clip_id)
            (whole if everywhere else steps)[part] += 1 if everywhere else count
    for unit, counts in (("clips", whole), ("steps", steps)):
        for part, count in counts.items():
            lacking = f"{unit} ({of}) of {store.name} lack {part}, which is read as 0"
            yield number_of(count, lacking)


def _resampled(
    part: JoinedPart, leader: JoinedPart, clip_id: str, values: Array
) -> tuple[Array, int]:
    """Bring a feature's rows to those of the leader; count the rows for which it has none."""
    count = leader.store.length(clip_id)
    if not len(values):
        return np.zeros((count, values.shape[1]), np.float32), count
    if part is leader or (not (part.timed and leader.timed) and len(values) == count):
        return values, 0
    if part.single:
        return np.repeat(values, count, axis=0), 0
    times, own = leader.times(clip_id), part.times(clip_id)
    if len(own) == count and np.allclose(own, times, rtol=0, atol=SAME):
        return values, 0
    rows = Timed(np.asarray(values, np.float32), intervals(own, part.rate))
    if leader.rate is None:
        averaged, silent = average(rows, intervals(times, None))
        return averaged.values, silent
    return _nearest(rows, times)


def _nearest(rows: Timed, times: NDArray[np.float64]) -> tuple[Array, int]:
    """Return the row nearest to each time, the earlier of two, zeros where it ends before."""
    assert rows.intervals is not None
    rows = by_start(rows.values, rows.intervals)
    assert rows.intervals is not None
    centres = rows.intervals.mean(axis=1)
    nearest = np.searchsorted((centres[1:] + centres[:-1]) / 2, times, "left")
    starts, ends = rows.intervals[nearest].T
    there = (starts - SAME <= times) & (times <= ends + SAME)
    return np.where(there[:, None], rows.values[nearest], np.float32(0)), int((~there).sum())


def _rate(store: FeatureStore) -> float | None:
    """Return the rows per second of evenly spaced rows: as stated, or as the times say."""
    if store.header.rate is not None or TIMES not in store.columns:
        return store.header.rate
    long = (clip_id for clip_id in store.ids if store.length(clip_id) > 2)
    spans = (store.span_of(clip_id) for clip_id in islice(long, LOOKED_AT))
    gaps = [np.diff(np.sort(store.rows(TIMES, *span))) for span in spans]
    steps = np.concatenate(gaps) if gaps else np.zeros(0)
    steps = steps[np.isfinite(steps)]
    middle = float(np.median(steps)) if len(steps) else 0.0
    if middle <= 0 or (np.abs(steps - middle) <= EVEN * middle).mean() < EVENLY:
        return None
    return 1 / middle


def _header(name: str, parts: Sequence[JoinedPart], leader: JoinedPart) -> Header:
    """Describe the joined feature as a store's file would."""
    headers = [part.store.header for part in parts]

    def joined(key: str) -> str:
        texts = [str(getattr(header, key)) for header in headers]
        return hashlib.sha256(json.dumps([RULE, name, texts]).encode()).hexdigest()

    return replace(
        leader.store.header,
        feature=name,
        rate=leader.rate,
        settings={header.feature: dict(header.settings) for header in headers},
        recipe=joined("recipe"),
        method=joined("method"),
        non_finite=sum(header.non_finite for header in headers),
        versions={k: text for header in headers for k, text in header.versions.items()},
        digest=joined("digest"),
        upstream={},
        notes={},
        attributes={},
    )


def _check_modality(folder: Path, stores: Sequence[FeatureStore]) -> None:
    first = stores[0]
    for other in stores[1:]:
        if other.modality != first.modality:
            what = (
                f"'{first.name}' is {first.modality} and '{other.name}' is {other.modality}; "
                "features that are joined are of one modality"
            )
            hint = f"give a network both: -f {first.name} -f {other.name}"
            raise StoreError(what, where=folder, hint=hint)
