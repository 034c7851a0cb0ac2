"""The memory fusion network against its definition, step by step in plain numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from emocli.config import build
from emocli.data.batch import Batch, Padded
from emocli.errors import ConfigError
from emocli.fusion import mfn
from tests.fusion import zadeh
from tests.fusion.batches import DIMS, double, make
from tests.fusion.beard import Parameters

TINY = {
    "hidden": 3,
    "memory": 4,
    "nn1": 5,
    "nn2": 3,
    "gamma1": 3,
    "gamma2": 2,
    "out": 4,
    "steps": 4,
}
WIDE = {key: 4 * value for key, value in TINY.items() if key != "steps"}
SAME = dict.fromkeys(DIMS, (3, 5, 1))
LACKING = {"audio": (7, 0, 9), "text": (2, 4, 0), "visual": (0, 0, 4)}


def model(settings: dict[str, Any], dims: dict[str, int] | None = None) -> mfn.Model:
    torch.manual_seed(1)
    config = build(mfn.Config, {**TINY, **settings}, "network")
    return mfn.Model(dims or dict(DIMS), 3, config).double().eval()


def clips(batch: Batch) -> list[dict[str, list[list[float]]]]:
    views = {name: view.rows() for name, view in batch.views.items()}
    return [{n: rows[k].tolist() for n, rows in views.items()} for k in range(len(batch))]


@pytest.mark.parametrize("lengths", [None, SAME, LACKING], ids=["apart", "together", "lacking"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"feedback": "mem"},
        {"window": 1},
        {"window": 3, "feedback": "mem"},
        {"steps": "longest"},
        {"steps": 2},
        {"channel": "ff"},
        {"hiddens": {"audio": 5, "text": 2}},
        {"hiddens": {"audio": 5, "text": 2}, "feedback": "mem"},
    ],
    ids=str,
)
def test_the_network_is_its_definition(lengths: Any, settings: dict[str, Any]) -> None:
    batch = double(make(lengths) if lengths else make())
    network = model(settings)
    with torch.no_grad():
        # Biases and gates far from their timid first values.
        for parameter in network.parameters():
            parameter.mul_(2)
    output = network(batch).logits
    p = Parameters(network.state_dict())
    for own, clip in zip(output.tolist(), clips(batch), strict=True):
        wanted = zadeh.network(p, clip, DIMS, network.core.config)
        assert own == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_any_number_of_modalities(count: int) -> None:
    names = ["gaze", "audio", "thermal", "text"][:count]
    batch = double(make(dict.fromkeys(names, (3, 3)), dict.fromkeys(names, 3)))
    network = model({}, dict.fromkeys(names, 3))
    p = Parameters(network.state_dict())
    for own, clip in zip(network(batch).logits.tolist(), clips(batch), strict=True):
        wanted = zadeh.network(p, clip, dict.fromkeys(names, 3), network.core.config)
        assert own == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("feedback", ["none", "mem"])
def test_lower_precision_around_the_memory_does_not_reach_it(feedback: str) -> None:
    network = mfn.Model(DIMS, 3, build(mfn.Config, {"feedback": feedback}, "network")).eval()
    wanted = network(make()).logits
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = network(make()).logits
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got.float(), wanted, atol=0.02, rtol=0.02)


@pytest.mark.parametrize("feedback", ["none", "mem"])
def test_every_parameter_learns(feedback: str) -> None:
    network = model({**WIDE, "feedback": feedback})
    network(double(make())).logits.square().sum().backward()
    idle = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


@pytest.mark.parametrize("name", ["nn1", "nn2", "gamma1", "gamma2", "out"])
def test_each_dropout_acts_in_training_only(name: str) -> None:
    still = {f"{part}_dropout": 0.0 for part in ("nn1", "nn2", "gamma1", "gamma2", "out")}
    batch = double(make())
    network = model({**WIDE, **still, f"{name}_dropout": 0.6})
    assert torch.equal(network(batch).logits, network(batch).logits)
    network.train()
    assert not torch.equal(network(batch).logits, network(batch).logits)
    still_network = model(still).train()
    assert torch.equal(still_network(batch).logits, still_network(batch).logits)


def test_dropout_of_the_gates_keeps_the_mean() -> None:
    torch.manual_seed(0)
    network = model({"gamma1_dropout": 0.2, "gamma2_dropout": 0.7, "gamma1": 4, "gamma2": 6})
    drawn = network.core.memory.train()._kept(torch.ones(500, 20, 10))
    first, second = drawn.split([4, 6], dim=-1)
    assert first.unique().tolist() == pytest.approx([0, 1 / 0.8])
    assert second.unique().tolist() == pytest.approx([0, 1 / 0.3])
    assert first.mean().item() == pytest.approx(1, abs=0.02)
    assert second.mean().item() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("settings", [{}, {"feedback": "mem"}, {"channel": "ff"}], ids=str)
def test_padding_and_what_was_not_observed_are_never_read(settings: dict[str, Any]) -> None:
    batch, network = double(make()), model({**WIDE, **settings})
    present = torch.ones(3, 9, dtype=torch.bool)
    present[0, 2] = False
    view = batch.views["audio"]
    holed = batch.with_views({**batch.views, "audio": Padded(view.values, view.lengths, present)})
    dirty = {
        name: Padded(
            torch.nn.functional.pad(v.values, (0, 0, 0, 6)).masked_fill(
                ~torch.nn.functional.pad(v.mask, (0, 6))[..., None], torch.nan
            ),
            v.lengths,
            None if v.present is None else torch.nn.functional.pad(v.present, (0, 6)),
        )
        for name, v in holed.views.items()
    }
    torch.testing.assert_close(network(holed.with_views(dirty)).logits, network(holed).logits)
    assert not torch.allclose(network(holed).logits[0], network(batch).logits[0])


def test_words_that_step_together_are_not_resampled() -> None:
    views = make(SAME).views
    inputs, lengths = mfn.aligned(views, 20)
    assert lengths.tolist() == [3, 5, 1]
    for own, view in zip(inputs, views.values(), strict=True):
        clean = view.values.masked_fill(~view.mask[..., None], 0)
        assert torch.equal(own, clean.transpose(0, 1))


def test_a_clip_of_nothing_is_one_step_of_zeros() -> None:
    inputs, lengths = mfn.aligned(make({"audio": (0, 2), "text": (0, 2)}).views, 20)
    assert lengths.tolist() == [1, 2]
    assert not any(own[:, 0].any() for own in inputs)


def test_names_of_other_modalities_have_no_effect() -> None:
    assert mfn.Config(hiddens={"smell": 3}).units("audio") == 32
    assert model({"hiddens": {"smell": 7}}).core.widths == (3, 3, 3)


def test_pooled_channels_have_no_steps_to_feed_back_to() -> None:
    with pytest.raises(ConfigError, match="channel = ff has no steps"):
        build(mfn.Config, {"channel": "ff", "feedback": "mem"}, "network")


def test_the_presets_are_the_readings_of_the_paper() -> None:
    def read(preset: str) -> mfn.Config:
        return build(mfn.Config, mfn.PRESETS[preset]["network"], preset)

    assert read("paper") == read("plus") == mfn.Config()
    assert read("literal") == mfn.Config(feedback="mem")
    paper = mfn.Config()
    assert (paper.hidden, paper.memory, paper.steps, paper.window) == (32, 128, 20, 2)
    assert (paper.nn1, paper.nn2, paper.gamma1, paper.gamma2, paper.out) == (256, 64, 64, 64, 64)
    tuned = read("mfn_mmsa")
    assert [tuned.units(name) for name in ("text", "audio", "visual")] == [128, 32, 128]
    assert (tuned.gamma1_dropout, tuned.gamma2_dropout) == (0.7, 0.0)
