"""A prediction that was killed outright: the same command goes on, and the result is the same."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile

from emocli.data.manifest import Manifest
from emocli.prediction.segmentation import transcriber
from tests import media_factory
from tests.prediction.conftest import PROGRAM, emocli
from tests.prediction.recogniser import hear

DIES = "from tests.prediction.recogniser import hear; hear({log!r}, after=2); "


@pytest.fixture(scope="module")
def command(heard: Path, corpus: Manifest) -> tuple[object, ...]:
    """A prediction of eight recordings, without the name of its folder."""
    return ("predict", heard, *(clip.media["video"] for clip in corpus.clips[:8]), "-o")


@pytest.fixture(scope="module")
def whole(command: tuple[object, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that nobody kills."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert emocli(*command, out) == 0
    return out


@pytest.mark.parametrize("moment", ["segments.csv", "*/*/mel.h5"])
def test_a_killed_prediction_goes_on(
    command: tuple[object, ...], whole: Path, tmp_path: Path, moment: str
) -> None:
    """It is killed when its recordings were cut, and when it has computed a feature."""
    out = tmp_path / "out"
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, *map(str, command), str(out)])
    try:
        while process.poll() is None and not any((out / ".work").glob(moment)):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    if process.returncode == 0:
        shutil.rmtree(out)  # it was faster than the signal
        pytest.skip("it ended before it could be killed")
    assert not (out / "predictions.csv").exists()
    assert emocli(*command, out) == 0
    for name in ("predictions.csv", "predictions.json"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert not (out / ".work").exists()


def test_speech_that_was_recognised_is_not_recognised_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recogniser is killed in the middle of a recording; another model begins anew."""
    for name in ("CHUNK", "voice", "load"):
        monkeypatch.setattr(transcriber, name, getattr(transcriber, name))  # as it was, afterwards
    soundfile.write(tmp_path / "talk.wav", media_factory.tone(3.0), 16_000)
    command = ("segment", tmp_path / "talk.wav", "--way", "whole", "--transcribe", "x", "-o")

    def heard(name: str, out: str, model: str = "") -> list[str]:
        hear(str(tmp_path / name), model=model)
        assert emocli(*command, tmp_path / out) == 0
        return (tmp_path / name).read_text().splitlines()

    program = DIES.format(log=str(tmp_path / "first")) + PROGRAM
    arguments = [*map(str, command), str(tmp_path / "talk.csv")]
    assert subprocess.run([sys.executable, "-c", program, *arguments]).returncode == -9
    shutil.copytree(tmp_path / ".talk.segments", tmp_path / ".other.segments")
    first = (tmp_path / "first").read_text().splitlines()
    second, whole = heard("second", "talk.csv"), heard("whole", "whole.csv")
    assert len(first) == 2
    assert first + second == whole == heard("another", "other.csv", "another model")
    words = [next((tmp_path / f"{name}.words").iterdir()) for name in ("talk", "whole")]
    assert words[0].read_bytes() == words[1].read_bytes()
