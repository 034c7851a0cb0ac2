"""From the files of an SDK to a report in two commands, and back out again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from emocli.cli.app import run
from emocli.interchange.csd import Csd
from tests.datasets.sdk_files import folds, labels, words

VIDEOS = [f"v{k}" for k in range(24)]


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two segments per video, two words in each, faces and voices at their own rates."""
    root, rng = tmp_path_factory.mktemp("sdk"), np.random.default_rng(0)
    scores = {video: rng.choice([-1.5, 2.0], 2) for video in VIDEOS}
    labels(
        root / "CMU_MOSI_Opinion_Labels.csd",
        {v: [(2.0 * k, 2.0 * k + 2, [s]) for k, s in enumerate(scores[v])] for v in VIDEOS},
    )
    words(root / "words.csd", {v: [(k, k + 1.0, f"w{k}") for k in range(4)] for v in VIDEOS})
    folds(root / "cmu_mosi_std_folds.py", VIDEOS[:14], VIDEOS[14:19], VIDEOS[19:])
    for name, rate, dims in (("CMU_MOSI_COVAREP", 20, 3), ("CMU_MOSI_FACET", 5, 2)):
        with h5py.File(root / f"{name}.csd", "w") as file:
            for video in VIDEOS:
                times = np.arange(4 * rate) / rate
                values = rng.normal(size=(4 * rate, dims))
                values[:, 0] += np.repeat(scores[video], 2 * rate)
                group = file.create_group(f"{name}/data/{video}")
                group["features"] = values
                group["intervals"] = np.stack([times, times + 1 / rate], axis=1)
            if dims == 3:
                file[f"{name}/data/v3/features"][:5, 1] = -1e30
    return root


def test_two_commands_lead_to_training(
    sdk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["manifest", "mosi", str(sdk), "-o", "mosi.csv"]) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith("next: emocli import ")
    command = shlex.split(told.removeprefix("next: emocli "))
    assert command[-2:] == ["--manifest", "mosi.csv"]
    assert str(sdk / "words.csd") in command
    assert run([*command, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [(m["feature"], m["modality"], m["clips"], m["words"], m["silent"]) for m in result] == [
        ("CMU_MOSI_COVAREP", "audio", 48, 96, 0),
        ("CMU_MOSI_FACET", "visual", 48, 96, 0),
    ]
    settings = ("--set", "train.epochs=12", "--set", "train.lr=0.02")
    assert run(["train", "mosi.csv", "--fusion", "early", "--run", "run", *settings]) == 0
    captured = capsys.readouterr().err
    assert "1 value of CMU_MOSI_COVAREP (train) is beyond 20 robust standard" in captured
    assert run(["evaluate", "run", "--json", "--no-figures"]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert report["accuracy"] >= 0.9
    assert report["clipped"] == {"CMU_MOSI_COVAREP": 0, "CMU_MOSI_FACET": 0}
    assert run(["evaluate", "run", "--split", "train", "--no-figures"]) == 0
    captured = capsys.readouterr().err
    assert "1 value of CMU_MOSI_COVAREP is beyond the training's limits" in captured


def test_absurd_numbers_spoil_a_column_unless_they_are_clipped(
    sdk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, store = str(tmp_path / "mosi.csv"), str(tmp_path / "store")
    assert run(["manifest", "mosi", str(sdk), "-o", manifest]) == 0
    source = str(sdk / "CMU_MOSI_COVAREP.csd")
    assert run(["import", source, "--manifest", manifest, "--store", store]) == 0
    train = ("train", manifest, "--store", store, "--fusion", "early", "--set", "train.epochs=1")
    free = ("--run", str(tmp_path / "free"), "--set", "train.outliers=0")
    capsys.readouterr()
    assert run([*train, *free]) == 0
    assert "clipped" not in capsys.readouterr().err
    assert run([*train, "--run", str(tmp_path / "clipped")]) == 0
    assert "5 values of CMU_MOSI_COVAREP (train)" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["npz", "csd", "pkl"])
def test_features_leave_and_return(
    sdk: Path, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, store = str(tmp_path / "mosi.csv"), str(tmp_path / "store")
    assert run(["manifest", "mosi", str(sdk), "-o", manifest]) == 0
    source, output = str(sdk / "CMU_MOSI_FACET.csd"), str(tmp_path / f"facet.{suffix}")
    assert run(["import", source, "--manifest", manifest, "--store", store]) == 0
    assert run(["export", output, "--manifest", manifest, "--store", store]) == 0
    again = ("--store", str(tmp_path / "again"), "--as", "facet", "--modality", "visual")
    capsys.readouterr()
    assert run(["import", output, "--manifest", manifest, *again]) == 0
    assert "48 clips as facet (visual)" in capsys.readouterr().out
    if suffix == "csd":
        with Csd(Path(output)) as file:
            assert "v0[1]" in file.entries


def test_mistakes_are_one_line(
    sdk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = str(tmp_path / "mosi.csv")
    assert run(["manifest", "mosi", str(sdk), "-o", manifest]) == 0
    store = ("--manifest", manifest, "--store", str(tmp_path / "store"))
    (tmp_path / "evil_text.pkl").write_bytes(b"cos\nsystem\n(Vtouch mark\ntR.")
    for arguments, message in (
        (["import", str(sdk / "words.csd"), *store], "holds words, not numbers"),
        (["import", str(sdk / "none.csd"), "--modality", "audio", *store], "no such file"),
        (["import", str(tmp_path / "evil_text.pkl"), *store], "it asks for os.system"),
        (["export", "a.npz", *store], "no such folder of features"),  # none was left behind
        (["manifest", "mosei", str(sdk), "-o", manifest], "has no scores of happy"),
    ):
        capsys.readouterr()
        assert run(arguments) == 2
        captured = capsys.readouterr().err
        assert captured.startswith("error: ")
        assert message in captured
        assert captured.count("\n") == 1
    assert not (tmp_path / "mark").exists()
