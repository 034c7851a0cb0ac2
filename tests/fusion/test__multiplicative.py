"""Eq. 2 and 3, the weights they make, and their gradients, against plain numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from emocli.fusion._multiplicative import Combination, log_probabilities, truth, violated

PINNED = (0.9, 0.5, 0.1)


def combination(kind: Any = "mod", beta: float = 2.0, detach: bool = True) -> Combination:
    return Combination(kind, beta, detach)


def scalar_terms(p: Sequence[float], kind: str, beta: float) -> float:
    """Mittal 2020 eq. 2, 3 for the probabilities of the truth."""
    gamma = beta / max(len(p) - 1, 1)
    total = 0.0
    for i, own in enumerate(p):
        factor = 1.0
        if kind == "mod":
            factor = own**gamma
        elif kind == "orig":
            factor = math.prod((1 - other) ** gamma for j, other in enumerate(p) if j != i)
        total -= factor * math.log(own)
    return total


def scalar_weights(said: Sequence[Sequence[float]], kind: str, beta: float) -> list[float]:
    """Weights without labels of modalities' probabilities for the classes of one clip."""
    gamma, classes = beta / max(len(said) - 1, 1), range(len(said[0]))
    reliable = []
    for i, own in enumerate(said):
        total = 0.0
        for c in classes:
            consensus = sum(p[c] for p in said) / len(said)
            factor = own[c] ** gamma
            if kind == "orig":
                factor = math.prod((1 - p[c]) ** gamma for j, p in enumerate(said) if j != i)
            total += consensus * factor
        reliable.append(total)
    return [r / sum(reliable) for r in reliable]


@pytest.mark.parametrize(("kind", "wanted"), [("mod", 0.67166), ("orig", 0.22492)])
def test_the_pinned_values(kind: str, wanted: float) -> None:
    logs = torch.tensor(PINNED).log()[:, None, None]
    assert combination(kind).terms(logs).item() == pytest.approx(wanted, abs=1e-5)
    assert scalar_terms(PINNED, kind, 2.0) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("kind", ["mod", "orig", "sum_ce"])
@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_equations_2_and_3(kind: str, beta: float, count: int) -> None:
    torch.manual_seed(count)
    p = torch.rand(count, 4, 2, dtype=torch.float64) * 0.98 + 0.01
    got = combination(kind, beta).terms(p.log())
    for clip in range(4):
        for question in range(2):
            wanted = scalar_terms(p[:, clip, question].tolist(), kind, beta)
            assert got[clip, question].item() == pytest.approx(wanted)


def test_without_beta_both_are_the_sum_of_the_losses() -> None:
    logs = torch.tensor(PINNED).log()[:, None, None]
    for kind in ("mod", "orig", "sum_ce"):
        assert combination(kind, 0.0).terms(logs).item() == pytest.approx(-float(logs.sum()))


@pytest.mark.parametrize("beta", [0.5, 2.0, 4.0])
def test_detached_the_gradient_is_a_power_of_p(beta: float) -> None:
    p = torch.tensor(PINNED, dtype=torch.float64, requires_grad=True)
    combination(beta=beta).terms(p.log()[:, None, None]).sum().backward()
    gamma = beta / 2
    assert p.grad is not None
    assert p.grad.tolist() == pytest.approx([-(x ** (gamma - 1)) for x in PINNED])


def test_not_detached_eq_3_pushes_the_wrong_away() -> None:
    p = torch.tensor(PINNED, dtype=torch.float64, requires_grad=True)
    combination(detach=False).terms(p.log()[:, None, None]).sum().backward()
    wanted = [-(1 + math.log(x)) for x in PINNED]  # gamma = 1
    assert p.grad is not None
    assert p.grad.tolist() == pytest.approx(wanted)
    assert p.grad[2] > 0


def test_not_detached_eq_2_reaches_the_other_modalities() -> None:
    def gradient(detach: bool) -> torch.Tensor:
        p = torch.tensor(PINNED, dtype=torch.float64, requires_grad=True)
        logs = p.log()[:, None, None]
        combination("orig", detach=detach).terms(logs).sum().backward()
        assert p.grad is not None
        return p.grad

    a, b, c = PINNED
    with_factors = -(1 - b) * (1 - c) / a + (1 - c) * math.log(b) + (1 - b) * math.log(c)
    assert gradient(True)[0].item() == pytest.approx(-(1 - b) * (1 - c) / a)
    assert gradient(False)[0].item() == pytest.approx(with_factors)


@pytest.mark.parametrize("kind", ["mod", "orig", "sum_ce"])
@pytest.mark.parametrize("detach", [True, False])
def test_certainty_does_no_harm(kind: str, detach: bool) -> None:
    logits = torch.tensor([[[300.0, -300.0]], [[-300.0, 300.0]]], requires_grad=True)
    logs = log_probabilities("single", logits)
    wanted = truth("single", torch.tensor([0]), 2)
    rule = combination(kind, 1.0, detach)
    rule.terms((logs * wanted).sum(dim=-1)).sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    weights = rule.weights(logs)
    assert weights.isfinite().all()
    assert weights.sum().item() == pytest.approx(1)


@pytest.mark.parametrize("kind", ["mod", "orig"])
def test_the_weights_are_those_of_the_definition(kind: str) -> None:
    torch.manual_seed(0)
    logs = torch.log_softmax(torch.randn(3, 5, 1, 4, dtype=torch.float64), dim=-1)
    got = combination(kind).weights(logs)
    assert torch.allclose(got.sum(dim=0), torch.ones(5, dtype=torch.float64))
    for clip in range(5):
        wanted = scalar_weights(logs[:, clip, 0].exp().tolist(), kind, 2.0)
        assert got[:, clip].tolist() == pytest.approx(wanted)


def test_with_labels_the_weights_are_beliefs_in_the_truth() -> None:
    torch.manual_seed(0)
    logs = torch.log_softmax(torch.randn(3, 4, 1, 3, dtype=torch.float64), dim=-1)
    targets = torch.tensor([0, 2, 1, 1])
    got = combination(beta=1.0).weights(logs, truth("single", targets, 3))
    p = logs.exp()[:, torch.arange(4), 0, targets] ** 0.5
    torch.testing.assert_close(got, p / p.sum(dim=0))


def test_several_classes_are_as_many_questions() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 4, dtype=torch.float64)
    targets = torch.tensor([[0, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
    predicted = log_probabilities("multi", logits)
    assert predicted.shape == (2, 3, 4, 2)
    torch.testing.assert_close(
        predicted.exp().sum(dim=-1), torch.ones(2, 3, 4, dtype=torch.float64)
    )
    logs = (predicted * truth("multi", targets, 4)).sum(dim=-1)
    p = torch.sigmoid(logits)
    torch.testing.assert_close(logs.exp(), torch.where(targets > 0, p, 1 - p))
    got = combination(beta=1.0).weights(predicted)
    consensus = p.mean(dim=0)
    reliable = (consensus * p + (1 - consensus) * (1 - p)).mean(dim=-1)
    torch.testing.assert_close(got, reliable / reliable.sum(dim=0))


def test_intensities_are_believed_by_how_near_they_are() -> None:
    logits = torch.tensor([[[0.0]], [[1.0]], [[5.0]]])
    targets = torch.tensor([[0.5]])
    logs = log_probabilities("intensity", logits, targets)[..., 0]
    assert logs[:, 0, 0].tolist() == pytest.approx([-0.125, -0.125, -4.0])
    together = combination(beta=1.0).weights(log_probabilities("intensity", logits))[:, 0]
    assert together[1] > together[0] > together[2]  # their mean is 2
    wanted = truth("intensity", targets, 1)
    against_labels = log_probabilities("intensity", logits, targets)
    known = combination(beta=1.0).weights(against_labels, wanted)[:, 0]
    assert known[0] == known[1] > known[2]


def test_scores_are_the_loss_of_every_alternative() -> None:
    torch.manual_seed(0)
    logs = torch.log_softmax(torch.randn(3, 2, 1, 4, dtype=torch.float64), dim=-1)
    for kind in ("mod", "orig", "sum_ce"):
        scores = combination(kind).scores(logs)
        for clip in range(2):
            for c in range(4):
                p = logs[:, clip, 0, c].exp().tolist()
                wanted = -scalar_terms(p, kind, 2.0)
                assert scores[clip, 0, c].item() == pytest.approx(wanted)


def test_violated_is_what_does_not_lead_by_the_margin() -> None:
    scores = torch.tensor([[[3.0, 1.0, 0.0]], [[2.0, 1.5, 0.0]], [[0.0, 1.0, 0.5]]])
    wanted = truth("single", torch.tensor([0, 0, 0]), 3)
    assert violated(scores, wanted, 0.0).flatten().tolist() == [0, 0, 1]
    assert violated(scores, wanted, 1.0).flatten().tolist() == [0, 1, 1]
