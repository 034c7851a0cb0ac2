"""Evaluation of a run: metrics, conditions, and errors."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emocli.config import merge
from emocli.data.batch import Batch, Padded
from emocli.data.store import FeatureStore
from emocli.errors import ConfigError, ManifestError, RunError, StoreError
from emocli.evaluation.evaluate import evaluate
from emocli.evaluation.evaluator import RunEvaluator
from emocli.metrics.metrics import COMMON
from emocli.models import rundir
from emocli.plugin.robustness import RepairOptions
from tests import toy
from tests.evaluation import evaluated
from tests.evaluation.evaluated import SETTINGS, report

corpus = evaluated.corpus()
single = evaluated.single()


@pytest.fixture(scope="module")
def several(corpus: toy.Toy) -> Path:
    settings = merge(SETTINGS, {"train": {"epochs": 6}})
    return corpus.trained("three", settings=settings, seeds=3)


def predictions(run: Path, corpus: toy.Toy) -> np.ndarray:
    """Predict the test split clip by clip, without the loop's code."""
    loaded = rundir.load(run)
    choices = []
    with torch.no_grad():
        for clip in corpus.manifest.split("test"):
            views = {}
            for name, (modality, _, _) in toy.FEATURES.items():
                with FeatureStore.open(corpus.store / f"{name}.h5") as store:
                    raw = store[clip.id]
                mean, std = loaded.standardiser.mean[modality], loaded.standardiser.std[modality]
                views[modality] = Padded.from_rows([(raw - mean) / std])
            choices.append(int(loaded.network(Batch((clip.id,), views)).logits.argmax()))
    return np.array(choices)


# -- metrics


def test_the_clean_accuracy_is_that_of_the_network(corpus, single):
    truth = corpus.manifest.targets(corpus.manifest.split("test"))
    result = report(single).data
    assert result["accuracy"] == pytest.approx(float((predictions(single, corpus) == truth).mean()))
    assert result["n"] == 45
    assert sum(map(sum, result["confusion"])) == 45
    assert result["accuracy"] > 0.8  # the toy corpus can be learned


def test_the_top_level_is_the_condition_asked_for(single):
    clean, corrupted = report(single).data, report(single, corrupt=["audio:drop"]).data
    for key in COMMON:
        assert clean[key] == clean["clean"][key] == corrupted["clean"][key]
        assert corrupted[key] == corrupted["corrupted"][key]
    assert clean["corrupted"] is None
    assert clean["difference"] is None
    assert corrupted["accuracy"] != corrupted["clean"]["accuracy"]
    change = corrupted["accuracy"] - corrupted["clean"]["accuracy"]
    assert corrupted["difference"]["accuracy"] == pytest.approx(change)


def test_several_seeds_report_mean_and_spread(corpus, several):
    truth = corpus.manifest.targets(corpus.manifest.split("test"))
    accuracies = [
        float((predictions(several / f"seed-{k}", corpus) == truth).mean()) for k in range(3)
    ]
    result = report(several).data
    assert result["accuracy"] == pytest.approx(np.mean(accuracies))
    assert result["accuracy_std"] == pytest.approx(np.std(accuracies, ddof=1))
    assert {f"{key}_std" for key in COMMON} <= result.keys()
    assert result["seeds"] == [0, 1, 2]
    assert [seed["accuracy"] for seed in result["clean"]["by_seed"]] == pytest.approx(accuracies)
    assert len(result["inputs"]["models"]) == 3


def test_the_report_is_written_as_it_is_returned(single):
    result = report(single, corrupt=["visual"])
    assert result.path.parent == single / "reports"
    assert json.loads(result.path.read_text()) == result.data
    before = result.path.read_bytes()
    assert report(single, corrupt=["visual"]).path.read_bytes() == before


def test_the_report_says_where_it_comes_from(corpus, single):
    result = report(single).data
    assert result["inputs"]["manifest"] == corpus.manifest.fingerprint
    assert result["inputs"]["features"].keys() == toy.FEATURES.keys()
    assert set(COMMON) <= result["definitions"].keys()
    assert result["interval"] == "95 %, bootstrap over 15 dialogues"
    assert result["split"] == "test"


def test_another_split_can_be_evaluated(corpus, single):
    result = report(single, split="valid").data
    history = rundir.read_history(single)
    assert result["n"] == 30
    assert result["accuracy"] == max(row["valid_accuracy"] for row in history)


@pytest.mark.parametrize("task", ["multi", "intensity"])
def test_other_tasks_have_the_same_keys(tmp_path, task):
    evaluation = evaluate(toy.build(tmp_path, task).trained(), corrupt=["text"]).data
    assert set(COMMON) <= evaluation.keys()
    assert set(evaluation["definitions"]) <= evaluation["clean"].keys()
    assert ("mse_sum" in evaluation) == (task == "intensity")


# -- corruption


def test_noise_costs_accuracy_and_drowning_costs_more(single):
    def accuracy(spec: str) -> float:
        return float(report(single, corrupt=[spec]).data["accuracy"])

    clean = report(single).data["accuracy"]
    everything = "audio:gaussian@-30dB,text:gaussian@-30dB,visual:gaussian@-30dB"
    assert accuracy("audio:gaussian@40dB") == pytest.approx(clean, abs=0.03)
    assert accuracy(everything) < clean - 0.3


def test_corruptions_are_the_same_in_every_evaluation(single):
    spec = "audio:gaussian@-20dB,text:gaussian@-20dB"
    first = report(single, corrupt=[spec], seed=1).data
    second = report(single, corrupt=[spec], seed=1).data
    other = report(single, corrupt=[spec], seed=2).data
    assert first == second
    assert first["corrupted"]["confusion"] != other["corrupted"]["confusion"]


def test_corruptions_act_on_standardised_features(single):
    evaluator = RunEvaluator.open(single, "test", None, None)
    values = np.concatenate(
        [evaluator.samples.array(c.id, "audio") for c in evaluator.samples.clips]
    )
    assert abs(values.mean()) < 0.5
    assert 0.5 < values.std() < 2


def test_a_dropped_modality_is_that_of_a_clip_without_it(corpus, single, tmp_path):
    copy = Path(shutil.copytree(corpus.folder, tmp_path / "copy"))
    arrays = {c.id: np.ones((3, 5)) for c in corpus.manifest.clips if c.split != "test"}
    toy.write_feature(copy / "store", "mel", "audio", corpus.manifest, arrays)
    edited = json.loads((copy / "one" / "config.json").read_text())
    with FeatureStore.open(copy / "store" / "mel.h5") as store:
        edited["features"]["audio"]["fingerprint"] = store.fingerprint
    (copy / "one" / "config.json").write_text(json.dumps(edited))
    without = report(copy / "one").data
    dropped = report(single, corrupt=["audio:drop"]).data
    assert without["missing"]["audio"] == 45
    assert without["clean"]["confusion"] == dropped["corrupted"]["confusion"]


# -- sweeps


def test_a_sweep_tries_every_modality_at_every_level(single):
    result = report(single, sweep=["10dB", "-10dB"]).data
    points = [(p["modality"], p["level"], p["snr_db"]) for p in result["sweep"]]
    levels = [("10 dB", 10.0), ("-10 dB", -10.0)]
    assert points == [(m, *level) for m in ("audio", "text", "visual") for level in levels]
    alone = report(single, corrupt=["text:gaussian@-10dB"]).data
    assert result["sweep"][3]["accuracy"] == alone["accuracy"]
    assert result["sweep"][3]["confusion"] == alone["confusion"]


def test_a_sweep_of_what_is_corrupted(single):
    result = report(single, corrupt=["text:dropout"], sweep=["0.2", "0.9"]).data
    assert [p["level"] for p in result["sweep"]] == ["0.2", "0.9"]
    assert {p["modality"] for p in result["sweep"]} == {"text"}
    assert result["sweep"][0]["snr_db"] is None
    assert result["corrupted"] is not None


def test_figures_are_drawn_beside_the_report(several):
    evaluation = evaluate(several, corrupt=["audio"], sweep=["0dB", "-20dB"])
    assert {path.suffix for path in evaluation.figures} == {".png", ".svg"}
    assert len(evaluation.figures) == 4
    for path in evaluation.figures:
        assert path.parent == evaluation.path.parent
        assert path.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")


def test_progress_counts_conditions(single):
    told: list[tuple[int, int]] = []
    report(single, corrupt=["audio"], sweep=["0dB"], progress=lambda *pair: told.append(pair))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


# -- what it refuses


def test_no_run_and_no_finished_run(tmp_path, corpus, single):
    with pytest.raises(RunError, match="no such run"):
        report(tmp_path / "nothing")
    with pytest.raises(RunError, match="is not a run"):
        report(tmp_path)
    copy = Path(shutil.copytree(single, tmp_path / "copy"))
    (copy / "model.safetensors").unlink()
    with pytest.raises(RunError, match="training has not ended"):
        report(copy)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"corrupt": ["smell"]}, "or protocol 'smell'; modalities: audio, text, visual"),
        ({"corrupt": ["audio:gauss"]}, "did you mean 'gaussian'"),
        ({"corrupt": ["audio:zero@3"]}, "level '3'"),
        ({"sweep": ["loud"]}, "level 'loud'"),
        ({"split": "dev"}, "no split 'dev'"),
        (
            {"repair": RepairOptions(settings={"corrupt": ["m3er75"]})},
            "unknown setting 'robust.corrupt'",
        ),
        (
            {"repair": RepairOptions(settings={"train_on_proxy": True})},
            "there are: trust, fill, proxy",
        ),
        ({"manifest": Path("absent.csv")}, "absent.csv"),
        ({"store": Path("absent")}, "there is no such folder of features"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_one_line(single, options, message):
    before = sorted(single.rglob("*"))
    with pytest.raises((ConfigError, ManifestError, StoreError)) as caught:
        report(single, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(single.rglob("*")) == before


def test_a_modality_the_run_does_not_have(corpus, tmp_path):
    run = corpus.trained(tmp_path / "run", "unimodal", features=["mel"])
    with pytest.raises(ConfigError, match=r"no modality or protocol 'visual'.*audio"):
        report(run, corrupt=["visual"])
    assert report(run, sweep=["0dB"]).data["sweep"][0]["modality"] == "audio"


def test_an_empty_split(corpus, single, tmp_path):
    clips = tuple(c for c in corpus.manifest.clips if c.split != "test")
    shorter = replace(corpus.manifest, clips=clips)
    shorter.write(tmp_path / "short.csv")
    for name, (modality, width, _) in toy.FEATURES.items():
        arrays = {c.id: np.ones((3, width)) for c in clips}
        toy.write_feature(tmp_path / "store", name, modality, shorter, arrays)
    with pytest.raises(StoreError, match="split 'test' has no labelled clip"):
        report(single, manifest=tmp_path / "short.csv", store=tmp_path / "store")


def test_features_that_changed_are_refused(corpus, single, tmp_path):
    copy = Path(shutil.copytree(corpus.folder, tmp_path / "copy"))
    arrays = {c.id: np.ones((3, 5)) for c in corpus.manifest.clips}
    toy.write_feature(copy / "store", "mel", "audio", corpus.manifest, arrays)
    with pytest.raises(StoreError, match=r"mel.h5: is no longer what the run was trained on"):
        report(copy / "one")


def test_a_manifest_that_changed_is_refused(corpus, single, tmp_path):
    copy = Path(shutil.copytree(corpus.folder, tmp_path / "copy"))
    fewer = replace(corpus.manifest, clips=corpus.manifest.clips[:-1])
    fewer.write(copy / "toy.csv")
    with pytest.raises(RunError, match=r"clips are no longer those the run was trained on"):
        report(copy / "one")


def test_a_run_may_move_with_its_store(corpus, single, tmp_path):
    copy = Path(shutil.copytree(corpus.folder, tmp_path / "copy"))
    assert report(copy / "one").data == report(single).data
    lonely = Path(shutil.copytree(single, tmp_path / "lonely" / "one"))
    assert report(lonely).data == report(single).data  # found where it was
    config = json.loads((lonely / "config.json").read_text())
    config["manifest"]["absolute"] = str(tmp_path / "gone.csv")
    (lonely / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match=r"manifest is no longer at .*gone.csv.*--manifest"):
        report(lonely)
    named = report(lonely, manifest=corpus.folder / "toy.csv")
    assert named.data["accuracy"] == report(single).data["accuracy"]


def test_another_corpus_with_equal_classes_can_be_tried(single, tmp_path):
    other = toy.build(tmp_path, seed=7)
    result = report(single, manifest=tmp_path / "toy.csv", store=other.store).data
    assert result["n"] == 15
    assert result["inputs"]["manifest"] == other.manifest.fingerprint


def test_another_corpus_with_other_classes_cannot(single, tmp_path):
    other = toy.build(tmp_path, "multi")
    with pytest.raises(RunError, match="has task 'multi'"):
        report(single, manifest=tmp_path / "toy.csv", store=other.store)


def test_another_corpus_with_other_features_cannot(single, tmp_path):
    other = toy.build(tmp_path, seed=7)
    arrays = {c.id: np.ones((3, 9)) for c in other.manifest.clips}
    toy.write_feature(other.store, "mel", "audio", other.manifest, arrays)
    with pytest.raises(StoreError, match="other settings"):
        report(single, manifest=tmp_path / "toy.csv", store=other.store)


def test_oddities_are_counted(corpus, single, tmp_path):
    other = toy.build(tmp_path / "toy", seed=7)
    with FeatureStore.open(other.store / "mel.h5") as store:
        arrays = {i: store[i] for i in store.ids if i != "test00"}
    arrays["test01"][0, 0] = np.inf
    toy.write_feature(other.store, "mel", "audio", other.manifest, arrays)
    clips = tuple(replace(c, label=None) if c.id == "test02" else c for c in other.manifest.clips)
    replace(other.manifest, clips=clips).write(tmp_path / "toy" / "toy.csv")
    result = report(single, manifest=tmp_path / "toy" / "toy.csv", store=other.store).data
    assert result["missing"] == {"audio": 1, "text": 0, "visual": 0}
    assert result["non_finite"]["mel"] == 1
    assert result["unlabelled"] == 1
    assert result["n"] == 14


def test_seeds_that_were_standardised_differently_are_refused(several, tmp_path):
    copy = Path(shutil.copytree(several, tmp_path / "copy"))
    member = rundir.load(copy / "seed-1")
    other = replace(
        member.standardiser, mean={m: v + 1 for m, v in member.standardiser.mean.items()}
    )
    rundir.write_model(copy / "seed-1", member.network.state_dict(), other)
    with pytest.raises(RunError, match="standardised differently"):
        report(copy)


def test_the_stage_prints_nothing(single, capsys):
    evaluate(single, corrupt=["audio"])
    assert capsys.readouterr() == ("", "")


# -- where networks predict


@pytest.mark.parametrize("crossed", [False, True])
def test_the_device_is_where_networks_and_batches_go(
    corpus: toy.Toy, single: Path, crossed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Told apart on a machine without a GPU by what is asked of the networks."""
    from emocli.evaluation import evaluate as stage
    from emocli.evaluation import evaluator

    run = single
    if crossed:
        run = corpus.request(tmp_path / "run").cross_validate(3).run
    places: list[str] = []
    predict = evaluator.predict

    def watched(network: Any, samples: Any, size: int, device: str) -> Any:
        places.append(device)
        assert next(network.parameters()).device.type == device.replace("cuda", "meta")
        return predict(network.to_empty(device="cpu"), samples, size)

    monkeypatch.setattr(evaluator, "predict", watched)
    monkeypatch.setattr(stage, "chosen_device", lambda wanted, where: wanted)
    to = torch.nn.Module.to
    monkeypatch.setattr(
        torch.nn.Module, "to", lambda self, place: to(self, place.replace("cuda", "meta"))
    )
    assert report(run, device="cuda").data["device"] == "cuda"
    assert set(places) == {"cuda"}
    assert len(places) == (3 if crossed else 1)


def test_it_is_the_cpu_unless_asked_and_a_gpu_that_is_not_there_is_refused(single: Path) -> None:
    assert report(single).data["device"] == "cpu"
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="there is no GPU"):
            report(single, device="cuda")
        assert report(single, device="auto").data["device"] == "cpu"
