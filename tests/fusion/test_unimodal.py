"""One view alone."""

from __future__ import annotations

import pytest

from emocli.errors import ConfigError
from emocli.fusion import unimodal
from tests.fusion import beard
from tests.fusion.batches import DIMS, double, make


def test_the_last_step_goes_to_the_decoder() -> None:
    batch = double(make({"audio": (4, 6)}, {"audio": 4}))
    model = unimodal.Model({"audio": 4}, 3, unimodal.Config(hidden=4)).double().eval()
    output = model(batch)
    p = beard.Parameters(model.state_dict())
    for item, rows in enumerate(batch.views["audio"].values.tolist()):
        rows = rows[: (4, 6)[item]]
        states = beard.encode(p.under("encoders.view_audio"), rows)
        logits = beard.decode(p.under("decoder"), states[-1][:4] + states[0][4:])
        assert output.logits[item].tolist() == pytest.approx(logits)
    assert output.attention == {}


@pytest.mark.parametrize("dims", [DIMS, {}])
def test_it_takes_exactly_one_view(dims: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"exactly one modality.*choose one feature with -f"):
        unimodal.Model(dims, 3, unimodal.Config())
