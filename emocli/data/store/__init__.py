"""The store: one ragged HDF5 file per feature, read by clip, written in parts and resumable."""

from emocli.data.store.feature import StoredFeature as StoredFeature
from emocli.data.store.files import check_path as check_path
from emocli.data.store.files import features_in as features_in
from emocli.data.store.files import store_path as store_path
from emocli.data.store.folder import open_feature as open_feature
from emocli.data.store.folder import open_features as open_features
from emocli.data.store.folder import open_joined as open_joined
from emocli.data.store.reader import FeatureStore as FeatureStore
from emocli.data.store.recipe import Recipe as Recipe
from emocli.data.store.writer import FeatureWriter as FeatureWriter
from emocli.data.store.writer import write_feature as write_feature
