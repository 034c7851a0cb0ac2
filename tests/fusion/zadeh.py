"""The memory fusion network for one clip in plain numbers and loops, for comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tests.fusion.beard import (
    Matrix,
    Parameters,
    Vector,
    add,
    linear,
    mean,
    product,
    sigmoid,
    softmax,
    times,
)


def common(clip: Mapping[str, Matrix], steps: int | str) -> dict[str, Matrix]:
    """The views with as many steps as each other."""
    counts = {len(rows) for rows in clip.values() if rows} or {1}
    longest = max(counts)
    if steps == "longest" or (len(counts) == 1 and longest <= int(steps)):
        count = longest
    else:
        count = int(steps)
    return {name: shares(rows, count) if rows else [] for name, rows in clip.items()}


def shares(rows: Matrix, count: int) -> Matrix:
    """Mean over each of ``count`` equal parts of the duration."""
    width = len(rows) / count
    out = []
    for part in range(count):
        start, end = part * width, (part + 1) * width
        total = [0.0] * len(rows[0])
        for step, row in enumerate(rows):
            overlap = max(0.0, min(end, step + 1) - max(start, step))
            total = add(total, [overlap / width * x for x in row])
        out.append(total)
    return out


def cell(p: Parameters, x: Vector, hidden: Vector, old: Vector) -> tuple[Vector, Vector]:
    """One step of an LSTM."""
    sums = add(
        product(p["weight_ih_l0"], x, p["bias_ih_l0"]),
        product(p["weight_hh_l0"], hidden, p["bias_hh_l0"]),
    )
    size = len(hidden)
    enter, keep, new, leave = (sums[part * size : (part + 1) * size] for part in range(4))
    cells = [
        sigmoid(f) * c + sigmoid(i) * math.tanh(g)
        for i, f, g, c in zip(enter, keep, new, old, strict=True)
    ]
    return [sigmoid(o) * math.tanh(c) for o, c in zip(leave, cells, strict=True)], cells


def mlp(p: Parameters, x: Vector) -> Vector:
    return linear(p.under("3"), [max(0.0, v) for v in linear(p.under("0"), x)])


def gate(p: Parameters, which: int, x: Vector, widths: tuple[int, int]) -> Vector:
    """One of the two gates, whose first layers are stored as one."""
    rows = slice(0, widths[0]) if which == 1 else slice(widths[0], sum(widths))
    weight, bias = p.under("first")["weight"][rows], p.under("first")["bias"][rows]
    inner = [max(0.0, v) for v in product(weight, x, bias)]
    return [sigmoid(v) for v in linear(p.under(f"gamma{which}"), inner)]


def remember(p: Parameters, window: Vector, memory: Vector, config: Any) -> Vector:
    attended = times(softmax(mlp(p.under("nn1"), window)), window)
    content = [math.tanh(v) for v in mlp(p.under("nn2"), attended)]
    own, widths = p.under("memory"), (config.gamma1, config.gamma2)
    keep, write = (gate(own, which, attended + memory, widths) for which in (1, 2))
    return add(times(keep, memory), times(write, content))


def core(
    p: Parameters, clip: Mapping[str, Matrix], dims: Mapping[str, int], config: Any
) -> tuple[dict[str, Vector], Vector]:
    """Last state of each channel, and the last memory."""
    names = sorted(clip)
    memory = [0.0] * config.memory
    channels = {name: p.under(f"channels.view_{name}") for name in names}
    empty = [0.0] * sum(config.units(name) for name in names)
    if config.channel == "ff":
        ends = {}
        for name in names:
            x = mean(clip[name]) if clip[name] else [0.0] * dims[name]
            for layer in ("0", "2"):
                x = [max(0.0, v) for v in linear(channels[name].under(layer), x)]
            ends[name] = x
        now = [v for name in names for v in ends[name]]
        return ends, remember(p, empty * (config.window - 1) + now, memory, config)
    views = common(clip, config.steps)
    count = max(len(rows) for rows in views.values()) or 1
    hidden = {name: [0.0] * config.units(name) for name in names}
    cells = dict(hidden)
    history = [empty] * (config.window - 1)
    for step in range(count):
        for name in names:
            x = views[name][step] if views[name] else [0.0] * dims[name]
            x = x + memory if config.feedback == "mem" else x
            hidden[name], cells[name] = cell(channels[name], x, hidden[name], cells[name])
        history.append([v for name in names for v in cells[name]])
        window = [v for old in history[len(history) - config.window :] for v in old]
        memory = remember(p, window, memory, config)
    return hidden, memory


def network(
    p: Parameters, clip: Mapping[str, Matrix], dims: Mapping[str, int], config: Any
) -> Vector:
    ends, memory = core(p.under("core"), clip, dims, config)
    return mlp(p.under("head"), [v for name in sorted(ends) for v in ends[name]] + memory)
