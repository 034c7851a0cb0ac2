"""What is on the Hugging Face hub, with and without a way to it: the hub here is a folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from emocli import plugins
from emocli.cli.app import run
from emocli.errors import ConfigError
from emocli.models.encoder import EncoderConfig, make_encoder
from emocli.models.hub import commit_of, require_encoder
from emocli.models.text_backbone import make_backbone
from emocli.models.text_reader import TextConfig
from emocli.prediction.recompute import recipe_of
from tests.hub_server import Repository, serving

SMALL = TextConfig(backbone="scratch", layers=1, width=16, heads=2, tokens=32)
OLDER, NEWER = "1" * 40, "2" * 40
LOAD = """
from emocli.models.text_backbone import make_backbone
from emocli.models.text_reader import TextConfig
backbone, tokenizer = make_backbone(TextConfig(backbone="nobody/small", tokens=32), ())
print(backbone.config.hidden_size, len(tokenizer.encode("a word")) > 0)
"""


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a hub that does not answer."""
    from huggingface_hub import constants

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return address


def test_a_hub_out_of_reach_is_said_at_once(
    nowhere: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.toml").write_text('dataset = "own"\nclasses = ["a"]\ntask = "single"\n')
    (tmp_path / "own.csv").write_text("id,split,label,text\nx,train,a,yes\n")
    command = ["extract", str(tmp_path / "own.csv"), "-f", "roberta"]
    sets = ["--store", str(tmp_path / "store"), "--set", "roberta.encoder=nobody/nothing"]
    start = time.monotonic()
    assert run([*command, *sets]) == 2
    assert time.monotonic() - start < 10  # asked again and again it takes 23 s at least
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"error: {nowhere}: cannot be reached (")
    assert "'nobody/nothing' is neither a folder nor cached" in err
    assert err.endswith("; give a folder that holds an encoder, or connect to the network\n")


def test_an_encoder_of_pictures_is_looked_for_in_the_same_way(nowhere: str) -> None:
    with pytest.raises(ConfigError, match=f"{nowhere}: cannot be reached"):
        make_encoder(EncoderConfig(backbone="nobody/nothing"))


def test_offline_nobody_looks_for_the_hub(nowhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigError, match="text encoder 'nobody/nothing' cannot be had"):
        make_backbone(TextConfig(backbone="nobody/nothing"), ())


@pytest.fixture
def cached(published: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of two commits of nobody/bert, `NEWER` on the main branch without parameters."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--nobody--bert"
    shutil.copytree(published["bert"], folder / "snapshots" / OLDER)
    (folder / "snapshots" / NEWER).mkdir()
    shutil.copy(Path(published["bert"], "config.json"), folder / "snapshots" / NEWER)
    (folder / "refs").mkdir()
    for branch, commit in (("main", NEWER), ("v1", OLDER)):
        (folder / "refs" / branch).write_text(commit)
    return folder


@pytest.mark.usefixtures("nowhere")
def test_another_commit_is_another_feature(cached: Path) -> None:
    module = plugins.load("features", "text_model")
    digests = {r: module.Config(encoder="nobody/bert", revision=r).digest for r in (None, "v1")}
    assert digests == {None: NEWER, "v1": OLDER}
    (cached / "refs" / "main").write_text(OLDER)
    assert module.Config(encoder="nobody/bert").digest == OLDER
    (cached / "refs" / "main").unlink()
    assert module.Config(encoder="nobody/bert").digest == ""
    module.prepare(module.Config(encoder="nobody/bert", revision="v1"), ())


@pytest.mark.usefixtures("nowhere", "cached")
@pytest.mark.parametrize("name", ["text_model", "roberta"])
def test_a_run_predicts_with_the_commit_that_it_noted(name: str, tmp_path: Path) -> None:
    module = plugins.load("features", name)
    settings = {"encoder": "nobody/bert", "tokens": 32}
    recipe = recipe_of(tmp_path, name, settings | {"digest": OLDER})
    module.prepare(module.Config(**recipe.settings), ())
    with pytest.raises(ConfigError, match="cannot be had"):
        module.prepare(module.Config(**settings), ())


def test_a_commit_is_asked_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, tmp_path / "cache") as hub:
        hub.repositories["nobody/small"] = small = Repository(private=False)
        assert commit_of("nobody/small") == ""
        for content in (b"{}", b"[]"):
            small.branches["main"]["config.json"] = content
            assert commit_of("nobody/small") == small.commit("main")
        assert (commit_of("nobody/small", "v1"), commit_of("no name/of/a hub")) == ("", "")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    """A hub with one encoder, nobody/small."""
    backbone, tokenizer = make_backbone(SMALL, ["a word and another"])
    backbone.save_pretrained(tmp_path / "hub")
    tokenizer.save_pretrained(tmp_path / "hub")

    class CachedEvaluation(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self.wfile.write(self._answer())

        def _answer(self) -> bytes:
            repository, _, name = self.path.partition("/resolve/")
            file = tmp_path / "hub" / name.partition("/")[2]
            there = repository == "/nobody/small" and file.is_file()
            content = file.read_bytes() if there else b""
            self.send_response(200 if there else 404)
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            return content

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), CachedEvaluation)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
def test_what_the_hub_has_is_loaded_and_again_from_the_cache(hub: str, tmp_path: Path) -> None:
    home = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}

    def load(**settings: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "TRANSFORMERS_"))}
        command = [sys.executable, "-c", LOAD]
        environment = {**kept, **home, **settings}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    for settings in (
        {"HF_ENDPOINT": hub},
        {"HF_ENDPOINT": hub, "HF_HUB_OFFLINE": "1"},
        {"HF_ENDPOINT": "http://127.0.0.1:9"},
    ):
        loaded = load(**settings)
        assert loaded.stdout.strip() == "16 True", (settings, loaded.stderr)
        assert "Retry" not in loaded.stderr


def test_a_path_that_holds_no_encoder_is_none_of_the_hub(tmp_path: Path) -> None:
    for place, said in ((tmp_path, "has no config.json"), (tmp_path / "x", "no such folder")):
        with pytest.raises(ConfigError, match=said) as raised:
            require_encoder(str(place))
        assert raised.value.where == str(place)
        assert "or one of the hub by name" in raised.value.hint
    with pytest.raises(ConfigError, match="no such folder"):
        require_encoder("./models/bert")
