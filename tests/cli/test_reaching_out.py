"""Stores, checks and sequences that reach into other files: no command follows them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
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
    corpus = toy.build(tmp_path_factory.mktemp("reaching") / "toy")
    run_path = corpus.trained()
    assert run_path.is_dir()
    where = ["--store", str(corpus.store)]
    assert run(["fit-cca", str(corpus.folder / "toy.csv"), *where]) == 0
    assert run(["export", str(corpus.folder / "mel.csd"), "--manifest",
                str(corpus.folder / "toy.csv"), *where, "-f", "mel"]) == 0  # fmt: skip
    return corpus


@pytest.fixture
def secret(trained: toy.Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that no command may read, beside a copy of the corpus to work in."""
    shutil.copytree(trained.folder, tmp_path / "toy")
    monkeypatch.chdir(tmp_path / "toy")
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "raw").write_bytes(b"root:x:0:0:root:" * 4096)
    return folder


def refused(arguments: Sequence[str], secret: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says that is refused, and that opens no file of the secret."""
    capsys.readouterr()
    with opened(secret) as read:
        assert run(list(arguments)) == 2
    assert read == []
    return capsys.readouterr().err


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
    secret: Path, capsys: pytest.CaptureFixture[str], command: str, reach: Reach
) -> None:
    with h5py.File(Path("store") / "mel.h5", "r+") as file:
        reach(file, "values", secret)
    message = refused(COMMANDS[command], secret, capsys)
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    assert "mel.h5" in message
    assert "values" in message


@pytest.mark.parametrize("reach", [external, linked, virtual])
def test_a_check_that_reaches_out(
    secret: Path, capsys: pytest.CaptureFixture[str], reach: Reach
) -> None:
    (secret / "raw").write_bytes(np.ones(100_000).tobytes())
    with h5py.File(Path("store") / "check.h5", "r+") as file:
        reach(file, "pair/0/mean_x", secret)
    for arguments in (
        ["evaluate", "run", "--corrupt", "visual", "--check"],
        ["analyze", "check", "run"],
        ["train", "toy.csv", "--fusion", "late", "--run", "new", "--check"],
    ):
        assert "check.h5" in refused(arguments, secret, capsys)


@pytest.mark.parametrize("reach", [external, linked, virtual])
def test_a_sequence_that_reaches_out(
    secret: Path, capsys: pytest.CaptureFixture[str], reach: Reach
) -> None:
    with h5py.File("mel.csd", "r+") as file:
        (name,) = file
        reach(file, f"{name}/data/train01/features", secret)
    arguments = ["import", "mel.csd", "--as", "x", "--modality", "audio"]
    message = refused([*arguments, "--manifest", "toy.csv"], secret, capsys)
    assert "entry 'train01': features cannot be read" in message
    assert not Path("store", "x.h5").exists()
    assert not Path("store", ".x.parts").exists()
