"""Tucker fusion: every product of the views' summaries counts, through a core tensor of low rank.

Each view's encoder ends in a summary; summaries are projected, and a core tensor contracts all of
them at once. Its slices have rank R, so that the contraction is a sum of R elementwise products
whose parameters grow linearly with the number of views:

    x_m = tanh(W_m h_m)                       projection of view m, (V,)
    z   = sum over r of prod over m of x_m M_mr     core, (J,)
    y   = W_o z                               logits, (C,)

Ben-younes et al. fuse two views, an image and a question; the product goes over as many as there
are here. Beard et al. 2018 (section 6) and Mittal et al. 2020 (section 6, "more elaborate fusion
techniques") name such fusions as future work.

Source: Ben-younes et al. 2017, ICCV, "MUTAN: Multimodal Tucker Fusion for Visual Question
Answering".
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from emocli.plugin.layers import Encoded, NetworkSettings, last_step, presets
from emocli.plugin.network import Batch, FusionOutput, PerView
from emocli.quantities import Size


class Config(NetworkSettings):
    """Settings of Tucker fusion.

    Attributes
    ----------
    rank : int
        R, elementwise products whose sum is the core.
    view_dim : int, optional
        V, width of a projected view; ``hidden`` by default.
    joint_dim : int, optional
        J, width of what the views make together; ``hidden`` by default.
    bounded : bool
        Whether projections pass a tanh.
    lower_orders : bool
        Whether each factor of a product has a bias, which starts at 1: the same as a 1 appended to
        every projected view, so that the tensor also holds what fewer views say together (as in
        Zadeh et al. 2017, EMNLP). The formula has none: its products of many small numbers vanish
        at the start of training, the sooner the more views there are.
    """

    rank: Size = 5
    view_dim: Size | None = None
    joint_dim: Size | None = None
    bounded: bool = True
    lower_orders: bool = True


PRESETS = presets(literal={"lower_orders": False}, plus={})


class LowRankCore(nn.Module):
    """A core tensor of low rank over any number of views.

    Shapes: M projected views (n, V), which of them are there (n, M) -> (n, J).
    """

    def __init__(
        self, views: tuple[str, ...], inputs: int, outputs: int, rank: int, bias: bool
    ) -> None:
        super().__init__()
        self.rank = rank
        self.factors = PerView({v: nn.Linear(inputs, rank * outputs, bias=bias) for v in views})
        for view in self.factors if bias else ():
            nn.init.ones_(self.factors[view].bias)  # type: ignore[arg-type]

    def forward(self, projected: Mapping[str, Tensor], observed: Tensor) -> Tensor:
        """Contract the views; a missing one is no factor, and without any view there is nothing."""
        factors = torch.stack([self.factors[name](projected[name]) for name in self.factors], dim=1)
        factors = factors.masked_fill(~observed[..., None], 1)
        products = factors.prod(dim=1).reshape(len(factors), self.rank, -1)
        core: Tensor = products.sum(dim=1)
        return core * observed.any(dim=1, keepdim=True)


class Model(Encoded):
    """Tucker fusion: an encoder and a projection per view, and a core tensor of low rank.

    Shapes: M views (n, T_m, D_m) -> states (n, K_m, 2 hidden) -> summaries (n, 2 hidden), the last
    steps -> projected (n, V) -> R products (n, R, J) -> core (n, J) -> logits (n, C).
    """

    def __init__(self, dims: Mapping[str, int], outputs: int, config: Config) -> None:
        super().__init__(dims, config)
        inner, joint = config.view_dim or config.hidden, config.joint_dim or config.hidden
        views = self.encoders.names
        self.projections = PerView({v: nn.Linear(config.width, inner, bias=False) for v in views})
        self.squash = nn.Tanh() if config.bounded else nn.Identity()
        self.core = LowRankCore(views, inner, joint, config.rank, config.lower_orders)
        self.head = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(joint, outputs))
        self.vector_width = joint

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips."""
        states = self.encoders(batch)
        projected = {n: self.squash(self.projections[n](last_step(v))) for n, v in states.items()}
        observed = torch.stack([view.observed for view in states.values()], dim=1)
        joint = self.core(projected, observed)
        return FusionOutput(self.head(joint), vector=joint)
