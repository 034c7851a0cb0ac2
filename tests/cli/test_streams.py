"""Streams that are closed, full, of another encoding; text that would command a terminal."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from emocli.cli import show
from emocli.cli.app import NO_MEMORY, run

COMMAND = [sys.executable, "-c", "from emocli.cli.app import main; main()"]


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which ``$emocli`` is the command."""
    quoted = f"{sys.executable} -c 'from emocli.cli.app import main; main()'"
    return subprocess.run(
        ["bash", "-c", line.replace("$emocli", quoted)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("command", ["info", "info --json", "--help"])
def test_a_closed_pipe_is_no_bug(command: str) -> None:
    done = shell(f"$emocli {command} | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) in ((141, ""), (0, ""))  # 0 if it was all written before


def test_a_reader_that_stops_is_no_bug() -> None:
    with subprocess.Popen(
        [*COMMAND, "info"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == ""
    assert child.returncode == 141


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_go_nowhere(closed: str) -> None:
    done = shell(f"$emocli info {closed}")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_refusal_is_2_where_nobody_reads_it() -> None:
    assert shell("$emocli inspect nowhere 2>&-").returncode == 2
    assert shell("$emocli inspect nowhere 2>/dev/full").returncode == 2


@pytest.mark.parametrize("command", ["info", "info --json", "--version"])
def test_a_full_disk_behind_stdout_is_one_line(command: str) -> None:
    done = shell(f"$emocli {command} > /dev/full")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_any_encoding_takes_any_text(tmp_path: Path) -> None:
    name = tmp_path / "a\udcff\x1b[31m é漢.csv"
    for settings in (
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ):
        done = subprocess.run(
            [*COMMAND, "inspect", os.fsencode(name)],
            env={**os.environ, **settings},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 2
        assert done.stderr.count(b"\n") == 1
        assert b"\\xff\\x1b[31m" in done.stderr
        assert b"\x1b" not in done.stderr
    assert shell("$emocli info", PYTHONIOENCODING="ascii", COLUMNS="abc").returncode == 0


def test_what_is_shown_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    bad = "\x1b]0;title\x07\x9b2J\u202ex\r[red]"
    show.table((bad, "n"), [(bad, 1)], bad)
    show.line(bad)
    show.warn(bad)
    show.stopwatch()(bad)
    shown = capsys.readouterr()
    for text in (shown.out, shown.err):
        assert not any(mark in text for mark in "\x1b\x07\x9b\u202e\r")
        assert "\\x1b]0;title\\x07\\x9b2J\\u202ex\\r[red]" in text


def test_json_is_exact(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"id": "\x1b\x9b\u202e\ud800 é \U000e0041", "n": -0.5}
    show.as_json(value)
    text = capsys.readouterr().out
    assert json.loads(text) == value
    assert not any(mark in text for mark in "\x1b\x9b\u202e\ud800\U000e0041")


@pytest.mark.parametrize("limit", [200_000, 600_000])
def test_too_little_address_space_is_one_line(limit: int) -> None:
    done = shell(f"ulimit -v {limit}; $emocli evaluate nowhere")
    assert (done.returncode, done.stderr) == (2, f"error: {NO_MEMORY}\n")
    assert shell(f"ulimit -v {limit}; $emocli info").returncode == 0


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError("Unable to allocate 9 TiB"), NO_MEMORY),
        (RuntimeError("can't start new thread"), NO_MEMORY),
        (ImportError("libx.so: failed to map segment from shared object"), NO_MEMORY),
        (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
        (OSError(24, "Too many open files"), "too many open files"),
        (OSError(40, "Too many levels of symbolic links", "/loop"), "/loop: too many levels"),
        (FileNotFoundError(2, "No such file or directory", "/x"), "/x: no such file"),
        (OSError(36, "File name too long", "xx"), "xx: file name too long"),
        (OSError(30, "Read-only file system", "/ro"), "/ro: read-only file system"),
        (ValueError("embedded null byte"), "holds a NUL character"),
        (UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed"), "use UTF-8"),
    ],
)
def test_what_the_machine_or_the_input_lacks_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, line: str
) -> None:
    fail_with(monkeypatch, error)
    assert run(["info"]) == 2
    err = capsys.readouterr().err
    assert line in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "error", [KeyError("x"), ImportError("no module named x"), OSError(9, "Bad file descriptor")]
)
def test_a_bug_stays_one(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        pytest.skip("the address space is limited here")
    fail_with(monkeypatch, error)
    with pytest.raises(type(error)):
        run(["info"])


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let `emocli info` fail."""
    from emocli.cli.commands import info

    def fail(json: bool = False) -> None:
        raise error

    monkeypatch.setattr(info, "COMMAND", replace(info.COMMAND, run=fail))
