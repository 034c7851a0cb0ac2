from __future__ import annotations

import pytest
from torch import nn

from emocli import plugins
from emocli.errors import ConfigError
from emocli.models.network import network_class
from emocli.training.prepare import corpus_size
from tests import toy

corpus = toy.fixture()


@pytest.mark.parametrize("model", [nn.Linear, lambda dims, outputs, config: None, None])
def test_a_model_that_is_no_network_is_refused(
    corpus: toy.Toy, monkeypatch: pytest.MonkeyPatch, model: object
) -> None:
    late = plugins.load("fusion", "late")
    assert network_class("late") is late.Model
    monkeypatch.setattr(late, "Model", model)
    with pytest.raises(ConfigError, match="Model of plug-in 'late' is no emocli"):
        corpus_size(corpus.manifest, "late")
