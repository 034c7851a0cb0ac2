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


@pytest.mark.parametrize("moment", ["segments.csv", "*/*/mel.h5"])
def test_a_killed_prediction_goes_on(
    heard: Path, corpus: Manifest, tmp_path: Path, moment: str
) -> None:
    """It is killed when its recordings were cut, and when it has computed a feature."""
    files = [clip.media["video"] for clip in corpus.clips]
    out, whole = tmp_path / "out", tmp_path / "whole"
    command = ["predict", heard, *files, "-o"]
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
    assert emocli(*command, whole) == 0
    for name in ("predictions.csv", "predictions.json"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert not (out / ".work").exists()
