"""The store: one ragged HDF5 file per feature, read by clip, written in parts and resumable."""

from emocli.data.store.folder import (
    check_path,
    features_in,
    open_feature,
    open_features,
    store_path,
)
from emocli.data.store.reader import FeatureStore
from emocli.data.store.recipe import Recipe
from emocli.data.store.writer import FeatureWriter, write_feature

__all__ = [
    "FeatureStore",
    "FeatureWriter",
    "Recipe",
    "check_path",
    "features_in",
    "open_feature",
    "open_features",
    "store_path",
    "write_feature",
]
