"""Globally-contextualised attention over all views, with a shared memory without gates.

Every view has its own encoder and its own attention. The query of all attentions is the memory; it
is updated with their contexts and queries again, for several hops.

Source: Beard et al. 2018, CoNLL (system "GCA").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn

from emocli.plugin.layers import Encoded, NetworkSettings, decoder, presets
from emocli.plugin.network import Batch, FusionOutput, Padded, PerView, Space, Whole
from emocli.quantities import Depth, Size


class AttentionSettings(NetworkSettings):
    """Settings of the networks that attend in hops.

    Attributes
    ----------
    hops : int
        How often the memory attends to the views, one after the other (hops).
    tie_hops : bool
        Whether the attention of all hops has the same parameters.
    m0 : {'mean_sum', 'zero'}
        The memory at the start: the sum of the views' time averages (sec. 3.2) or zero (sec. 3.3).
        With zero the first hop's multiplicative attention is uniform and learns nothing.
    score : {'mul', 'add'}
        Whether state and memory are multiplied (eq. 5) or added (as in Bahdanau et al. 2014).
    attn_dim : int, optional
        Width of the alignment space; ``hidden`` by default.
    attn_bias : bool
        Whether the projections into the alignment space have a bias; eq. 5 prints none.
    heads : int
        Attention curves of a view, each over its own share of the state's dimensions.
    attn_axis : {'time', 'dim'}
        Whether attention weighs the steps, or the dimensions of the time average. The paper divides
        by the sum of the scores in eq. 7 and calls that a softmax; scores may be negative, so a
        softmax it is.
    """

    SPACE: ClassVar[Space] = {**NetworkSettings.SPACE, "hops": Whole(1, 5)}

    hops: Depth = 3
    tie_hops: bool = False
    m0: Literal["mean_sum", "zero"] = "mean_sum"
    score: Literal["mul", "add"] = "mul"
    attn_dim: Size | None = None
    attn_bias: bool = False
    heads: Size = 1
    attn_axis: Literal["time", "dim"] = "time"

    @model_validator(mode="after")
    def _heads_fit(self) -> AttentionSettings:
        if self.width % self.heads:
            raise ValueError(f"heads = {self.heads} does not divide 2 * hidden = {self.width}")
        if self.attn_axis == "dim" and self.heads > 1:
            raise ValueError("attn_axis = dim goes with one head only")
        return self


class Config(AttentionSettings):
    """Settings of GCA.

    Attributes
    ----------
    gca_update : {'sum', 'linear', 'dan_product'}
        What a hop adds to the memory (the paper does not print it): the sum of the views' contexts,
        tanh of a linear map of them, or their product (as in Nam et al. 2017).
    """

    gca_update: Literal["sum", "linear", "dan_product"] = "sum"


PRESETS = presets(literal={}, plus={"gca_update": "linear"})


class Attention(nn.Module):
    """One view's attention in one hop: the context it gives the memory (Beard 2018 eq. 4-8)."""

    def __init__(self, width: int, config: AttentionSettings) -> None:
        super().__init__()
        inner = config.attn_dim or config.hidden
        self.score = config.score
        self.axis = config.attn_axis
        self.states = nn.Linear(width, inner, bias=config.attn_bias)
        self.memory = nn.Linear(width, inner, bias=config.attn_bias)
        self.out = nn.Linear(inner, width if self.axis == "dim" else config.heads, bias=False)

    def forward(self, view: Padded, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return the view's context (B, D) and the weight of each step (B, T).

        Both are zero where the view is missing.
        """
        scores = self.align(view.values, memory)  # Beard 2018 eq. 4
        return _over_dims(scores, view) if self.axis == "dim" else _over_time(scores, view)

    def align(self, states: Tensor, memory: Tensor) -> Tensor:
        """Score every step against the memory (Beard 2018 eq. 4-6).

        States (B, T, D) and memory (B, D) give (B, T, heads), or (B, T, D) to weigh dimensions.
        """
        state, query = self.states(states), self.memory(memory)[:, None]
        if self.score == "add":
            relation = torch.tanh(state + query)
        else:
            relation = torch.tanh(state) * torch.tanh(query)  # Beard 2018 eq. 5
        scores: Tensor = self.out(relation)  # Beard 2018 eq. 6
        return scores


def _over_time(scores: Tensor, view: Padded) -> tuple[Tensor, Tensor]:
    """Weigh steps: each head gives its share of the context (Beard 2018 eq. 7-8)."""
    mask = view.mask[..., None]
    lowest = torch.finfo(scores.dtype).min
    weights = torch.softmax(scores.masked_fill(~mask, lowest), dim=1) * mask  # Beard 2018 eq. 7
    shares = view.values.reshape(*weights.shape, -1)
    context = torch.einsum("bkh,bkhd->bhd", weights, shares).flatten(1)  # Beard 2018 eq. 8
    return context, weights.mean(dim=-1)


def _over_dims(scores: Tensor, view: Padded) -> tuple[Tensor, Tensor]:
    """Weigh dimensions; equal weights give the time average, as equal weights of steps do."""
    weights = torch.softmax(view.with_values(scores).mean(), dim=-1)
    uniform = view.mask / view.mask.sum(dim=1, keepdim=True).clamp(min=1)
    return weights * weights.shape[-1] * view.mean(), uniform


class Update(nn.Module):
    """Ungated memory update: a hop adds the contexts of its attention."""

    def __init__(self, views: int, width: int, config: Config) -> None:
        super().__init__()
        self.kind = config.gca_update
        self.linear = nn.Linear(views * width, width) if self.kind == "linear" else None

    def forward(self, memory: Tensor, contexts: Tensor, observed: Tensor) -> tuple[Tensor, None]:
        """Update the memory (B, D) from contexts (B, M, D); ``observed`` (B, M) excepts views."""
        if self.linear is not None:
            return memory + torch.tanh(self.linear(contexts.flatten(1))), None
        if self.kind == "sum":
            return memory + contexts.sum(dim=1), None
        # A missing view is no factor of the product, and without any view there is none.
        factors = contexts.masked_fill(~observed[..., None], 1)
        return memory + factors.prod(dim=1) * observed.any(dim=1, keepdim=True), None


class Recursion(nn.Module):
    """Hops of attention over encoded views and of updates of a shared memory.

    Parameters
    ----------
    views : sequence of str
        Their names, in the order in which the states come.
    width : int
        Width of the states and of the memory.
    update : Module
        (memory, contexts, observed) -> (memory, gates (B, M) or None), for all hops.
    """

    def __init__(
        self, views: Sequence[str], width: int, config: AttentionSettings, update: nn.Module
    ) -> None:
        super().__init__()
        self.hops = config.hops
        self.m0 = config.m0
        self.attention = nn.ModuleList(
            PerView({view: Attention(width, config) for view in views})
            for _ in range(1 if config.tie_hops else config.hops)
        )
        self.update = update

    def forward(
        self, states: Mapping[str, Padded]
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Return the last memory (B, D), and by view attention (B, hops, T) and gates (B, hops)."""
        memory = self.start(states)
        observed = torch.stack([view.observed for view in states.values()], dim=1)
        curves: dict[str, list[Tensor]] = {name: [] for name in states}
        passed = []
        for hop in range(self.hops):
            attention = self.attention[hop % len(self.attention)]
            contexts = []
            for name, view in states.items():
                context, weights = attention[name](view, memory)  # type: ignore[index]
                contexts.append(context)
                curves[name].append(weights)
            memory, gates = self.update(memory, torch.stack(contexts, dim=1), observed)
            if gates is not None:
                passed.append(gates * observed)
        by_view = zip(states, torch.stack(passed, dim=-1).unbind(1), strict=True) if passed else ()
        return memory, {n: torch.stack(c, dim=1) for n, c in curves.items()}, dict(by_view)

    def start(self, states: Mapping[str, Padded]) -> Tensor:
        """Memory before the first hop, m(0), shape (B, D)."""
        total = torch.stack([view.mean() for view in states.values()]).sum(dim=0)
        return total if self.m0 == "mean_sum" else torch.zeros_like(total)


class Recursive(Encoded):
    """Encoders, recursion and decoder; what distinguishes its kinds is the memory update.

    Shapes: M views (n, T_m, D_m) -> states (n, K_m, W), K_m blocks of steps, W = 2 hidden
    -> in each hop M contexts (n, W), attention (n, K_m) -> memory (n, W) -> logits (n, C);
    attention is returned by step, (n, hops, T_m), gates are (n, hops).
    """

    def __init__(
        self, dims: Mapping[str, int], outputs: int, config: AttentionSettings, update: nn.Module
    ) -> None:
        super().__init__(dims, config)
        self.recursion = Recursion(self.encoders.names, config.width, config, update)
        self.decoder = decoder(config.width, outputs, config)
        self.vector_width = config.width

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips."""
        memory, attention, gates = self.recursion(self.encoders(batch))
        attention = self.encoders.over_steps(attention, batch)
        return FusionOutput(self.decoder(memory), attention=attention, gates=gates, vector=memory)

    def uniform(self, batch: Batch) -> dict[str, Tensor]:
        """Return what the attention over steps, (B, T) each, is if it prefers no state to another.

        Every block then weighs the same, and a step of a short one more than a step of a long one.
        """
        states = self.encoders(batch)
        even = {name: evenly(view.mask) for name, view in states.items()}
        return {n: weights[:, 0] for n, weights in self.encoders.over_steps(even, batch).items()}


def evenly(mask: Tensor) -> Tensor:
    """Weigh all steps of a mask (B, K) the same, as one hop, (B, 1, K)."""
    return (mask / mask.sum(dim=1, keepdim=True).clamp(min=1))[:, None]


class Model(Recursive):
    """GCA: encoders, attention in hops and an ungated memory.

    Shapes: as of `Recursive`.
    """

    def __init__(self, dims: Mapping[str, int], outputs: int, config: Config) -> None:
        super().__init__(dims, outputs, config, Update(len(dims), config.width, config))
