"""The features of a store folder: opening one, or those a network takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emocli.data.manifest import Manifest
from emocli.data.store.feature import StoredFeature
from emocli.data.store.files import EMPTY, features_in, store_path
from emocli.data.store.joined import JOIN, JoinedFeatures, parts_of
from emocli.data.store.reader import FeatureStore
from emocli.errors import StoreError


def open_feature(folder: Path, feature: str, manifest: Manifest) -> FeatureStore:
    """Open one feature of a store folder.

    Raises
    ------
    StoreError
        If it is not there, is damaged, or was made for another manifest.
    """
    _require_folder(folder)
    if feature not in (known := features_in(folder)):
        inside = f"it has: {', '.join(known)}" if known else "it has none; run emocli extract first"
        if JOIN in feature:
            inside = f"name one feature, what is joined with a {JOIN} is none; {inside}"
        raise StoreError(f"has no feature '{feature}'", where=folder, hint=inside)
    store = FeatureStore.open(store_path(folder, feature))
    if store.header.manifest != manifest.fingerprint:
        store.close()
        what = "was made for another manifest, or for this one before its clips were changed"
        hint = "extract it again with --update or --overwrite, import it with --overwrite, or use "
        hint += "another folder"
        raise StoreError(what, where=store.path, hint=hint)
    return store


def parts_in(folder: Path, name: str) -> tuple[str, ...]:
    """Return the features that a name stands for: that feature itself, or those it joins.

    Raises
    ------
    StoreError
        If it joins one with itself, or with nothing.
    """
    return (name,) if JOIN not in name or name in features_in(folder) else parts_of(name)


def open_joined(folder: Path, name: str, manifest: Manifest) -> StoredFeature:
    """Open one feature of a store folder, or ``a+b``: several side by side.

    Raises
    ------
    StoreError
        As of `open_feature`; or if they cannot be joined.
    """
    _require_folder(folder)
    stores = [open_feature(folder, part, manifest) for part in parts_in(folder, name)]
    return stores[0] if len(stores) == 1 else JoinedFeatures(folder, stores, manifest)


def open_features(
    folder: Path, features: Sequence[str] | None, manifest: Manifest
) -> dict[str, StoredFeature]:
    """Open one feature per modality.

    Parameters
    ----------
    features : sequence of str, optional
        Which ones, ``a+b`` for several of one modality side by side; by default all whose rows are
        vectors.
    manifest : Manifest
        What they must have been made for.

    Returns
    -------
    dict
        Modality to its open store, modalities sorted.

    Raises
    ------
    StoreError
        If a feature is not there, does not fit the manifest, or shares its modality with another.
    """
    _require_folder(folder)
    names = features_in(folder) if features is None else list(dict.fromkeys(features))
    stores = [open_joined(folder, name, manifest) for name in names]
    if features is None:
        stores = [store for store in stores if len(store.shape) == 1]
    if not stores:
        raise StoreError("has no feature a network could take", where=folder, hint=EMPTY)
    chosen: dict[str, StoredFeature] = {}
    for store in stores:
        _ = store.dim  # refuses what no network takes
        other = chosen.setdefault(store.modality, store)
        if other is not store:
            what = f"features '{other.name}' and '{store.name}' are both {store.modality}"
            hint = "choose one of them with -f, or join features with a plus: -f a+b"
            raise StoreError(what, where=folder, hint=hint)
    return dict(sorted(chosen.items()))


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise StoreError("there is no such folder of features", where=folder, hint=EMPTY)
