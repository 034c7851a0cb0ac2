"""The extractors' loss against scalar versions of its equations, and what its settings do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from emocli.config import build
from emocli.training.encoders import triplet
from emocli.training.encoders.triplet import TripletConfig

LABELS = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2])


def config(**settings: Any) -> TripletConfig:
    return build(TripletConfig, settings, "loss")


def points(count: int = 8, width: int = 5, seed: int = 0) -> Tensor:
    return torch.randn(
        count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )


def loss(embeddings: Tensor, labels: Tensor = LABELS, **settings: Any) -> Tensor:
    return triplet.loss(embeddings, labels, config(**settings), torch.Generator().manual_seed(1))


# -- the equations, one number at a time


def length(a: list[float], b: list[float], kind: str) -> float:
    if kind != "raw":
        a, b = ([x / math.hypot(*v) for x in v] for v in (a, b))
    result = math.dist(a, b)
    return result / 2 if kind == "half_unit" else result


def scalar_amt(rows: list[tuple[list[float], list[float], list[float]]], kind: str) -> float:
    total = 0.0
    for a, p, n in rows:
        ap, an, pn = length(a, p, kind), length(a, n, kind), length(p, n, kind)
        margin = (1 + 2 / math.exp(4 * ap)) + (1 + 2 / math.exp(-4 * an + 4))
        total += ap - (an + pn) / 2 + margin
    return total / len(rows)


def scalar_cov(rows: list[list[float]]) -> tuple[float, float]:
    """As VICReg has it, and as printed."""
    n, d = len(rows), len(rows[0])
    means = [sum(row[j] for row in rows) / n for j in range(d)]
    squared = plain = 0.0
    for i in range(d):
        for j in range(d):
            if i != j:
                cov = sum((r[i] - means[i]) * (r[j] - means[j]) for r in rows) / (n - 1)
                squared, plain = squared + cov**2, plain + cov
    return squared / d, plain / d


def scalar_var(rows: list[list[float]]) -> tuple[float, float]:
    n, d = len(rows), len(rows[0])
    vicreg = printed = 0.0
    for j in range(d):
        mean = sum(row[j] for row in rows) / n
        var = sum((row[j] - mean) ** 2 for row in rows) / (n - 1)
        vicreg += max(0.0, 1 - math.sqrt(var + 1e-4))
        printed += 1 - math.sqrt(var) + 1e-4
    return vicreg / d, printed / d


@pytest.mark.parametrize("kind", ["half_unit", "unit", "raw"])
def test_equations_10_and_11(kind: str) -> None:
    a, p, n = (points(6, 4, seed) for seed in range(3))
    got = triplet.triplet_term(a, p, n, config(dist=kind))
    rows = list(zip(a.tolist(), p.tolist(), n.tolist(), strict=True))
    assert float(got) == pytest.approx(scalar_amt(rows, kind))


@pytest.mark.parametrize("form", [0, 1], ids=["vicreg", "printed"])
def test_equations_12_and_13(form: int) -> None:
    rows = 0.4 * points(7, 4)
    settings = config(var=("vicreg", "printed")[form], cov=("vicreg", "printed")[form])
    assert float(triplet.variance(rows, settings)) == pytest.approx(scalar_var(rows.tolist())[form])
    assert float(triplet.covariance(rows, settings)) == pytest.approx(
        scalar_cov(rows.tolist())[form]
    )


def test_equation_9_weighs_the_three() -> None:
    rows, settings = points(), config()
    result = triplet.mine(rows, LABELS, settings, None)
    parts = [rows[index] for index in (result.anchor, result.positive, result.negative)]
    wanted = 20 * scalar_amt(
        list(zip(*(part.tolist() for part in parts), strict=True)), "half_unit"
    )
    wanted += 5 * sum(scalar_cov(part.tolist())[0] for part in parts)
    wanted += sum(scalar_var(part.tolist())[0] for part in parts)
    assert float(loss(rows)) == pytest.approx(wanted)
    assert float(loss(rows, w_cov=0, w_var=0)) < wanted


# -- what is known about it


def cube() -> Iterator[tuple[float, float, float]]:
    sides = [k / 20 for k in range(21)]
    return ((ap, an, pn) for ap in sides for an in sides for pn in sides)


def test_on_distances_up_to_one_the_printed_loss_never_ends() -> None:
    ap, an, pn = torch.tensor(list(cube())).T
    margin = triplet.adaptive_margin(ap, an)
    assert float(torch.min(ap - (an + pn) / 2 + margin)) >= 2.24
    half = triplet.adaptive_margin(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]))
    assert half.tolist() == pytest.approx([6.0, 2 + 4 * math.exp(-4)])
    assert 1 + 2 * math.exp(-4) == pytest.approx(1.0366, abs=1e-4)


def gradients(near: float, far: float, across: float, **settings: Any) -> list[float]:
    """Of the triplet term with respect to its three distances."""
    sides = torch.tensor([near, far, across], requires_grad=True)
    margin = triplet.adaptive_margin(sides[0], sides[1])
    if config(**settings).margin_grad == "detach":
        margin = margin.detach()
    (sides[0] - (sides[1] + sides[2]) / 2 + margin).backward()
    assert sides.grad is not None
    return sides.grad.tolist()


def test_the_printed_gradient_is_wrong_where_it_matters() -> None:
    """It pushes positives apart below .52 and pulls negatives in beyond .31."""
    assert gradients(0.2, 0.8, 0.8) == pytest.approx([1, -0.5, -0.5])
    near, far, _ = gradients(0.2, 0.8, 0.8, margin_grad="flow")
    assert near < 0 < far
    near, far, _ = gradients(0.6, 0.2, 0.2, margin_grad="flow")
    assert far < 0 < near


def test_detached_it_is_the_linear_triplet() -> None:
    a, p, n = (points(6, 4, seed).requires_grad_() for seed in range(3))
    triplet.triplet_term(a, p, n, config()).backward()
    got = [x.grad.clone() for x in (a, p, n) if x.grad is not None]
    for x in (a, p, n):
        x.grad = None
    settings = config()
    sides = [triplet.distance(x, y, settings) for x, y in ((a, p), (a, n), (p, n))]
    (sides[0] - (sides[1] + sides[2]) / 2).mean().backward()
    for mine, wanted in zip(got, (a, p, n), strict=True):
        torch.testing.assert_close(mine, wanted.grad)


def nearest_neighbour(embeddings: Tensor, labels: Tensor) -> float:
    """Share of points whose nearest neighbour in direction is of their class."""
    unit = nn.functional.normalize(embeddings, dim=-1)
    near = (unit @ unit.T).fill_diagonal_(-2).argmax(dim=1)
    return float((labels[near] == labels).double().mean())


def trained(**settings: Any) -> float:
    """1-NN accuracy on unseen points of six classes, after a short training of a linear map."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(6, 20, generator=generator)
    labels = torch.arange(6).repeat_interleave(20)

    def draw() -> Tensor:
        return centres[labels] + 1.3 * torch.randn(120, 20, generator=generator)

    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 8))
    optimiser = torch.optim.Adam(encoder.parameters(), lr=0.01)
    chosen = config(w_cov=0, w_var=0, **settings)
    for _ in range(40):
        optimiser.zero_grad()
        triplet.loss(encoder(draw()), labels, chosen, generator).backward()
        optimiser.step()
    return nearest_neighbour(encoder(draw()).detach(), labels)


def test_the_literal_margin_collapses_and_the_detached_does_not() -> None:
    literal, detached = trained(margin_grad="flow"), trained()
    scaled, fixed = trained(amt="scaled"), trained(amt="fixed")
    assert min(detached, scaled, fixed) > 0.8
    assert literal < 0.7


# -- mining


def test_every_pair_of_a_class_gets_a_negative() -> None:
    result = triplet.mine(points(), LABELS, config(), None)
    pairs = set(zip(result.anchor.tolist(), result.positive.tolist(), strict=True))
    wanted = {(a, p) for a in range(8) for p in range(8) if a != p and LABELS[a] == LABELS[p]}
    assert pairs == wanted
    assert (LABELS[result.anchor] != LABELS[result.negative]).all()


def test_mining_is_semihard_hard_or_random() -> None:
    line = torch.tensor([[0.0], [1.0], [0.5], [1.1], [1.15], [3.0]])
    labels = torch.tensor([0, 0, 1, 1, 1, 1])

    def negative(**settings: Any) -> int:
        result = triplet.mine(line, labels, config(dist="raw", **settings), torch.Generator())
        return int(result.negative[(result.anchor == 0) & (result.positive == 1)])

    assert negative(mining="hard") == 2
    assert negative() == 3  # the nearest between 1 and 1.2
    assert negative(band=0.05) == 2  # none there: the nearest of all
    generator = torch.Generator().manual_seed(0)
    drawn = {
        int(triplet.mine(line, labels, config(mining="random"), generator).negative[0])
        for _ in range(60)
    }
    assert drawn == {2, 3, 4, 5}


def test_a_batch_without_triplets_costs_nothing() -> None:
    for labels in (torch.zeros(8).long(), torch.arange(8)):
        rows = points().requires_grad_()
        value = loss(rows, labels)
        value.backward()
        assert float(value.detach()) == 0
        assert rows.grad is not None
        assert not rows.grad.any()


def test_equal_points_have_a_finite_gradient() -> None:
    rows = torch.ones(8, 5).requires_grad_()
    loss(rows).backward()
    assert rows.grad is not None
    assert rows.grad.isfinite().all()


@pytest.mark.parametrize(
    "settings",
    [
        {"amt": "fixed"},
        {"amt": "scaled"},
        {"amt": "scaled", "scale": 2.0},
        {"dist": "unit"},
        {"dist": "raw"},
        {"mining": "hard"},
        {"mining": "random"},
        {"var": "printed"},
        {"cov": "printed"},
        {"w_triplet": 1.0},
        {"w_cov": 1.0},
        {"w_var": 5.0},
    ],
    ids=str,
)
def test_every_setting_changes_the_loss(settings: dict[str, Any]) -> None:
    rows = points(seed=4)
    assert not torch.isclose(loss(rows, **settings), loss(rows))


def test_a_hinge_would_do_nothing() -> None:
    for kind in ("half_unit", "unit", "raw"):
        for seed in range(5):
            a, p, n = (points(20, 2, 3 * seed + k) for k in range(3))
            settings = config(dist=kind)
            each = [
                triplet.triplet_term(*sides, settings)
                for sides in zip(a.split(1), p.split(1), n.split(1), strict=True)
            ]
            assert min(map(float, each)) > 0


def test_presets_are_settings() -> None:
    for name, preset in triplet.PRESETS.items():
        assert isinstance(config(**preset), TripletConfig), name
