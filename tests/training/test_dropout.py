from __future__ import annotations

import numpy as np
import pytest
import torch

from emocli.data.batch import Batch, Padded
from emocli.training.dropout import drop_modalities


def batch(n: int = 3000, lacking: str = "") -> Batch:
    ids = tuple(map(str, range(n)))
    lengths = {m: torch.full((n,), 0 if m == lacking else 2) for m in ("audio", "text", "visual")}
    return Batch(ids, {m: Padded(torch.ones(n, 2, 3), count) for m, count in lengths.items()})


def kept(found: Batch) -> np.ndarray:
    return np.stack([view.values[:, 0, 0].numpy() > 0 for view in found.views.values()], axis=1)


def test_each_modality_is_dropped_as_often_as_asked_and_never_all() -> None:
    result = kept(drop_modalities(batch(), 0.25, np.random.default_rng(0)))
    assert result.any(axis=1).all()
    assert 1 - result.mean(axis=0) == pytest.approx([0.25 - 0.25**3 / 3] * 3, abs=0.02)
    harsh = kept(drop_modalities(batch(), 0.9, np.random.default_rng(0)))
    assert harsh.any(axis=1).all()
    alone = harsh[harsh.sum(axis=1) == 1].mean(axis=0)
    assert alone == pytest.approx([1 / 3] * 3, abs=0.04)


def test_what_a_clip_lacks_does_not_count_as_what_stays() -> None:
    result = kept(drop_modalities(batch(lacking="audio"), 0.9, np.random.default_rng(0)))
    assert result[:, 1:].any(axis=1).all()


def test_lengths_stay_and_the_input_too() -> None:
    before = batch(50)
    result = drop_modalities(before, 0.5, np.random.default_rng(0))
    for modality, view in before.views.items():
        assert view.values.all()
        assert result.views[modality].lengths is view.lengths


def test_a_clip_with_one_modality_keeps_it() -> None:
    one = Batch(("a",), {"text": Padded(torch.ones(1, 2, 3), torch.tensor([2]))})
    result = drop_modalities(one, 0.99, np.random.default_rng(0))
    assert result.views["text"].values.all()


def test_what_is_zero_throughout_does_not_count_as_what_stays() -> None:
    """As the condensed rows of a view that a clip lacks, and a view that was discarded."""
    views = dict(batch().views)
    views["audio"] = views["audio"].with_values(torch.zeros_like(views["audio"].values))
    before = batch().with_views(views)
    result = kept(drop_modalities(before, 0.9, np.random.default_rng(0)))
    assert result[:, 1:].any(axis=1).all()
