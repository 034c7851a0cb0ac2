"""The loss that trains M2FNet's extractors: adaptive-margin triplets, variance and covariance.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", sec. 3.2, eq. 9-13; variance and covariance
as in Bardes et al. 2022 (VICReg), mining as in Schroff et al. 2015 (FaceNet).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from emocli.config import Settings, Tree
from emocli.quantities import Factor

EPSILON = 1e-4
"""Added to a variance before its root is taken."""


class TripletConfig(Settings):
    """Settings of the loss.

    Attributes
    ----------
    amt : {'adaptive', 'scaled', 'fixed'}
        The triplet term: adaptive margins (eq. 10-11); the same divided by ``4 / scale`` and
        centred, with a hinge; or FaceNet's fixed ``margin``, with a hinge.
    margin_grad : {'detach', 'flow'}
        Whether the gradient flows through the adaptive margin. As printed it does, and then pushes
        similar pairs apart until they are half way across and pulls different ones together.
    margin : float
        The margin of ``amt = fixed``.
    scale : float
        The scale of ``amt = scaled``.
    dist : {'half_unit', 'unit', 'raw'}
        Half the distance of the vectors' directions, in [0, 1] as the margins need it; that
        distance; or the distance of the vectors themselves.
    mining : {'semihard', 'hard', 'random'}
        Which negative a pair gets: the nearest of those that are farther than the positive by less
        than ``band`` (the nearest of all where there is none); the nearest; or any.
    band : float
        How much farther than the positive a negative may be, for ``mining = semihard``.
    var : {'vicreg', 'printed'}
        The variance term (eq. 12): VICReg's, or as printed, which has no lower bound.
    cov : {'vicreg', 'printed'}
        The covariance term (eq. 13): VICReg's, or as printed, which has no lower bound.
    w_triplet : float
        Weight of the triplet term in eq. 9.
    w_cov : float
        Weight of the covariance term in eq. 9.
    w_var : float
        Weight of the variance term in eq. 9.
    """

    amt: Literal["adaptive", "scaled", "fixed"] = "adaptive"
    margin_grad: Literal["detach", "flow"] = "detach"
    margin: Factor = 0.2
    scale: Factor = 0.5
    dist: Literal["half_unit", "unit", "raw"] = "half_unit"
    mining: Literal["semihard", "hard", "random"] = "semihard"
    band: Factor = 0.2
    var: Literal["vicreg", "printed"] = "vicreg"
    cov: Literal["vicreg", "printed"] = "vicreg"
    w_triplet: Factor = 20.0
    w_cov: Factor = 5.0
    w_var: Factor = 1.0


PRESETS: Mapping[str, Tree] = MappingProxyType(
    {
        "literal": {"dist": "raw", "margin_grad": "flow", "var": "printed", "cov": "printed"},
        "paper": {},
        "plus": {"amt": "scaled"},
    }
)


@dataclass(frozen=True)
class Triplets:
    """Indices into a batch, shape (t,) each: anchors, positives of their class, negatives."""

    anchor: Tensor
    positive: Tensor
    negative: Tensor


def loss(
    embeddings: Tensor, labels: Tensor, config: TripletConfig, generator: torch.Generator | None
) -> Tensor:
    """Mine triplets in a batch and sum the three terms (Chudasama 2022 eq. 9).

    Parameters
    ----------
    embeddings : Tensor, shape (n, d)
        Not normalised.
    labels : Tensor of int64, shape (n,)
        Their classes; without two of a class and another class there are no triplets, and the loss
        is zero.
    config : TripletConfig
        Settings.
    generator : Generator, optional
        Draws the negatives of ``mining = 'random'``.
    """
    triplets = mine(embeddings, labels, config, generator)
    parts = (triplets.anchor, triplets.positive, triplets.negative)
    if not len(triplets.anchor):
        return embeddings.sum() * 0
    a, p, n = (embeddings[part] for part in parts)
    adaptive = triplet_term(a, p, n, config)
    cov = covariance(a, config) + covariance(p, config) + covariance(n, config)
    var = variance(a, config) + variance(p, config) + variance(n, config)
    # Chudasama 2022 eq. 9
    return config.w_triplet * adaptive + config.w_cov * cov + config.w_var * var


def triplet_term(
    anchor: Tensor, positive: Tensor, negative: Tensor, config: TripletConfig
) -> Tensor:
    """Compare the three sides of triplets (t, d), mean over them (Chudasama 2022 eq. 10)."""
    near = distance(anchor, positive, config)
    far, across = distance(anchor, negative, config), distance(positive, negative, config)
    if config.amt == "fixed":
        return (near - far + config.margin).clamp(min=0).mean()
    margin = adaptive_margin(near, far)
    if config.margin_grad == "detach":
        margin = margin.detach()
    gap = near - (far + across) / 2
    if config.amt == "scaled":
        return (gap + config.scale * (margin - 2) / 4).clamp(min=0).mean()
    # A hinge would do nothing: by the triangle inequality this is never below zero.
    return (gap + margin).mean()  # Chudasama 2022 eq. 10


def adaptive_margin(near: Tensor, far: Tensor) -> Tensor:
    """Ask more of easy pairs: distances in [0, 1] to margins (t,) (Chudasama 2022 eq. 11)."""
    similarity = 1 + 2 * torch.exp(-4 * near)
    dissimilarity = 1 + 2 * torch.exp(4 * far - 4)
    return similarity + dissimilarity  # Chudasama 2022 eq. 11


def variance(embeddings: Tensor, config: TripletConfig) -> Tensor:
    """Keep each dimension of embeddings (n, d) from collapsing (Chudasama 2022 eq. 12)."""
    var = _centred(embeddings).square().sum(dim=0) / max(1, len(embeddings) - 1)
    if config.var == "printed":
        return (1 - var.sqrt() + EPSILON).mean()  # Chudasama 2022 eq. 12, literally
    return (1 - (var + EPSILON).sqrt()).clamp(min=0).mean()  # Chudasama 2022 eq. 12


def covariance(embeddings: Tensor, config: TripletConfig) -> Tensor:
    """Keep dimensions of embeddings (n, d) from saying the same (Chudasama 2022 eq. 13)."""
    centred = _centred(embeddings)
    cov = centred.T @ centred / max(1, len(embeddings) - 1)
    others = cov - torch.diag(torch.diag(cov))
    if config.cov == "printed":
        return others.sum() / embeddings.shape[1]  # Chudasama 2022 eq. 13, literally
    return others.square().sum() / embeddings.shape[1]  # Chudasama 2022 eq. 13


def distance(a: Tensor, b: Tensor, config: TripletConfig) -> Tensor:
    """Distance of rows (t, d), shape (t,)."""
    if config.dist != "raw":
        a, b = functional.normalize(a, dim=-1), functional.normalize(b, dim=-1)
    # The root has no gradient at zero, where a pair is one point.
    length = ((a - b).square().sum(dim=-1) + 1e-12).sqrt()
    return length / 2 if config.dist == "half_unit" else length


def mine(
    embeddings: Tensor, labels: Tensor, config: TripletConfig, generator: torch.Generator | None
) -> Triplets:
    """Give every pair of a class a negative."""
    with torch.no_grad():
        far = distance(embeddings[:, None], embeddings[None], config)
    same = labels[:, None] == labels[None]
    pairs = same & ~torch.eye(len(labels)).to(same) & ~same.all(dim=1, keepdim=True)
    anchor, positive = pairs.nonzero(as_tuple=True)
    usable, cost = ~same[anchor], far[anchor]
    if config.mining == "random":
        cost = torch.rand(cost.shape, generator=generator).to(cost)
    elif config.mining == "semihard":
        near = far[anchor, positive][:, None]
        wanted = usable & (cost > near) & (cost < near + config.band)
        usable = torch.where(wanted.any(dim=1, keepdim=True), wanted, usable)
    return Triplets(anchor, positive, cost.masked_fill(~usable, torch.inf).argmin(dim=1))


def _centred(embeddings: Tensor) -> Tensor:
    return embeddings - embeddings.mean(dim=0)
