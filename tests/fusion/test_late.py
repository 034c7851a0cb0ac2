"""Late fusion: predictions of the views, weighted and added."""

from __future__ import annotations

import pytest
import torch

from emocli.fusion import late
from tests.fusion import beard
from tests.fusion.batches import DIMS, double, make


@pytest.mark.parametrize("kind", ["scalar", "per_class"])
def test_it_adds_the_views_predictions_by_weight(kind: str) -> None:
    torch.manual_seed(0)
    batch = double(make())
    model = late.Model(DIMS, 3, late.Config(hidden=4, late_weights=kind)).double().eval()
    torch.nn.init.normal_(model.weights)
    output = model(batch)
    p = beard.Parameters(model.state_dict())
    for item in range(3):
        total = [0.0] * 3
        for name, weight in zip(sorted(batch.views), model.weights.tolist(), strict=True):
            rows = batch.views[name].rows()[item].tolist()
            states = beard.encode(p.under(f"encoders.view_{name}"), rows)
            ends = states[-1][:4] + states[0][4:]
            logits = beard.linear(p.under(f"heads.view_{name}.1"), ends)
            assert output.modality_logits[name][item].tolist() == pytest.approx(logits)
            weights = weight if kind == "per_class" else weight * 3
            total = beard.add(total, beard.times(weights, logits))
        assert output.logits[item].tolist() == pytest.approx(total)


def test_the_views_start_with_equal_weights_and_a_missing_one_has_none() -> None:
    batch = make({"audio": (4, 0), "visual": (3, 3)}, {"audio": 4, "visual": 3})
    model = late.Model({"visual": 3, "audio": 4}, 3, late.Config(hidden=4)).eval()
    output = model(batch)
    assert output.weights["audio"].tolist() == [0.5, 0]
    assert output.weights["visual"].tolist() == [0.5, 0.5]
    torch.testing.assert_close(output.logits[1], output.modality_logits["visual"][1] / 2)
