"""Training fusion networks: what each setting does, determinism, resuming, and its errors."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from emocli.data.batch import Batch, FusionOutput
from emocli.errors import ConfigError, RunError
from emocli.models.settings import TrainConfig
from emocli.training import fusion_task
from emocli.training.checkpoint import Checkpoint
from emocli.training.compute import seeded
from emocli.training.fusion_task import fit_network, make_criterion, make_schedule
from emocli.training.outputs import predict
from emocli.training.trainer import Fitted
from tests import toy
from tests.training.tiny import Tiny, config, same, splits, train

pytestmark = pytest.mark.usefixtures("checkpoints")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    """A toy corpus nobody writes to."""
    return toy.build(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def baseline(corpus: toy.Toy, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    return train(corpus, tmp_path_factory.mktemp("baseline"))


def test_it_learns(corpus, tmp_path):
    history = train(corpus, tmp_path, epochs=25).history
    assert history[0]["train_loss"] > 2 * history[-1]["train_loss"]
    assert max(row["valid_accuracy"] for row in history) >= 0.9


def test_equal_seeds_give_equal_bits(corpus, tmp_path, baseline):
    torch.manual_seed(123)  # what happened before does not matter
    assert same(train(corpus, tmp_path), baseline)


def test_training_leaves_the_random_state_alone(corpus, tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    train(corpus, tmp_path, epochs=1)
    assert torch.equal(torch.rand(1), expected)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"lr": 0.01},
        {"batch_size": 6},
        {"weight_decay": 0.1},
        {"weight_decay": 0.1, "optimizer": "adamw"},
        {"clip": 0.1},
        {"clip": 0},
        {"loss": "l2"},
        {"label_smoothing": 0.2},
        {"sampler": "balanced"},
        {"warmup": 0.3},
        {"scheduler": "cosine"},
        {"mixup": 0.4},
        {"class_weights": {"joy": 3}},
        {"precision": "bf16-mixed"},
    ],
    ids=str,
)
def test_every_setting_changes_the_result(corpus, tmp_path, baseline, changes):
    assert not same(train(corpus, tmp_path, **changes), baseline)


def test_adamw_decouples_the_decay(corpus, tmp_path):
    results = [
        train(corpus, tmp_path / kind, optimizer=kind, weight_decay=0.1)
        for kind in ("adam", "adamw")
    ]
    assert not same(*results)


def test_memory_does_not_change_the_result(corpus, tmp_path, baseline):
    assert same(train(corpus, tmp_path, cache_mb=0), baseline)


@pytest.mark.parametrize("epochs", [1, 3, 4])
def test_resuming_after_an_epoch_gives_the_same_bits(corpus, tmp_path, baseline, epochs):
    class Killed(BaseException):
        pass

    def ended(done: int) -> None:
        if done == epochs:
            raise Killed

    samples, valid = splits(corpus)
    with seeded(0, 0):
        network = Tiny(samples.dims, 3)
    with pytest.raises(Killed):
        fit_network(network, samples, valid, config(), tmp_path, ended)
    resumed = train(corpus, tmp_path)
    assert resumed.resumed == epochs
    assert same(resumed, baseline)


@pytest.mark.parametrize("batch", [1, 5, 11, 18])
def test_resuming_in_the_middle_of_an_epoch_gives_the_same_bits(corpus, tmp_path, baseline, batch):
    class Killed(BaseException):
        pass

    class Dying(Tiny):
        left = batch

        def forward(self, batch: Batch) -> FusionOutput:
            if self.training:
                self.left -= 1
                if self.left < 0:
                    raise Killed
            return super().forward(batch)

    with pytest.raises(Killed):
        train(corpus, tmp_path, Dying)
    resumed = train(corpus, tmp_path)
    assert resumed.resumed == batch // 4  # four batches an epoch
    assert same(resumed, baseline)


def test_a_finished_checkpoint_needs_no_more_epochs(corpus, tmp_path, baseline):
    train(corpus, tmp_path)
    again = train(corpus, tmp_path)
    assert again.resumed == 5
    assert same(again, baseline)


@pytest.mark.parametrize("scheduler", ["none", "plateau"])
def test_resuming_keeps_the_schedule(corpus, tmp_path, scheduler):
    changes = {"scheduler": scheduler, "patience": 6, "lr": 0.5, "epochs": 8}
    whole = train(corpus, tmp_path / "whole", **changes)
    rates = {row["lr"] for row in whole.history}
    assert len(rates) > 1 if scheduler == "plateau" else rates == {0.5}
    part = train(corpus, tmp_path / "part", **{**changes, "epochs": 5})
    assert part.history == whole.history[:5]
    assert same(train(corpus, tmp_path / "part", **changes), whole)


def test_the_learning_rate_warms_up_step_by_step(corpus, tmp_path, monkeypatch):
    """24 clips in batches of 7, half of 5 epochs: it is warm after 60 clips."""
    rates = []

    class Watched(torch.optim.Adam):
        def step(self, *args: Any, **kwargs: Any) -> Any:
            rates.append(self.param_groups[0]["lr"])
            return super().step(*args, **kwargs)

    monkeypatch.setattr(torch.optim, "Adam", Watched)
    fitted = train(corpus, tmp_path, warmup=0.5)
    clips = [24 * epoch + seen for epoch in range(5) for seen in (7, 14, 21, 24)]
    # Batches are shuffled: the smallest one need not be the last.
    ends = slice(3, None, 4)
    assert rates[ends] == pytest.approx([0.02 * min(1, n / 60) for n in clips[ends]])
    assert all(before <= after for before, after in pairwise(rates))
    assert 0 < rates[0] <= 0.02 * 7 / 60
    assert [row["lr"] for row in fitted.history] == pytest.approx(rates[ends])


def test_the_learning_rate_falls_as_half_a_cosine(corpus, tmp_path):
    fitted = train(corpus, tmp_path, scheduler="cosine")
    wanted = [0.01 * (1 + np.cos(np.pi * epoch / 5)) for epoch in range(1, 6)]
    assert [row["lr"] for row in fitted.history] == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    "changes",
    [
        {"warmup": 0.7, "scheduler": "plateau", "patience": 3},
        {"warmup": 0.2, "scheduler": "cosine", "mixup": 0.3},
    ],
    ids=str,
)
def test_resuming_a_schedule_gives_the_same_bits(corpus, tmp_path, changes):
    class Killed(BaseException):
        pass

    def ended(done: int) -> None:
        if done == 2:
            raise Killed

    whole = train(corpus, tmp_path / "whole", **changes)
    samples, valid = splits(corpus)
    with seeded(0, 0):
        network = Tiny(samples.dims, 3)
    with pytest.raises(Killed):
        fit_network(network, samples, valid, config(**changes), tmp_path, ended)
    assert same(train(corpus, tmp_path, **changes), whole)


def test_warming_up_and_plateaus_multiply(corpus, tmp_path):
    """At a rate of nearly nothing no epoch is better than the first."""
    changes = {"scheduler": "plateau", "patience": 4, "epochs": 4, "lr": 1e-12}
    fitted = train(corpus, tmp_path, warmup=1, **changes)
    schedule = make_schedule(config(**changes), "single")
    rates = [schedule.learning_rate(fitted.history[:n]) for n in range(4)]
    assert len(set(rates)) > 1
    wanted = [rate * (n + 1) / 4 for n, rate in enumerate(rates)]
    assert [row["lr"] for row in fitted.history] == pytest.approx(wanted, abs=0)


def test_short_epochs_share_a_checkpoint(corpus, tmp_path, baseline, monkeypatch):
    writes = []
    original = Checkpoint.save

    def counting(self: Checkpoint, path: Path) -> None:
        writes.append(len(self.history))
        original(self, path)

    monkeypatch.setattr(Checkpoint, "save", counting)
    monkeypatch.setattr(fusion_task, "PAUSE", 1e9)
    assert same(train(corpus, tmp_path), baseline)
    assert writes == [5]  # the last one always


def test_threads_are_what_is_asked_for(corpus, tmp_path):
    seen = set()

    class Asking(Tiny):
        def forward(self, batch: Batch) -> FusionOutput:
            seen.add(torch.get_num_threads())
            return super().forward(batch)

    before = torch.get_num_threads()
    train(corpus, tmp_path, Asking, threads=before + 2, epochs=1)
    assert seen == {before + 2}
    assert torch.get_num_threads() == before


def test_a_damaged_checkpoint_is_one_line(corpus, tmp_path):
    (tmp_path / ".checkpoint").mkdir()
    (tmp_path / ".checkpoint" / "last.safetensors").write_bytes(b"nonsense")
    with pytest.raises(RunError, match=r"last.safetensors: is damaged.*; remove it"):
        train(corpus, tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: c.optimizer[0].update(exp_avg=torch.ones(9, 9)),
        lambda c: c.optimizer.update({7: c.optimizer[0]}),
        lambda c: c.optimizer[0].pop("exp_avg"),
        lambda c: c.best.pop("out.bias"),
        lambda c: c.best.update({"out.bias": torch.ones(9)}),
        lambda c: c.history[0].pop("valid_loss"),
        lambda c: c.history.clear(),
        lambda c: c.history.__setitem__(0, 3),
        lambda c: c.history[0].update(valid_loss="low"),
    ],
    ids=range(9),
)
def test_a_checkpoint_whose_parts_do_not_fit(corpus, tmp_path, spoil):
    train(corpus, tmp_path, epochs=1)
    path = tmp_path / ".checkpoint" / "last.safetensors"
    checkpoint = Checkpoint.load(path)
    assert checkpoint is not None
    spoil(checkpoint)
    checkpoint.save(path)
    with pytest.raises(RunError, match=r"last.safetensors: is .*; remove it"):
        train(corpus, tmp_path)


def test_a_checkpoint_of_another_network_is_refused(corpus, tmp_path):
    class Wider(Tiny):
        def __init__(self, dims: dict[str, int], outputs: int) -> None:
            super().__init__(dims, outputs)
            self.more = nn.Linear(2, 2)

    train(corpus, tmp_path, epochs=1)
    with pytest.raises(RunError, match=r"another network; remove it"):
        train(corpus, tmp_path, Wider)


def test_the_best_epoch_is_kept_not_the_last(corpus, tmp_path):
    fitted = train(corpus, tmp_path, epochs=12, lr=0.6, patience=12)
    best = make_criterion("accuracy").best_epoch(fitted.history)
    assert best < 12  # this learning rate makes it worse again
    samples, valid = splits(corpus)
    network = Tiny(samples.dims, 3)
    network.load_state_dict(fitted.state)
    scores = predict(network, valid, 5).scores(
        "single", TrainConfig(loss="ce"), corpus.manifest.classes
    )
    assert scores.overall["accuracy"] == fitted.history[best - 1]["valid_accuracy"]


def test_without_patience_the_last_epoch_is_kept(corpus, tmp_path):
    fitted = train(corpus, tmp_path, epochs=12, lr=0.6, patience=0)
    assert len(fitted.history) == 12
    assert make_criterion("accuracy").best_epoch(fitted.history) < 12
    samples, valid = splits(corpus)
    network = Tiny(samples.dims, 3)
    network.load_state_dict(fitted.state)
    scores = predict(network, valid, 5).scores(
        "single", TrainConfig(loss="ce"), corpus.manifest.classes
    )
    assert scores.overall["accuracy"] == fitted.history[-1]["valid_accuracy"]


def test_a_plateau_needs_patience(corpus, tmp_path):
    with pytest.raises(ConfigError, match=r"waits a third of train\.patience, which is 0; choose"):
        train(corpus, tmp_path, scheduler="plateau", patience=0)


def test_early_stopping_stops(corpus, tmp_path):
    fitted = train(corpus, tmp_path, epochs=200, patience=3, lr=0.5)
    assert len(fitted.history) == make_criterion("accuracy").best_epoch(fitted.history) + 3


def test_no_gpu_is_one_line(corpus, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(ConfigError, match=r"no GPU here; choose train\.accelerator=cpu"):
        train(corpus, tmp_path, accelerator="cuda")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("lr", 0),
        ("lr", "nan"),
        ("epochs", 0),
        ("batch_size", 0),
        ("label_smoothing", 1),
        ("warmup", 1.5),
        ("mixup", -1),
        ("target", "raters"),
        ("class_weights", {"joy": 0}),
        ("class_weights", "even"),
        ("loss", "x"),
    ],
)
def test_impossible_settings_are_refused(key, value):
    with pytest.raises(ConfigError, match=f"train.{key}"):
        config(**{key: value})


CLEARED = """
import resource, torch
from emocli.training.compute import deterministic_torch

def step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    activations = [torch.ones(1 << 18) for _ in range(16)]
    del activations
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(min(step() for _ in range(5)))
with deterministic_torch(1):
    print(min(step() for _ in range(5)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the GNU C library")
def test_a_steps_memory_is_not_cleared_anew_by_the_system():
    """Counted in a process of its own, whose allocator has seen nothing yet."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run([sys.executable, "-c", CLEARED], capture_output=True, check=True, env=own)
    outside, inside = map(int, done.stdout.split())
    if outside < 100:
        pytest.skip("this machine's allocator keeps what is freed by itself")
    assert inside < outside / 10
