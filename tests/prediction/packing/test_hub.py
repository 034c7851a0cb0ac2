"""Packed runs on a hub: put there, fetched by name, and said in one line where that fails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import emocli as package
from emocli.data.json_io import as_json
from emocli.errors import EmocliError
from emocli.prediction.packing.hub import HubName, located, push
from emocli.prediction.predict import predict
from tests.hub_server import Hub, serving
from tests.prediction.conftest import emocli


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.chdir(tmp_path)
    with serving(monkeypatch, tmp_path / "cache") as server:
        yield server


def test_what_is_pushed_predicts_by_name(
    hub: Hub, moved: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regular files and large ones; nothing is asked again of what is in the cache but its name."""
    assert emocli("push", moved, "somebody/late", "--private") == 0
    assert capsys.readouterr().out.startswith(f"{hub.address}/somebody/late\n")
    repository = hub.repositories["somebody/late"]
    assert repository.private
    files = repository.branches["main"]
    names = {p.relative_to(moved).as_posix() for p in moved.rglob("*") if p.is_file()}
    assert files.keys() == names
    assert all(content == (moved / name).read_bytes() for name, content in files.items())
    assert hub.objects.keys()  # parameters went the way of large files
    before = predict(moved, [texts], tmp_path / "a")
    assert emocli("predict", "somebody/late", texts, "-o", tmp_path / "b") == 0
    after = package.load_run("somebody/late@main").predict([texts])
    written = json.loads((tmp_path / "b" / "predictions.json").read_text())
    assert as_json(before.segments) == as_json(after.segments)
    assert json.loads(as_json(before.segments)) == written["segments"]


def test_a_branch_is_made_and_read_by_name(hub: Hub, moved: Path) -> None:
    repository, commit = push(moved, "somebody/late", branch="second")
    files = hub.repositories["somebody/late"].branches
    assert (len(files["main"]), len(files["second"])) == (0, len(list(_files(moved))))
    assert commit.startswith(f"{repository}/commit/")
    there = located(Path("somebody/late@second"))
    assert (there / "pack.json").read_bytes() == (moved / "pack.json").read_bytes()
    with pytest.raises(EmocliError, match="somebody/late: is no packed run of emocli"):
        located(Path("somebody/late"))


def test_only_what_is_listed_is_fetched(hub: Hub, moved: Path) -> None:
    push(moved, "somebody/late")
    hub.repositories["somebody/late"].branches["main"]["other.pkl"] = b"code"
    there = located(Path("somebody/late"))
    assert not (there / "other.pkl").exists()
    assert not any("other.pkl" in each for each in hub.requests)


def test_what_was_fetched_is_used_without_a_hub(
    hub: Hub, moved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    push(moved, "somebody/late")
    there = located(Path("somebody/late"))
    before = len(hub.requests)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert located(Path("somebody/late")) == there
    assert len(hub.requests) == before
    with pytest.raises(
        EmocliError, match="there is no such run here, and the hub cannot be reached"
    ):
        located(Path("somebody/other"))


def test_a_hub_out_of_reach_is_one_line(
    hub: Hub, moved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    push(moved, "somebody/late")
    there = located(Path("somebody/late"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    assert located(Path("somebody/late")) == there
    with pytest.raises(EmocliError, match=r"cannot be reached .* neither a folder nor cached"):
        located(Path("somebody/other"))
    with pytest.raises(EmocliError, match="somebody/late: the hub cannot be used"):
        push(moved, "somebody/late")


def test_what_a_hub_lacks_or_refuses_is_one_line(
    hub: Hub,
    moved: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    push(moved, "somebody/late")
    (tmp_path / "runs").mkdir()
    (tmp_path / "empty").mkdir()
    asked = len(hub.requests)
    cases = {
        "there is no such run, here or on the hub": ("predict", "somebody/none", "a.mp4"),
        "has no such revision": ("predict", "somebody/late@v9", "a.mp4"),
        "the hub refuses (403": ("push", moved, "other/late"),
        "'late' is no name of the hub": ("push", moved, "late"),
        "is no packed run; pack a run first": ("push", tmp_path / "empty", "somebody/late"),
    }
    for text, arguments in cases.items():
        out = ("-o", tmp_path / "out") if arguments[0] == "predict" else ()
        assert emocli(*arguments, *out) == 2
        captured = capsys.readouterr().err
        assert text in captured
        assert captured.count("\n") == 1
    assert len(hub.requests) > asked
    asked = len(hub.requests)
    assert emocli("predict", "runs/late", "a.mp4", "-o", tmp_path / "out") == 2
    assert "there is no such run" in capsys.readouterr().err
    assert len(hub.requests) == asked  # a slip in the name of a run here asks nobody
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    assert emocli("push", moved, "somebody/new") == 2
    assert (
        "log in with a token that may write: hf auth login, or HF_TOKEN" in capsys.readouterr().err
    )


def test_another_file_than_was_packed_is_refused(hub: Hub, moved: Path, tmp_path: Path) -> None:
    """One of another size is not even fetched; one of the same size is not read."""
    push(moved, "somebody/late")
    files = hub.repositories["somebody/late"].branches["main"]
    good = files["check.h5"]
    files["check.h5"] = good + b"more"
    with pytest.raises(EmocliError, match=r"its file 'check.h5' is not what was packed"):
        located(Path("somebody/late"))
    assert not any("resolve" in each and "check.h5" in each for each in hub.requests)
    files["check.h5"] = good[:-1] + bytes([good[-1] ^ 1])
    with pytest.raises(EmocliError, match=r"its file 'check.h5' is not what was packed"):
        package.load_run("somebody/late")


def test_a_link_out_of_the_cache_is_refused(hub: Hub, moved: Path, tmp_path: Path) -> None:
    """The links of the client's cache are followed, others are not."""
    push(moved, "somebody/late")
    there = located(Path("somebody/late"))
    assert (there / "check.h5").is_symlink()
    package.load_run("somebody/late")
    shutil.copy(there / "check.h5", tmp_path / "elsewhere.h5")
    (there / "check.h5").unlink()
    (there / "check.h5").symlink_to(tmp_path / "elsewhere.h5")
    with pytest.raises(EmocliError, match=r"its file 'check.h5' is a link"):
        package.load_run(there)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a/b", ("a/b", None)),
        ("a/b.c-d@v1.0", ("a/b.c-d", "v1.0")),
        ("a/b@refs/pr/1", ("a/b", "refs/pr/1")),
        ("a", None),
        ("/a/b", None),
        ("a/b/c", None),
        ("../b", None),
    ],
)
def test_names(text: str, read: tuple[str, str | None] | None) -> None:
    named = HubName.of(text)
    assert (None if named is None else (named.name, named.revision)) == read


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.is_file())
