"""Losses and decisions against scalar code."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emocli.errors import ConfigError
from emocli.models.losses import CHOICES, base_loss, probabilities, resolve

Row = list[float]
PAIRS = [(task, name) for task, names in CHOICES.items() for name in names]
LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.3, 0.2, -3.0], [-0.7, 1.9, 0.4], [0.0, 0.0, 0.0]])
TARGETS = {
    "single": torch.tensor([0, 2, 1, 1]),
    "multi": torch.tensor([[1.0, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]]),
    "intensity": torch.tensor([[3.0, 0, 0.33], [0, 2.67, 0], [1, 0.5, 0], [0, 0, 0]]),
}
WEIGHTS = torch.tensor([0.5, 2.0, 1.25])


def concordance(c: int) -> float:
    """One minus it, over all clips, for each of them."""
    x, y = LOGITS[:, c].tolist(), TARGETS["intensity"][:, c].tolist()
    mx, my = sum(x) / 4, sum(y) / 4
    cov = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / 4
    vx, vy = (sum((a - m) ** 2 for a in v) / 4 for v, m in ((x, mx), (y, my)))
    return 1 - 2 * cov / (vx + vy + (mx - my) ** 2)


def term(name: str, x: Row, y: Row, c: int) -> float:
    """One class's part of the loss of one clip."""
    if name == "ce":
        return -y[c] * (x[c] - math.log(sum(math.exp(v) for v in x)))
    if name == "bce":
        p = 1 / (1 + math.exp(-x[c]))
        return -y[c] * math.log(p) - (1 - y[c]) * math.log(1 - p)
    if name == "ccc":
        return concordance(c)
    error = abs(x[c] - y[c])
    if name == "huber" and error <= 1:
        return error**2 / 2
    return error - 0.5 if name == "huber" else error**2


def scalar(name: str, task: str, weights: Row | None, smoothing: float) -> float:
    total = mass = 0.0
    for x, target in zip(LOGITS.tolist(), TARGETS[task].tolist(), strict=True):
        y = [float(c == target) for c in range(3)] if task == "single" else target
        clip = weights[target] if weights and task == "single" else 1.0
        column = weights if weights and task != "single" else [1.0] * 3
        if task != "intensity":
            share = 3 if task == "single" else 2
            y = [(1 - smoothing) * v + smoothing / share for v in y]
        total += clip * sum(column[c] * term(name, x, y, c) for c in range(3))
        mass += clip
    return total / mass


@pytest.mark.parametrize(("task", "name"), PAIRS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_losses(task: Any, name: Any, weighted: bool, smoothing: float) -> None:
    loss = base_loss(name, task, WEIGHTS if weighted else None, smoothing)
    wanted = scalar(name, task, WEIGHTS.tolist() if weighted else None, smoothing)
    assert loss(LOGITS, TARGETS[task]).item() == pytest.approx(wanted, rel=1e-5)


def test_cross_entropy_is_pytorchs() -> None:
    wanted = torch.nn.functional.cross_entropy(LOGITS, TARGETS["single"], weight=WEIGHTS)
    assert base_loss("ce", "single", WEIGHTS)(LOGITS, TARGETS["single"]).item() == pytest.approx(
        wanted.item()
    )


@pytest.mark.parametrize("name", CHOICES["single"])
def test_targets_may_be_probabilities(name: Any) -> None:
    classes = TARGETS["single"]
    one_hot = torch.nn.functional.one_hot(classes, 3).float()
    loss = base_loss(name, "single", WEIGHTS, 0.1)
    assert torch.equal(loss(LOGITS, one_hot), loss(LOGITS, classes))
    assert not torch.equal(loss(LOGITS, one_hot * 0.6 + 0.4 / 3), loss(LOGITS, classes))


@pytest.mark.parametrize(
    ("task", "name"), [("single", "ce"), ("multi", "bce"), ("intensity", "huber")]
)
def test_auto_is_the_tasks_own_loss(task: Any, name: Any) -> None:
    assert resolve("auto", task) == name
    auto, named = base_loss("auto", task), base_loss(name, task)
    assert torch.equal(auto(LOGITS, TARGETS[task]), named(LOGITS, TARGETS[task]))


@pytest.mark.parametrize(
    ("task", "name"), [("multi", "ce"), ("intensity", "ce"), ("intensity", "bce")]
)
def test_a_loss_that_does_not_fit_the_task_is_refused(task: Any, name: Any) -> None:
    for use in (base_loss, resolve):
        with pytest.raises(
            ConfigError, match=f"'{name}' does not fit.*'{task}'; there are: auto, "
        ):
            use(name, task)


@pytest.mark.parametrize("share", [-0.1, 1.0, math.nan])
def test_impossible_smoothing_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match="label smoothing"):
        base_loss("ce", "single", label_smoothing=share)


@pytest.mark.parametrize(("task", "name"), PAIRS)
def test_the_gradient_is_that_of_the_loss(task: Any, name: Any) -> None:
    loss = base_loss(name, task, WEIGHTS.double(), 0.1)
    targets = TARGETS[task] if task == "single" else TARGETS[task].double()
    logits = (LOGITS + 0.01).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, targets), logits)


rows = st.lists(st.floats(-300, 300, width=32), min_size=2, max_size=6)


@pytest.mark.parametrize("name", CHOICES["single"])
@given(row=rows)
def test_probabilities_of_one_class_are_a_distribution(name: Any, row: Row) -> None:
    logits = torch.tensor([row])
    got = probabilities("single", name, logits)
    assert got.shape == logits.shape
    assert (got >= 0).all()
    assert got.sum().item() == pytest.approx(1, abs=1e-4)
    assert got[0, logits.argmax()].item() == got.max().item()


@pytest.mark.parametrize("name", CHOICES["multi"])
@given(row=rows)
def test_probabilities_of_many_classes_lie_between_0_and_1(name: Any, row: Row) -> None:
    got = probabilities("multi", name, torch.tensor([row]))
    assert ((got >= 0) & (got <= 1)).all()


@given(row=rows, other=rows)
def test_no_distribution_is_nearer(row: Row, other: Row) -> None:
    size = min(len(row), len(other))
    values, weights = torch.tensor([row[:size]]), torch.tensor([other[:size]]).double().abs() + 1e-3
    near = probabilities("single", "l2", values).double()
    distance = (near - values).square().sum()
    assert distance <= (weights / weights.sum() - values).square().sum() * (1 + 1e-6) + 1e-6


def test_probabilities_by_hand() -> None:
    logits = torch.tensor([[1.0, 0.0, -1.0]])
    powers = [math.exp(x) for x in (1, 0, -1)]
    sigmoids = [1 / (1 + math.exp(-x)) for x in (1, 0, -1)]

    def got(task: Any, loss: Any) -> Row:
        row: Row = probabilities(task, loss, logits)[0].tolist()
        return row

    assert got("single", "ce") == pytest.approx([p / sum(powers) for p in powers])
    assert got("single", "auto") == got("single", "ce")
    assert got("single", "bce") == pytest.approx([s / sum(sigmoids) for s in sigmoids])
    assert got("single", "l2") == pytest.approx([1, 0, 0])
    assert got("multi", "bce") == pytest.approx(sigmoids)
    assert got("multi", "l2") == [1, 0, 0]
    assert got("intensity", "l2") == [1, 0, -1]


def test_a_distribution_is_its_own_probabilities() -> None:
    rows = torch.tensor([[0.2, 0.5, 0.3], [0.0, 1.0, 0.0]])
    torch.testing.assert_close(probabilities("single", "l2", rows), rows)


@pytest.mark.parametrize(("task", "name"), PAIRS)
@pytest.mark.parametrize("weighted", [True, False])
def test_another_loss_is_averaged_as_the_own_one(task: Any, name: Any, weighted: bool) -> None:
    loss = base_loss(name, task, WEIGHTS if weighted else None)
    targets = TARGETS[task]
    each = torch.nn.functional.one_hot(targets, 3).float() if task == "single" else targets
    terms = loss.terms(LOGITS, each)
    assert loss.mean(terms, targets).item() == pytest.approx(loss(LOGITS, targets).item())
    if task == "single":
        summed = terms.sum(dim=-1, keepdim=True)
        assert loss.mean(summed, targets).item() == pytest.approx(loss(LOGITS, targets).item())
