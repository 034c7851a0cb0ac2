"""Early fusion: resampling in time, and the one attention over the joined states."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn import functional

from emocli.data.batch import Padded
from emocli.fusion import early
from tests.fusion import beard
from tests.fusion.batches import DIMS, double, make


def grid(lengths: list[int], common: list[int], nearest: bool) -> tuple[Padded, early.Resampling]:
    torch.manual_seed(0)
    view = Padded(torch.randn(len(lengths), max(lengths), 2), torch.tensor(lengths))
    steps = max(common)
    return view, early.Resampling.of(view, torch.tensor(common), steps, nearest)


@pytest.mark.parametrize("nearest", [False, True])
@pytest.mark.parametrize(
    ("own", "common"), [(3, 12), (5, 13), (1, 4), (7, 7), (1, 1), (29, 100), (40, 141)]
)
def test_resampling_is_interpolation_of_the_valid_part(
    own: int, common: int, nearest: bool
) -> None:
    view, resample = grid([own, own + 2], [common, common + 3], nearest)
    got = resample(view.values)[0, :common]
    rows = view.values[0, :own].T[None]
    if nearest:
        wanted = functional.interpolate(rows, common, mode="nearest-exact")
    else:
        wanted = functional.interpolate(rows, common, mode="linear", align_corners=False)
    torch.testing.assert_close(got, wanted[0].T, atol=1e-5, rtol=1e-5)


def test_the_fastest_view_is_left_as_it_is() -> None:
    view, resample = grid([9, 4], [9, 4], nearest=False)
    got = resample(view.values) * view.mask[..., None]
    torch.testing.assert_close(got, view.values * view.mask[..., None], rtol=0, atol=0)


@pytest.mark.parametrize("nearest", [False, True])
def test_weights_go_back_to_the_steps_they_came_from(nearest: bool) -> None:
    """What the attention sees of a view is its own states under the weights that are reported."""
    view, resample = grid([3, 5], [10, 12], nearest)
    weights = torch.rand(2, 4, 12)
    weights[0, :, 10:] = 0
    seen = weights @ resample(view.values)
    torch.testing.assert_close(resample.back(weights, 5) @ view.values, seen)


@pytest.mark.parametrize(
    "settings", [{}, {"gca_update": "linear"}, {"project": True}, {"score": "add", "hops": 2}]
)
def test_it_is_gca_over_the_joined_states(settings: dict[str, Any]) -> None:
    """One clip against the scalar attention; views of equal length need no resampling."""
    torch.manual_seed(0)
    config = early.Config(hidden=4, **settings)
    batch = double(make({"audio": (6,), "visual": (6,)}, {"audio": 4, "visual": 3}))
    model = early.Model({"audio": 4, "visual": 3}, 3, config).double().eval()
    output = model(batch)
    p = beard.Parameters(model.state_dict())
    parts = [
        beard.encode(p.under(f"encoders.view_{name}"), batch.views[name].values[0].tolist())
        for name in ("audio", "visual")
    ]
    joined = [a + v for a, v in zip(*parts, strict=True)]
    if config.project:
        joined = [beard.linear(p.under("project"), row) for row in joined]
    memory, curves, _ = beard.recursion(p.under("recursion"), {"joined": joined}, config)
    logits = beard.decode(p.under("decoder"), memory)
    assert output.logits[0].tolist() == pytest.approx(logits, abs=1e-12)
    for name in batch.views:
        wanted = torch.tensor(curves["joined"], dtype=torch.float64)
        torch.testing.assert_close(output.attention[name][0], wanted)


def test_attention_is_reported_on_each_views_own_steps() -> None:
    batch = make()
    output = early.Model(DIMS, 3, early.Config(hidden=4)).eval()(batch)
    for name, view in batch.views.items():
        attention = output.attention[name]
        assert attention.shape == (3, 3, view.values.shape[1])
        torch.testing.assert_close(attention.sum(dim=-1), torch.ones(3, 3))
        assert not (attention * ~view.mask[:, None]).any()


def test_nearest_and_linear_differ() -> None:
    outputs = []
    for resample in ("linear", "nearest"):
        torch.manual_seed(0)
        model = early.Model(DIMS, 3, early.Config(hidden=4, resample=resample)).eval()
        outputs.append(model(make()).logits)
    assert not torch.allclose(*outputs)


def test_a_missing_view_leaves_no_trace() -> None:
    """Neither its encoder nor its length, whether it has no step or none that was observed."""
    dims = {"audio": 4, "visual": 3}
    batch = make({"audio": (9,), "visual": (5,)}, dims)
    model = early.Model(dims, 3, early.Config(hidden=4)).eval()
    gone = batch.views["audio"].values.new_zeros(1, 9, dtype=torch.bool)
    unobserved = replace(batch.views["audio"], present=gone)
    absent = replace(batch.views["audio"], lengths=torch.tensor([0]))
    first, second = (
        model(batch.with_views({**batch.views, "audio": view})) for view in (unobserved, absent)
    )
    torch.testing.assert_close(first.logits, second.logits)
    torch.testing.assert_close(first.attention["visual"], second.attention["visual"])
    first.logits.sum().backward()
    assert not any(p.grad.any() for p in model.encoders["audio"].parameters())
    assert all(p.grad.any() for p in model.encoders["visual"].parameters())
