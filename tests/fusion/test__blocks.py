"""Blocks of steps: their means against loops, and what attention over them means for the steps."""

from __future__ import annotations

import pytest
import torch

from emocli.config import build
from emocli.data.batch import Padded
from emocli.errors import ConfigError
from emocli.fusion import early, gca, late, rrnn, unimodal
from emocli.fusion._blocks import Blocks
from emocli.fusion._layers import NetworkSettings
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
    for wrong in (0, {"audio": 0}, 2.5, "two"):
        with pytest.raises(ConfigError, match=r"network\.stride"):
            build(NetworkSettings, {"stride": wrong}, "network")


@pytest.mark.parametrize("module", [early, gca, late, rrnn, unimodal])
@pytest.mark.parametrize("settings", [{"stride": {"audio": 2}}, {"max_len": 3}], ids=str)
def test_a_network_sees_the_means_of_blocks(module: object, settings: dict[str, object]) -> None:
    """As if they had been its input, and other than the steps."""
    dims = {"audio": 4} if module is unimodal else DIMS
    batch = make({"audio": (7, 5, 9)}, dims) if module is unimodal else make()
    outputs = []
    means = {
        name: Blocks.of(view, settings.get("stride", {}).get(name, 1), settings.get("max_len", 99))
        for name, view in batch.views.items()
    }
    averaged = batch.with_views({name: blocks.mean() for name, blocks in means.items()})
    for clips, own in ((batch, settings), (averaged, {}), (batch, {})):
        torch.manual_seed(0)
        config = build(module.Config, {**SMALL, **own}, "network")
        outputs.append(module.Model(dims, 3, config).eval()(clips))
    strided, wanted, whole = outputs
    torch.testing.assert_close(strided.logits, wanted.logits)
    assert not torch.allclose(strided.logits, whole.logits)
    for name, attention in strided.attention.items():
        torch.testing.assert_close(attention, means[name].spread(wanted.attention[name]))
