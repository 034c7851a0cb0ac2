"""The one place where errors become exit codes."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from emocli import __version__, plugins
from emocli.cli.app import run
from emocli.cli.commands import info
from emocli.data.manifest import Manifest
from emocli.errors import StoreError


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    """Exit code of a command that fails in a certain way."""

    def fail(json: bool = False) -> None:
        raise error

    monkeypatch.setattr(info, "COMMAND", replace(info.COMMAND, run=fail))
    return run(["info"])


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (StoreError("is damaged", where="x.h5", hint="make it again"), 2, "x.h5: is damaged; make"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 2, "/x: permission denied"),
        (KeyboardInterrupt(), 130, "interrupted; the same command resumes"),
    ],
)
def test_errors_become_one_line_and_a_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    line: str,
) -> None:
    assert failing(monkeypatch, error) == code
    err = capsys.readouterr().err
    assert line in err
    assert err.count("\n") == 1


def test_sigterm_is_an_interruption(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def terminated(json: bool = False) -> None:
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(info, "COMMAND", replace(info.COMMAND, run=terminated))
    assert run(["info"]) == 130
    assert capsys.readouterr().err == "interrupted; the same command resumes\n"
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        failing(monkeypatch, ZeroDivisionError())


def interruptible() -> None:
    """Undo what a shell does to the programs it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupted_extraction_resumes(tmp_path: Path, corpus: Manifest) -> None:
    store = tmp_path / "store"
    command = ["extract", str(corpus.path), "-f", "faces", "--store", str(store)]
    code = f"import sys; from emocli.cli.app import run; sys.exit(run({command!r}))"
    with subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, preexec_fn=interruptible
    ) as child:
        while not list(store.glob(".faces.parts/*.h5")) and child.poll() is None:
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (130, "interrupted; the same command resumes\n")
    assert not (store / "faces.h5").exists()
    assert run(command) == 0
    assert (store / "faces.h5").exists()


@pytest.mark.parametrize("arguments", [[], ["analyze"]], ids=["root", "group"])
def test_a_group_alone_shows_its_help(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Usage: emocli")
    assert not captured.err


def test_what_a_command_does_fits_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    commands = capsys.readouterr().out.partition("Commands:")[2].strip().splitlines()
    assert len(commands) == len(plugins.names("commands"))
    assert not [line for line in commands if line.endswith("...")]
