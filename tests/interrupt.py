"""Ctrl-C, or a kill, at a chosen moment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAM = "import sys; from emocli.cli.app import run; sys.exit(run(sys.argv[1:]))"
COMMAND = (sys.executable, "-c", PROGRAM)
"""emocli in a process of its own; arguments follow."""


def kill_when(reached: Callable[[], bool], words: Sequence[str], seconds: float) -> None:
    """Start a command, and kill it as soon as it has got so far, with SIGKILL."""
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + seconds
    while not reached():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait()


def killed_at(files: Sequence[Path], words: Sequence[str], seconds: float) -> None:
    """Kill a command as soon as each file is there, start it again, and let it end at last."""
    for file in files:
        kill_when(file.exists, words, seconds)
    subprocess.run(words, check=True, capture_output=True)


@contextmanager
def interrupted(patch: pytest.MonkeyPatch, owner: object, name: str, call: int) -> Iterator[None]:
    """Interrupt the body as Ctrl-C does, at the n-th call of a function of ``owner``."""
    function, calls = getattr(owner, name), iter(range(1, call))

    def counted(*args: Any, **options: Any) -> Any:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return function(*args, **options)

    with patch.context() as inside:
        inside.setattr(owner, name, counted)
        yield


def forked(call: Callable[[], None]) -> int:
    """Run a call in a forked process; return its id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            call()
            code = 0
        finally:
            os._exit(code)
    return child
