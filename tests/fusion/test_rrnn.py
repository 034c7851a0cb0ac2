"""RRNN against its equations."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch

from emocli.config import build
from emocli.fusion import gca, rrnn
from tests.fusion.batches import DIMS, ENCODED, SMALL, assert_it_matters, make
from tests.fusion.beard import compare

GATES = ("concat", "per_view", "both", "none")


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize(
    "settings",
    [{}, {"score": "add", "attn_bias": True}, {"m0": "zero"}, {"tie_hops": True, "heads": 2}],
    ids=str,
)
def test_equations_1_to_13(gate: str, settings: dict[str, Any]) -> None:
    compare(rrnn, {"view_gate": gate, **settings}, make())


@pytest.mark.parametrize("views", [1, 2, 4])
def test_equations_with_any_number_of_views(views: int) -> None:
    names = ["gaze", "audio", "thermal", "text"][:views]
    lengths = {name: (2 + i, 5 - i) for i, name in enumerate(names)}
    compare(rrnn, {"view_gate": "both"}, make(lengths, dict.fromkeys(names, 3)))


def test_the_gate_forced_shut_keeps_the_memory() -> None:
    model = rrnn.Model(DIMS, 3, rrnn.Config(**SMALL)).eval()
    states = model.encoders(make())
    start = model.recursion.start(states)
    assert not torch.allclose(model.recursion(states)[0], start)
    torch.nn.init.constant_(model.recursion.update.memory_gate.memory.bias, -1e9)
    torch.testing.assert_close(model.recursion(states)[0], start, rtol=0, atol=0)


def test_the_write_gate_may_start_nearly_shut() -> None:
    """Then the memory stays near where it started, and nothing else is other."""

    def change(**own: float) -> torch.Tensor:
        torch.manual_seed(0)
        model = rrnn.Model(DIMS, 3, build(rrnn.Config, {**SMALL, **own}, "network")).eval()
        states = model.encoders(make())
        moved: torch.Tensor = model.recursion(states)[0] - model.recursion.start(states)
        return moved.abs().mean()

    assert change(write_bias=-2) < change() / 2
    assert change(write_bias=-100) == 0
    torch.testing.assert_close(change(write_bias=0), change())


@pytest.mark.parametrize("gate", ["concat", "per_view", "both"])
def test_a_shut_view_gate_blocks_the_view(gate: str) -> None:
    """With g = 0 for a view, what it holds no longer reaches the content (eq. 12)."""
    torch.manual_seed(0)
    update = rrnn.GatedUpdate(["audio", "visual"], 8, rrnn.Config(view_gate=gate, **SMALL))
    with torch.no_grad():
        if update.joint_gate is not None:
            update.joint_gate.memory.bias[8:] = -1e9
        if update.view_gates is not None:
            update.view_gates["visual"].memory.bias.fill_(-1e9)
        # Open: the memory becomes the content.
        update.memory_gate.memory.bias.fill_(1e9)
        for weights in (update.joint_gate, *(update.view_gates or {})):
            if isinstance(weights, rrnn.Affine):
                weights.inputs.weight.zero_()
    memory, contexts = torch.randn(2, 8), torch.randn(2, 2, 8)
    noisy = contexts.clone()
    noisy[:, 1] += torch.randn(2, 8)
    observed = torch.ones(2, 2, dtype=torch.bool)
    (clean_memory, gates), (noisy_memory, _) = (
        update(memory, c, observed) for c in (contexts, noisy)
    )
    torch.testing.assert_close(clean_memory, noisy_memory)
    assert gates[:, 1].tolist() == [0, 0]
    assert (gates[:, 0] > 0).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"hops": 2},
        {"tie_hops": True},
        {"m0": "zero"},
        {"score": "add"},
        {"attn_dim": 3},
        {"attn_bias": True},
        {"heads": 2},
        {"attn_axis": "dim"},
        {"view_gate": "per_view"},
        {"view_gate": "both"},
        {"view_gate": "none"},
        *ENCODED,
    ],
    ids=str,
)
def test_every_setting_changes_the_output(settings: dict[str, Any]) -> None:
    assert_it_matters(rrnn, settings)


def parameters(gate: str, views: int) -> int:
    dims = {f"v{i}": 3 for i in range(views)}
    model = rrnn.Model(dims, 3, rrnn.Config(view_gate=gate, **SMALL))
    return sum(p.numel() for p in model.parameters())


def test_per_view_gates_grow_linearly_and_the_joint_gate_with_the_square() -> None:
    def growth(gate: str) -> list[int]:
        sizes = [parameters(gate, views) for views in (2, 3, 4)]
        return [b - a for a, b in pairwise(sizes)]

    linear, square = growth("per_view"), growth("concat")
    assert linear[0] == linear[1]
    assert square[1] > square[0]


def test_gates_are_those_of_the_views_that_are_there() -> None:
    batch = make({"audio": (4, 0), "visual": (0, 3)}, {"audio": 4, "visual": 3})
    output = rrnn.Model({"audio": 4, "visual": 3}, 3, rrnn.Config(**SMALL)).eval()(batch)
    passed = torch.stack([output.gates[name].amin(dim=1) > 0 for name in ("audio", "visual")])
    assert passed.tolist() == [[True, False], [False, True]]
    assert all(gates.shape == (2, 3) for gates in output.gates.values())


def test_without_gates_none_are_reported() -> None:
    for module, settings in ((rrnn, {"view_gate": "none"}), (gca, {})):
        config = build(module.Config, {**SMALL, **settings}, "network")
        assert module.Model(DIMS, 3, config)(make()).gates == {}


def test_the_presets_are_the_readings_of_the_paper() -> None:
    def read(preset: str) -> rrnn.Config:
        return build(rrnn.Config, rrnn.PRESETS[preset]["network"], preset)

    assert read("paper") == rrnn.Config()
    assert read("literal") == rrnn.Config(m0="zero")
    seen: dict[str, Any] = {"dropout": 0.4, "max_len": 20, "pool": "statistics"}
    assert read("plus") == rrnn.Config(view_gate="per_view", write_bias=-2.0, **seen)
    paper = rrnn.Config()
    assert (paper.hops, paper.hidden, paper.width, paper.dropout) == (3, 128, 256, 0.2)


@pytest.mark.parametrize("gate", GATES)
def test_every_parameter_learns(gate: str) -> None:
    torch.manual_seed(0)
    model = rrnn.Model(DIMS, 3, rrnn.Config(view_gate=gate))
    model(make()).logits.square().sum().backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []
