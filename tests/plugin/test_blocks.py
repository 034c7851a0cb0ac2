"""Blocks of steps: their means against loops, and what attention over them means for the steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch

from emocli.config import build
from emocli.data.batch import Batch, FusionOutput, Padded
from emocli.errors import ConfigError
from emocli.fusion import early, gca, late, mutan, rrnn, unimodal
from emocli.plugin.blocks import Blocks
from emocli.plugin.layers import NetworkSettings
from tests.fusion.batches import DIMS, SMALL, make


def holed() -> Padded:
    """Three sequences, one of them missing; a step of the first was not observed."""
    torch.manual_seed(0)
    present = torch.ones(3, 7, dtype=torch.bool)
    present[0, 1] = False
    return Padded(torch.randn(3, 7, 2), torch.tensor([7, 0, 4]), present)


@pytest.mark.parametrize(
    ("stride", "longest"), [(1, 99), (2, 99), (3, 99), (9, 99), (1, 3), (2, 2)]
)
def test_a_block_is_the_mean_of_its_observed_steps(stride: int, longest: int) -> None:
    view = holed()
    got = Blocks.of(view, stride, longest).mean()
    for item, length in enumerate(view.lengths.tolist()):
        size = max(stride, -(-length // longest))
        starts = range(0, length, size)
        assert got.lengths[item] == len(starts) <= max(longest, 0)
        for block, start in enumerate(starts):
            steps = [k for k in range(start, min(start + size, length)) if view.mask[item, k]]
            assert got.mask[item, block] == bool(steps)
            if steps:
                wanted = view.values[item, steps].mean(dim=0)
                torch.testing.assert_close(got.values[item, block], wanted)


@pytest.mark.parametrize(("stride", "longest"), [(1, 99), (3, 99), (1, 3)])
def test_its_statistics_are_those_of_its_observed_steps(stride: int, longest: int) -> None:
    """Mean, standard deviation (n in the denominator) and largest value; zero without a step."""
    view = holed()
    got = Blocks.of(view, stride, longest).statistics()
    assert got.values.shape[2] == 6
    for item, length in enumerate(view.lengths.tolist()):
        size = max(stride, -(-length // longest))
        for block, start in enumerate(range(0, length, size)):
            steps = [k for k in range(start, min(start + size, length)) if view.mask[item, k]]
            rows = view.values[item, steps].numpy() if steps else np.zeros((1, 2), np.float32)
            wanted = np.concatenate([rows.mean(axis=0), rows.std(axis=0), rows.max(axis=0)])
            np.testing.assert_allclose(got.values[item, block].numpy(), wanted, atol=1e-6)
            assert got.mask[item, block] == bool(steps)


@pytest.mark.parametrize("size", [2, 3, 9])
@pytest.mark.parametrize("padding", [0, 8])
def test_blocks_of_one_size_are_the_same_among_others(size: int, padding: int) -> None:
    view = holed()
    values = torch.nn.functional.pad(view.values, (0, 0, 0, padding), value=torch.nan)
    present = torch.nn.functional.pad(view.mask, (0, padding))
    alone = Padded(values, view.lengths, present)
    among = Padded(*(torch.cat([own, own]) for own in (values, view.lengths, present)))
    sizes = torch.tensor([size] * 3)
    got = Blocks(alone, sizes).statistics()
    wanted = Blocks(among, torch.cat([sizes, sizes + 1])).statistics()
    steps = got.values.shape[1]
    torch.testing.assert_close(got.values, wanted.values[:3, :steps])
    assert torch.equal(got.mask, wanted.mask[:3, :steps])
    assert not wanted.mask[:3, steps:].any()


def test_the_weight_of_a_block_is_shared_by_its_observed_steps() -> None:
    """So that both say the same: the weighted sum over blocks is that over steps."""
    view = holed()
    blocks = Blocks.of(view, 3, 99)
    means = blocks.mean()
    weights = torch.rand(3, 2, means.values.shape[1]) * means.mask[:, None]
    own = blocks.spread(weights)
    assert not (own * ~view.mask[:, None]).any()
    torch.testing.assert_close(own @ view.values, weights @ means.values)


def test_single_steps_are_left_as_they_are() -> None:
    view = holed()
    blocks = Blocks.of(view, 1, 99)
    assert blocks.mean() is view
    weights = torch.rand(3, 2, 7)
    assert blocks.spread(weights) is weights


def test_a_stride_is_that_of_all_views_or_of_each() -> None:
    each = NetworkSettings(stride={"audio": 4})
    assert (each.stride_of("audio"), each.stride_of("visual")) == (4, 1)
    assert NetworkSettings(stride=3).stride_of("audio") == 3
    assert NetworkSettings(pool={"audio": "statistics"}).pool_of("text") == "mean"
    assert NetworkSettings(pool="statistics").pool_of("text") == "statistics"
    for wrong in (0, {"audio": 0}, 2.5, "two"):
        with pytest.raises(ConfigError, match=r"network\.stride"):
            build(NetworkSettings, {"stride": wrong}, "network")


@pytest.mark.parametrize("module", [early, gca, late, mutan, rrnn, unimodal])
@pytest.mark.parametrize(
    "settings",
    [{"stride": {"audio": 2}}, {"max_len": 3}, {"stride": 2, "pool": {"audio": "statistics"}}],
    ids=str,
)
def test_a_network_sees_blocks(module: ModuleType, settings: dict[str, object]) -> None:
    """As if they had been its input, and other than the steps."""
    dims = {"audio": 4} if module is unimodal else DIMS
    batch = make({"audio": (7, 5, 9)}, dims) if module is unimodal else make()
    read = build(NetworkSettings, settings, "network")
    blocks = {n: Blocks.of(v, read.stride_of(n), read.max_len) for n, v in batch.views.items()}
    seen = {
        n: own.statistics() if read.pool_of(n) == "statistics" else own.mean()
        for n, own in blocks.items()
    }
    widths = {name: view.values.shape[2] for name, view in seen.items()}

    def output(clips: Batch, dims: Mapping[str, int], **own: object) -> FusionOutput:
        torch.manual_seed(0)
        config = build(module.Config, {**SMALL, **own}, "network")
        result: FusionOutput = module.Model(dims, 3, config).eval()(clips)
        return result

    got, wanted = output(batch, dims, **settings), output(batch.with_views(seen), widths)
    torch.testing.assert_close(got.logits, wanted.logits)
    assert not torch.allclose(got.logits, output(batch, dims).logits)
    for name, attention in got.attention.items():
        torch.testing.assert_close(attention, blocks[name].spread(wanted.attention[name]))


@pytest.mark.parametrize("module", [early, gca, late, mutan, rrnn, unimodal])
@pytest.mark.parametrize(
    "settings",
    [{}, {"stride": {"audio": 2}}, {"max_len": 3}, {"stride": 2, "pool": {"audio": "statistics"}}],
    ids=str,
)
def test_what_was_condensed_before_gives_the_same(
    module: ModuleType, settings: dict[str, object]
) -> None:
    dims = {"audio": 4} if module is unimodal else DIMS
    lengths = {"audio": (7, 0, 9)}
    batch = make(lengths, dims) if module is unimodal else make()
    model = module.Model(dims, 3, build(module.Config, {**SMALL, **settings}, "network")).eval()
    views = {
        name: Padded.from_rows([model.condense("clip", name, row) for row in view.rows()])
        for name, view in batch.views.items()
    }
    condensed = replace(batch, views=views, condensed=True)
    torch.testing.assert_close(model(condensed).logits, model(batch).logits)


def test_a_view_that_a_network_leaves_out_is_not_condensed() -> None:
    model = unimodal.Model({"audio": 4}, 3, build(unimodal.Config, {"stride": 3}, "network"))
    values = np.ones((5, 2), np.float32)
    assert model.condense("clip", "text", values) is values
    assert model.condense("clip", "audio", np.ones((5, 4), np.float32)).shape == (2, 4)


@pytest.mark.parametrize("longest", [99, 2])
def test_statistics_have_a_gradient(longest: int) -> None:
    """Steps may be what a layer mix learns; a block of one step has no deviation."""
    view = holed()
    values = view.values.requires_grad_()
    seen = Blocks.of(view, 1, longest).statistics()
    shown = seen.values[seen.mask]
    (shown * torch.rand_like(shown)).sum().backward()
    assert values.grad is not None
    assert values.grad.isfinite().all()
    assert values.grad[view.mask].all()
