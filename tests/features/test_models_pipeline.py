"""From recordings to an evaluated network with the hidden states of tiny published encoders."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from numpy.testing import assert_allclose

from emocli.cli.app import run
from emocli.data.manifest import Manifest
from emocli.evaluation.evaluator import RunEvaluator
from emocli.models import rundir
from emocli.prediction.timeline import PredictionReport

QUICK = ("train.epochs=2", "train.batch_size=4", "network.hidden=4", "train.layer_mix=true")
ENCODERS = {"speech_model": "wav2vec2", "face_model": "vit", "text_model": "bert"}
VIEWS = ("speech_model+mel", "face_model", "text_model")


def emocli(*arguments: object, sets: tuple[str, ...] = (), features: tuple[str, ...] = ()) -> None:
    more = [part for each in sets for part in ("--set", each)]
    more += [part for each in features for part in ("-f", each)]
    assert run([*map(str, arguments), *more]) == 0


def predicted(out: Path) -> dict[str, list[float]]:
    report = PredictionReport.read(out / "predictions.json")
    return {segment.clip: list(segment.values.values()) for segment in report.segments}


def test_extract_train_evaluate_predict_pack(
    corpus: Manifest,
    published: Mapping[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a learnt mix of all layers, beside a feature that has none."""
    encoders = tuple(f"{name}.encoder={published[kind]}" for name, kind in ENCODERS.items())
    settings = (*encoders, "speech_model.layers=all", "speech_model.stride=5", "faces.rate=4")
    store, manifest, path = tmp_path / "store", corpus.path, tmp_path / "run"
    names = ("faces", "mel", *ENCODERS)
    emocli("extract", manifest, "--store", store, sets=settings, features=names)
    where = ("--store", store, "--run", path, "--fusion", "late")
    emocli("train", manifest, *where, sets=QUICK, features=VIEWS)
    scores = rundir.load(path).network.state_dict()["mixes.view_audio.scores"]
    assert scores.shape == (4,)
    assert torch.equal(scores == 0, torch.tensor([False, False, False, True]))
    capsys.readouterr()
    emocli("evaluate", path, "--no-figures", "--json")
    assert json.loads(capsys.readouterr().out)["n"] == 4
    measured = RunEvaluator.open(path, "test", None, None).predict([], 0)
    emocli("pack", path, "-o", tmp_path / "packed")
    shutil.rmtree(store)
    emocli("predict", path, manifest, "-o", tmp_path / "all")
    mine = predicted(tmp_path / "all")
    assert set(mine) == {clip.id for clip in corpus.clips}
    assert_allclose([mine[clip] for clip in measured.ids], measured.values[0], atol=1e-6)
    shutil.rmtree(path)
    one = corpus.root / "packed.csv"
    replace(corpus, clips=corpus.split("test")[:1], path=None).write(one)
    emocli("predict", tmp_path / "packed", one, "-o", tmp_path / "one")
    ((clip, values),) = predicted(tmp_path / "one").items()
    assert_allclose(values, mine[clip], atol=1e-6)
