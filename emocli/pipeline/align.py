"""Alignment of features: one feature's rows averaged over the time of each row of another.

Networks that read modalities step by step, such as the memory fusion network, are usually given one
row per spoken word.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emocli.data.align import average, intervals, recorded
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore, Recipe, open_feature, write_feature
from emocli.data.track import Track
from emocli.errors import StoreError


@dataclass(frozen=True)
class Aligned:
    """The report of an alignment: the new feature and its store file.

    ``silent`` counts the rows that nothing of the feature overlaps, which are zeros; ``left_out``
    the clips of the feature of which it or the other one has no rows with times.
    """

    feature: str
    path: Path
    clips: int
    rows: int
    silent: int
    left_out: int


def align(
    manifest: Manifest, store: Path, feature: str, to: str, *, overwrite: bool = False
) -> Aligned:
    """Average a feature over the rows of another.

    Parameters
    ----------
    feature : str
        A feature whose rows are vectors with times. The new one is called the same, with ``_to_``
        and the name of the other at the end, and is of the same modality.
    to : str
        Another feature with times, usually of words. The new one has its rows: the mean, number by
        number, of all rows that overlap the time of each.
    overwrite : bool
        Replace one made from other input.

    Raises
    ------
    StoreError
        If there is no such feature, it has no times or no vectors, or both have no clip in common.
    """
    if feature == to:
        raise StoreError(f"'{feature}' has its own rows", hint="name another feature with --to")
    with (
        open_feature(store, feature, manifest) as source,
        open_feature(store, to, manifest) as words,
    ):
        _ = source.dim  # refuses rows that are no vectors
        for needed in (source, words):
            _require_times(needed)
        ids = [i for i in source.ids if _is_timed(source, i) and _is_timed(words, i)]
        if not ids:
            what = f"no clip has rows with times of both '{feature}' and '{to}'"
            raise StoreError(what, where=store)
        upstream = {feature: source.header.link, to: words.header.link}
        recipe = Recipe(
            f"{feature}_to_{to}", source.modality, manifest.fingerprint, {"to": to}, upstream
        )

        def track(clip_id: str) -> Track:
            return _track(source, words, clip_id)

        names = source.dim_names
        with write_feature(store, recipe, ids, track, names, overwrite=overwrite) as stored:
            silent = int(stored.header.notes["rows.silent"])
            left_out = len(source) - len(ids)
            return Aligned(recipe.feature, stored.path, len(stored), stored.steps, silent, left_out)


def _require_times(store: FeatureStore) -> None:
    if "times" not in store.columns:
        raise StoreError(
            f"'{store.name}' has no times, so that nothing can be aligned with it",
            where=store.path,
            hint="words have them where the manifest names files of words (media.words)",
        )


def _is_timed(store: FeatureStore, clip_id: str) -> bool:
    return store.length(clip_id) > 0 and bool(np.isfinite(_times(store, clip_id)).all())


def _times(store: FeatureStore, clip_id: str) -> NDArray[np.float64]:
    return store.rows("times", *store.span_of(clip_id))


def _track(source: FeatureStore, words: FeatureStore, clip_id: str) -> Track:
    times = _times(words, clip_id)
    aligned, silent = average(recorded(source, clip_id), intervals(times, words.header.rate))
    return Track(aligned.values, times, notes={"rows": len(times), "rows.silent": silent})
