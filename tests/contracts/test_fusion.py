"""What every fusion network promises, whatever it computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from emocli import config, plugins
from emocli.data.batch import Batch, FusionOutput, Padded
from emocli.errors import ConfigError
from emocli.models import losses
from emocli.plugin.network import Network

NAMES = plugins.names("fusion")
MODALITIES = {"visual": 5, "audio": 6, "text": 4, "gaze": 3}
CLASSES = 3
LENGTHS = (4, 7, 2)
TURNS = (3, 4, 2)


def dims(count: int) -> dict[str, int]:
    return dict(list(MODALITIES.items())[:count])


def build(module: ModuleType, widths: Mapping[str, int], **settings: Any) -> Network:
    torch.manual_seed(0)
    model: Network = module.Model(widths, CLASSES, module.Config(**settings))
    return model.eval()


def accepted(name: str) -> list[int]:
    """How many modalities the network can be built with, out of 1 to 4."""
    counts = []
    for count in range(1, 5):
        try:
            build(plugins.load("fusion", name), dims(count))
        except ConfigError:
            continue
        counts.append(count)
    return counts


def batch(level: str, widths: Mapping[str, int]) -> Batch:
    """Three clips, whose views differ in length, or as many as three dialogues have."""
    torch.manual_seed(1)
    count = sum(TURNS) if level == "dialogue" else len(LENGTHS)
    views = {}
    for shift, (name, width) in enumerate(sorted(widths.items())):
        lengths = torch.tensor(LENGTHS).repeat(count // len(LENGTHS)) + shift
        views[name] = Padded(torch.randn(count, int(lengths.max()), width), lengths)
    clips = Batch(tuple(map(str, range(count))), views, torch.arange(count) % CLASSES)
    if level == "clip":
        return clips
    return replace(clips, turns=torch.tensor(TURNS), speakers=torch.arange(count) % 2)


def padded(view: Padded, steps: int, filling: float) -> Padded:
    """More padding, and something else in all of it."""
    values = nn.functional.pad(view.values, (0, 0, 0, steps))
    present = None if view.present is None else nn.functional.pad(view.present, (0, steps))
    longer = Padded(values, view.lengths, present)
    return longer.with_values(values.masked_fill(~longer.mask[..., None], filling))


def items(whole: Batch) -> list[list[int]]:
    """Which clips come together: each by itself, or by dialogue."""
    if whole.turns is None:
        return [[clip] for clip in range(len(whole))]
    clips = iter(range(len(whole)))
    return [[next(clips) for _ in range(turns)] for turns in whole.turns.tolist()]


def alone(whole: Batch, clips: Sequence[int]) -> Batch:
    """Some clips by themselves, without padding."""
    picked = torch.tensor(clips)
    views = {}
    for name, view in whole.views.items():
        lengths = view.lengths[picked]
        steps = max(1, int(lengths.max()))
        present = None if view.present is None else view.present[picked, :steps]
        views[name] = Padded(view.values[picked, :steps], lengths, present)
    part = Batch(tuple(whole.ids[clip] for clip in clips), views)
    if whole.turns is None:
        return part
    assert whole.speakers is not None
    return replace(part, turns=torch.tensor([len(clips)]), speakers=whole.speakers[picked])


def without(whole: Batch, modality: str, clips: Sequence[int]) -> Batch:
    """The modality is missing from some clips."""
    view = whole.views[modality]
    lengths = view.lengths.clone()
    lengths[list(clips)] = 0
    return whole.with_views({**whole.views, modality: replace(view, lengths=lengths)})


def loss(model: Network, output: FusionOutput, whole: Batch) -> Tensor:
    """What its training minimises."""
    return model.loss(output, whole, losses.base_loss("ce", "single"))


@pytest.fixture(params=[(name, count) for name in NAMES for count in accepted(name)], ids=str)
def case(request: pytest.FixtureRequest) -> tuple[Network, Batch]:
    """Every network with every number of modalities it takes, and a batch for it."""
    name, count = request.param
    module = plugins.load("fusion", name)
    model = build(module, dims(count))
    return model, batch(module.Model.level, dims(count))


Case = tuple[Network, Batch]


def test_the_networks_of_the_papers_are_found() -> None:
    assert {"early", "gca", "late", "rrnn", "unimodal"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name: str) -> None:
    module = plugins.load("fusion", name)
    description = plugins.describe("fusion", name)
    assert description.summary
    assert description.source
    assert issubclass(module.Config, config.Settings)
    assert module.Model.level in {"clip", "dialogue"}
    assert accepted(name)


@pytest.mark.parametrize("name", NAMES)
def test_its_presets_are_settings_it_can_be_built_with(name: str) -> None:
    module = plugins.load("fusion", name)
    count = accepted(name)[-1]
    for preset in ("literal", "paper", "plus"):
        layer = module.PRESETS[preset]
        assert set(layer) <= {"network", "train"}
        settings = config.build(module.Config, layer.get("network", {}), "network")
        model = module.Model(dims(count), CLASSES, settings).eval()
        assert model(batch(module.Model.level, dims(count))).logits.isfinite().all()


def test_its_output_has_the_shapes_it_promises(case: Case) -> None:
    model, whole = case
    output = model(whole)
    assert output.logits.shape == (len(whole), CLASSES)
    assert output.vector is not None
    assert output.vector.shape == (len(whole), model.vector_width)
    for name, weights in output.weights.items():
        assert name in whole.views
        assert weights.shape == (len(whole),)
    for name, attention in output.attention.items():
        view = whole.views[name]
        assert attention.shape[::2] == view.values.shape[:2]
        torch.testing.assert_close(attention.sum(dim=-1), torch.ones(attention.shape[:2]))
        assert not (attention * ~view.mask[:, None]).any()
    hops = {attention.shape[1] for attention in output.attention.values()}
    for name, gates in output.gates.items():
        assert name in whole.views
        assert [{gates.shape[1]}, gates.shape[0]] == [hops, len(whole)]
        assert ((gates >= 0) & (gates <= 1)).all()


@pytest.mark.parametrize("filling", [1e4, float("nan")])
def test_padding_is_never_read(case: Case, filling: float) -> None:
    model, whole = case
    views = {name: padded(view, 5, filling) for name, view in whole.views.items()}
    got, wanted = model(whole.with_views(views)), model(whole)
    torch.testing.assert_close(got.logits, wanted.logits, atol=1e-6, rtol=1e-6)


def test_the_other_items_of_a_batch_do_not_matter(case: Case) -> None:
    model, whole = case
    together = model(whole).logits
    for clips in items(whole):
        got = model(alone(whole, clips)).logits
        torch.testing.assert_close(got, together[clips], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("everywhere", [False, True], ids=["one", "all"])
def test_a_modality_may_be_missing(case: Case, everywhere: bool) -> None:
    model, whole = case
    together = items(whole)
    lacking = range(len(whole)) if everywhere else together[1]
    others = [] if everywhere else [*together[0], *together[2]]
    for name in whole.views:
        gone = without(whole, name, lacking)
        output = model(gone)
        loss(model, output, gone).backward()
        assert output.logits.isfinite().all()
        assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
        if name in output.attention:
            assert not output.attention[name][list(lacking)].any()
        torch.testing.assert_close(
            output.logits[others], model(whole).logits[others], atol=1e-6, rtol=1e-6
        )
        # What the missing modality held is not read either.
        views = {**gone.views, name: padded(gone.views[name], 0, float("nan"))}
        torch.testing.assert_close(model(gone.with_views(views)).logits, output.logits)


def test_every_modality_counts(case: Case) -> None:
    model, whole = case
    before = model(whole).logits
    for name, view in whole.views.items():
        noise = view.with_values(torch.randn_like(view.values))
        for other in (
            whole.with_views({**whole.views, name: noise}),
            without(whole, name, range(len(whole))),
        ):
            assert (model(other).logits - before).abs().max() > 1e-5


def test_it_learns(case: Case) -> None:
    model, whole = case
    before = loss(model, model(whole), whole)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(5):
        optimiser.zero_grad()
        value = loss(model, model(whole), whole)
        value.backward()
        optimiser.step()
    assert loss(model, model(whole), whole) < before


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_modalities_does_not_matter(name: str) -> None:
    module = plugins.load("fusion", name)
    widths = dims(accepted(name)[-1])
    whole = batch(module.Model.level, widths)
    turned = whole.with_views(dict(reversed(whole.views.items())))
    first = build(module, widths)(whole).logits
    second = build(module, dict(reversed(widths.items())))(turned).logits
    assert torch.equal(first, second)


def test_it_can_be_saved_and_loaded(case: Case, tmp_path: Path) -> None:
    model, whole = case
    before = model(whole).logits
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    assert not torch.equal(model(whole).logits, before)
    model.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert torch.equal(model(whole).logits, before)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_numbers(name: str) -> None:
    module = plugins.load("fusion", name)
    widths = dims(accepted(name)[-1])
    whole = batch(module.Model.level, widths)

    def gradients() -> list[Tensor]:
        model = build(module, widths).train()
        loss(model, model(whole), whole).backward()
        return [p.grad for p in model.parameters() if p.grad is not None]

    assert all(torch.equal(a, b) for a, b in zip(gradients(), gradients(), strict=True))
