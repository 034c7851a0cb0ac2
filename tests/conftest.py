"""Fixtures every test may use."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from emocli import config, plugins
from emocli.data.manifest import Manifest

ROOT = Path(__file__).parents[1]

Refused = Callable[..., str]
"""Runs a command that must be refused, and returns its message; see `refused`."""

Fixture = Callable[[str], Any]
"""Returns the value of a fixture by its name."""

settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep what the imports and thousands of tests leave behind out of every later collection."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000)  # collecting as often as usual takes a twentieth of the time
        gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _unsynced() -> Iterator[None]:
    """Wait for no disk: thousands of files are written, and only a power failure could tell."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Let every network begin alike, whichever tests came before."""
    import torch

    torch.manual_seed(0)


@pytest.fixture
def checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a training keep a checkpoint of every epoch, however short."""
    from emocli.training import fusion_task

    monkeypatch.setattr(fusion_task, "PAUSE", 0.0)


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must be refused; return its one line."""

    from emocli.cli.app import run

    def check(*arguments: object) -> str:
        capsys.readouterr()
        assert run([str(argument) for argument in arguments]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return err

    return check


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the pictures of figures empty, for a test that does not look at them: it takes long."""
    from emocli.report import canvas

    monkeypatch.setattr(canvas, "_pictures", lambda drawing, style: dict.fromkeys(style.kinds, b""))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real recordings; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("EMOCLI_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder} (set EMOCLI_SHARED_DATA)")
    return folder


def generated(folder: Path, size: int) -> Manifest:
    """Generate a corpus of 12 short clips, 4 per split, of pictures of so many pixels a side."""
    module = plugins.load("datasets", "demo")
    settings = {
        "dialogues": {"train": 1, "valid": 1, "test": 1},
        "speakers": {"train": 1, "valid": 1, "test": 1},
        "turns": 4,
        "seconds": [1.2, 1.3],
        "size": size,
    }
    manifest: Manifest = module.build(folder, config.build(module.Config, settings, "demo"))
    manifest.write(folder / "manifest.csv")
    return Manifest.read(folder / "manifest.csv")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A generated corpus, whose pictures are as small as still shows faces that are found."""
    return generated(tmp_path_factory.mktemp("corpus"), size=96)


@pytest.fixture(scope="session")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Small encoders with random parameters, one of each kind."""
    import torch

    from emocli.models.encoder import EncoderConfig, EncoderRun, make_encoder
    from emocli.models.rundir import write_config, write_parameters
    from emocli.plugin.encoder import PICTURE_KINDS

    small = EncoderConfig(depths=(1,), hidden_sizes=(8,), embedding_size=8, dim=6, side=32)
    folders = {}
    for kind in PICTURE_KINDS:
        folders[kind] = tmp_path_factory.mktemp(f"encoder-{kind}")
        torch.manual_seed(0)
        encoder = make_encoder(small)
        config = {"kind": kind, "encoder": small, "resnet": encoder.shape, "settings": {}}
        rest = {"classes": ("a", "b"), "source": "", "versions": {}}
        write_config(folders[kind], EncoderRun(**config, **rest))
        write_parameters(folders[kind], encoder.state_dict())
    return folders


@pytest.fixture(scope="session")
def text_encoder(corpus: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small text encoder that has read the corpus once."""
    from emocli.training.encoders.fit_text import fit_text

    folder = tmp_path_factory.mktemp("text")
    small = {"backbone": "scratch", "layers": 1, "width": 16, "heads": 2, "tokens": 96}
    fit_text(corpus, folder, settings={"text": small, "train": {"epochs": 1, "lr": 1e-3}})
    return folder


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Small encoders with random parameters in the layout of the Hugging Face hub, by kind."""
    from tests import hub_models

    root = tmp_path_factory.mktemp("published")
    kinds = ("wav2vec2", "vit", "bert")
    return {kind: str(getattr(hub_models, kind)(root / kind)) for kind in kinds}


@pytest.fixture(scope="session")
def expression(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of expressions with random parameters."""
    from tests import keras_file

    return keras_file.write(tmp_path_factory.mktemp("expression") / "m.hdf5", keras_file.layers())


@pytest.fixture(scope="session")
def corpus_settings(request: pytest.FixtureRequest) -> Mapping[str, Mapping[str, Any]]:
    """What features need to be told about that corpus: their own tests say it.

    A test of features has a function ``corpus_settings``, which is given what returns the value of
    a fixture by its name, and returns settings by feature.
    """
    values: dict[str, Mapping[str, Any]] = {}
    for path in sorted((ROOT / "tests" / "features").rglob("test_*.py")):
        if "def corpus_settings(" in path.read_text("utf-8"):
            module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            values |= module.corpus_settings(request.getfixturevalue)
    return values


Install = Callable[[str, str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package of one module with one entry point: kind, name, module, its content."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(kind: str, name: str, module: str, content: str) -> None:
        (tmp_path / f"{module}.py").write_text(content)
        info = tmp_path / f"{module}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[emocli.{kind}]\n{name} = {module}\n")

    return install
