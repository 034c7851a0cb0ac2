"""A prediction that was killed outright: the same command goes on, and the result is the same."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emocli.data.manifest import Manifest
from tests.prediction.conftest import PROGRAM, emocli


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
