"""The import of NumPy arrays of one's own into a store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emocli.data.arrays import as_numbers
from emocli.data.manifest import Manifest, ManifestOrPath
from emocli.data.store import FeatureStore, Recipe, write_feature
from emocli.data.store.imported import SHA256
from emocli.data.track import Track
from emocli.errors import StoreError
from emocli.interchange.import_features import require_name
from emocli.paths import StrPath, listed

Arrays = Mapping[str, NDArray[np.floating]]


def store_arrays(
    manifest: ManifestOrPath,
    store: StrPath,
    name: str,
    modality: str,
    arrays: Arrays,
    *,
    times: Arrays | None = None,
    names: str | Sequence[str] = (),
    overwrite: bool = False,
) -> FeatureStore:
    """Take arrays into a store as a feature; ``FeatureStore[id]`` gives one back.

    Parameters
    ----------
    manifest : Manifest, str or Path
        The clips; those without an array lack the feature.
    store : str or Path
        Folder of the store; made if need be.
    name, modality : str
        Name of the feature, and what it describes.
    arrays : mapping
        Clip id to its array, shape (T, D): a row per step, D alike in all. One row, shape (D,), is
        a feature of the whole clip.
    times : mapping, optional
        Clip id to the seconds from the clip's start of each row, shape (T,); of all clips or none.
    names : str or sequence of str
        Of the D columns.
    overwrite : bool
        Replace a feature of that name made of other arrays.

    Raises
    ------
    StoreError
        If an id is no clip of the manifest, arrays do not fit each other, or the store has another
        feature of that name.
    ConfigError
        If an array is not of numbers.

    Examples
    --------
    >>> import tempfile
    >>> from emocli.data.clip import Clip
    >>> clips = (Clip("a", split="train", label="joy"), Clip("b", split="train", label="anger"))
    >>> manifest = Manifest(clips, ("anger", "joy"), "single", "mine", Path())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mine = store_arrays(manifest, folder, "mine", "audio", {"a": np.ones((4, 2))})
    ...     mine["a"].shape, "b" in mine
    ((4, 2), False)
    """
    require_name(name, modality)
    manifest = Manifest.of(manifest)
    known = {clip.id for clip in manifest.clips}
    unknown = [clip_id for clip_id in arrays if clip_id not in known]
    if unknown:
        raise StoreError(f"'{unknown[0]}' is no clip of the manifest", where=f"feature '{name}'")
    tracks = {clip_id: _track(array, times, clip_id) for clip_id, array in arrays.items()}
    widths, columns = {track.values.shape[1] for track in tracks.values()}, listed(names)
    if len(widths) > 1:
        raise StoreError("its arrays have different numbers of columns", where=f"feature '{name}'")
    if columns and widths - {len(columns)}:
        what = f"there are {len(columns)} names for its {widths.pop()} columns"
        raise StoreError(what, where=f"feature '{name}'")
    recipe = Recipe(name, modality, manifest.fingerprint, {SHA256: _digest(tracks)})
    ids = [clip.id for clip in manifest.clips if clip.id in tracks]
    return write_feature(Path(store), recipe, ids, tracks.__getitem__, columns, overwrite=overwrite)


def _track(array: NDArray[np.floating], times: Arrays | None, clip_id: str) -> Track:
    rows = np.atleast_2d(as_numbers(array, np.float32, f"clip '{clip_id}'"))
    if rows.ndim != 2 or not rows.shape[1]:
        what = f"the array of clip '{clip_id}' has shape {np.shape(array)}"
        raise StoreError(what, hint="give (T, D), a row per step")
    if times is None:
        return Track(rows)
    moments = as_numbers(times.get(clip_id, ()), np.float64, f"times of clip '{clip_id}'")
    if moments.shape != (len(rows),):
        what = f"the times of clip '{clip_id}' have shape {moments.shape}"
        raise StoreError(what, hint=f"give one for each of its {len(rows)} rows")
    return Track(rows, moments)


def _digest(tracks: Mapping[str, Track]) -> str:
    digest = hashlib.sha256()
    for clip_id, track in sorted(tracks.items()):
        digest.update(f"{clip_id} {track.values.shape}\0".encode())
        digest.update(track.values.tobytes())
        digest.update(b"" if track.times is None else track.times.tobytes())
    return digest.hexdigest()
