"""Taking features that were computed elsewhere into a store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emocli.data.interchange import Ragged, read_ragged
from emocli.data.manifest import Manifest
from emocli.data.store import RESERVED, FeatureStore
from emocli.data.track import Track
from emocli.data.writer import FeatureWriter, Recipe, write_part
from emocli.errors import StoreError

PART = 1000
"""Clips written at a time."""


@dataclass(frozen=True)
class Import:
    """What was taken into the store.

    Attributes
    ----------
    feature, modality : str
        Under which name, and what it describes.
    path : Path
        The store file.
    clips : int
        Clips in the store.
    unknown : int
        Clips of the npz that the manifest does not have; left out.
    missing : int
        Clips of the manifest that the npz does not have.
    non_finite : int
        NaN and infinite numbers; they are kept, and read as 0.
    """

    feature: str
    modality: str
    path: Path
    clips: int
    unknown: int
    missing: int
    non_finite: int

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.clips} clips as {self.feature} ({self.modality}); "
            f"left out, not in the manifest: {self.unknown}; "
            f"in the manifest, not in the npz: {self.missing}; "
            f"non-finite values, read as 0: {self.non_finite}"
        )


def import_npz(
    source: Path,
    name: str,
    modality: str,
    manifest: Manifest,
    store: Path,
    *,
    overwrite: bool = False,
) -> Import:
    """Take a ragged npz into a store as a feature.

    Parameters
    ----------
    source : Path
        The npz, see :mod:`emocli.data.interchange`.
    name, modality : str
        Name of the feature, and what it describes.
    manifest : Manifest
        The clips; those of the npz that it does not have are left out.
    store : Path
        Folder of the store; made if need be.
    overwrite : bool
        Replace a feature of that name made from other input.

    Raises
    ------
    StoreError
        If the npz breaks a rule, has no clip of the manifest, or the store cannot take it.
    """
    _check_name(name, modality)
    ragged = read_ragged(source)
    position = {clip_id: k for k, clip_id in enumerate(ragged.ids)}
    ids = [clip.id for clip in manifest.clips if clip.id in position]
    if not ids:
        example = f"'{ragged.ids[0]}'" if len(ragged) else "none"
        what = f"has no clip of the manifest (its first id is {example}, "
        what += f"the manifest's '{manifest.clips[0].id}')"
        raise StoreError(what, where=source)
    settings = {"source": source.name, "sha256": _sha256(source)}
    recipe = Recipe(name, modality, manifest.fingerprint, settings)
    with FeatureWriter(store, recipe, ids, overwrite=overwrite) as writer:
        known = writer.standing().written
        chunks = list(_chunks([clip_id for clip_id in ids if clip_id not in known]))
        for path, chunk in zip(writer.reserve(len(chunks)), chunks, strict=True):
            tracks = {clip_id: _track(ragged, position[clip_id]) for clip_id in chunk}
            write_part(path, recipe, tracks, (), names=ragged.names)
        writer.finish(ids)
    with FeatureStore.open(writer.path) as made:
        return Import(
            feature=name,
            modality=modality,
            path=made.path,
            clips=len(made),
            unknown=len(ragged) - len(ids),
            missing=len(manifest.clips) - len(ids),
            non_finite=made.non_finite,
        )


def _check_name(name: str, modality: str) -> None:
    if not name or name.startswith(".") or Path(name).name != name or "\\" in name:
        raise StoreError(f"'{name}' cannot be a feature's name", mend="give a plain file name")
    if name in RESERVED:
        raise StoreError(f"'{name}' is a name of emocli's own", mend="give another one")
    if not modality.strip():
        raise StoreError("a modality needs a name", mend="give text, audio, visual or any other")


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + PART] for start in range(0, len(ids), PART))


def _track(ragged: Ragged, k: int) -> Track:
    rows = ragged.rows(k)
    return Track(ragged.values[rows], None if ragged.times is None else ragged.times[rows])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
