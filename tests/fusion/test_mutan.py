"""Tucker fusion: a sum of products of the views, against loops over a whole tensor."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch

from emocli.config import build
from emocli.fusion import mutan
from tests.fusion import beard
from tests.fusion.batches import DIMS, ENCODED, SMALL, assert_it_matters, double, make


def core(p: beard.Parameters, views: dict[str, beard.Vector], config: mutan.Config) -> beard.Vector:
    """Contract the views with the whole core tensor, entry by entry.

    The tensor has an axis for each view and one for what comes out; its entry at (i, j, ..., k) is
    the sum over r of the products of the views' factors. A bias is one more entry of a view, of 1.
    """
    joint = config.joint_dim or config.hidden
    names, tables = list(views), {}
    for name in names:
        own = p.under(f"factors.view_{name}")
        tables[name] = own["weight"]
        if config.lower_orders:
            tables[name] = [[*row, b] for row, b in zip(own["weight"], own["bias"], strict=True)]
    longer = {n: [*v, 1.0] if config.lower_orders else v for n, v in views.items()}
    out = [0.0] * joint
    for index in itertools.product(*(range(len(longer[name])) for name in names)):
        weight = math.prod(longer[n][i] for n, i in zip(names, index, strict=True))
        for k in range(joint):
            entry = sum(
                math.prod(tables[n][r * joint + k][i] for n, i in zip(names, index, strict=True))
                for r in range(config.rank)
            )
            out[k] += entry * weight
    return out


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lower_orders": False},
        {"bounded": False, "rank": 1},
        {"view_dim": 2, "joint_dim": 3, "rank": 2},
    ],
    ids=str,
)
def test_it_contracts_the_views_with_a_tensor_of_low_rank(settings: dict[str, Any]) -> None:
    torch.manual_seed(0)
    config = build(mutan.Config, {**SMALL, **settings}, "network")
    batch = double(make())
    model = mutan.Model(DIMS, 3, config).double().eval()
    for parameter in model.core.parameters():
        torch.nn.init.normal_(parameter)
    logits = model(batch).logits
    p = beard.Parameters(model.state_dict())
    for item in range(3):
        projected = {}
        for name in sorted(batch.views):
            rows = batch.views[name].rows()[item].tolist()
            states = beard.encode(p.under(f"encoders.view_{name}"), rows)
            ends = states[-1][:4] + states[0][4:]
            inner = beard.linear(p.under(f"projections.view_{name}"), ends)
            projected[name] = [math.tanh(x) for x in inner] if config.bounded else inner
        joint = core(p.under("core"), projected, config)
        wanted = beard.linear(p.under("head.1"), joint)
        assert logits[item].tolist() == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def test_a_missing_view_is_no_factor() -> None:
    """What is left is the fusion of the others, by the same parameters."""
    torch.manual_seed(0)
    lengths = {"audio": (4, 0, 4, 0), "text": (2, 2, 0, 0), "visual": (3, 3, 3, 0)}
    model = mutan.Model(DIMS, 3, mutan.Config(**SMALL)).eval()
    batch = make(lengths)
    logits = model(batch).logits
    weights = model.state_dict()
    for item, gone in ((1, "audio"), (2, "text")):
        dims = {name: width for name, width in DIMS.items() if name != gone}
        fewer = mutan.Model(dims, 3, mutan.Config(**SMALL)).eval()
        fewer.load_state_dict({k: v for k, v in weights.items() if f"view_{gone}." not in k})
        views = {name: batch.views[name] for name in dims}
        torch.testing.assert_close(fewer(batch.with_views(views)).logits[item], logits[item])
    torch.testing.assert_close(logits[3], model.head[1].bias)
    assert not torch.allclose(logits[0], logits[3])


def test_products_of_many_views_do_not_vanish_at_the_start() -> None:
    """Of five views each moves the logits, where the formula without lower orders hardly does."""
    dims = {f"v{i}": 3 for i in range(5)}
    batch = double(make(dict.fromkeys(dims, (4, 6)), dims))

    def spread(lower_orders: bool) -> float:
        torch.manual_seed(0)
        model = mutan.Model(dims, 3, mutan.Config(lower_orders=lower_orders)).double().eval()
        first, second = model(batch).logits.unbind()
        return float((first - second).abs().max().detach())

    assert spread(True) > 100 * spread(False) > 0


def test_parameters_grow_linearly_with_the_views() -> None:
    def count(views: int) -> int:
        dims = {f"v{i}": 3 for i in range(views)}
        return sum(p.numel() for p in mutan.Model(dims, 3, mutan.Config(**SMALL)).parameters())

    sizes = [count(views) for views in (2, 3, 4)]
    assert sizes[2] - sizes[1] == sizes[1] - sizes[0]


@pytest.mark.parametrize(
    "settings",
    [
        {"rank": 2},
        {"view_dim": 3},
        {"joint_dim": 3},
        {"bounded": False},
        {"lower_orders": False},
        *ENCODED,
    ],
    ids=str,
)
def test_every_setting_changes_the_output(settings: dict[str, Any]) -> None:
    assert_it_matters(mutan, settings)


def test_every_parameter_learns() -> None:
    torch.manual_seed(0)
    model = mutan.Model(DIMS, 3, mutan.Config(dropout=0))
    model(make()).logits.square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_the_presets_are_readings_of_the_formula() -> None:
    def read(preset: str) -> mutan.Config:
        return build(mutan.Config, mutan.PRESETS[preset]["network"], preset)

    assert read("paper") == mutan.Config()
    assert read("literal") == mutan.Config(lower_orders=False)
    assert read("plus") == mutan.Config(dropout=0.4, max_len=20, pool="statistics")
