"""Normalisation by speaker as part of a run, against `emocli normalise` and plain arithmetic."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.cli.app import run as emocli
from emocli.config import merge
from emocli.data.manifest import Manifest
from emocli.data.normalisation import USED
from emocli.data.speakers import SpeakerNormaliser, SpeakerStatistics
from emocli.data.store import FeatureStore, open_features
from emocli.errors import ConfigError, RunError, StoreError
from emocli.evaluation.compare import compare
from emocli.evaluation.evaluate import evaluate
from emocli.evaluation.evaluator import RunEvaluator
from emocli.extraction.normalise import normalise
from emocli.models.baselines_io import read_models
from emocli.models.rundir import CARD, SPEAKERS
from emocli.models.settings import TrainConfig
from emocli.models.speakers import read_speakers, save_speakers
from emocli.plugin.robustness import UNCORRUPTED, RepairOptions, RobustOptions, on, read
from emocli.prediction.arrays import ClipArrays
from emocli.prediction.networks import Ensemble
from emocli.training.fit_cca import fit_cca
from tests import toy

corpus = toy.fixture()
NAMES = ("mel", "glove", "face_hog")
ALONE = {"normalise": "speaker", "shrinkage": 0.0, "least_clips": 1}
"""Each speaker's own statistics alone, as `emocli normalise` has them."""


def settings(**train: Any) -> Any:
    return merge(toy.QUICK, {"train": {"normalise": "speaker", **train}})


@pytest.fixture(scope="module")
def run(corpus: toy.Toy) -> Path:
    chosen = settings(least_clips=2)
    return corpus.trained("shrunk", features=NAMES, settings=chosen, baselines=True)


@pytest.fixture(scope="module")
def alone(corpus: toy.Toy) -> Path:
    return corpus.trained("alone", features=NAMES, settings=settings(**ALONE), baselines=True)


@pytest.fixture(scope="module")
def plain(corpus: toy.Toy) -> Path:
    return corpus.trained("plain", features=NAMES, baselines=True)


def normaliser(corpus: toy.Toy, manifest: Manifest | None = None, **rule: Any) -> SpeakerNormaliser:
    config = TrainConfig(normalise="speaker", **rule)
    chosen = manifest or corpus.manifest
    stores = open_features(corpus.store, NAMES, corpus.manifest)
    result = SpeakerNormaliser.of(config, config.outliers, chosen, stores)
    assert result is not None
    return result


def probabilities(run: Path, **options: Any) -> np.ndarray[Any, Any]:
    evaluator = RunEvaluator.open(run, "test", None, None, **options)
    return evaluator.predict((), 0).values[0]


def test_without_shrinkage_it_is_what_the_command_writes(
    corpus: toy.Toy, alone: Path, tmp_path: Path
) -> None:
    """Network, probabilities and baselines are those of a training on the written features."""
    written = [normalise(corpus.manifest, corpus.store, name).feature for name in NAMES]
    stores = normaliser(corpus, shrinkage=0, least_clips=1).features()
    for feature in stores.values():
        with FeatureStore.open(corpus.store / f"{feature.name}_by_speaker.h5") as other:
            for clip in corpus.manifest.split("train"):
                np.testing.assert_allclose(feature[clip.id], other[clip.id], atol=1e-6)
    other_run = corpus.trained(tmp_path / "written", features=written, baselines=True)
    np.testing.assert_allclose(probabilities(alone), probabilities(other_run), atol=1e-5)
    mine, others = (evaluate(each, figures=False).report for each in (alone, other_run))
    assert mine.clean.classical is not None
    assert others.clean.classical is not None
    assert mine.clean.metrics == pytest.approx(others.clean.metrics, nan_ok=True)
    for name, beside in mine.clean.classical.items():
        its = others.clean.classical[name]
        assert beside.metrics == pytest.approx(its.metrics, nan_ok=True)


def test_few_clips_are_shrunk_towards_the_population(corpus: toy.Toy) -> None:
    """By the formula, with plain sums over the steps of the clips."""
    k = 2.5
    feature = normaliser(corpus, shrinkage=k).features()["audio"]
    source = open_features(corpus.store, ["mel"], corpus.manifest)["audio"]
    train = np.concatenate([source[c.id] for c in corpus.manifest.split("train")]).astype(float)
    own_ids = [c.id for c in corpus.manifest.clips if c.speaker == "valid-1"]
    own = np.concatenate([source[i] for i in own_ids]).astype(float)
    weight = len(own_ids) / (len(own_ids) + k)
    for column in range(source.dim):
        mean = weight * own[:, column].mean() + (1 - weight) * train[:, column].mean()
        variance = weight * own[:, column].var() + (1 - weight) * train[:, column].var()
        wanted = (source[own_ids[0]][:, column] - mean) / variance**0.5
        np.testing.assert_allclose(feature[own_ids[0]][:, column], wanted, atol=1e-5)


def test_nobody_and_those_of_few_clips_have_the_populations(corpus: toy.Toy) -> None:
    clips = [
        replace(
            c, speaker=None if c.id == "train00" else "rare" if c.id == "train01" else c.speaker
        )
        for c in corpus.manifest.clips
    ]
    changed = replace(corpus.manifest, clips=tuple(clips))
    result = normaliser(corpus, changed, least_clips=2)
    mean, std = result.population["audio"].mean, result.population["audio"].std
    for clip_id in ("train00", "train01"):
        source = result.stores["audio"][clip_id]
        np.testing.assert_allclose(
            result.features()["audio"][clip_id], (source - mean) / std, atol=1e-5
        )
    lines = list(result.remarks(changed.split("train")))
    assert lines[0].startswith("1 clip names no speaker")
    assert any("1 speaker (1 clip) has fewer than 2 clips of audio" in line for line in lines)


def test_switching_it_off_changes_the_network(run: Path, plain: Path) -> None:
    assert np.abs(probabilities(run) - probabilities(plain)).max() > 1e-3
    assert not (plain / SPEAKERS).exists()
    with pytest.raises(ConfigError, match=r"train --set train\.normalise=speaker"):
        evaluate(plain, normalise="speaker", figures=False)
    assert evaluate(plain, figures=False).report.normalised is None


def test_both_ways_are_evaluated_and_named(
    run: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_clips = evaluate(run, figures=False)
    without = evaluate(run, normalise="none", figures=False)
    assert with_clips.path != without.path
    assert with_clips.report.normalised is not None
    assert "unlabelled clips of the tested speakers" in with_clips.report.normalised
    assert "unlabelled clips of the tested speakers" in with_clips.tables[0].title
    assert without.report.normalised is not None
    assert "no clip of the tested speakers used" in without.report.normalised
    assert np.abs(probabilities(run) - probabilities(run, normalise="none")).max() > 1e-3
    card = (run / CARD).read_text(encoding="utf-8")
    assert "with unlabelled clips of the tested speakers" in card
    assert emocli(["evaluate", str(run), "--normalise", "none", "--no-figures"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "no clip of the tested speakers used" in printed
    report = compare([run, plain])
    assert any("unlabelled clips of the tested speakers" in line for line in report.warnings)


def test_clips_as_given_have_statistics_of_their_own(corpus: toy.Toy, run: Path) -> None:
    """Equal where nothing is corrupted; else as if the corrupted clips had been in the store."""
    own = RunEvaluator.open(run, "test", None, None)
    given = RunEvaluator.open(run, "test", None, None, normalise="given")
    np.testing.assert_allclose(
        given.predict((), 0).values[0], own.predict((), 0).values[0], atol=1e-4
    )
    corruptions = on(read(["audio:gaussian@1"]), own.modalities)
    noisy = [each.predict(corruptions, 0).values[0] for each in (own, given)]
    assert np.abs(noisy[0] - noisy[1]).max() > 1e-3
    # By hand: what one speaker's corrupted clips are, taken back to the store, and normalised.
    before, after = (each.transformed(corruptions, 0) for each in (own, given))
    assert own.normaliser is not None
    standardiser, ids = own.repair_factory.standardiser, []
    rows = {}
    for clip in own.samples.clips:
        if clip.speaker == "test-1":
            first = own.normaliser.standardiser(clip.id, "audio")
            relative = before.array(clip.id, "audio") * standardiser.std["audio"]
            relative = relative + standardiser.mean["audio"]
            rows[clip.id] = relative * first.std["audio"] + first.mean["audio"]
            ids.append(clip.id)
    whole, population = np.concatenate(list(rows.values())), own.normaliser.population["audio"]
    weight = len(ids) / (len(ids) + 3.0)
    mean = weight * whole.mean(0) + (1 - weight) * population.mean
    std = np.sqrt(weight * whole.var(0) + (1 - weight) * population.std**2)
    wanted = ((rows[ids[0]] - mean) / std - standardiser.mean["audio"]) / standardiser.std["audio"]
    np.testing.assert_allclose(after.array(ids[0], "audio"), wanted, atol=1e-3)
    report = evaluate(run, corrupt=["audio:gaussian@1"], normalise="given", figures=False)
    assert "corrupted too" in str(report.report.normalised)
    assert "given" in report.path.name


def test_analyses_say_whose_clips_were_used(run: Path, plain: Path) -> None:
    said, silent = (toy.analysis("confusion")(each, figures=False) for each in (run, plain))
    assert f"features are {USED}" in said.notes
    assert json.loads(said.path.read_text())["normalised"] == f"features are {USED}"
    assert not any("unlabelled" in line for line in silent.notes)
    assert "normalised" not in json.loads(silent.path.read_text())


def test_the_result_of_a_training_says_whose_clips_were_used(
    corpus: toy.Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its validation figures, printed and as notes."""
    chosen = settings(epochs=1)
    summary = corpus.request(tmp_path / "run", features=NAMES, settings=chosen).train()
    assert summary.notes.count(f"features are {USED}") == 1
    where = [str(corpus.manifest.path), "--store", str(corpus.store), "--run", str(tmp_path / "b")]
    sets = [f"--set=train.{each}" for each in ("epochs=1", "accelerator=cpu", "normalise=speaker")]
    assert emocli(["train", *where, "-f", "mel", "--fusion", "late", *sets]) == 0
    assert f"features are {USED}" in " ".join("".join(capsys.readouterr()).split())


def test_it_is_other_for_every_stage(run: Path, plain: Path) -> None:
    """The standardisation and the baselines are those of normalised features."""
    mine, other = (RunEvaluator.open(each, "test", None, None) for each in (run, plain))
    means = [each.members[0].standardiser.mean["audio"] for each in (mine, other)]
    assert np.abs(means[0]).max() < 0.3 < np.abs(means[1]).max()
    models = [read_models(each) for each in (run, plain)]
    first, second = (each.models[0].functionals.mean for each in models if each is not None)
    assert not np.allclose(first, second)


def test_no_label_and_no_test_clip_is_learnt_from(corpus: toy.Toy, run: Path) -> None:
    """Other labels of test clips give the same predictions; the run keeps nothing of theirs."""
    kept = read_speakers(run, {"audio": 5, "text": 4, "visual": 3})
    tested = {c.speaker for c in corpus.manifest.split("test")}
    assert not tested & kept.speakers.keys()
    assert kept.speakers.keys() == {c.speaker for c in corpus.manifest.clips if c.split != "test"}
    before = probabilities(run)
    clips = [
        replace(c, label=toy.CLASSES[0]) if c.split == "test" else c for c in corpus.manifest.clips
    ]
    other = replace(corpus.manifest, clips=tuple(clips), path=None)
    other.write(corpus.folder / "relabelled.csv")
    evaluator = RunEvaluator.open(run, "test", corpus.folder / "relabelled.csv", None)
    np.testing.assert_array_equal(evaluator.predict((), 0).values[0], before)


def test_new_speakers_are_known_by_their_own_clips_alone(corpus: toy.Toy, run: Path) -> None:
    """Predicting recordings finds nobody by name: clips that are there are all there is."""
    ensemble = Ensemble.open(run)
    sources = open_features(corpus.store, NAMES, corpus.manifest)
    clips = [c for c in corpus.manifest.split("test") if c.speaker == "test-1"]
    views = {
        m: ClipArrays(m, ensemble.config.features[m], {c.id: s[c.id] for c in clips})
        for m, s in sources.items()
    }
    evaluator = RunEvaluator.open(run, "test", None, None)
    predicted = evaluator.predict((), 0)
    rows = [predicted.ids.index(c.id) for c in clips]
    np.testing.assert_allclose(
        ensemble.predict(clips, views).values[0], predicted.values[0][rows], atol=1e-5
    )
    renamed = [replace(c, speaker="train-1") for c in clips]
    np.testing.assert_array_equal(
        ensemble.predict(renamed, views).values, ensemble.predict(clips, views).values
    )
    one = clips[:1]
    lines = list(ensemble.folds[0].remarks(ensemble.samples(one, views)))
    assert "1 speaker (1 clip) has fewer than 2 clips of audio" in lines[0]
    assert "unlabelled clips of the tested speakers" in next(ensemble.remarks())


def test_clips_of_a_recording_are_of_one_speaker_if_none_is_named(
    corpus: toy.Toy, run: Path
) -> None:
    ensemble = Ensemble.open(run)
    sources = open_features(corpus.store, NAMES, corpus.manifest)
    clips = [replace(c, dialogue="film") for c in corpus.manifest.split("test")[:4]]
    views = {
        m: ClipArrays(m, ensemble.config.features[m], {c.id: s[c.id] for c in clips})
        for m, s in sources.items()
    }

    def predicted(speaker: str | None) -> np.ndarray[Any, Any]:
        named = [replace(c, speaker=speaker) for c in clips]
        return ensemble.predict(named, views).values

    np.testing.assert_array_equal(predicted(None), predicted("A"))
    apart = [replace(c, speaker=str(k)) for k, c in enumerate(clips)]
    assert np.abs(ensemble.predict(apart, views).values - predicted("A")).max() > 1e-4


@pytest.fixture(scope="module")
def checked(corpus: toy.Toy) -> Path:
    rule = {"normalise": "speaker", "least_clips": 2}
    fit_cca(corpus.manifest, corpus.store, NAMES, settings={"check": rule})
    robust = {"check": True, "proxy": "knn_ls"}
    chosen = settings(least_clips=2)
    return corpus.trained("checked", features=NAMES, settings=chosen, robust=robust)


def test_check_and_proxies_are_of_normalised_features(corpus: toy.Toy, checked: Path) -> None:
    assert (corpus.store / "check_by_speaker.h5").is_file()
    assert not (corpus.store / "check.h5").exists()
    report = evaluate(checked, corrupt=["audio:gaussian@0.01"], figures=False).report
    assert report.corrupted is not None
    assert report.corrupted.flagged is not None
    assert report.corrupted.flagged["audio"].regenerated > 0
    other = corpus.request(
        "other",
        features=NAMES,
        settings=settings(shrinkage=9.0, least_clips=2),
        robust=RobustOptions(check=True),
    )
    with pytest.raises(StoreError, match=r"check\.normalise=speaker, shrinkage and least_clips"):
        other.plan()


def test_a_check_that_is_lacking_is_named(corpus: toy.Toy, tmp_path: Path) -> None:
    copy = toy.build(tmp_path)
    with pytest.raises(StoreError, match=r"check\.normalise=speaker"):
        copy.trained(settings=settings(), robust={"check": True})


def test_folds_and_refit(corpus: toy.Toy) -> None:
    """Every fold keeps its own speakers, of whom none is tested in it."""
    request = corpus.request(
        "folds",
        features=NAMES,
        settings=settings(refit=True, epochs=2, least_clips=2),
        robust=UNCORRUPTED,
        baselines=False,
    )
    request.cross_validate(3)
    report = evaluate(request.run, figures=False).report
    assert report.n == 51
    assert report.normalised is not None
    for index in range(3):
        part = RunEvaluator.open(request.run / f"fold-{index}", "test", None, None)
        assert part.normaliser is not None
        assert part.normaliser.kept is not None
        tested = {clip.speaker for clip in part.samples.clips}
        assert not tested & part.normaliser.kept.speakers.keys()


def test_statistics_are_kept_as_they_are(corpus: toy.Toy, tmp_path: Path) -> None:
    result: SpeakerStatistics = normaliser(corpus).statistics
    save_speakers(tmp_path, result)
    back = read_speakers(tmp_path, {"audio": 5, "text": 4, "visual": 3})
    assert back.speakers.keys() == result.speakers.keys()
    for name, group in {"": result.population, **result.speakers}.items():
        others = back.speakers[name] if name else back.population
        for modality, each in group.items():
            assert others[modality].clips == each.clips
            np.testing.assert_array_equal(others[modality].mean, each.mean)
            np.testing.assert_array_equal(others[modality].std, each.std)
            np.testing.assert_array_equal(others[modality].low, each.low)
    with pytest.raises(RunError, match="does not hold statistics of speakers"):
        read_speakers(tmp_path, {"audio": 6})
    (tmp_path / SPEAKERS).write_bytes(b"nothing")
    with pytest.raises(RunError, match="is damaged"):
        read_speakers(tmp_path, {"audio": 5})


def test_an_other_corpus_knows_nobody_by_name(corpus: toy.Toy, run: Path, tmp_path: Path) -> None:
    other = toy.build(tmp_path / "other", seed=5)
    clips = tuple(replace(c, id=f"x{c.id}") for c in other.manifest.clips)
    renamed = replace(other.manifest, clips=clips, path=None)
    renamed.write(tmp_path / "renamed.csv")
    corpus_b = Manifest.read(tmp_path / "renamed.csv")
    for name, (modality, _, _) in toy.FEATURES.items():
        with FeatureStore.open(other.store / f"{name}.h5") as source:
            arrays = {f"x{i}": source[i] for i in source.ids}
        toy.write_feature(tmp_path / "store", name, modality, corpus_b, arrays)
    evaluator = RunEvaluator.open(
        run, "train", tmp_path / "renamed.csv", tmp_path / "store", RepairOptions()
    )
    assert evaluator.normaliser is not None
    assert evaluator.normaliser.kept is not None
    assert not evaluator.normaliser.kept.speakers
    rows = np.concatenate(
        [
            evaluator.normaliser.stores["audio"][c.id]
            for c in corpus_b.clips
            if c.speaker == "train-1"
        ]
    )
    own = evaluator.normaliser.of_speaker("train-1", "audio")
    np.testing.assert_allclose(own.mean, rows.mean(axis=0), atol=1e-5)
