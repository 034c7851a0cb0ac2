"""Baselines: what they see, how C is chosen, and that nothing of the test split has a part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emocli.data.samples import Samples
from emocli.data.store import open_features
from emocli.errors import ConfigError
from emocli.metrics.metrics import score
from emocli.models import baselines
from emocli.models.baselines import C_VALUES, fit
from emocli.models.functionals import Functionals, functionals
from emocli.plugin.experiment import Row
from tests import toy


def splits(corpus: toy.Toy) -> dict[str, Samples]:
    stores = open_features(corpus.store, None, corpus.manifest)
    return {name: Samples.of(corpus.manifest, name, stores) for name in ("train", "valid", "test")}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    sizes = {"train": 60, "valid": 30, "test": 45}
    return toy.build(tmp_path_factory.mktemp("toy"), sizes=sizes, noise=1.5)


@pytest.fixture(scope="module")
def samples(corpus: toy.Toy) -> dict[str, Samples]:
    return splits(corpus)


def made(folder: Path, task: str) -> dict[str, Samples]:
    sizes = {"train": 60, "valid": 30, "test": 45}
    return splits(toy.build(folder, task, sizes=sizes))  # type: ignore[arg-type]


# -- functionals


def test_functionals_are_mean_deviation_and_maximum_of_each_view(samples):
    result = functionals(samples["test"])
    assert result.shape == (45, 3 * (5 + 4 + 3))
    clip = samples["test"].clips[7]
    expected = []
    for modality in samples["test"].stores:
        steps = samples["test"].array(clip.id, modality).tolist()
        columns = list(zip(*steps, strict=True))
        means = [sum(column) / len(column) for column in columns]
        expected += means
        expected += [
            (sum((v - m) ** 2 for v in column) / len(column)) ** 0.5
            for column, m in zip(columns, means, strict=True)
        ]
        expected += [max(column) for column in columns]
    np.testing.assert_allclose(result[7], expected, rtol=1e-5, atol=1e-6)


def test_they_are_scaled_by_the_training_clips(samples):
    seen = Functionals.fit(samples["train"])
    scaled = seen(samples["train"])
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-9)
    test = (functionals(samples["test"]) - seen.mean) / seen.std
    np.testing.assert_allclose(seen(samples["test"]), test)


def test_vectors_are_taken_as_they_are_and_what_is_missing_is_the_mean(corpus, tmp_path):
    manifest = corpus.manifest
    rng = np.random.default_rng(0)
    arrays = {c.id: rng.normal(size=(1, 4)) for c in manifest.clips if c.id != "test03"}
    toy.write_feature(tmp_path, "vectors", "text", manifest, arrays)
    stores = open_features(tmp_path, None, manifest)
    train, test = (Samples.of(manifest, name, stores) for name in ("train", "test"))
    seen = Functionals.fit(train)
    assert seen.vectors == {"text"}
    scaled = seen(test)
    assert scaled.shape == (45, 4)
    np.testing.assert_array_equal(scaled[3], 0)
    expected = (arrays["test04"][0] - seen.mean) / seen.std
    np.testing.assert_allclose(scaled[4], expected, rtol=1e-5)


# -- the baselines


def test_the_prior_is_how_often_classes_are_shown(samples):
    clips = samples["train"].clips
    fewer = replace(samples["train"], clips=tuple(c for c in clips if c.label != "joy")[:-4])
    said = fit("prior", fewer, samples["valid"]).predict(samples["test"])
    counts = [sum(c.label == name for c in fewer.clips) for name in toy.CLASSES]
    np.testing.assert_allclose(said, np.tile(np.array(counts) / sum(counts), (45, 1)))


@pytest.mark.parametrize("name", ["logistic", "svm", "svm_linear"])
def test_c_is_chosen_on_the_valid_split(samples, name, monkeypatch):
    result = fit(name, samples["train"], samples["valid"])
    scores = {}
    for cost in C_VALUES:
        monkeypatch.setattr(baselines, "C_VALUES", (cost,))
        alone = fit(name, samples["train"], samples["valid"])
        scores[cost] = alone.valid
        if cost == result.C:
            same = alone.predict(samples["test"])
            np.testing.assert_array_equal(result.predict(samples["test"]), same)
    assert len(set(scores.values())) > 1
    assert result.valid == max(scores.values())
    assert min(c for c, value in scores.items() if value == result.valid) == result.C


@pytest.mark.parametrize("name", ["logistic", "svm", "svm_linear"])
def test_they_beat_the_prior(samples, name):
    said = fit(name, samples["train"], samples["valid"]).predict(samples["test"])
    np.testing.assert_allclose(said.sum(axis=1), 1)
    targets = samples["test"].manifest.targets(samples["test"].clips)
    assert score("single", targets, said, toy.CLASSES).overall["accuracy"] > 0.5


def test_a_class_nobody_showed_is_never_chosen(samples):
    train = samples["train"]
    without = replace(train, clips=tuple(c for c in train.clips if c.label != "joy"))
    for name in ("logistic", "svm"):
        said = fit(name, without, samples["valid"]).predict(samples["test"])
        assert (said[:, 1] == 0).all()
        assert set(said.argmax(axis=1)) == {0, 2}


@pytest.mark.parametrize("name", ["logistic", "svm", "svm_linear"])
def test_any_number_of_classes(tmp_path, name):
    parts = made(tmp_path, "multi")
    said = fit(name, parts["train"], parts["valid"]).predict(parts["test"])
    targets = parts["test"].manifest.targets(parts["test"].clips)
    assert ((said >= 0) & (said <= 1)).all()
    assert score("multi", targets, said, toy.CLASSES).overall["uar"] > 0.7


@pytest.mark.parametrize(
    "name", ["logistic", "svm", pytest.param("svm_linear", marks=pytest.mark.slow)]
)
def test_intensities(tmp_path, name):
    parts = made(tmp_path, "intensity")
    targets = parts["test"].manifest.targets(parts["test"].clips)
    scores = {}
    for tried in (name, "prior"):
        result = fit(tried, parts["train"], parts["valid"])
        said = result.predict(parts["test"])
        scores[tried] = score("intensity", targets, said, toy.CLASSES).overall
    assert scores[name]["mse_sum"] < 0.6 * scores["prior"]["mse_sum"]
    mean = parts["train"].manifest.targets(parts["train"].clips).mean(axis=0)
    np.testing.assert_allclose(said, np.tile(mean, (45, 1)), rtol=1e-6)


def test_an_unknown_baseline_is_refused(samples):
    with pytest.raises(ConfigError, match="no baseline is called 'svn'; did you mean 'svm'"):
        fit("svn", samples["train"], samples["valid"])


# -- constants


def descended(targets: np.ndarray, slope, steps: int = 20000) -> np.ndarray:
    """Train one parameter per output by gradient descent, ever slower, on labels alone."""
    parameter = np.zeros(targets.shape[1])
    for step in range(steps):
        parameter -= 3.0 / (1 + 0.2 * step) * slope(parameter - targets).mean(axis=0)
    return parameter


@pytest.mark.parametrize(
    ("name", "slope"),
    [("prior", lambda error: 2 * error), ("median", np.sign)],
    ids=["prior", "median"],
)
def test_a_constant_is_what_one_parameter_per_output_learns(tmp_path, name, slope):
    """Under squared and under absolute error; an odd number of clips has one median."""
    corpus = toy.build(tmp_path, "intensity", sizes={"train": 41, "valid": 5, "test": 15})
    parts = splits(corpus)
    result = fit(name, parts["train"], parts["valid"], parts["test"]).predict(parts["test"])
    wanted = descended(corpus.manifest.targets(parts["train"].clips), slope)
    np.testing.assert_allclose(result, np.tile(wanted, (15, 1)), atol=2e-3)


def test_no_constant_has_a_smaller_error_of_its_kind(tmp_path):
    parts = made(tmp_path, "intensity")
    test = parts["test"]
    targets = test.manifest.targets(test.clips)
    errors = {}
    for name in ("prior", "median", "test_prior"):
        predicted = fit(name, parts["train"], parts["valid"], test).predict(test)
        scores = score("intensity", targets, predicted, test.manifest.classes).overall
        errors[name] = (scores["mse_sum"], scores["mae_sum"])
    assert errors["test_prior"][0] < errors["prior"][0]
    assert errors["median"][1] < errors["prior"][1]
    np.testing.assert_allclose(errors["test_prior"][0], targets.var(axis=0).sum())


def test_only_one_baseline_looks_at_test_labels(corpus):
    """Other labels of the test clips, other numbers of that one, and of no other."""
    manifest = corpus.manifest
    turned = replace(
        manifest,
        clips=tuple(
            replace(clip, label="joy") if clip.split == "test" else clip for clip in manifest.clips
        ),
    )
    stores = open_features(corpus.store, None, manifest)

    def predicted(name: str, labelled) -> np.ndarray:
        parts = [Samples.of(labelled, split, stores) for split in ("train", "valid", "test")]
        return np.asarray(fit(name, *parts).predict(parts[2]))

    changed = {
        name
        for name in baselines.names()
        if name != "median" and not np.allclose(predicted(name, manifest), predicted(name, turned))
    }
    assert changed == {"test_prior"}
    np.testing.assert_allclose(predicted("test_prior", turned)[0], [0, 1, 0])


def test_what_a_constant_cannot_be_is_refused(samples):
    with pytest.raises(ConfigError, match=r"'median' is about intensities.*one class per clip"):
        fit("median", samples["train"], samples["valid"])
    with pytest.raises(ConfigError, match="needs the labels of the clips it is tested on"):
        fit("test_prior", samples["train"], samples["valid"])


def test_a_row_says_what_baselines_there_are() -> None:
    assert [name for name in baselines.names() if f"``{name}``" not in (Row.__doc__ or "")] == []
