"""Small batches and settings for the networks."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
import torch

from emocli.config import build
from emocli.data.batch import Batch, Padded

LENGTHS = MappingProxyType({"audio": (7, 5, 9), "text": (2, 4, 1), "visual": (3, 6, 4)})
DIMS = MappingProxyType({"audio": 4, "text": 5, "visual": 3})
SMALL = MappingProxyType({"hidden": 4})


def make(lengths: Mapping[str, Sequence[int]] = LENGTHS, dims: Mapping[str, int] = DIMS) -> Batch:
    """Clips of noise: ``make({"audio": (7, 5)}, {"audio": 4})`` are two."""
    rng = np.random.default_rng(0)
    views = {
        name: Padded.from_rows([rng.normal(size=(steps, dims[name])) for steps in own])
        for name, own in lengths.items()
    }
    items = len(next(iter(lengths.values())))
    return Batch(tuple(map(str, range(items))), views, torch.arange(items) % 3)


def double(batch: Batch) -> Batch:
    """The same in float64."""
    return batch.with_views({n: v.with_values(v.values.double()) for n, v in batch.views.items()})


ENCODED = (
    {"hidden": 5},
    {"stride": 2},
    {"max_len": 3},
    {"stride": 2, "pool": "statistics"},
)
"""Settings of the encoders that networks have in common."""


def assert_it_matters(network: ModuleType, settings: Mapping[str, Any]) -> None:
    """A setting changes the output by itself: parameters of the same name are the same."""

    def logits(**own: Any) -> torch.Tensor:
        config = build(network.Config, {**SMALL, **own}, "network")
        model = network.Model(DIMS, 3, config).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                torch.manual_seed(zlib.crc32(name.encode()))
                parameter.copy_(torch.randn(parameter.shape) / 2)
        output: torch.Tensor = model(make()).logits
        return output

    torch.testing.assert_close(logits(), logits())
    assert (logits() - logits(**settings)).abs().max() > 1e-4
