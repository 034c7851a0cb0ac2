"""Encoders and what they share with PyTorch's own packed LSTM."""

from __future__ import annotations

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from emocli.data.batch import Padded
from emocli.plugin.layers import NetworkSettings, PerView, ViewEncoder, ViewEncoders, last_step
from tests.fusion.batches import make


@pytest.fixture
def encoder() -> ViewEncoder:
    torch.manual_seed(0)
    return ViewEncoder(4, 6, 0.0)


@pytest.fixture
def view() -> Padded:
    torch.manual_seed(1)
    return Padded(torch.randn(4, 9, 4), torch.tensor([9, 1, 5, 8]))


def packed(encoder: ViewEncoder) -> torch.nn.LSTM:
    lstm = torch.nn.LSTM(4, 6, batch_first=True, bidirectional=True)
    state = {f"{name}": p for name, p in encoder.ahead.named_parameters()}
    state |= {f"{name}_reverse": p for name, p in encoder.back.named_parameters()}
    lstm.load_state_dict(state)
    return lstm


def test_an_encoder_is_a_packed_bidirectional_lstm(encoder: ViewEncoder, view: Padded) -> None:
    """Values and gradients (Beard 2018 eq. 1-3)."""
    lstm = packed(encoder)
    sequence = pack_padded_sequence(
        view.values, view.lengths, batch_first=True, enforce_sorted=False
    )
    states, (ends, _) = lstm(sequence)
    wanted, _ = pad_packed_sequence(states, batch_first=True)
    encoded = encoder(view)
    got = encoded.values * view.mask[..., None]
    torch.testing.assert_close(got, wanted)
    torch.testing.assert_close(last_step(encoded), torch.cat([*ends], dim=-1))
    weights = torch.randn_like(wanted)
    (got * weights).sum().backward()
    (wanted * weights).sum().backward()
    for name, parameter in encoder.back.named_parameters():
        torch.testing.assert_close(parameter.grad, lstm.get_parameter(f"{name}_reverse").grad)


def test_what_lies_outside_the_mask_is_never_read(encoder: ViewEncoder, view: Padded) -> None:
    lengths = torch.tensor([9, 0, 5, 8])
    present = torch.ones(4, 9, dtype=torch.bool)
    present[0, 3] = False
    clean = Padded(view.values, lengths, present)
    dirty = clean.with_values(view.values.masked_fill(~clean.mask[..., None], torch.nan))
    first, second = encoder(clean), encoder(dirty)
    assert second.values.isfinite().all()
    mask = clean.mask[..., None]
    torch.testing.assert_close(first.values * mask, second.values * mask, rtol=0, atol=0)
    second.values.square().sum().backward()
    assert all(p.grad.isfinite().all() for p in encoder.parameters())


def test_the_last_step_of_a_missing_view_is_zero(encoder: ViewEncoder, view: Padded) -> None:
    ends = last_step(encoder(Padded(view.values, torch.tensor([9, 0, 5, 8]))))
    assert ends.shape == (4, 12)
    assert [row.any().item() for row in ends] == [True, False, True, True]


@pytest.mark.parametrize("name", ["audio", "type", "forward", "a.b", "a%2Eb", "", "modules"])
def test_views_may_have_any_name(name: str) -> None:
    batch = make({name: (3,), "other": (2,)}, {name: 4, "other": 5})
    encoders = ViewEncoders({"other": 5, name: 4}, NetworkSettings(hidden=3))
    states = encoders(batch)
    assert list(states) == sorted([name, "other"])
    assert states[name].values.shape == (1, 3, 6)


def test_names_with_dots_do_not_collide() -> None:
    modules = {"a.b": torch.nn.Linear(1, 1), "a%2Eb": torch.nn.Linear(1, 2)}
    views = PerView(modules)
    assert all(views[name] is module for name, module in modules.items())


def test_dropout_acts_on_the_inputs_in_training_only(view: Padded) -> None:
    torch.manual_seed(0)
    encoder = ViewEncoder(4, 6, 0.5)
    assert not torch.equal(encoder(view).values, encoder(view).values)
    encoder.eval()
    assert torch.equal(encoder(view).values, encoder(view).values)
