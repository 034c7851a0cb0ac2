"""Mean of all steps of every modality, and a linear layer of each.

Source: this example.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import nn

from emocli.config import Settings
from emocli.plugin.network import Batch, Choice, FusionOutput, Network, PerView, Space


class Config(Settings):
    """Settings.

    Attributes
    ----------
    bias : bool
        Whether the layers have a bias.
    """

    SPACE: ClassVar[Space] = {"bias": Choice((False, True))}

    bias: bool = True


PRESETS = {
    "literal": {"network": {"bias": False}, "train": {}},
    "paper": {"network": {}, "train": {}},
    "plus": {"network": {}, "train": {"lr": 0.01}},
}


class Model(Network):
    """The mean of each view, (n, D), through a linear layer, summed over the views.

    Shapes: views (n, T, D) -> logits (n, C).
    """

    def __init__(self, dims: Mapping[str, int], outputs: int, config: Config) -> None:
        super().__init__()
        self.heads = PerView({n: nn.Linear(d, outputs, bias=config.bias) for n, d in dims.items()})

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips."""
        logits = {name: self.heads[name](batch.views[name].mean()) for name in self.heads}
        return FusionOutput(sum(logits.values()))
