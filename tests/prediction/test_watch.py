"""A folder that is watched: in a process of its own, which signals end, and look by look."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emocli.cli import watching
from emocli.data.manifest import Manifest
from emocli.errors import EmocliError
from emocli.prediction import watch as module
from emocli.prediction.predict import PredictOptions, Predictor
from emocli.prediction.segmentation.segmenter import SegmentOptions
from emocli.prediction.watch import Watch, failed
from tests.prediction.conftest import PROGRAM, emocli


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "in" / "deep er").mkdir(parents=True)
    return tmp_path / "in"


def arrive(corpus: Manifest, path: Path) -> Path:
    """Put a recording into a folder."""
    return shutil.copy(corpus.split("test")[0].media["video"], path)


def looks(*happens: object) -> object:
    """Return what waits between looks: it lets something happen each time, then interrupts."""
    events: Iterator[object] = iter(happens)

    def rest() -> None:
        event = next(events, None)
        if event is None:
            raise KeyboardInterrupt
        event()  # type: ignore[operator]

    return rest


def watched(run: Path, inbox: Path, *happens: object, window: float = 4.0) -> list[str]:
    """Watch for as many looks as something happens between them; return what was taken."""
    cut = SegmentOptions(settings={"windows": {"window": window, "hop": window / 2}})
    predictor = Predictor.open(run, PredictOptions(segments=cut, formats=("srt",)))
    watch = Watch(predictor, inbox, inbox.parent / "out", rest=looks(*happens))  # type: ignore[arg-type]
    return [file.file for file in watch.files()]


def nothing() -> None:
    """Let time pass."""


def test_a_process_takes_what_arrives_until_it_is_ended(
    heard: Path, corpus: Manifest, inbox: Path
) -> None:
    out = inbox.parent / "out"
    command = [*("predict", heard, "--watch", inbox, "-o", out, "--json")]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        arrive(corpus, inbox / "good.mp4")
        (inbox / "bad.mp4").write_text("no video")
        assert process.stdout is not None
        told = sorted((json.loads(process.stdout.readline()) for _ in range(2)), key=str)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, said) == (3, "")
    bad, good = sorted(told, key=lambda each: each["file"])
    assert (good["file"], good["segments"], good["message"]) == ("good.mp4", 1, "")
    assert "bad.mp4" in bad["message"]
    assert bad["folder"] == ""
    (kept,) = [f for f in json.loads((out / "watched.json").read_text())["files"] if f["message"]]
    assert kept["folder"] == ""
    assert (Path(good["folder"]) / "report.html").is_file()
    (listed,) = map(json.loads, (out / "failures.jsonl").read_text().splitlines())
    assert Path(listed["file"]).name == "bad.mp4"
    assert not list(out.rglob(".work"))


def test_what_is_done_is_not_done_again(heard: Path, corpus: Manifest, inbox: Path) -> None:
    arrive(corpus, inbox / "a.mp4")
    assert watched(heard, inbox, nothing) == ["a.mp4"]
    second = inbox / "deep er" / "b.mp4"
    taken = watched(heard, inbox, nothing, lambda: arrive(corpus, second), nothing)
    assert taken == ["deep er/b.mp4"]
    assert watched(heard, inbox, nothing, lambda: os.utime(second, (5, 5)), nothing) == taken
    assert watched(heard, inbox, nothing, window=0.8) == ["a.mp4", "deep er/b.mp4"]
    names = {path.name for path in (inbox.parent / "out").iterdir()}
    assert {"a.mp4", "watched.json"} < names
    assert any(name.startswith("deep-er-b.mp4-") for name in names)
    assert (inbox.parent / "out" / "a.mp4" / "a.srt").is_file()


def test_a_file_is_taken_when_it_no_longer_grows(
    heard: Path, corpus: Manifest, inbox: Path
) -> None:
    whole = arrive(corpus, inbox.parent / "whole.mp4").read_bytes()
    path = inbox / "a.mp4"

    def grow() -> None:
        with path.open("ab") as file:
            file.write(whole[path.stat().st_size :][: len(whole) // 2 + 1])

    path.touch()
    assert watched(heard, inbox, nothing, nothing, grow, grow) == []
    assert watched(heard, inbox, nothing) == ["a.mp4"]


def test_a_file_that_was_mended_is_taken_again(heard: Path, corpus: Manifest, inbox: Path) -> None:
    (inbox / "a.mp4").write_text("no video")
    predictor = Predictor.open(heard, PredictOptions())
    out = inbox.parent / "out"
    rest = looks(nothing, lambda: arrive(corpus, inbox / "a.mp4"), nothing)
    watch = Watch(predictor, inbox, out, rest=rest)  # type: ignore[arg-type]
    files = watch.files()
    assert "a.mp4" in next(files).message
    assert [each.file for each in failed(watch.report())] == ["a.mp4"]
    assert [file.message for file in files] == [""]
    assert failed(watch.report()) == []
    assert not (out / "failures.jsonl").exists()


def test_exit_codes(
    heard: Path, corpus: Manifest, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between files an interruption is the end; within one the work is to be resumed."""
    out = inbox.parent / "out"
    command = ("predict", heard, "--watch", inbox, "-o", out)
    arrive(corpus, inbox / "a.mp4")
    real, calls = module.predict_into, []

    def interrupted(*args: object, **options: object) -> object:
        calls.append(args)
        raise KeyboardInterrupt

    waits = iter([nothing])
    monkeypatch.setattr(module.time, "sleep", lambda seconds: next(waits, interrupted)())
    monkeypatch.setattr(module, "predict_into", interrupted)
    assert emocli(*command) == 130
    monkeypatch.setattr(module, "predict_into", real)
    waits = iter([nothing])
    monkeypatch.setattr(watching, "_tell", interrupted)  # when it is done, and before it waits
    assert emocli(*command) == 0
    assert (out / "a.mp4" / "predictions.csv").is_file()


def test_bad_options_are_one_line(
    heard: Path, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subtitles = inbox.parent / "a.srt"
    subtitles.touch()
    cases = {
        "no such folder to watch": ["--watch", inbox / "none", "-o", inbox.parent / "out"],
        "either recordings or a folder": ["-o", inbox.parent / "out"],
        "to watch; name recordings, or": [inbox, "--watch", inbox, "-o", inbox.parent / "out"],
        "what is watched goes to a folder": ["--watch", inbox, "-o", "-"],
        "one file of subtitles": ["--watch", inbox, "-o", "x", "--subtitles", subtitles],
        "not in those that will come": ["--watch", inbox, "-o", "x", "--speakers", subtitles],
    }
    for message, arguments in cases.items():
        capsys.readouterr()
        assert emocli("predict", heard, *arguments) == 2
        captured = capsys.readouterr().err
        assert message in captured
        assert captured.count("\n") == 1
    assert not (inbox.parent / "out").exists()


def test_a_full_disk_ends_it(
    heard: Path, corpus: Manifest, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise EmocliError("the disk is full")

    monkeypatch.setattr(module, "predict_into", full)
    arrive(corpus, inbox / "a.mp4")
    with pytest.raises(EmocliError, match="full"):
        watched(heard, inbox, nothing)
