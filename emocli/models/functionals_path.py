"""Parallel paths of a network: small models of the functionals of its views, averaged with it.

On a few hundred clips a model of mean, standard deviation and largest value over time is hard to
beat by one that reads sequences, and they err on different clips. So each learns by a loss of its
own, and they predict together: by the mean of their logits, which for classes is the normalised
geometric mean of their probabilities. The network may be any; it does not know.

White noise grows deviations and largest values of single steps, and averages out of the mean of
several: so of a long view the functionals may be of such means (``steps``).

Source: after Cheng et al. 2016, DLRS, "Wide & deep learning for recommender systems", whose two
parts learn by one loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emocli.data.batch import Batch, FusionOutput, Padded
from emocli.data.samples import Samples
from emocli.models.functionals import Functionals, Matrix
from emocli.models.whitening import Whitening
from emocli.models.wrapper import NetworkWrapper
from emocli.plugin.blocks import Blocks, root
from emocli.plugin.network import Loss, Network, PerView

FunctionalsPath = Literal["none", "linear", "mlp", "whitened", "both", "all"]

FUNCTIONALS = 3
"""Mean, standard deviation and largest value."""

UNITS = 128
"""Hidden units of the paths ``mlp`` and ``whitened``."""


class FunctionalsLayer(nn.Module):
    """Functionals of a view, z-scored: (n, T, D) -> (n, 3 D).

    Zero, the training mean, stands for a view that is missing or zero throughout, as what the check
    discards is, and for deviation and largest value of a view with one step per clip. A column that
    is constant in training is centred alone. Values are clipped at ``limit`` standard deviations;
    0: they are not. Of a view longer than ``steps`` each step is the mean of several; 0: of none.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int, limit: float = 0.0, steps: int = 0) -> None:
        super().__init__()
        self.limit, self.steps = limit or math.inf, steps
        self.register_buffer("mean", torch.zeros(FUNCTIONALS * width))
        self.register_buffer("scale", torch.ones(FUNCTIONALS * width))

    def fit(self, mean: NDArray[np.float64], std: NDArray[np.float64]) -> None:
        """Take the statistics of training clips, of the mean alone for a view of single steps."""
        self.mean.zero_()[: len(mean)] = torch.from_numpy(mean)
        self.scale.zero_()[: len(std)] = 1 / torch.from_numpy(std)

    def forward(self, view: Padded) -> Tensor:
        """Compute them."""
        if self.steps:
            view = Blocks.of(view, 1, self.steps).mean()
        mask = view.mask[..., None]
        values = view.values.masked_fill(~mask, 0)
        mean = view.mean()
        off = (values - mean[:, None]).masked_fill(~mask, 0)
        std = root(off.square().sum(dim=1) / mask.sum(dim=1).clamp(min=1))
        largest = values.masked_fill(~mask, -torch.inf).amax(dim=1)
        scaled = (torch.cat([mean, std, largest], dim=-1) - self.mean) * self.scale
        there = values.flatten(1).any(dim=1)
        return torch.where(there[:, None], scaled.clamp(-self.limit, self.limit), 0)


@dataclass(frozen=True)
class PathConfig:
    """Widths and regularisation of a path; see `WithFunctionals`."""

    inputs: int
    outputs: int
    dropout: float
    limit: float


class PathModel(nn.Sequential):
    """A model of functionals, by default one without statistics of the training clips."""

    def fit(self, x: Matrix, groups: NDArray[np.int64]) -> None:
        """Take such statistics; see `Whitening.fit`."""


class _WhitenedModel(PathModel):
    def fit(self, x: Matrix, groups: NDArray[np.int64]) -> None:
        first = self[0]
        assert isinstance(first, Whitening)
        first.fit(x, groups)


def _linear(config: PathConfig) -> PathModel:
    """Build a linear model that prefers no class at first."""
    last = nn.Linear(config.inputs, config.outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return PathModel(nn.Dropout(config.dropout), last)


def _hidden(config: PathConfig) -> PathModel:
    first = [nn.Dropout(config.dropout), nn.Linear(config.inputs, UNITS), nn.ReLU()]
    return PathModel(*first, *_linear(replace(config, inputs=UNITS)))


def _whitened(config: PathConfig) -> PathModel:
    return _WhitenedModel(Whitening(config.inputs, config.limit), *_hidden(config))


PATHS: Mapping[str, Callable[[PathConfig], PathModel]] = MappingProxyType(
    {"linear": _linear, "mlp": _hidden, "whitened": _whitened}
)
"""Models of functionals, by what the setting calls them."""

SEVERAL: Mapping[str, Sequence[str]] = MappingProxyType(
    {"both": ("linear", "mlp"), "all": tuple(PATHS)}
)
"""What the setting calls several of them."""


class WithFunctionals(NetworkWrapper):
    """A network with parallel paths.

    Shapes: M views (n, T_m, D_m) -> functionals (n, sum of 3 D_m) -> logits of each of P paths
    (P, n, C), in addition to those of the network (n, C).

    Parameters
    ----------
    network : Network
        The network.
    dims : mapping
        Modality to its width D.
    outputs : int
        Number of classes C.
    path : {'linear', 'mlp', 'whitened', 'both', 'all'}
        A linear model, one with a hidden layer, one with a hidden layer on whitened functionals
        (`Whitening`), the first two, or all three.
    dropout : float
        Share of the functionals, and of the hidden units, that is dropped in training.
    limit : float
        Standard deviations at which functionals, and whitened ones, are clipped; 0: not.
    steps : int
        Steps that functionals are of at most; 0: any number.
    """

    condenses: ClassVar[bool] = True

    def __init__(
        self,
        network: Network,
        dims: Mapping[str, int],
        outputs: int,
        path: FunctionalsPath,
        dropout: float,
        limit: float = 0.0,
        steps: int = 0,
    ) -> None:
        super().__init__(network)
        self.summaries = PerView(
            {name: FunctionalsLayer(dims[name], limit, steps) for name in dims}
        )
        self.dims, self.widths = dict(dims), {m: _width(network, m, d) for m, d in dims.items()}
        config = PathConfig(FUNCTIONALS * sum(dims.values()), outputs, dropout, limit)
        self.paths = nn.ModuleList(PATHS[name](config) for name in SEVERAL.get(path, (path,)))
        self._limit, self._steps = limit, steps

    def fit(self, train: Samples) -> None:
        """Take the statistics of the functionals of training clips, which may lack views."""
        functionals, values = Functionals.fit_transform(train, self._limit, self._steps)
        start, parts = 0, {}
        for name in train.stores:
            width = self.dims[name]
            end = start + width * (1 if name in functionals.vectors else FUNCTIONALS)
            self._summary(name).fit(functionals.mean[start:end], functionals.std[start:end])
            single = ((0, 0), (0, start + FUNCTIONALS * width - end))  # columns that one step lacks
            parts[name] = np.pad(values[:, start:end], single)
            start = end
        x = np.concatenate([parts[name] for name in self.summaries], axis=1)
        known = train.manifest.task == "single"
        groups = train.manifest.targets(train.clips) if known else np.zeros(len(x), np.int64)
        for path in self.paths:
            assert isinstance(path, PathModel)
            path.fit(x, groups)

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips; in training the logits are the network's own, those of paths apart."""
        summaries, batch = self._unpacked(batch) if batch.condensed else self._computed(batch)
        output: FusionOutput = self.network(batch)
        functionals = torch.cat([summaries[name] for name in self.summaries], dim=-1)
        logits = torch.stack([path(functionals) for path in self.paths])
        if self.training:
            return replace(output, path_logits=logits)
        return replace(output, logits=torch.cat([output.logits[None], logits]).mean(dim=0))

    def loss(self, output: FusionOutput, batch: Batch, base: Loss) -> Tensor:
        """Return the sum of the network's loss and those of the paths: they share no parameter."""
        assert output.path_logits is not None
        total = self.network.loss(output, batch, base)
        for logits in output.path_logits.float():
            assert batch.targets is not None
            total = total + base(logits, batch.targets)
        return total

    def condense(
        self, clip_id: str, modality: str, values: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Prepend the functionals to the network's condensed steps of a clip, (R + K, D')."""
        functionals = self._summary(modality)
        view = Padded.from_rows([values]).to(functionals.mean.device)
        summary = functionals(view)[0].cpu().numpy()
        steps = values
        if self.network.condenses:
            steps = self.network.condense(clip_id, modality, values)
        width = self.widths[modality]
        rows = np.zeros((_rows(len(summary), width), width), np.float32)
        rows.ravel()[: len(summary)] = summary
        return np.concatenate([rows, steps])

    def _summary(self, name: str) -> FunctionalsLayer:
        summary = self.summaries[name]
        assert isinstance(summary, FunctionalsLayer)
        return summary

    def _computed(self, batch: Batch) -> tuple[dict[str, Tensor], Batch]:
        return {name: self.summaries[name](batch.views[name]) for name in self.summaries}, batch

    def _unpacked(self, batch: Batch) -> tuple[dict[str, Tensor], Batch]:
        """Take apart what `condense` put together; a view that is missing stays so in mixtures."""
        summaries, views = {}, {}
        for name, view in batch.views.items():
            size = FUNCTIONALS * self.dims[name]
            rows = _rows(size, self.widths[name])
            packed = view.values[:, :rows].flatten(1)[:, :size]
            summaries[name] = packed.masked_fill((view.lengths <= rows)[:, None], 0)
            views[name] = _without(view, rows)
        return summaries, replace(batch, views=views, condensed=self.network.condenses)


def _width(network: Network, modality: str, dim: int) -> int:
    """Return the width of what a network condenses a view to."""
    if not network.condenses:
        return dim
    with torch.device("cpu"):  # also where an outline without values is built
        return int(network.condense("", modality, np.zeros((1, dim), np.float32)).shape[1])


def _rows(size: int, width: int) -> int:
    return -(-size // width)


def _without(view: Padded, rows: int) -> Padded:
    """Leave out the first rows of sequences, of which all have so many."""
    values = view.values[:, rows:]
    if not values.shape[1]:  # no clip has the view: one step, which none has
        values = view.values.new_zeros(len(view.values), 1, view.values.shape[2])
    present = None if view.present is None else view.present[:, rows:]
    return Padded(values, view.lengths - rows, present)
