"""Resampling by equal shares of the duration."""

from __future__ import annotations

import pytest
import torch

from emocli.data.resample import resample
from tests.fusion import zadeh


@pytest.mark.parametrize(("own", "wanted"), [(7, 3), (3, 7), (1, 4), (12, 4), (20, 20), (5, 1)])
def test_each_new_step_is_the_mean_of_its_share(own: int, wanted: int) -> None:
    torch.manual_seed(0)
    values = torch.randn(2, own + 2, 3, dtype=torch.float64)
    values[0, own:] = 0
    lengths, steps = torch.tensor([own, own + 2]), torch.tensor([wanted, wanted + 1])
    got = resample(values, lengths, steps)
    assert got.shape == (2, wanted + 1, 3)
    assert not got[0, wanted:].any()
    for item, (length, count) in enumerate(zip(lengths.tolist(), steps.tolist(), strict=True)):
        expected = zadeh.shares(values[item, :length].tolist(), count)
        torch.testing.assert_close(got[item, :count].tolist(), expected)


def test_what_has_its_steps_already_stays_as_it_is() -> None:
    values = torch.randn(2, 6, 3)
    values[0, 3:] = values[1, 5:] = 0
    lengths = torch.tensor([3, 5])
    got = resample(values, lengths, lengths)
    assert got.shape == (2, 5, 3)
    assert torch.equal(got[0, :3], values[0, :3])
    assert torch.equal(got[1], values[1, :5])
    assert not got[0, 3:].any()


def test_the_other_items_of_a_batch_do_not_matter() -> None:
    values = torch.randn(2, 6, 3)
    values[0, 3:] = 0
    lengths, steps = torch.tensor([3, 6]), torch.tensor([3, 4])
    together = resample(values, lengths, steps)
    alone = resample(values[:1, :3], lengths[:1], steps[:1])
    torch.testing.assert_close(together[0, :3], alone[0], rtol=0, atol=0)
