"""Extractions that are killed or interrupted at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import emocli
from tests.extraction import toy_features
from tests.extraction.results import assert_same, failures

pytestmark = pytest.mark.usefixtures("site")


DRIVER = """
import sys
from pathlib import Path
import toy_features
from emocli.extraction.extract import extract

root, workers, clips = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
texts = ["fine", "absent", "nan", "empty", "broken", *["fine"] * clips]
if __name__ == "__main__":
    print("ready", flush=True)
    extract(toy_features.corpus(texts, root.parent), ["toy", "toy_mean"], root,
            settings={"toy": {"delay": 0.01}}, workers=workers)
"""


@pytest.fixture
def driver(tmp_path: Path, site: Path) -> Path:
    path = site / "driver.py"
    path.write_text(DRIVER)
    return path


def start(driver: Path, store: Path, workers: int, clips: int) -> subprocess.Popen[str]:
    package, toys = Path(emocli.__file__).parents[1], Path(toy_features.__file__).parent
    paths = os.pathsep.join(map(str, (driver.parent, toys, package)))
    process = subprocess.Popen(
        [sys.executable, str(driver), str(store), str(workers), str(clips)],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell lets the programs it starts in the background ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_kill_at_random_moments(tmp_path: Path, driver: Path) -> None:
    clips, seed = 80, random.randrange(1000)
    rng = random.Random(seed)
    whole = start(driver, tmp_path / "whole", 1, clips)
    begun = time.monotonic()
    assert whole.communicate()[1] == ""
    length = time.monotonic() - begun
    killed = 0
    for attempt in range(10):
        process = start(driver, tmp_path / "killed", 1 + attempt % 2, clips)
        time.sleep(rng.uniform(0, length / 10))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.communicate()
    last = start(driver, tmp_path / "killed", 2, clips)
    assert last.communicate()[1] == "", f"seed {seed}"
    assert killed >= 5, f"seed {seed}: the extraction was over too soon"
    for name in ("toy.h5", "toy_mean.h5"):
        assert_same(tmp_path / "whole" / name, tmp_path / "killed" / name)
    whole_rows, killed_rows = failures(tmp_path / "whole"), failures(tmp_path / "killed")
    assert whole_rows == killed_rows


def test_workers_die_with_their_parent(tmp_path: Path, driver: Path) -> None:
    process = start(driver, tmp_path / "store", 2, 400)
    parts = tmp_path / "store" / ".toy.parts"
    wait_for(lambda: len(list(parts.glob("[0-9]*.h5"))) >= 2)
    process.kill()
    process.communicate()  # ends when the last process that holds the pipe has ended
    count = len(list(parts.glob("[0-9]*.h5")))
    time.sleep(0.3)
    assert len(list(parts.glob("[0-9]*.h5"))) == count


def test_ctrl_c_stops_a_pool_at_once(tmp_path: Path, driver: Path) -> None:
    process = start(driver, tmp_path / "store", 2, 4000)
    wait_for(lambda: len(list((tmp_path / "store" / ".toy.parts").glob("[0-9]*.h5"))) >= 2)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=20)[1]
    assert time.monotonic() - begun < 5
    assert errors.count("Traceback") <= errors.count("KeyboardInterrupt")
    assert "KeyboardInterrupt" in errors


def wait_for(ready: object, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not ready():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
