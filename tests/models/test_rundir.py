"""Run folders: round trips, and what is said about damaged and foreign ones."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from emocli.config import merge
from emocli.data.batch import Batch
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.data.store import open_features
from emocli.errors import RunError
from emocli.models import rundir
from emocli.models.run_config import Source
from tests import toy
from tests.fusion.batches import make


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    """A toy corpus nobody writes to."""
    return toy.build(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def finished(corpus: toy.Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "run"
    settings = merge(toy.QUICK, {"network": {"tie_hops": True}, "train": {"epochs": 1}})
    return corpus.trained(run, "rrnn", settings=settings)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def batch() -> Batch:
    dims = {modality: width for modality, width, _ in toy.FEATURES.values()}
    return make(dims=dims)


def edit(run: Path, change: dict[str, Any]) -> None:
    path = run / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))


def test_a_loaded_network_says_the_same_every_time(finished):
    first, second = rundir.load(finished), rundir.load(finished)
    assert not first.network.training
    assert torch.equal(first.network(batch()).logits, second.network(batch()).logits)


def test_a_network_survives_writing_and_reading(finished, run):
    loaded = rundir.load(finished)
    with torch.no_grad():
        for parameter in loaded.network.parameters():
            parameter.add_(0.25)
    rundir.write_model(run, loaded.network.state_dict(), loaded.standardiser)
    again = rundir.load(run)
    assert torch.equal(again.network(batch()).logits, loaded.network(batch()).logits)
    assert again.config == loaded.config
    for name, array in loaded.standardiser.tensors().items():
        assert np.array_equal(again.standardiser.tensors()[name], array)


def test_the_statistics_are_those_of_the_train_split(finished, corpus):
    stores = open_features(corpus.store, None, corpus.manifest)
    expected = Standardiser.fit(Samples.of(corpus.manifest, "train", stores)).tensors()
    result = rundir.load(finished).standardiser.tensors()
    assert result.keys() == expected.keys()
    assert all(np.array_equal(result[name], expected[name]) for name in expected)


def test_the_model_file_is_plain_safetensors(finished):
    names = set(load_file(finished / "model.safetensors"))
    assert {"standardise.mean.audio", "standardise.std.visual"} < names
    assert any(name.startswith("network.") for name in names)


def test_history_survives_writing_and_reading(tmp_path):
    history = [
        {"epoch": 1, "lr": 1e-3, "valid_loss": 1 / 3},
        {"epoch": 2, "lr": 5e-4, "valid_loss": math.nan},
    ]
    rundir.write_history(tmp_path, history)
    result = rundir.read_history(tmp_path)
    assert result[0] == history[0]
    assert math.isnan(result[1]["valid_loss"])


def test_sources_are_found_beside_the_run_first(tmp_path):
    (tmp_path / "a" / "store").mkdir(parents=True)
    (tmp_path / "a" / "runs" / "r").mkdir(parents=True)
    source = Source.of(tmp_path / "a" / "store", tmp_path / "a" / "runs" / "r")
    assert source.path == "../../store"
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert source.locate(tmp_path / "b" / "runs" / "r").samefile(tmp_path / "b" / "store")
    shutil.rmtree(tmp_path / "b" / "store")
    assert source.locate(tmp_path / "b" / "runs" / "r").samefile(tmp_path / "a" / "store")


def test_describe_is_plain(finished):
    data = json.loads(json.dumps(rundir.describe(finished).facts))
    assert data["fusion"] == "rrnn"
    assert data["finished"] == 1
    assert data["epochs"] == [1]


def refuse(run: Path, message: str) -> None:
    with pytest.raises(RunError, match=message) as caught:
        rundir.load(run)
    assert "\n" not in str(caught.value)


def test_no_run(tmp_path):
    refuse(tmp_path / "nothing", r"nothing: there is no such run; train it first")
    refuse(tmp_path, r"is not a run \(it has no config.json\); name a folder that emocli train")
    (tmp_path / "few.csv").write_text("id\n")
    refuse(tmp_path / "few.csv", r"few.csv: is not a run \(it is no folder\); name a folder that")


@pytest.mark.parametrize("text", ["", "[]", "{", '"text"', "\xff\xfe", '{"format": 1}'])
def test_a_damaged_configuration(run, text):
    (run / "config.json").write_bytes(text.encode("latin-1"))
    refuse(run, r"config.json: is damaged or not that of a run")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "is damaged or not that of a run.*format"),
        ({"fusion": "os"}, "no network is called 'os'"),
        ({"fusion": "../../evil"}, "no network"),
        (
            {"fusion": "odd", "versions": {"emocli": "1", "python": "3", "odd-nets": "1.2"}},
            "its network 'odd' is of a package that is not installed; .*not here: odd-nets 1.2",
        ),
        ({"network": {"hidden": "many"}}, "network.hidden"),
        ({"network": {"hidden": 7}}, "does not hold the network"),
        ({"classes": ["joy"]}, "does not hold the network"),
        ({"task": "guess"}, "is damaged"),
        ({"features": {}}, "is damaged.*features"),
        ({"seeds": "all"}, "is damaged.*seeds"),
        ({"seeds": []}, "is damaged.*seeds"),
        ({"train": {"lr": "fast"}}, "is damaged.*train.lr"),
    ],
    ids=str,
)
def test_a_configuration_that_does_not_fit(run, change, message):
    edit(run, change)
    refuse(run, message)


@pytest.mark.parametrize("keep", [0, 4, 200, -1])
def test_a_truncated_model(run, keep):
    path = run / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    refuse(run, r"model.safetensors: is damaged or not safetensors")


def test_a_pickle_is_not_loaded(run):
    torch.save({"x": torch.ones(1)}, run / "model.safetensors")
    refuse(run, "is damaged or not safetensors")


def test_a_foreign_model(run):
    save_file({"embeddings.weight": torch.ones(3, 3)}, run / "model.safetensors")
    refuse(run, "does not hold the statistics")


def test_a_damaged_history(run):
    (run / "history.csv").write_text("epoch,lr\n1\n")
    with pytest.raises(RunError, match=r"history.csv: is absent or damaged"):
        rundir.read_history(run)


@pytest.mark.parametrize(
    "text",
    ["", "epoch,lr\n", "epoch,lr\n1,2\n", "epoch,valid_loss\n1,2,3\n", "epoch,valid_loss\n1,\0\n",
     "epoch,valid_loss\n1,much\n", "epoch,valid_loss\n1," + "9" * 200_000 + "\n"],
    ids=range(7),
)  # fmt: skip
def test_histories_that_lack_something(run, text):
    (run / "history.csv").write_text(text)
    with pytest.raises(RunError, match=r"history.csv: is absent or damaged .*restore it") as told:
        rundir.read_history(run, ("valid_loss",))
    assert len(str(told.value)) < 400


def test_a_header_longer_than_the_file(run):
    path = run / "model.safetensors"
    for length in (2**60, 2**63, 2**64 - 1, 90_000_000):
        path.write_bytes(length.to_bytes(8, "little") + path.read_bytes()[8:])
        refuse(run, "is damaged or not safetensors")


def test_tensors_that_overlap(run):
    path = run / "model.safetensors"
    tensors = json.dumps(
        {name: {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} for name in "ab"}
    ).encode()
    path.write_bytes(len(tensors).to_bytes(8, "little") + tensors + bytes(16))
    refuse(run, "is damaged or not safetensors")


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64, torch.int8])
def test_tensors_of_another_type(run, kind):
    path = run / "model.safetensors"
    tensors = load_file(path)
    tensors |= {name: t.to(kind) for name, t in tensors.items() if ".mean." in name}
    save_file(tensors, path)
    rundir.load(run)  # other numbers, not another kind of file


@pytest.mark.parametrize("change", [
    lambda t: t * 0, lambda t: t * torch.nan, lambda t: t[:1], lambda t: t[None], lambda t: -t,
])  # fmt: skip
def test_spreads_that_cannot_be(run, change):
    path = run / "model.safetensors"
    tensors = load_file(path)
    tensors["standardise.std.audio"] = change(tensors["standardise.std.audio"]).contiguous()
    save_file(tensors, path)
    refuse(run, r"does not hold the statistics .*'audio'")


@pytest.mark.parametrize("hidden", [100_000, 10**8, 10**15])
def test_a_network_larger_than_its_file(run, hidden):
    edit(run, {"network": {"hidden": hidden}})
    refuse(run, "does not hold the network|network.hidden")


def test_brackets_without_end(run):
    (run / "config.json").write_text('{"format": ' + "[" * 100_000)
    refuse(run, r"config.json: is damaged or not that of a run")


def test_more_folds_than_there_can_be(run):
    edit(run, {"fold": {"index": 0, "count": 10**12}})
    refuse(run, r"is damaged .*fold.count")
