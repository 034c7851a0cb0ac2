"""GCA against its equations."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import torch

from emocli.config import build
from emocli.data.batch import Padded
from emocli.errors import ConfigError
from emocli.fusion import gca, rrnn
from tests.fusion.batches import DIMS, SMALL, make
from tests.fusion.beard import compare


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"score": "add"},
        {"attn_bias": True},
        {"score": "add", "attn_bias": True},
        {"attn_dim": 9},
        {"heads": 2},
        {"heads": 8, "score": "add"},
        {"attn_axis": "dim"},
        {"m0": "zero", "score": "add"},
        {"tie_hops": True},
        {"hops": 1},
        {"gca_update": "linear"},
        {"gca_update": "dan_product"},
    ],
    ids=str,
)
def test_equations_1_to_8(settings: dict[str, Any]) -> None:
    compare(gca, settings, make())


@pytest.mark.parametrize("module", [gca, rrnn], ids=["gca", "rrnn"])
@pytest.mark.parametrize("axis", ["time", "dim"])
def test_a_zero_memory_asks_nothing_in_the_first_hop(module: ModuleType, axis: str) -> None:
    batch = make()
    config = build(module.Config, {**SMALL, "m0": "zero", "attn_axis": axis}, "network")
    model = module.Model(DIMS, 3, config).eval()
    output = model(batch)
    output.logits.square().sum().backward()
    for name, view in batch.views.items():
        uniform = view.mask / view.lengths[:, None]
        torch.testing.assert_close(output.attention[name][:, 0], uniform)
        first, second = (model.recursion.attention[hop][name].parameters() for hop in (0, 1))
        assert all(p.grad is not None and not p.grad.any() for p in first)
        assert all(p.grad is not None and p.grad.any() for p in second)


def test_tied_hops_share_their_attention() -> None:
    def attention(**settings: Any) -> list[str]:
        model = gca.Model(DIMS, 3, build(gca.Config, {**SMALL, **settings}, "network"))
        return [name for name in model.state_dict() if ".attention." in name]

    assert len(attention(hops=4)) == 4 * len(attention(hops=4, tie_hops=True))
    assert attention(hops=4, tie_hops=True) == attention(hops=1)


def test_a_missing_view_is_no_factor_of_the_product() -> None:
    update = gca.Update(2, 3, gca.Config(gca_update="dan_product"))
    memory, contexts = torch.ones(2, 3), torch.tensor([[[2.0] * 3, [0.0] * 3]] * 2)
    observed = torch.tensor([[True, False], [False, False]])
    after, _ = update(memory, contexts, observed)
    assert after.tolist() == [[3.0] * 3, [1.0] * 3]


def test_attention_ignores_what_lies_outside_the_mask() -> None:
    torch.manual_seed(0)
    attention = gca.Attention(8, gca.Config(**SMALL))
    values, memory = torch.randn(2, 5, 8), torch.randn(2, 8)
    present = torch.tensor([[True, False, True, True, True], [True] * 5])
    view = Padded(values, torch.tensor([4, 0]), present)
    context, weights = attention(view, memory)
    other, _ = attention(view.with_values(values.masked_fill(~view.mask[..., None], 7.0)), memory)
    torch.testing.assert_close(context, other)
    assert weights[0, [1, 4]].tolist() == [0, 0]
    assert weights.sum(dim=1).tolist() == pytest.approx([1, 0])
    assert not context[1].any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"heads": 3}, "does not divide"),
        ({"heads": 2, "attn_axis": "dim"}, "one head"),
        ({"hops": 0}, "a whole number from 1 to "),
        ({"hidden": 0}, "a whole number from 1 to "),
        ({"attn_dim": 0}, "a whole number from 1 to "),
        ({"dropout": 1.0}, "a number from 0, below 1"),
        ({"score": "dot"}, "'mul' or 'add'"),
        ({"hop": 2}, "did you mean 'network.hops'"),
    ],
    ids=str,
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(gca.Config, {**SMALL, **settings}, "network")
