"""Packed runs that are not as they were packed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import emocli as package
from emocli.errors import EmocliError
from emocli.prediction.packing import pack as module
from emocli.prediction.predict import predict
from tests.prediction.conftest import emocli
from tests.prediction.packing.conftest import changed


def lost(folder: Path) -> None:
    (folder / "check.h5").unlink()


def altered(folder: Path) -> None:
    content = (folder / "seed-0" / "model.safetensors").read_bytes()
    (folder / "seed-0" / "model.safetensors").write_bytes(content[:-1] + b"\0")


def linked(folder: Path) -> None:
    (folder / "check.h5").rename(folder.parent / "check.h5")
    (folder / "check.h5").symlink_to(folder.parent / "check.h5")


def linked_folder(folder: Path) -> None:
    (folder / "seed-0").rename(folder.parent / "seed-0")
    (folder / "seed-0").symlink_to(folder.parent / "seed-0")


def added(folder: Path) -> None:
    (folder / "seed-0" / "pytorch_model.bin").write_bytes(b"code")


def outside(folder: Path) -> None:
    changed(folder, lambda tree: tree["files"].update({"../secret": tree["files"]["check.h5"]}))  # type: ignore[attr-defined,index]


def asset_outside(folder: Path) -> None:
    changed(folder, lambda tree: tree["assets"].update({"glove": {"vectors": "/etc/passwd"}}))  # type: ignore[attr-defined]


def enormous(folder: Path) -> None:
    changed(folder, lambda tree: tree["files"]["check.h5"].update(bytes=2**60))  # type: ignore[index]


def other_format(folder: Path) -> None:
    changed(folder, lambda tree: tree.update(format=99))


def unknown_key(folder: Path) -> None:
    changed(folder, lambda tree: tree.update(code="import os"))


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lost, "its file 'check.h5' is missing"),
        (altered, "its file 'seed-0/model.safetensors' is not what was packed"),
        (linked, "its file 'check.h5' is a link"),
        (linked_folder, "its file 'seed-0' is a link"),
        (added, "its list does not have the file 'seed-0/pytorch_model.bin'"),
        (outside, "names '../secret', which is no file of it"),
        (asset_outside, "names '/etc/passwd', which is no file of it"),
        (enormous, "lists more than a packed run has"),
        (other_format, "is of format 99, not 1"),
        (unknown_key, "is no such report (code"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_is_not_as_it_was_packed_is_one_line(
    damage: Callable[[Path], None],
    text: str,
    moved: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(moved, tmp_path / "run")
    damage(tmp_path / "run")
    assert emocli("predict", tmp_path / "run", "none.mp4", "-o", tmp_path / "out") == 2
    captured = capsys.readouterr().err
    assert text in captured
    assert captured.count("\n") == 1
    with pytest.raises(EmocliError):
        package.load_run(tmp_path / "run")


def test_a_setting_that_names_a_place_outside_is_refused(moved: Path, tmp_path: Path) -> None:
    """Also if whoever changed it has put its new digest into the list."""
    run = tmp_path / "run"
    shutil.copytree(moved, run)
    config = json.loads((run / "config.json").read_text())
    config["features"]["text"]["settings"]["vectors"] = "/etc/passwd"
    (run / "config.json").write_text(json.dumps(config))
    size, sha256 = (run / "config.json").stat().st_size, module.digest(run / "config.json")
    told = {"bytes": size, "sha256": sha256}
    changed(run, lambda tree: tree["files"].update({"config.json": told}))  # type: ignore[attr-defined]
    with pytest.raises(EmocliError, match=r"setting 'glove.vectors' names a place outside of it"):
        predict(run, [Path("none.mp4")], tmp_path / "out")


def test_evaluate_says_what_is_not_in_it(moved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert emocli("evaluate", moved) == 2
    assert "its manifest is not packed with it" in capsys.readouterr().err
