"""Trainings that are killed, and go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from emocli.errors import EmocliError, RunError
from emocli.models import rundir
from tests import toy
from tests.training import quickly
from tests.training.quickly import contents, quick

pytestmark = pytest.mark.usefixtures("checkpoints")

corpus = toy.fixture()
finished = quickly.finished()


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.mark.parametrize("epoch", [1, 3])
def test_resuming_gives_the_same_files(corpus, finished, tmp_path, epoch):
    def dies(done: int, total: int) -> None:
        if done == epoch:
            raise Killed

    with pytest.raises(Killed):
        quick(corpus, tmp_path / "run", progress=dies)
    assert not rundir.finished(tmp_path / "run")
    with pytest.raises(RunError, match=r"has not ended.*repeat the training command"):
        rundir.load(tmp_path / "run")
    summary = quick(corpus, tmp_path / "run")
    assert summary.seeds[0].state == "resumed"
    same_but_for_paths(tmp_path / "run", finished.run)


@pytest.mark.parametrize(
    ("name", "last"),
    [("write_config", 2), ("write_history", 1), ("write_history", 5), ("write_model", 1)],
)
def test_dying_between_the_files_leaves_nothing_wrong(
    corpus, finished, tmp_path, monkeypatch, name, last
):
    original = getattr(rundir, name)
    calls = []

    def dies(*arguments: Any) -> None:
        calls.append(name)
        if len(calls) == last:
            raise Killed
        original(*arguments)

    monkeypatch.setattr(rundir, name, dies)
    with pytest.raises(Killed):
        quick(corpus, tmp_path / "run")
    monkeypatch.undo()
    quick(corpus, tmp_path / "run")
    same_but_for_paths(tmp_path / "run", finished.run)


def test_an_interrupted_overwriting_goes_on(corpus, finished, tmp_path):
    run = tmp_path / "run"
    quick(corpus, run, settings={"train": {"lr": 0.5}})

    def dies(done: int, total: int) -> None:
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        quick(corpus, run, overwrite=True, progress=dies)
    assert quick(corpus, run, overwrite=True).seeds[0].state == "resumed"
    same_but_for_paths(run, finished.run)


def test_a_training_killed_at_any_moment_resumes(corpus, finished, tmp_path):
    """SIGKILL in the middle of an epoch, and once more."""
    run = tmp_path / "run"
    command = [sys.executable, "-c", PROGRAM, str(corpus.folder), str(run)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    for epochs in (1, 2):
        process = subprocess.Popen(command, env=environment)
        try:
            wait_for(run / ".checkpoint" / "last.safetensors", process)
            wait_for_epochs(run, epochs, process)
            time.sleep(0.05 * epochs)  # into the next epoch, which takes longer
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert not rundir.finished(run)
    summary = quick(corpus, run)
    assert summary.seeds[0].state == "resumed"
    same_but_for_paths(run, finished.run)


PROGRAM = """
import sys, time
from pathlib import Path
from emocli.data.samples import Samples
from emocli.data.manifest import Manifest
from emocli.training import fusion_task
from emocli.training.train import train
from tests import toy

fusion_task.PAUSE = 0.0
visit = Samples.batch
def slow(self, clips):
    time.sleep(0.1)
    return visit(self, clips)
Samples.batch = slow

corpus = Path(sys.argv[1])
train(Manifest.read(corpus / "toy.csv"), corpus / "store", fusion="late", run=Path(sys.argv[2]),
      settings=toy.QUICK, baselines=False)
"""


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not path.is_file():
        assert process.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < deadline, "the training does not come to an epoch's end"
        time.sleep(0.01)


def wait_for_epochs(run: Path, epochs: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    wait_for(run / "history.csv", process)
    while len(rundir.read_history(run)) < epochs:
        assert process.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def same_but_for_paths(run: Path, other: Path) -> None:
    ours, theirs = contents(run), contents(other)
    assert ours.keys() == theirs.keys()
    for name in ("model.safetensors", "history.csv", "README.md"):
        assert ours[name] == theirs[name], name
    a, b = json.loads(ours["config.json"]), json.loads(theirs["config.json"])
    for source in ("manifest", "store"):
        del a[source]["path"], b[source]["path"]
    assert a == b


def test_two_trainings_of_one_run_do_not_meet(corpus, tmp_path):
    def second(done: int, total: int) -> None:
        with pytest.raises(EmocliError, match="is being written by process"):
            quick(corpus, tmp_path / "run")
        raise Killed

    with pytest.raises(Killed):
        quick(corpus, tmp_path / "run", progress=second)
