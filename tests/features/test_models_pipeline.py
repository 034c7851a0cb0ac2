"""From recordings to an evaluated network with the hidden states of tiny published encoders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emocli.cli.app import run
from emocli.data.manifest import Manifest
from tests import hub_models

QUICK = ("train.epochs=2", "train.batch_size=4", "network.hidden=4")


def test_extract_train_evaluate_predict(
    corpus: Manifest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = {"speech_model": "wav2vec2", "face_model": "vit", "text_model": "bert"}
    encoders = {
        f"{name}.encoder={getattr(hub_models, kind)(tmp_path / kind)}"
        for name, kind in kinds.items()
    }
    settings = [*encoders, "speech_model.layers=[1, 2]", "speech_model.stride=5", "faces.rate=4"]
    store, manifest = tmp_path / "store", str(corpus.path)
    features = [part for name in ("faces", *kinds) for part in ("-f", name)]
    sets = [part for setting in settings for part in ("--set", setting)]
    assert run(["extract", manifest, *features, *sets, "--store", str(store)]) == 0
    chosen = [part for name in kinds for part in ("-f", name)]
    quick = [part for setting in QUICK for part in ("--set", setting)]
    where = ["--store", str(store), "--run", str(tmp_path / "run")]
    assert run(["train", manifest, *chosen, *where, "--fusion", "late", *quick]) == 0
    capsys.readouterr()
    assert run(["evaluate", str(tmp_path / "run"), "--no-figures", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 4
    assert run(["predict", str(tmp_path / "run"), manifest, "-o", str(tmp_path / "out")]) == 0
    predicted = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert len(predicted["segments"]) == len(corpus.clips)
    assert all(segment["label"] for segment in predicted["segments"])
    described = json.loads((tmp_path / "run" / "config.json").read_text())
    assert set(kinds) <= set(json.dumps(described).replace('"', " ").split())
