"""Training fusion networks: weights of classes, sampling, losses and tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from emocli.data.batch import Batch, FusionOutput
from emocli.data.samples import Samples
from emocli.data.store import open_features
from emocli.errors import ConfigError, RunError
from emocli.models import losses
from emocli.training.class_weights import balanced, class_counts, class_weights
from emocli.training.fusion_task import FusionTask, make_criterion
from emocli.training.outputs import predict
from tests import toy
from tests.training.tiny import Tiny, TinyDialogue, config, splits, train

pytestmark = pytest.mark.usefixtures("checkpoints")

corpus = toy.fixture()


def test_class_weights_are_inverse_frequencies():
    weights = balanced(np.array([6, 2, 0]), 8)
    assert weights.tolist() == pytest.approx([8 / 18, 8 / 6, 1])


def test_class_weights_may_be_given_by_hand(corpus):
    samples, _ = splits(corpus)
    settings = config(class_weights={"sadness": 4, "anger": 2.5})
    assert class_weights(settings, samples).tolist() == [2.5, 1, 4]
    logits, targets = torch.tensor([[2.0, 0, 0], [0, 0, 1]]), torch.tensor([1, 2])
    task = FusionTask(Tiny(samples.dims, 3), samples, samples, settings)
    each = [
        float(losses.base_loss("ce", "single")(logits[k : k + 1], targets[k : k + 1]))
        for k in range(2)
    ]
    assert float(task.loss(logits, targets)) == pytest.approx((each[0] + 4 * each[1]) / 5)


def test_weights_of_unknown_classes_are_refused(corpus, tmp_path):
    with pytest.raises(ConfigError, match=r"class_weights\.joi'.*no such class.*'joy'"):
        train(corpus, tmp_path, class_weights={"joi": 2})


def test_class_weights_change_an_unbalanced_training(tmp_path):
    corpus = toy.build(tmp_path / "toy")
    manifest = corpus.manifest
    kept = [
        c for k, c in enumerate(manifest.clips) if c.label != "joy" or c.split != "train" or k % 2
    ]
    fewer = toy.Toy(corpus.folder, replace(manifest, clips=tuple(kept)))
    samples = Samples.of(
        fewer.manifest, "train", open_features(corpus.store, None, corpus.manifest)
    )
    assert class_counts(samples).tolist() == [8, 4, 8]
    settings = [config(class_weights=kind) for kind in ("none", "balanced")]
    measured = [
        FusionTask(Tiny(samples.dims, 3), samples, samples, s).loss(
            torch.tensor([[2.0, 0, 0], [0, 0, 1]]), torch.tensor([1, 2])
        )
        for s in settings
    ]
    assert measured[0] != measured[1]


def test_balanced_sampling_draws_every_class_alike(tmp_path):
    corpus = toy.build(tmp_path / "toy", sizes={"train": 300, "valid": 6, "test": 3})
    manifest = corpus.manifest
    kept = [c for k, c in enumerate(manifest.clips) if c.label != "joy" or k % 10 == 1]
    stores = open_features(corpus.store, None, manifest)
    samples = Samples.of(replace(manifest, clips=tuple(kept)), "train", stores)
    counts = class_counts(samples)
    assert counts[1] < 20
    task = FusionTask(Tiny(samples.dims, 3), samples, samples, config(sampler="balanced"))
    drawn = class_counts(task._drawn(np.random.default_rng(0)))
    assert drawn.sum() == counts.sum()
    assert abs(drawn / drawn.sum() - 1 / 3).max() < 0.08


def test_balanced_sampling_is_for_single_clips(corpus, tmp_path):
    with pytest.raises(ConfigError, match="one class each"):
        train(corpus, tmp_path, TinyDialogue, sampler="balanced")


def test_dialogues_train_and_predict_every_clip(corpus, tmp_path):
    fitted = train(corpus, tmp_path, TinyDialogue, epochs=20, batch_size=3)
    assert max(r["valid_accuracy"] for r in fitted.history) >= 0.9
    samples, valid = splits(corpus)
    network = TinyDialogue(samples.dims, 3)
    outputs = predict(network, valid, 2)
    assert set(outputs.ids) == {clip.id for clip in valid.clips}
    expected = corpus.manifest.targets([corpus.manifest.clip(i) for i in outputs.ids])
    assert np.array_equal(outputs.targets.numpy(), expected)


def test_a_network_may_bring_its_own_loss(corpus, tmp_path):
    seen = []

    class Own(Tiny):
        def loss(self, output: FusionOutput, batch: Batch, base: Any) -> torch.Tensor:
            seen.append(len(batch))
            return 3 * base(output.logits, batch.targets)

    own = train(corpus, tmp_path / "own", Own, epochs=1)
    plain = train(corpus, tmp_path / "plain", epochs=1)
    assert sum(seen) == 24
    assert own.history[0]["train_loss"] > 2 * plain.history[0]["train_loss"]


@pytest.mark.parametrize(
    ("task", "monitor"), [("multi", "weighted_f1"), ("intensity", "mse_sum"), ("multi", "loss")]
)
def test_other_tasks_learn(tmp_path, task, monitor):
    corpus = toy.build(tmp_path, task)
    fitted = train(corpus, tmp_path, epochs=15, monitor=monitor, lr=0.05)
    best = make_criterion(monitor).best_epoch(fitted.history)
    assert best > 3
    assert fitted.history[best - 1]["valid_loss"] < 0.8 * fitted.history[0]["valid_loss"]


def test_a_monitor_the_task_lacks_is_refused(corpus, tmp_path):
    with pytest.raises(ConfigError, match=r"mse_sum.*there are: auto, loss, accuracy"):
        train(corpus, tmp_path, monitor="mse_sum")


def test_infinite_losses_name_the_epoch_and_the_way_out(corpus, tmp_path):
    class Exploding(Tiny):
        def forward(self, batch: Batch) -> FusionOutput:
            output = super().forward(batch)
            return replace(output, logits=output.logits * float("nan"))

    with pytest.raises(RunError, match=r"not finite \(nan\) in epoch 1; choose a smaller train.lr"):
        train(corpus, tmp_path, Exploding)
