"""Features of a store, for a packed run: whether they were computed as those of the training."""

from __future__ import annotations

from emocli.config import Tree
from emocli.data.store import StoredFeature
from emocli.evaluation.run_inputs import of_its_modality, require_made_alike
from emocli.models.run_config import View
from emocli.prediction.packing.folder import Pack
from emocli.prediction.recompute import own_settings

REVISION = "revision"


def require_feature(store: StoredFeature | None, view: View, pack: Pack) -> None:
    """Refuse a feature that was not computed as that of the training.

    Where word vectors and encoders are has no part in that; their digests have.

    Raises
    ------
    StoreError
        If it was not.
    """
    store = of_its_modality(store, view)
    here = view.model_copy(update={"settings": dict(store.header.settings)})
    require_made_alike(store, view, _comparable(here, pack), _comparable(view, pack))


def _comparable(view: View, pack: Pack) -> Tree:
    """Return the settings of a view's features that have to agree: those that name no path."""
    return {
        name: {key: value for key, value in tree.items() if key not in _places(pack, name)}
        for name, tree in own_settings(view).items()
    }


def _places(pack: Pack, feature: str) -> set[str]:
    outside = {key.rpartition(".")[2] for key in pack.outside if key.startswith(f"{feature}.")}
    vectors = {each.setting for each in pack.vectors if each.feature == feature}
    return {*pack.assets.get(feature, ()), *outside, *vectors, REVISION}
