from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fuzz import commands, mutate, oracle, runner
from tests.fuzz.base import Target
from tests.fuzz.oracle import Outcome

TARGETS = [Target("a.csv", "csv", ("inspect a.csv",)), Target("b.npz", "npz", ("import b.npz",))]


def harness(folder: Path, **options: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DIR": str(folder),
        "JOBS": "2",
        **options,
    }
    command = [sys.executable, "-m", "tests.fuzz"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_the_lines_are_right_as_long_as_nothing_is_damaged(tmp_path: Path) -> None:
    done = harness(tmp_path, PLAIN="1")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_nothing_breaks(tmp_path: Path) -> None:
    done = harness(tmp_path, SEED="0", BUDGET="600")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "600 cases, 0 failures" in done.stdout


def test_a_case_depends_on_seed_and_index_alone() -> None:
    first = [runner.plan(3, index, TARGETS)[0] for index in range(40)]
    again = [runner.plan(3, index, TARGETS)[0] for index in reversed(range(40))]
    assert first == again[::-1]
    assert first != [runner.plan(4, index, TARGETS)[0] for index in range(40)]


def test_every_command_is_found() -> None:
    words = {command.words for command in commands.commands()}
    assert {("train",), ("inspect",), ("analyze", "gates")} <= words
    assert any(command.words == ("export",) for command in commands.commands())
    assert all("{path}" in line for line in commands.readers("csd"))


@pytest.mark.parametrize("kind", ["csv", "json", "toml", "wav", "other"])
def test_damage_repeats(tmp_path: Path, kind: str) -> None:
    content = {
        "csv": "id,split\na,train\nb,test\n",
        "json": '{"a": [1, {"b": 2}], "c": "x"}',
        "toml": 'a = 1\n[b]\nc = "x"\n',
    }.get(kind, "RIFF" + "x" * 400)
    seen = []
    for turn in range(2):
        for index in range(30):
            path = tmp_path / f"{turn}-{index}" / "case" / "file"
            path.parent.mkdir(parents=True)
            path.write_text(content)
            what = mutate.damage(path, kind, runner.source(1, index))
            data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            seen.append((what, data))
    assert seen[:30] == seen[30:]
    assert len({data for _, data in seen}) > 10


def outcome(code: int = 0, out: str = "", err: str = "", *line: str, **more: object) -> Outcome:
    return Outcome(line, code, 0, out, err, 1.0, 1.0, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "fault"),
    [
        (outcome(0, "a: 3 clips"), None),
        (outcome(), "without a word"),
        (outcome(2, "", "warning: odd\nerror: x: no such file\n"), None),
        (outcome(3, "a", "warning: 1 failed"), "lists no failures"),
        (outcome(1, "", "Traceback (most recent call last):\nKeyError: 1"), "exit 1"),
        (outcome(130, "", "interrupted"), "exit 130"),
        (outcome(2, "", "oh\n"), "without one line"),
        (outcome(2, "", "error: a\nerror: b\n"), "without one line"),
        (outcome(2, "", "error: " + "x" * 5000), "characters"),
        (outcome(0, "\x1b[31mred"), "control character"),
        (outcome(0, "{", "", "--json"), "no JSON"),
        (outcome(0, '{"accuracy": null}', "", "--json"), "accuracy"),
        (outcome(0, '{"a": [{"uar": 1.5}]}', "", "--json"), "uar"),
        (outcome(0, '{"gain": {"accuracy": -0.2}}', "", "--json"), None),
        (outcome(0, '{"reliability": [{"n": 0, "accuracy": null}]}', "", "--json"), None),
        (outcome(0, '{"a": NaN}', "", "--json"), "NaN"),
        (outcome(-1, limit="too slow"), "too slow"),
    ],
)
def test_the_oracle(tmp_path: Path, seen: Outcome, fault: str | None) -> None:
    faults = list(oracle.judge(seen, tmp_path, set(), attack=False))
    assert bool(faults) == (fault is not None)
    assert fault is None or any(fault in found for found in faults)


def test_what_a_refusal_leaves(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    refused = outcome(2, "", "error: no\n")
    assert list(oracle.judge(refused, tmp_path, {"config.json"}, attack=False)) == []
    assert any("left" in f for f in oracle.judge(refused, tmp_path, set(), attack=False))
    (tmp_path / "new" / "store").mkdir(parents=True)
    seen = list(oracle.judge(refused, tmp_path, {"config.json"}, attack=False))
    assert seen == ["was refused and left empty folders"]
    done = outcome(0, "x")
    assert any("refused" in f for f in oracle.judge(done, tmp_path, set(), attack=True))


def test_what_the_user_asks_for_may_be_outside(tmp_path: Path) -> None:
    case, secret = tmp_path / "case", tmp_path / "secret.bin"
    case.mkdir()
    secret.write_bytes(b"x")
    asked = outcome(0, "read it", "", "--store", "..")
    assert list(oracle.judge(asked, case, set(), attack=False)) == []
    assert any("not its own" in f for f in oracle.judge(outcome(0, "x"), case, set(), attack=False))
