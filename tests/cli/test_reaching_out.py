"""Stores, checks and sequences that reach into other files: no command follows them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from emocli.cli.app import run
from tests import toy
from tests.watch import opened

Reach = Callable[[h5py.File, str, Path], None]


def external(file: h5py.File, name: str, secret: Path) -> None:
    shape, dtype = file[name].shape, file[name].dtype
    del file[name]
    file.create_dataset(name, shape, dtype, external=[(str(secret / "raw"), 0, h5py.h5f.UNLIMITED)])


def linked(file: h5py.File, name: str, secret: Path) -> None:
    with h5py.File(secret / "other.h5", "w") as other:
        file.copy(name, other, "d")
    del file[name]
    file[name] = h5py.ExternalLink(str(secret / "other.h5"), "d")


def virtual(file: h5py.File, name: str, secret: Path) -> None:
    with h5py.File(secret / "other.h5", "w") as other:
        file.copy(name, other, "d")
    layout = h5py.VirtualLayout(file[name].shape, file[name].dtype)
    layout[...] = h5py.VirtualSource(str(secret / "other.h5"), "d", file[name].shape)
    del file[name]
    file.create_virtual_dataset(name, layout)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    """A corpus with a run, a modality check, and a sequence of words."""
    made = toy.build(tmp_path_factory.mktemp("reaching") / "toy")
    run_path = made.trained()
    assert run_path.is_dir()
    where = ["--store", str(made.store)]
    assert run(["fit-cca", str(made.folder / "toy.csv"), *where]) == 0
    assert run(["export", str(made.folder / "mel.csd"), "--manifest",
                str(made.folder / "toy.csv"), *where, "-f", "mel"]) == 0  # fmt: skip
    return made


COMMANDS = {
    "inspect": ["inspect", "store"],
    "train": ["train", "toy.csv", "--fusion", "late", "--run", "new"],
    "evaluate": ["evaluate", "run"],
    "export": ["export", "out.npz", "--manifest", "toy.csv", "-f", "mel"],
    "normalise": ["normalise", "toy.csv", "-f", "mel"],
    "align": ["align", "toy.csv", "-f", "mel", "--to", "glove"],
    "fit-cca": ["fit-cca", "toy.csv"],
}


@pytest.mark.parametrize("reach", [external, linked, virtual])
@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_store_that_reaches_out(
    trained: toy.Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    reach: Reach,
) -> None:
    folder, secret = tmp_path / "toy", tmp_path / "secret"
    shutil.copytree(trained.folder, folder)
    secret.mkdir()
    (secret / "raw").write_bytes(b"root:x:0:0:root:" * 4096)
    with h5py.File(folder / "store" / "mel.h5", "r+") as file:
        reach(file, "values", secret)
    monkeypatch.chdir(folder)
    capsys.readouterr()
    with opened(secret) as read:
        assert run(COMMANDS[command]) == 2
    assert read == []
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert told.count("\n") == 1
    assert "mel.h5" in told
    assert "values" in told


@pytest.mark.parametrize("reach", [external, linked, virtual])
def test_a_check_that_reaches_out(
    trained: toy.Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    reach: Reach,
) -> None:
    folder, secret = tmp_path / "toy", tmp_path / "secret"
    shutil.copytree(trained.folder, folder)
    secret.mkdir()
    (secret / "raw").write_bytes(np.ones(100_000).tobytes())
    with h5py.File(folder / "store" / "check.h5", "r+") as file:
        reach(file, "pair/0/mean_x", secret)
    monkeypatch.chdir(folder)
    for arguments in (
        ["evaluate", "run", "--corrupt", "visual", "--check"],
        ["analyze", "check", "run"],
        ["train", "toy.csv", "--fusion", "late", "--run", "new", "--check"],
    ):
        capsys.readouterr()
        with opened(secret) as read:
            assert run(arguments) == 2
        assert read == []
        assert "check.h5" in capsys.readouterr().err


@pytest.mark.parametrize("reach", [external, linked, virtual])
def test_a_sequence_that_reaches_out(
    trained: toy.Toy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    reach: Reach,
) -> None:
    folder, secret = tmp_path / "toy", tmp_path / "secret"
    shutil.copytree(trained.folder, folder)
    secret.mkdir()
    (secret / "raw").write_bytes(b"root:x:0:0:root:" * 4096)
    with h5py.File(folder / "mel.csd", "r+") as file:
        (name,) = file
        reach(file, f"{name}/data/train01/features", secret)
    monkeypatch.chdir(folder)
    capsys.readouterr()
    with opened(secret) as read:
        arguments = ["import", "mel.csd", "--as", "x", "--modality", "audio"]
        assert run([*arguments, "--manifest", "toy.csv"]) == 2
    assert read == []
    told = capsys.readouterr().err
    assert "entry 'train01': features cannot be read" in told
    assert not (folder / "store" / "x.h5").exists()
    assert not (folder / "store" / ".x.parts").exists()
