"""A learnt mix of the layers of a published encoder, before any network.

A feature with several hidden layers side by side (``--set speech_model.layers=all``) has a column
for each layer and dimension, layer by layer. Which layer tells emotion best is not known before; so
a run learns a weight for each, and its network sees their weighted mean. Of joined features
(``speech_model+egemaps``) each has its own mix, and one of a single layer stays as it is.

Source: Yang et al. 2021, Interspeech (SUPERB); Peters et al. 2018, NAACL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emocli.data.batch import Batch, FusionOutput
from emocli.data.samples import Samples
from emocli.data.store import StoredFeature
from emocli.data.store.joined import parts_of
from emocli.errors import ConfigError
from emocli.models.run_config import Layers
from emocli.models.wrapper import NetworkWrapper
from emocli.plugin.network import Network, PerView

LAYER = re.compile(r"(layer-?\d+)\.(.+)")
"""Name of a column: its layer, and its place in that."""


def layer_count(names: Sequence[str]) -> int:
    """Return how many layers the names of columns tell, one after the other; else 1.

    >>> layer_count(["layer0.h0", "layer0.h1", "layer6.h0", "layer6.h1"])
    2
    >>> layer_count(["h0", "h1"])
    1
    """
    matches = [LAYER.fullmatch(name) for name in names]
    parts = [match.groups() for match in matches if match]
    layers = [[column for _, column in own] for _, own in groupby(parts, lambda part: part[0])]
    whole = len(parts) == len(names) and all(own == layers[0] for own in layers)
    return len(layers) if whole and layers else 1


def layers_of(feature: StoredFeature) -> tuple[Layers, ...]:
    """Return the layers in each feature that one joins; of a plain one its own."""
    parts, names = parts_of(feature.name), feature.dim_names
    if len(parts) == 1:
        return (Layers(count=layer_count(names), dim=feature.dim),)
    own = [[n.removeprefix(f"{p}.") for n in names if n.startswith(f"{p}.")] for p in parts]
    return tuple(Layers(count=layer_count(columns), dim=len(columns)) for columns in own)


class LayerMix(nn.Module):
    """The weighted mean of layers, sum of w_l h_l with w = softmax(s), in each of joined features.

    Shapes: steps (n, T, sum of L_p W_p) -> (n, T, sum of W_p) for features p of L_p layers; scores
    s (sum of L_p,), equal at first.
    """

    def __init__(self, layers: Sequence[Layers]) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.scores = nn.Parameter(torch.zeros(sum(own.count for own in layers)))

    def forward(self, values: Tensor) -> Tensor:
        """Mix them."""
        columns = values.split_with_sizes([own.dim for own in self.layers], dim=-1)
        scores = self.scores.split_with_sizes([own.count for own in self.layers])
        return torch.cat([_mean(h, s) for h, s in zip(columns, scores, strict=True)], dim=-1)


def _mean(values: Tensor, scores: Tensor) -> Tensor:
    layers = values.reshape(*values.shape[:-1], len(scores), -1)
    return torch.einsum("...lw,l->...w", layers, torch.softmax(scores, dim=0))


class WithLayerMix(NetworkWrapper):
    """A network that sees, of views with several layers, their learnt mix.

    Nothing of a view can be computed once and for all, since the mix changes: it does not condense.

    Parameters
    ----------
    network : Network
        Of the mixed widths.
    layers : mapping
        Modality to the layers side by side in each of its features.
    """

    def __init__(self, network: Network, layers: Mapping[str, Sequence[Layers]]) -> None:
        super().__init__(network)
        several = {name: own for name, own in layers.items() if has_several(own)}
        self.mixes = PerView({name: LayerMix(own) for name, own in several.items()})
        self.layers = several

    def fit(self, train: Samples) -> None:
        """Let the network take what it needs from the clips under equal weights."""
        self.network.fit(train.then(self._evenly))

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips."""
        output: FusionOutput = self.network(self._mixed(batch))
        return output

    def uniform(self, batch: Batch) -> dict[str, Tensor]:
        """Return what the network does."""
        return self.network.uniform(self._mixed(batch))

    def _mixed(self, batch: Batch) -> Batch:
        views = {name: batch.views[name] for name in self.mixes}
        mixed = {n: view.with_values(self.mixes[n](view.values)) for n, view in views.items()}
        return batch.with_views({**batch.views, **mixed})

    def _evenly(
        self, clip_id: str, modality: str, values: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        if modality not in self.layers:
            return values
        layers = self.layers[modality]
        columns = np.split(values, np.cumsum([own.dim for own in layers])[:-1], axis=1)
        parts = zip(columns, layers, strict=True)
        means = [
            part.reshape(-1, own.count, own.dim // own.count).mean(axis=1) for part, own in parts
        ]
        return np.concatenate(means, axis=1)


def mixed_dims(dims: Mapping[str, int], layers: Mapping[str, Sequence[Layers]]) -> dict[str, int]:
    """Return the width of each view after the mix.

    Raises
    ------
    ConfigError
        If no view has several layers, or one does not divide into so many.
    """
    if not any(map(has_several, layers.values())):
        what = "setting 'train.layer_mix': no feature has several layers side by side"
        hint = "extract one with them, --set speech_model.layers=all, or choose layer_mix=false"
        raise ConfigError(what, hint=hint)
    for name, parts in layers.items():
        if sum(own.dim for own in parts) != dims[name] or any(p.dim % p.count for p in parts):
            counts = " + ".join(str(own.count) for own in parts)
            what = f"the {dims[name]} columns of {name} are not {counts} layers of equal width"
            raise ConfigError(what, hint="extract the feature again")
    return {name: sum(own.dim // own.count for own in parts) for name, parts in layers.items()}


def has_several(layers: Sequence[Layers]) -> bool:
    """Whether there is something to be mixed."""
    return any(own.count > 1 for own in layers)
