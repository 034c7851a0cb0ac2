"""Late fusion: predictions of the views, weighted and added."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from emocli.fusion import late
from tests.fusion import beard
from tests.fusion.batches import DIMS, double, make


def own_logits(model: late.Model) -> dict[str, torch.Tensor]:
    """Return a mapping that holds the logits of each view once the model has run."""
    logits: dict[str, torch.Tensor] = {}
    for name in DIMS:
        keep = partial(logits.__setitem__, name)
        model.heads[name].register_forward_hook(lambda head, i, output, keep=keep: keep(output))
    return logits


@pytest.mark.parametrize("kind", ["scalar", "per_class"])
def test_it_adds_the_views_predictions_by_weight(kind: str) -> None:
    torch.manual_seed(0)
    batch = double(make())
    model = late.Model(DIMS, 3, late.Config(hidden=4, late_weights=kind)).double().eval()
    torch.nn.init.normal_(model.scores)
    by_head = own_logits(model)
    output = model(batch)
    p = beard.Parameters(model.state_dict())
    columns = [beard.softmax(list(column)) for column in zip(*model.scores.tolist(), strict=True)]
    by_view = [list(row) for row in zip(*columns, strict=True)]
    for item in range(3):
        total = [0.0] * 3
        for name, weight in zip(sorted(batch.views), by_view, strict=True):
            rows = batch.views[name].rows()[item].tolist()
            states = beard.encode(p.under(f"encoders.view_{name}"), rows)
            ends = states[-1][:4] + states[0][4:]
            logits = beard.linear(p.under(f"heads.view_{name}.1"), ends)
            assert by_head[name][item].tolist() == pytest.approx(logits)
            weights = weight if kind == "per_class" else weight * 3
            total = beard.add(total, beard.times(weights, logits))
        assert output.logits[item].tolist() == pytest.approx(total)


@pytest.mark.parametrize("kind", ["scalar", "per_class"])
def test_the_views_that_are_there_share_the_weight_of_a_missing_one(kind: str) -> None:
    lengths = {"audio": (4, 0, 4, 0), "text": (2, 2, 0, 0), "visual": (3, 3, 3, 0)}
    model = late.Model(DIMS, 3, late.Config(hidden=4, late_weights=kind)).eval()
    assert model(make()).weights["text"].tolist() == pytest.approx([1 / 3] * 3)
    torch.nn.init.normal_(model.scores)
    batch = make(lengths)
    by_head = own_logits(model)
    output = model(batch)
    own = model.weights(torch.ones(1, 3, dtype=torch.bool))[0]
    for item, there in enumerate([[0, 1, 2], [1, 2], [0, 2], []]):
        names = [sorted(DIMS)[index] for index in there]
        wanted = sum(
            (own[i] * by_head[n][item] for i, n in zip(there, names, strict=True)),
            torch.zeros(3),
        )
        if there:
            wanted = wanted / own[there].sum(dim=0)
        torch.testing.assert_close(output.logits[item], wanted)
        total = sum(output.weights[name][item].item() for name in DIMS)
        assert total == pytest.approx(1.0 if there else 0.0)
        assert all(output.weights[name][item] == 0 for name in DIMS if name not in names)


def test_the_kinds_of_weights_differ() -> None:
    outputs = []
    for kind in ("scalar", "per_class"):
        torch.manual_seed(0)
        model = late.Model(DIMS, 3, late.Config(hidden=4, late_weights=kind)).eval()
        with torch.no_grad():
            model.scores[0] = torch.linspace(-1, 1, model.scores.shape[1])
        outputs.append(model(make()).logits)
    assert not torch.allclose(*outputs)
