"""Attention of a run: the weights that the network gives, at their times, with their words."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emocli.cli.app import run as cli
from emocli.config import merge
from emocli.data.batch import Batch, Padded
from emocli.data.manifest import Manifest
from emocli.data.track import Track
from emocli.errors import EmocliError, ManifestError, RunError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.models import rundir
from emocli.plugin.robustness import RepairOptions, on, read
from tests import toy

attention = toy.analysis("attention")

COMMAND = "analyze attention rrnn --clip test00 --corrupt visual:drop"
"""For the contract of reports."""

QUICK = merge(toy.QUICK, {"train": {"epochs": 2}, "network": {"hops": 2, "stride": {"audio": 2}}})
SPOKEN = "train00"
"""The clip with words and times."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    """Audio at 10 steps a second, text with times for one clip, pictures without."""
    result = toy.build(tmp_path_factory.mktemp("toy"))
    words = result.folder / "words.csv"
    words.write_text("start,end,word\n0.0,0.2,oh\n0.2,0.6,very\n0.6,0.8,nice\n5,6,later\n")
    clips = [
        replace(clip, text="Nice, isn't it?", media={"words": words}, end=3.0)
        if clip.id == SPOKEN
        else replace(clip, text="Nice, isn't it?")
        for clip in result.manifest.clips
    ]
    manifest = replace(result.manifest, clips=tuple(clips))
    manifest.write(result.folder / "toy.csv")
    manifest = Manifest.read(result.folder / "toy.csv")
    rng = np.random.default_rng(0)
    for name, (modality, width, length) in toy.FEATURES.items():
        tracks = {}
        for clip in manifest.clips:
            steps = 3 if modality == "text" and clip.id == SPOKEN else length
            steps = 5 if modality == "text" and clip.id == "train01" else steps
            times = None
            if modality == "text":
                times = np.array([0.1, 0.4, 0.7]) if clip.id == SPOKEN else np.full(steps, np.nan)
            tracks[clip.id] = Track(rng.normal(size=(steps, width)).astype(np.float32), times)
        rate = 10.0 if modality == "audio" else None
        toy.write_tracks(result.store, name, modality, manifest, tracks, rate)
    return toy.Toy(result.folder, manifest)


def trained(
    corpus: toy.Toy,
    fusion: str,
    seeds: int = 1,
    name: str = "",
    robust: dict[str, Any] | None = None,
) -> Path:
    settings = QUICK if fusion != "late" else merge(toy.QUICK, {"train": {"epochs": 1}})
    return corpus.trained(name or fusion, fusion, robust=robust, settings=settings, seeds=seeds)


@pytest.fixture(scope="module")
def run(corpus: toy.Toy) -> Path:
    return trained(corpus, "rrnn", seeds=2)


@pytest.fixture(scope="module")
def found(run: Path) -> dict[str, Any]:
    return attention(run, clip=SPOKEN).data


def test_the_weights_are_those_of_the_network(corpus: toy.Toy, run: Path, found: Any) -> None:
    """On the steps of the view, of which the encoder of the sound saw means of two."""
    from emocli.data.store import open_features

    stores = open_features(corpus.store, None, corpus.manifest)
    for seed in (0, 1):
        member = rundir.load(run / f"seed-{seed}")
        views = {
            m: Padded.from_rows([member.standardiser(SPOKEN, m, store[SPOKEN])])
            for m, store in stores.items()
        }
        with torch.inference_mode():
            output = member.network.eval()(Batch((SPOKEN,), views))
        for modality, wanted in output.attention.items():
            got = torch.tensor(found["views"][modality]["weights"][seed])
            torch.testing.assert_close(got, wanted[0])
            assert got.sum(dim=-1).tolist() == pytest.approx([1.0, 1.0])
    first = np.array(found["views"]["audio"]["weights"][0])
    np.testing.assert_allclose(first[:, 0:8:2], first[:, 1:8:2])


def test_times_are_the_stores(found: Any) -> None:
    views = found["views"]
    assert views["audio"]["times"] == pytest.approx([0.1 * k for k in range(9)])
    assert views["text"]["times"] == pytest.approx([0.1, 0.4, 0.7])
    assert [views[m]["timed"] for m in ("audio", "text", "visual")] == [True, True, False]
    spread = np.array(views["visual"]["times"])
    assert np.ptp(np.diff(spread)) == pytest.approx(0)
    assert 0 < spread[0] < spread[-1] < 0.8


def test_words_stand_in_the_middle_of_their_time(found: Any) -> None:
    words = found["views"]["text"]["words"]
    assert [word["word"] for word in words] == ["oh", "very", "nice"]
    assert [word["time"] for word in words] == pytest.approx([0.1, 0.4, 0.7])
    assert found["views"]["audio"]["words"] == []


def test_words_without_times_stand_with_their_rows(run: Path) -> None:
    text = attention(run, clip="train01", figures=False).data["views"]["text"]
    assert not text["timed"]
    assert [word["word"] for word in text["words"]] == ["Nice", ",", "isn't", "it", "?"]
    assert [word["time"] for word in text["words"]] == text["times"]
    assert attention(run, clip="train02", figures=False).data["views"]["text"]["words"] == []


def test_it_writes_data_and_drawings(run: Path, found: Any) -> None:
    reports = run / "reports"
    every = attention(run, clip=SPOKEN, hop="all")
    assert json.loads(every.path.read_text()) == every.data == {**found, "hop": "all"}
    names = {
        f"attention-{SPOKEN}-{hop}.{kind}"
        for hop in ("last", "all")
        for kind in ("json", "csv", "png", "svg")
    }
    assert names <= {path.name for path in reports.iterdir()}
    assert {path.suffix for path in every.figures} == {".png", ".svg"}
    with every.path.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * (9 + 3 + 6)
    heard = [row for row in rows if (row["view"], row["hop"]) == ("audio", "2")]
    mean = np.mean(found["views"]["audio"]["weights"], axis=0)[1]
    assert [float(row["weight"]) for row in heard] == pytest.approx(mean.tolist())
    assert [float(row["seconds"]) for row in heard] == found["views"]["audio"]["times"]


def test_the_command_writes_the_same(
    run: Path, found: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["analyze", "attention", str(run), "--clip", SPOKEN, "--no-figures"]
    assert cli([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found
    assert cli(command) == 0
    assert f"attention-{SPOKEN}-last.json" in capsys.readouterr().out


def test_early_fusion_has_attention_too(corpus: toy.Toy) -> None:
    views = attention(trained(corpus, "early"), clip=SPOKEN, figures=False).data["views"]
    assert {name: np.shape(view["weights"]) for name, view in views.items()} == {
        "audio": (1, 2, 9), "text": (1, 2, 3), "visual": (1, 2, 6)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fusion", "stride"), [("rrnn", 4), ("rrnn", 5), ("rrnn", 8), ("gca", 4), ("early", 4)]
)
def test_a_short_last_block_is_no_peak_for_being_short(
    corpus: toy.Toy, monkeypatch: pytest.MonkeyPatch, fusion: str, stride: int
) -> None:
    """Nine steps in blocks of 4, 4 and 1: attention that prefers no block is flat."""
    own = {"network": {"stride": {"audio": stride}}, "train": {"epochs": 1}}
    run = corpus.trained(f"{fusion}-{stride}", fusion, settings=merge(QUICK, own))
    load = rundir.load

    def indifferent(folder: Path) -> Any:
        analysis = load(folder)
        with torch.no_grad():
            for name, values in analysis.network.named_parameters():
                if ".attention." in name:
                    values.zero_()
        return analysis

    trained_view = attention(run, clip=SPOKEN, figures=False).data["views"]["audio"]
    curve = np.array(trained_view["curve"])
    np.testing.assert_allclose(curve.mean(axis=-1), 1)  # the area under it is that of the weights
    if fusion != "early":
        starts = range(0, 9, stride)
        weights = np.array(trained_view["weights"])
        blocks = np.stack([weights[..., k : k + stride].sum(axis=-1) for k in starts], axis=-1)
        assert (curve.argmax(axis=-1) // stride == blocks.argmax(axis=-1)).all()
    monkeypatch.setattr(rundir, "load", indifferent)
    analysis = attention(run, clip=SPOKEN)
    view = analysis.data["views"]["audio"]
    np.testing.assert_allclose(view["curve"], np.ones((1, 2, 9)), rtol=1e-5)
    if fusion != "early":
        assert np.argmax(view["weights"][0][-1]) == 9 - 9 % stride  # as the network shares them out
    assert "mean over the steps 1" in analysis.data["curve"]
    assert b"by block" in next(p for p in analysis.figures if p.suffix == ".svg").read_bytes()


@pytest.mark.parametrize(
    ("fusion", "clip", "error", "message"),
    [
        ("late", SPOKEN, RunError, "'late' has no attention over steps; train one that has"),
        ("rrnn", "train0", ManifestError, "no clip 'train0'; did you mean 'train"),
    ],
)
def test_it_refuses(
    corpus: toy.Toy, run: Path, fusion: str, clip: str, error: type[EmocliError], message: str
) -> None:
    chosen = run if fusion == "rrnn" else trained(corpus, fusion)
    with pytest.raises(error, match=message):
        attention(chosen, clip=clip)


# -- what is read


def test_a_clip_is_read_as_it_is_evaluated(corpus: toy.Toy, run: Path) -> None:
    """Corrupted as among the others of its split, and repaired: the weights are of that."""
    options = {"corrupt": ["visual:shuffle", "audio@0.01"], "seed": 3}
    repair = {"oracle": True, "proxy": "mean"}
    clip = corpus.manifest.split("test")[2].id
    analysis = attention(run, clip=clip, figures=False, **options, **repair)
    evaluator = RunEvaluator.open(run, "test", None, None, RepairOptions(**repair))
    seen = evaluator.transformed(on(read(options["corrupt"]), evaluator.modalities), 3)
    for index, member in enumerate(evaluator.members):
        with torch.inference_mode():
            output = member.network.eval()(seen.batch([seen.manifest.clip(clip)]))
        for modality, wanted in output.attention.items():
            got = torch.tensor(analysis.data["views"][modality]["weights"][index])
            torch.testing.assert_close(got, wanted[0])
    assert analysis.data["corruption"] == ["visual shuffle", "audio gaussian SNR 0.01"]
    assert analysis.data["regenerated"] == analysis.data["flagged"] == ["audio", "visual"]
    assert analysis.path.name != f"attention-{clip}-last.json"
    plain = attention(run, clip=clip, figures=False).data
    assert plain["repair"] == ""
    assert plain["views"]["text"]["weights"] != analysis.data["views"]["text"]["weights"]
    noisy = attention(run, clip=clip, figures=False, **options).data
    assert noisy["flagged"] == noisy["regenerated"] == []
    assert noisy["views"]["audio"]["weights"] != analysis.data["views"]["audio"]["weights"]


def test_the_training_s_repair_is_that_of_the_run(corpus: toy.Toy) -> None:
    robust = {"corrupt": ["visual:zero"], "oracle": True, "fill": "missing"}
    run = trained(corpus, "rrnn", name="wary", robust=robust)
    clip = corpus.manifest.split("test")[0].id
    analysis = attention(run, clip=clip, corrupt=["visual"], figures=False)
    assert analysis.data["repair"] == "oracle, missing"
    assert list(analysis.data["views"]) == ["audio", "text"]  # as if it had never been recorded
    assert "visual" in attention(run, clip=clip, figures=False).data["views"]
    noisy = attention(run, clip=clip, corrupt=["visual"], fill="zero", figures=False)
    assert [row[3] for row in noisy.tables[0].rows] == ["as it is", "as it is", "not trusted"]


def test_a_clip_of_which_nothing_is_left_is_refused(corpus: toy.Toy, run: Path) -> None:
    every = [f"{m}:drop" for m in ("audio", "text", "visual")]
    with pytest.raises(RunError, match="has none of its features"):
        attention(run, clip=SPOKEN, corrupt=every)


def test_of_a_cross_validation_the_fold_that_tests_the_clip_looks(corpus: toy.Toy) -> None:
    settings = merge(QUICK, {"train": {"epochs": 1}})
    crossed = corpus.request("crossed", "rrnn", settings=settings).cross_validate(3)
    for index in range(3):
        clip = corpus.manifest.folded(index, 3).split("test")[0].id
        analysis = attention(crossed.run, clip=clip, figures=False)
        alone = attention(crossed.folds[index].run, clip=clip, figures=False)
        assert analysis.path.parent == crossed.run / "reports"
        assert analysis.data["fold"] == alone.data["fold"] == index
        assert analysis.data["views"] == alone.data["views"]
    with pytest.raises(ManifestError, match="no clip 'train0'"):
        attention(crossed.run, clip="train0")
    for index in (0, 1):  # only the fold that tests the clip is loaded
        (crossed.folds[index].run / "model.safetensors").unlink()
    assert attention(crossed.run, clip=clip, figures=False).data == analysis.data
