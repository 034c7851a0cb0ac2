"""Gates of a run: means over clips, clean and corrupted."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emocli.cli.app import run as cli
from emocli.config import merge
from emocli.errors import ConfigError, RunError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.plugin.robustness import on, read
from emocli.robust.corrupt import Corrupter
from tests import toy

gates = toy.analysis("gates")

COMMAND = "analyze gates rrnn --corrupt visual:drop"
"""For the contract of reports."""

QUICK = merge(toy.QUICK, {"train": {"epochs": 2}, "network": {"hops": 2}})
SPEC = "visual:gaussian@-20dB"
LABEL = "visual gaussian -20 dB"


corpus = toy.fixture()


def trained(
    corpus: toy.Toy,
    name: str,
    fusion: str = "rrnn",
    seeds: int = 1,
    robust: dict[str, Any] | None = None,
    **own: str,
) -> Path:
    settings = merge(QUICK, {"network": own})
    return corpus.trained(name, fusion, settings=settings, robust=robust, seeds=seeds)


@pytest.fixture(scope="module")
def run(corpus: toy.Toy) -> Path:
    return trained(corpus, "rrnn", seeds=2)


def test_they_are_the_networks_clean_and_corrupted(run: Path) -> None:
    analysis = gates(run, corrupt=[SPEC], figures=False, seed=3).data["gates"]
    assert list(analysis) == ["clean", LABEL]
    evaluator = RunEvaluator.open(run, "test", None, None)
    noise = Corrupter(on(read([SPEC]), evaluator.modalities), 3, evaluator.samples)
    for label, samples in (("clean", evaluator.samples), (LABEL, evaluator.samples.then(noise))):
        for index, member in enumerate(evaluator.members):
            with torch.inference_mode():
                whole = member.network.eval()(samples.batch(samples.clips))
            for modality, values in whole.gates.items():
                wanted = values.mean(dim=0).tolist()
                assert analysis[label][modality][index] == pytest.approx(wanted, abs=1e-6)
    assert not np.allclose(analysis["clean"]["visual"], analysis[LABEL]["visual"], atol=1e-4)


def test_clips_without_a_view_do_not_count(run: Path) -> None:
    analysis = gates(run, corrupt=["visual:drop"])
    result = analysis.data["gates"]["visual drop"]
    assert np.isfinite(result["audio"]).all()
    assert result["visual"] == [[None, None]] * 2
    assert all(path.stat().st_size > 1000 for path in analysis.figures)
    (table,) = analysis.tables
    (first,) = (row for row in table.rows if row[:2] == ("visual", 1))
    assert np.isnan(first[3])
    assert first[2] == pytest.approx(np.mean(analysis.data["gates"]["clean"]["visual"], axis=0)[0])


def test_by_default_every_modality_is_corrupted_in_turn(run: Path) -> None:
    analysis = gates(run)
    conditions = ["clean", *(f"{m} gaussian 0 dB" for m in ("audio", "text", "visual"))]
    assert list(analysis.data["gates"]) == conditions
    assert analysis.path.name == "gates+test.json"
    assert json.loads(analysis.path.read_text()) == analysis.data
    assert [path.name for path in analysis.figures] == ["gates+test.png", "gates+test.svg"]
    with analysis.path.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 3 * 2 * 2  # conditions, views, seeds, hops
    last = rows[-1]
    assert (last["condition"], last["view"], last["seed"], last["hop"]) == (
        conditions[-1], "visual", "1", "2"
    )  # fmt: skip
    wanted = analysis.data["gates"][conditions[-1]]["visual"][1][1]
    assert float(last["gate"]) == pytest.approx(wanted)


def test_what_the_training_repaired_is_repaired(corpus: toy.Toy) -> None:
    robust = {"corrupt": ["visual:zero"], "oracle": True, "fill": "missing"}
    analysis = gates(trained(corpus, "wary", robust=robust), corrupt=[SPEC], seed=3)
    assert analysis.data["repair"] == "oracle, missing"
    # As if it had never been recorded: there is no gate to pass.
    assert analysis.data["gates"][LABEL]["visual"] == [[None, None]]
    assert analysis.path.name == "gates+test+visual-gaussian--20-dB+oracle-missing+seed-3.json"


def test_the_command_shows_a_table(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["analyze", "gates", str(run), "--corrupt", SPEC, "--no-figures"]
    assert cli([*command, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data == gates(run, corrupt=[SPEC], figures=False).data
    assert cli(command) == 0
    shown = capsys.readouterr().out
    assert LABEL in shown
    assert f"{np.mean(data['gates'][LABEL]['visual'], axis=0)[1]:.3f}" in shown


def test_it_refuses_networks_without_gates_and_unknown_modalities(
    corpus: toy.Toy, run: Path
) -> None:
    for name, fusion, own in (("open", "rrnn", {"view_gate": "none"}), ("gca", "gca", {})):
        with pytest.raises(RunError, match=f"'{fusion}' has no gates; train one that has"):
            gates(trained(corpus, name, fusion, **own))
    with pytest.raises(ConfigError, match=r"no modality or protocol 'visul'.*visual"):
        gates(run, corrupt=["visul"])
