from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from emocli import plugins
from emocli.errors import ConfigError
from emocli.models.network import network_class
from emocli.models.rundir import assemble
from emocli.models.settings import TrainConfig
from emocli.plugin.network import FusionOutput
from emocli.training.settings import corpus_size
from tests import toy
from tests.fusion.batches import DIMS, make

corpus = toy.fixture()


@pytest.mark.parametrize("model", [nn.Linear, lambda dims, outputs, config: None, None])
def test_a_model_that_is_no_network_is_refused(
    corpus: toy.Toy, monkeypatch: pytest.MonkeyPatch, model: object
) -> None:
    late = plugins.load("fusion", "late")
    assert network_class("late") is late.Model
    monkeypatch.setattr(late, "Model", model)
    with pytest.raises(ConfigError, match="Model of plug-in 'late' is no subclass of emocli"):
        corpus_size(corpus.manifest, "late")


def test_a_level_that_there_is_not_is_refused(
    corpus: toy.Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins.load("fusion", "late").Model, "level", "utterance")
    with pytest.raises(ConfigError, match="has level 'utterance', not clip or dialogue"):
        corpus_size(corpus.manifest, "late")


@pytest.mark.parametrize(
    ("output", "got"),
    [
        (lambda n, c: FusionOutput(torch.zeros(n, c + 1)), "FusionOutput with logits of (3, 5)"),
        (lambda n, c: FusionOutput(torch.zeros(n, c - 1)), "FusionOutput with logits of (3, 3)"),
        (lambda n, c: FusionOutput(torch.zeros(1, c)), "FusionOutput with logits of (1, 4)"),
        (lambda n, c: FusionOutput(torch.zeros(n)), "FusionOutput with logits of (3,)"),
        (lambda n, c: FusionOutput([0.0] * n), "FusionOutput with logits of type list"),
        (torch.zeros, "Tensor"),
    ],
)
def test_a_network_whose_output_has_another_shape_is_refused(
    monkeypatch: pytest.MonkeyPatch, output, got: str
) -> None:
    late = plugins.load("fusion", "late")
    network, batch = assemble("late", DIMS, 4, late.Config(), TrainConfig(), {}), make()
    assert network(batch).logits.shape == (3, 4)
    monkeypatch.setattr(late.Model, "forward", lambda self, batch: output(len(batch), 4))
    says = f"network 'late' returns a {got}; a FusionOutput with logits of (3, 4), "
    with pytest.raises(ConfigError, match=re.escape(says)) as error:
        network(batch)
    assert error.value.where == "emocli.fusion.late"
