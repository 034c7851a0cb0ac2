"""A learnt mix of the layers of a published encoder, before any network.

A feature with several hidden layers side by side (``--set speech_model.layers=all``) has a column
for each layer and dimension, layer by layer. Which layer tells emotion best is not known before; so
a run learns a weight for each, and its network sees their weighted mean.

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
from emocli.errors import ConfigError
from emocli.models.around import Around
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


class LayerMix(nn.Module):
    """The weighted mean of layers, sum of w_l h_l with w = softmax(s).

    Shapes: steps (n, T, L W) -> (n, T, W); scores s (L,), equal at first.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(layers))

    def forward(self, values: Tensor) -> Tensor:
        """Mix them."""
        layers = values.reshape(*values.shape[:-1], len(self.scores), -1)
        return torch.einsum("...lw,l->...w", layers, torch.softmax(self.scores, dim=0))


class WithLayerMix(Around):
    """A network that sees, of views with several layers, their learnt mix.

    Nothing of a view can be computed once and for all, since the mix changes: it does not condense.

    Parameters
    ----------
    network : Network
        Of the mixed widths.
    layers : mapping
        Modality to the layers side by side in its feature.
    """

    def __init__(self, network: Network, layers: Mapping[str, int]) -> None:
        super().__init__(network)
        several = {name: count for name, count in layers.items() if count > 1}
        self.mixes = PerView({name: LayerMix(count) for name, count in several.items()})
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
        layers = self.layers.get(modality, 1)
        mean: NDArray[np.float32] = values.reshape(len(values), layers, -1).mean(axis=1)
        return mean


def mixed_dims(dims: Mapping[str, int], layers: Mapping[str, int]) -> dict[str, int]:
    """Return the width of each view after the mix.

    Raises
    ------
    ConfigError
        If no view has several layers, or one does not divide into so many.
    """
    if all(count == 1 for count in layers.values()):
        what = "setting 'train.layer_mix': no feature has several layers side by side"
        hint = "extract one with them, --set speech_model.layers=all, or choose layer_mix=false"
        raise ConfigError(what, hint=hint)
    for name, count in layers.items():
        if dims[name] % count:
            what = f"the {dims[name]} columns of {name} are not {count} layers of equal width"
            raise ConfigError(what, hint="extract the feature again")
    return {name: dim // layers.get(name, 1) for name, dim in dims.items()}
