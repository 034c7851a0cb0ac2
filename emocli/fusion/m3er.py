"""M3ER: a memory fusion network whose modalities are weighted by how reliable they are.

Every modality also predicts by itself. How sure it is decides, clip by clip, what it adds to the
loss and how much of it the fused vector holds. What the modality check discards arrives as zeros.

Source: Mittal et al. 2020, AAAI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from emocli.config import Tree, merge
from emocli.data.manifest import Task
from emocli.errors import ConfigError
from emocli.fusion import mfn
from emocli.fusion._multiplicative import (
    Combination,
    ExponentKind,
    log_probabilities,
    truth,
    violated,
)
from emocli.fusion._recurrent import mlp
from emocli.models.losses import CHOICES
from emocli.plugin.network import Batch, FusionOutput, Loss, Network, PerView, Space, Uniform
from emocli.quantities import Factor

MOST_MIXED = 8
"""Modalities of which all mixtures can be made."""


class Config(mfn.Config):
    """Settings of M3ER.

    Attributes
    ----------
    fusion : {'weighted', 'hadamard', 'hadamard1p', 'concat', 'sum'}
        How the last states of the channels become the fused vector: their sum under M times the
        modalities' weights, their product, the product of 1 + state, less 1, side by side, or their
        sum. The paper does not say (sec. 4.2: "using multiplicative fusion").
    loss : {'mod', 'orig', 'sum_ce'}
        What the modalities' own predictions are trained by: eq. 3, eq. 2 (Liu et al. 2018), or the
        sum of their losses. It also makes the weights.
    beta : float
        Exponent of both equations, times M - 1. The paper does not give it.
    lambda_mult : float
        Weight of that loss, which is added to the loss of the network's output; the latter alone
        trains the memory.
    detach_weight : bool
        Whether the factor before each logarithm is a constant to the gradient. If it is not, eq. 3
        trains a modality that is wrong (p < e^(-1/gamma)) to be more so.
    boosted : bool
        Whether that loss leaves out what the modalities together already get right (Liu et al.
        2018, sec. 3.3).
    margin : float
        By how much the modalities together have to be right, for ``boosted``.
    mulmix : bool
        Whether every mixture of modalities (mean of their states) predicts, not only each by itself
        (Liu et al. 2018, sec. 3.4: MulMix). A mixture's weight goes to its modalities in equal
        parts.
    predict : {'final', 'mult', 'mean'}
        What predicts, once trained: the network's output, the modalities together by eq. 2 or 3 for
        every class (Liu et al. 2018), or the mean of their probabilities. Intensities are averaged,
        under the modalities' weights or without.
    """

    SPACE: ClassVar[Space] = {**mfn.Config.SPACE, "beta": Uniform(0.1, 10.0, log=True)}

    fusion: Literal["weighted", "hadamard", "hadamard1p", "concat", "sum"] = "weighted"
    loss: ExponentKind = "mod"
    beta: Annotated[float, Field(ge=0, le=100)] = 1.0
    lambda_mult: Factor = 1.0
    detach_weight: bool = True
    boosted: bool = False
    margin: Factor = 0.0
    mulmix: bool = False
    predict: Literal["final", "mult", "mean"] = "final"

    @model_validator(mode="after")
    def _boosted_has_a_margin(self) -> Config:
        if self.margin and not self.boosted:
            raise ValueError("margin goes with boosted = true")
        return self


def _preset(name: str, network: Tree) -> Tree:
    return merge(mfn.PRESETS[name], {"network": network})


PRESETS: dict[str, Tree] = {
    "literal": _preset("literal", {"fusion": "hadamard", "detach_weight": False}),
    "paper": _preset("paper", {}),
    "plus": _preset("plus", {}),
    "mfn_mmsa": _preset("mfn_mmsa", {"fusion": "concat"}),
}


@dataclass(frozen=True, kw_only=True)
class Output(FusionOutput):
    """The output of M3ER; ``logits`` are what it predicts by.

    Attributes
    ----------
    joint : Tensor, shape (n, C)
        The logits of the network's last layers.
    group_logits : Tensor, shape (M, n, C)
        The logits of everything that predicts by itself: modalities, perhaps mixtures of them.
    """

    joint: Tensor
    group_logits: Tensor


class Model(Network):
    """M3ER: the core of a memory fusion network, a head per modality, and the fusion.

    Shapes: M views (n, T_m, D_m) -> last states (n, hidden) of each and the memory (n, memory)
    -> logits of each modality or mixture (n, C) -> weights (n,) -> fused (n, hidden), or
    (n, M hidden) for ``concat`` -> logits (n, C).

    Raises
    ------
    ConfigError
        If channels of unequal width are to be combined number by number, or too many modalities
        to be mixed.
    """

    def __init__(self, dims: Mapping[str, int], outputs: int, config: Config) -> None:
        super().__init__()
        self.config = config
        self.task: Task = "single"
        self.core = mfn.MemoryCore(dims, config)
        self.combination = Combination(config.loss, config.beta, config.detach_weight)
        _require_fusible(self.core, config)
        widths = dict(zip(self.core.names, self.core.widths, strict=True))
        self.groups = _groups(self.core.names, config.mulmix)
        self.heads = PerView({_name(g): nn.Linear(widths[g[0]], outputs) for g in self.groups})
        fused = sum(self.core.widths) if config.fusion == "concat" else self.core.widths[0]
        self.vector_width = fused + config.memory
        self.head = mlp(self.vector_width, config.out, outputs, config.out_dropout)

    @property
    def unweighted(self) -> str:
        """The settings by which the prediction does without the weights; empty if it rests on them.

        The loss has them all the same.
        """
        config = self.config
        if config.predict == "final":
            return "" if config.fusion == "weighted" else f"network.fusion={config.fusion}"
        rests = config.predict == "mult" and self.task == "intensity"
        return "" if rests else f"network.predict={config.predict}"

    def set_task(self, task: Task, loss: str) -> None:
        """Set the meaning of the logits: the task and its loss.

        Raises
        ------
        ConfigError
            If a setting makes no sense for that.
        """
        if self.config.boosted and task == "intensity":
            what = "setting 'network.boosted' is for classes, not intensities"
            raise ConfigError(what, hint="choose network.boosted=false")
        native = task == "intensity" or loss == CHOICES[task][0]
        if self.config.predict != "final" and not native:
            raise ConfigError(
                f"setting 'network.predict' = '{self.config.predict}' predicts probabilities, "
                f"which train.loss = '{loss}' does not",
                hint="choose network.predict=final, or train.loss=auto",
            )
        self.task = task

    def forward(self, batch: Batch) -> Output:
        """Classify clips; without labels the weights rest on what the modalities agree on."""
        ends, memory = self.core(batch.views)
        group_logits = torch.stack(
            [self.heads[_name(g)](sum(ends[m] for m in g) / len(g)) for g in self.groups]
        )
        weights = self._weights(group_logits)
        fused = self._fused(weights, ends)
        vector = torch.cat([fused, memory], dim=-1)
        joint = self.head(vector)
        return Output(
            logits=joint if self.training else self._predicted(joint, group_logits, weights),
            weights=weights,
            vector=vector,
            joint=joint,
            group_logits=group_logits,
        )

    def loss(self, output: FusionOutput, batch: Batch, base: Loss) -> Tensor:
        """Return the loss of the output and that of the modalities (Mittal 2020 eq. 2-3).

        Label smoothing acts on the first only; class weights on both.
        """
        assert isinstance(output, Output)
        assert batch.targets is not None
        group_logits, targets = output.group_logits.float(), batch.targets
        wanted = truth(self.task, targets, group_logits.shape[-1])
        logs = log_probabilities(self.task, group_logits, targets)
        terms = (self.combination.terms(logs) * wanted).sum(dim=-1)
        if self.config.boosted:
            scores = self.combination.scores(log_probabilities(self.task, group_logits)).detach()
            terms = terms * violated(scores, wanted, self.config.margin)
        own = base(output.joint.float(), targets)
        return own + self.config.lambda_mult * base.mean(terms, targets)

    def oracle(self, output: FusionOutput, batch: Batch) -> dict[str, Tensor]:
        """Return the weights of the modalities, (n,) each, by how well they know the labels."""
        assert isinstance(output, Output)
        assert batch.targets is not None
        return self._weights(output.group_logits, batch.targets)

    def _weights(self, group_logits: Tensor, targets: Tensor | None = None) -> dict[str, Tensor]:
        wanted = None if targets is None else truth(self.task, targets, group_logits.shape[-1])
        logs = log_probabilities(self.task, group_logits, targets)
        of_group = self.combination.weights(logs, wanted)
        return {
            name: sum(
                weight / len(group)
                for group, weight in zip(self.groups, of_group, strict=True)
                if name in group
            )
            for name in self.core.names
        }

    def _fused(self, weights: Mapping[str, Tensor], ends: Mapping[str, Tensor]) -> Tensor:
        if self.config.fusion == "concat":
            return torch.cat(list(ends.values()), dim=-1)
        states = torch.stack(list(ends.values()))
        if self.config.fusion == "hadamard":
            return states.prod(dim=0)
        if self.config.fusion == "hadamard1p":
            return (1 + states).prod(dim=0) - 1
        if self.config.fusion == "sum":
            return states.sum(dim=0)
        return len(states) * _weighted(weights, states)

    def _predicted(
        self, joint: Tensor, group_logits: Tensor, weights: Mapping[str, Tensor]
    ) -> Tensor:
        if self.config.predict == "final":
            return joint
        mean = self.config.predict == "mean"
        if self.task == "intensity":
            own = group_logits[: len(weights)]
            return own.mean(dim=0) if mean else _weighted(weights, own)
        logs = log_probabilities(self.task, group_logits)
        scores = logs.exp().mean(dim=0).log() if mean else self.combination.scores(logs)
        return scores[:, 0] if self.task == "single" else scores[..., 1] - scores[..., 0]


def _require_fusible(core: mfn.MemoryCore, config: Config) -> None:
    separate = config.fusion == "concat" and not config.mulmix
    if len(set(core.widths)) > 1 and not separate:
        units = ", ".join(f"{n} {w}" for n, w in zip(core.names, core.widths, strict=True))
        raise ConfigError(
            f"channels of unequal width ({units}) cannot be combined number by number",
            hint="choose network.fusion=concat, without mulmix",
        )
    if config.mulmix and len(core.names) > MOST_MIXED:
        raise ConfigError(
            f"setting 'network.mulmix' makes {2 ** len(core.names) - 1} mixtures of "
            f"{len(core.names)} modalities",
            hint=f"it is for {MOST_MIXED} at most",
        )


def _groups(names: tuple[str, ...], mixed: bool) -> list[tuple[str, ...]]:
    """Everything that predicts by itself: each modality first, then the mixtures."""
    sizes = range(1, len(names) + 1) if mixed else [1]
    return [group for size in sizes for group in combinations(names, size)]


def _name(group: tuple[str, ...]) -> str:
    return "+".join(group)


def _weighted(weights: Mapping[str, Tensor], values: Tensor) -> Tensor:
    """Add values (M, n, D) under weights (n,) each: (n, D)."""
    return (torch.stack(list(weights.values()))[..., None] * values).sum(dim=0)
