"""Beard 2018 for one clip in plain numbers and loops: what the networks are compared with.

The numbers come from a network's state dict; `compare` sets the two side by side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch

from emocli.config import build
from emocli.data.batch import Batch
from tests.fusion.batches import double

Vector = list[float]
Matrix = list[Vector]


class Parameters:
    """A state dict as lists of floats; an absent bias is None."""

    def __init__(self, state: Mapping[str, torch.Tensor], prefix: str = "") -> None:
        self.state = state
        self.prefix = prefix

    def under(self, part: str) -> Parameters:
        return Parameters(self.state, f"{self.prefix}{part}.")

    def __getitem__(self, name: str) -> Any:
        tensor = self.state.get(self.prefix + name)
        return None if tensor is None else tensor.tolist()


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def add(*vectors: Vector) -> Vector:
    return [sum(parts) for parts in zip(*vectors, strict=True)]


def times(*vectors: Vector) -> Vector:
    return [math.prod(parts) for parts in zip(*vectors, strict=True)]


def product(matrix: Matrix, vector: Vector, bias: Vector | None = None) -> Vector:
    out = [sum(w * x for w, x in zip(row, vector, strict=True)) for row in matrix]
    return out if bias is None else add(out, bias)


def linear(p: Parameters, vector: Vector) -> Vector:
    return product(p["weight"], vector, p["bias"])


def affine(p: Parameters, memory: Vector, inputs: Vector) -> Vector:
    return add(linear(p.under("memory"), memory), linear(p.under("inputs"), inputs))


def softmax(scores: Vector) -> Vector:
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    return [power / sum(powers) for power in powers]


def mean(rows: Matrix) -> Vector:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def lstm(p: Parameters, rows: Matrix) -> Matrix:
    size = len(p["weight_hh_l0"][0])
    hidden, cell, states = [0.0] * size, [0.0] * size, []
    for row in rows:
        sums = add(
            product(p["weight_ih_l0"], row, p["bias_ih_l0"]),
            product(p["weight_hh_l0"], hidden, p["bias_hh_l0"]),
        )
        enter, keep, new, leave = (sums[part * size : (part + 1) * size] for part in range(4))
        cell = [
            sigmoid(f) * c + sigmoid(i) * math.tanh(g)
            for i, f, g, c in zip(enter, keep, new, cell, strict=True)
        ]
        hidden = [sigmoid(o) * math.tanh(c) for o, c in zip(leave, cell, strict=True)]
        states.append(hidden)
    return states


def encode(p: Parameters, rows: Matrix) -> Matrix:
    """Eq. 1-3."""
    ahead = lstm(p.under("ahead"), rows)
    back = lstm(p.under("back"), rows[::-1])[::-1]
    return [a + b for a, b in zip(ahead, back, strict=True)]


def attend(p: Parameters, states: Matrix, memory: Vector, config: Any) -> tuple[Vector, Vector]:
    """Eq. 4-8: context, and weight of each step (mean over heads)."""
    query = linear(p.under("memory"), memory)
    scores = []
    for state in states:
        key = linear(p.under("states"), state)
        if config.score == "mul":
            relation = times([math.tanh(x) for x in key], [math.tanh(x) for x in query])
        else:
            relation = [math.tanh(x) for x in add(key, query)]
        scores.append(linear(p.under("out"), relation))
    if config.attn_axis == "dim":
        weights = softmax(mean(scores))
        scaled = [weight * len(weights) for weight in weights]
        return times(scaled, mean(states)), [1 / len(states)] * len(states)
    context: Vector = []
    curves = []
    share = len(states[0]) // config.heads
    for head in range(config.heads):
        weights = softmax([score[head] for score in scores])
        curves.append(weights)
        for d in range(head * share, (head + 1) * share):
            context.append(sum(w * s[d] for w, s in zip(weights, states, strict=True)))
    return context, mean(curves)


def gated(
    p: Parameters, names: Sequence[str], memory: Vector, contexts: Mapping[str, Vector], kind: str
) -> tuple[Vector, dict[str, float]]:
    """Eq. 9-13: the new memory, and each view's mean gate."""
    joined = [x for name in names for x in contexts[name]]
    width = len(memory)
    gate = [1.0] * len(joined)
    if kind in {"concat", "both"}:  # eq. 9
        gate = times(gate, [sigmoid(x) for x in affine(p.under("joint_gate"), memory, joined)])
    if kind in {"per_view", "both"}:  # eq. 11
        own: Vector = []
        for name in names:
            sums = affine(p.under(f"view_gates.view_{name}"), memory, contexts[name])
            own += [sigmoid(x) for x in sums]
        gate = times(gate, own)
    write = [sigmoid(x) for x in affine(p.under("memory_gate"), memory, joined)]  # eq. 10
    sums = affine(p.under("content"), memory, times(gate, joined))
    content = [math.tanh(x) for x in sums]  # eq. 12
    new = [(1 - g) * m + g * u for g, m, u in zip(write, memory, content, strict=True)]  # eq. 13
    parts = {n: gate[i * width : (i + 1) * width] for i, n in enumerate(names)}
    return new, {name: sum(part) / width for name, part in parts.items()}


def ungated(p: Parameters, memory: Vector, contexts: Mapping[str, Vector], kind: str) -> Vector:
    if kind == "sum":
        return add(memory, *contexts.values())
    if kind == "dan_product":
        return add(memory, times(*contexts.values()))
    joined = [x for name in sorted(contexts) for x in contexts[name]]
    return add(memory, [math.tanh(x) for x in linear(p.under("linear"), joined)])


def recursion(
    p: Parameters, states: Mapping[str, Matrix], config: Any
) -> tuple[Vector, dict[str, Matrix], dict[str, Vector]]:
    """All hops: the last memory, and by view attention (hops, T) and gates (hops)."""
    names = sorted(states)
    memory = add(*(mean(states[name]) for name in names))
    if config.m0 == "zero":
        memory = [0.0] * len(memory)
    curves: dict[str, Matrix] = {name: [] for name in names}
    gates: dict[str, Vector] = {name: [] for name in names}
    for hop in range(config.hops):
        contexts = {}
        for name in names:
            number = 0 if config.tie_hops else hop
            own = p.under(f"attention.{number}.view_{name}")
            contexts[name], curve = attend(own, states[name], memory, config)
            curves[name].append(curve)
        update = p.under("update")
        if hasattr(config, "view_gate"):
            memory, passed = gated(update, names, memory, contexts, config.view_gate)
            for name in names:
                gates[name].append(passed[name])
        else:
            memory = ungated(update, memory, contexts, config.gca_update)
    return memory, curves, gates


def decode(p: Parameters, vector: Vector) -> Vector:
    inner = [max(0.0, x) for x in linear(p.under("1"), vector)]
    return linear(p.under("3"), inner)


def network(
    state: Mapping[str, torch.Tensor], clip: Mapping[str, Matrix], config: Any
) -> tuple[Vector, dict[str, Matrix], dict[str, Vector]]:
    """GCA or RRNN on one clip: logits, attention, gates."""
    p = Parameters(state)
    states = {n: encode(p.under(f"encoders.view_{n}"), rows) for n, rows in clip.items()}
    memory, curves, gates = recursion(p.under("recursion"), states, config)
    return decode(p.under("decoder"), memory), curves, gates


def compare(module: Any, settings: dict[str, Any], clips: Batch) -> None:
    """The network in float64 equals the scalar version, clip by clip."""
    torch.manual_seed(1)
    config = build(module.Config, {"hidden": 4, **settings}, "network")
    dims = {name: view.values.shape[-1] for name, view in clips.views.items()}
    model = module.Model(dims, 3, config).double().eval()
    clips = double(clips)
    output = model(clips)
    for item in range(len(clips)):
        rows = {n: v.rows()[item].tolist() for n, v in clips.views.items()}
        logits, curves, gates = network(model.state_dict(), rows, config)
        assert output.logits[item].tolist() == pytest.approx(logits, abs=1e-12)
        for name, curve in curves.items():
            attention = output.attention[name][item]
            wanted = torch.zeros_like(attention)
            wanted[:, : len(rows[name])] = torch.tensor(curve, dtype=torch.float64)
            torch.testing.assert_close(attention, wanted, atol=1e-12, rtol=0)
            if output.gates:
                assert output.gates[name][item].tolist() == pytest.approx(gates[name], abs=1e-12)
