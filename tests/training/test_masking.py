"""Masks and noise on views."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from emocli.config import merge
from emocli.data.batch import Batch, Padded
from emocli.data.store import open_features
from emocli.models.rundir import load, make_network
from emocli.models.settings import TrainConfig
from emocli.training.masking import masked, masks
from tests import toy

corpus = toy.fixture()
ALL = {"time_mask": 0.5, "feature_mask": 0.4, "view_dropout": 0.3, "view_noise": 0.5}


def batch(n: int = 400, length: int = 10, width: int = 6) -> Batch:
    lengths = torch.full((n,), length)
    return Batch(
        tuple(map(str, range(n))), {"audio": Padded(torch.ones(n, length, width), lengths)}
    )


def changed(n: int = 400, length: int = 10, **settings: float) -> np.ndarray[Any, Any]:
    before = batch(n, length)
    after = masked(before, TrainConfig(**settings), np.random.default_rng(0)).views["audio"]
    assert before.views["audio"].values.eq(1).all()
    assert after.lengths is before.views["audio"].lengths
    return after.values.numpy()


def test_a_run_of_steps_is_masked_of_any_length_up_to_the_share() -> None:
    lost = (changed(time_mask=0.5) == 0).all(axis=2)
    counts = lost.sum(axis=1)
    assert sorted(set(counts)) == [0, 1, 2, 3, 4, 5]
    assert counts.mean() == pytest.approx(2.5, abs=0.3)
    edges = np.diff(np.pad(lost.astype(int), ((0, 0), (1, 1))), axis=1)
    assert (edges == 1).sum(axis=1).max() == 1
    assert lost[:, 0].any()
    assert lost[:, -1].any()


def test_one_step_always_stays() -> None:
    assert (changed(length=2, time_mask=0.99) != 0).any(axis=(1, 2)).all()
    assert (changed(length=1, time_mask=0.99) == 1).all()


def test_columns_are_masked_over_all_steps() -> None:
    values = changed(feature_mask=0.5)
    lost = values == 0
    assert (lost == lost[:, :1]).all()
    assert sorted(set(lost[:, 0].sum(axis=1))) == [0, 1, 2, 3]
    assert lost[:, 0].mean(axis=0) == pytest.approx([0.25] * 6, abs=0.07)


def test_dropout_keeps_the_mean() -> None:
    values = changed(view_dropout=0.25)
    assert set(np.unique(values)) == {0, np.float32(1 / 0.75)}
    assert values.mean() == pytest.approx(1, abs=0.02)


def test_noise_has_the_deviation_that_was_asked_for() -> None:
    values = changed(view_noise=0.5)
    assert values.std() == pytest.approx(0.5, abs=0.01)
    assert values.mean() == pytest.approx(1, abs=0.02)


def test_padding_is_not_read_and_a_missing_view_stays_missing() -> None:
    lengths = torch.tensor([0, 3])
    one = Batch(("a", "b"), {"audio": Padded(torch.full((2, 5, 2), torch.nan), lengths)})
    one.views["audio"].values[1, :3] = 1
    after = masked(one, TrainConfig(time_mask=0.9), np.random.default_rng(0)).views["audio"]
    assert after.lengths.tolist() == [0, 3]
    assert after.values[1, :3].isfinite().all()
    assert after.mask.tolist() == one.views["audio"].mask.tolist()


@pytest.mark.parametrize("name", [*ALL, "mixup", "weight_decay", "modality_dropout"])
def test_each_changes_what_is_learnt(corpus: toy.Toy, name: str) -> None:
    """Off by default: without it the network is another one."""
    plain = corpus.trained("plain") if not (corpus.folder / "plain").exists() else None
    before = load(plain or corpus.folder / "plain").network.state_dict()
    chosen = merge(toy.QUICK, {"train": {name: ALL.get(name, 0.3)}})
    after = load(corpus.trained(name, settings=chosen)).network.state_dict()
    assert any(not torch.equal(before[key], after[key]) for key in before)


def test_nothing_is_masked_by_default() -> None:
    assert not masks(TrainConfig())
    assert all(masks(TrainConfig(**{name: value})) for name, value in ALL.items())


@pytest.mark.parametrize("name", ALL)
def test_what_is_masked_are_steps_and_never_rows_of_functionals(corpus: toy.Toy, name: str) -> None:
    """What is condensed once and for all has rows that are no steps, so it is not."""
    chosen = merge(toy.QUICK, {"train": {"functionals": "both"}})

    def rows(**train: float) -> Batch:
        settings = merge(chosen, {"train": train})
        training = corpus.request("unwritten", settings=settings).trainings()[0]
        samples, _ = training.prepared.ready(make_network(training.config))
        return samples.batch(samples.clips[:3])

    assert rows(mixup=0.4, modality_dropout=0.3).condensed
    seen = rows(**{name: ALL[name]})
    assert not seen.condensed
    stores = open_features(corpus.store, None, corpus.manifest)
    for modality, view in seen.views.items():
        assert view.lengths.tolist() == [stores[modality].length(clip) for clip in seen.ids]
