"""Weights of modalities: means over clips, what changes, and for whom."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from emocli.analysis.weights import draw
from emocli.config import merge
from emocli.errors import ConfigError, RunError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.plugin.robustness import on, read
from emocli.report.canvas import render
from emocli.robust.corrupt import Corrupter
from tests import toy
from tests.training.test_m3er import SETTINGS

weights = toy.analysis("weights")

COMMAND = "analyze weights m3er"
"""For the contract of reports."""

SPEC = "visual@0.01"
LABEL = "visual gaussian SNR 0.01"


corpus = toy.fixture()


def trained(corpus: toy.Toy, fusion: str, seeds: int = 1) -> Path:
    settings = SETTINGS if fusion == "m3er" else toy.QUICK
    return corpus.trained(fusion, fusion, settings=settings, seeds=seeds)


@pytest.fixture(scope="module")
def run(corpus: toy.Toy) -> Path:
    return trained(corpus, "m3er", seeds=2)


def test_they_are_the_networks_clean_and_corrupted(run: Path) -> None:
    data = weights(run, corrupt=[SPEC], figures=False, seed=3).data
    assert list(data["conditions"]) == ["clean", LABEL]
    evaluator = RunEvaluator.open(run, "test", None, None)
    noise = Corrupter(on(read([SPEC]), evaluator.modalities), 3, evaluator.samples)
    for label, samples in (("clean", evaluator.samples), (LABEL, evaluator.samples.then(noise))):
        for index, member in enumerate(evaluator.members):
            whole = samples.batch(samples.clips)
            with torch.inference_mode():
                output = member.network.eval()(whole)
                known = member.network.oracle(output, whole)
            for modality in evaluator.modalities:
                for kind, said in (("weights", output.weights), ("oracle", known)):
                    wanted = said[modality].mean().item()
                    result = data["conditions"][label][kind][modality][index]
                    assert result == pytest.approx(wanted, abs=1e-6)


def test_what_changes_is_given_in_points_and_per_cent(run: Path) -> None:
    analysis = weights(run, corrupt=[SPEC])
    data = analysis.data
    for kind, own in data["change"][LABEL].items():
        for modality, change in own.items():
            clean, corrupted = (
                float(np.mean(data["conditions"][label][kind][modality]))
                for label in ("clean", LABEL)
            )
            assert change["points"] == pytest.approx(100 * (corrupted - clean))
            assert change["percent"] == pytest.approx(100 * (corrupted - clean) / clean)
            low, high = change["points_ci_clips"]
            assert low <= change["points"] <= high
            assert change["points_ci"] == [None, None]  # of five dialogues
    total = sum(change["points"] for change in data["change"][LABEL]["weights"].values())
    assert total == pytest.approx(0, abs=1e-4)
    assert json.loads(analysis.path.read_text()) == data
    with analysis.path.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 3 * 2
    assert float(rows[0]["weights"]) == data["conditions"]["clean"]["weights"]["audio"][0]
    assert all(path.stat().st_size > 1000 for path in analysis.figures)
    (table,) = analysis.tables
    assert len(table.rows) == 6
    assert all(str(row[6]).endswith(" over clips") for row in table.rows)
    assert "5 dialogues are too few" in data["warnings"][0]
    assert data["interval"].startswith("none over dialogues, of which there are 5")


def test_by_default_every_modality_is_corrupted_in_turn(run: Path) -> None:
    labels = list(weights(run, figures=False).data["conditions"])
    assert labels == ["clean", *(f"{m} gaussian SNR 0.01" for m in ("audio", "text", "visual"))]


def test_a_repair_is_seen(run: Path) -> None:
    plain = weights(run, corrupt=[SPEC], figures=False)
    filled = weights(run, corrupt=[SPEC], oracle=True, fill="zero", figures=False)
    assert filled.data["conditions"]["clean"] == plain.data["conditions"]["clean"]
    assert filled.data["conditions"][LABEL] != plain.data["conditions"][LABEL]
    assert filled.path != plain.path


def test_weights_of_a_late_fusion_need_no_labels(corpus: toy.Toy) -> None:
    data = weights(trained(corpus, "late"), corrupt=["visual:drop"], figures=False).data
    assert set(data["conditions"]["clean"]) == {"weights"}
    assert data["conditions"]["visual drop"]["weights"]["visual"] == [0]
    assert data["change"]["visual drop"]["weights"]["visual"]["percent"] == pytest.approx(-100)


@pytest.mark.parametrize(
    ("settings", "unused"),
    [
        ({"fusion": "concat"}, "network.fusion=concat"),
        ({"fusion": "hadamard"}, "network.fusion=hadamard"),
        ({"fusion": "weighted", "predict": "mean"}, "network.predict=mean"),
        ({"fusion": "weighted", "predict": "mult"}, "network.predict=mult"),
        ({"fusion": "weighted"}, ""),
    ],
)
def test_weights_that_the_prediction_does_not_use_are_called_so(
    corpus: toy.Toy, settings: dict[str, str], unused: str
) -> None:
    """What is said is true: other weights change the prediction, or they do not."""
    name = "-".join(settings.values())
    run = corpus.trained(name, "m3er", settings=merge(SETTINGS, {"network": settings}))
    analysis = weights(run, corrupt=[SPEC], figures=False)
    assert analysis.data["unused"] == unused
    title = analysis.tables[0].title
    said = f"the prediction does not use these weights ({unused})"
    assert (said in title) == bool(unused)
    drawn = render(draw(analysis.report))[".svg"]
    assert (b"prediction" in drawn) == bool(unused)
    evaluator = RunEvaluator.open(run, "test", None, None)
    network = evaluator.members[0].network.eval()
    batch = evaluator.samples.batch(evaluator.samples.clips)
    with torch.inference_mode():
        before = network(batch).logits
        own = network._weights
        network._weights = lambda *args: {
            m: w * (0.1 if m == "audio" else 2.0) for m, w in own(*args).items()
        }
        assert torch.equal(before, network(batch).logits) == bool(unused)


def test_it_refuses_a_network_without_weights(corpus: toy.Toy) -> None:
    with pytest.raises(RunError, match=r"'gca' gives its modalities no weights.*`weights`"):
        weights(trained(corpus, "gca"))


def test_it_refuses_a_modality_that_is_not_there(run: Path) -> None:
    with pytest.raises(ConfigError, match="no modality or protocol 'smell'"):
        weights(run, corrupt=["smell"])
