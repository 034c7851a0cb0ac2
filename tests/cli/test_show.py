"""What is shown is what there is."""

from __future__ import annotations

import io
import sys

import pytest

from emocli.cli import show


def test_brackets_and_colons_of_a_cell_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(("id", "text"), [("2iD-tVS8NPw[3]", "a :smile: [scene; face]")], "[1]")
    shown = capsys.readouterr().out
    for part in ("2iD-tVS8NPw[3]", ":smile: [scene; face]", "[1]"):
        assert part in shown


def test_the_title_of_a_narrow_table_is_not_folded(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(("what", "value"), [("n", 1)], "report of analyze count")
    title, *lines = capsys.readouterr().out.splitlines()
    assert title == "report of analyze count"
    assert {len(line) for line in lines} == {len(title)}


def test_a_stopwatch_tells_the_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([100.0, 100.2, 175.0])
    monkeypatch.setattr(show.time, "monotonic", lambda: next(times))
    say = show.stopwatch()
    say("one")
    say("two")
    shown = capsys.readouterr()
    assert shown.err == "[    0 s] one\n[   75 s] two\n"
    assert not shown.out


def test_a_table_that_is_too_wide_for_a_terminal_has_no_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = ("run", "accuracy", "95 %", "vs late", "95 %", "p", "p Holm")
    row = ("early", "0.598", "0.542 to 0.655", "+0.023", "-0.003 to 0.053", 0.128, 0.898)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    monkeypatch.setenv("TERM", "dumb")
    show.table(columns, [row])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3  # nothing is folded
    assert max(map(len, lines)) <= 80
    assert [cell.strip() for cell in lines[2].split("  ") if cell.strip()][-1] == "0.898"
    monkeypatch.delenv("FORCE_COLOR")
    show.table(columns, [row])
    assert "│ early │" in capsys.readouterr().out


def test_names_are_folded_and_numbers_are_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = ("run", "accuracy", "95 %", "change", "95 %", "p", "p Holm")
    name = "ravdess_early_covarep_seed5_2026"
    row = (name, "0.598 ± 0.021", "0.542 to 0.655", "+0.023", "-0.003 to 0.053", 0.128, 1e-4)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    show.table(columns, [row])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    for cell in row[1:5]:
        assert str(cell) in lines[2]
    assert "0.128" in lines[2]
    assert "".join(line.split()[0] for line in lines[2:]) == name
    show.table(columns * 3, [row * 3])  # too many for any width: folded, nothing is lost
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80


def test_each_stage_has_a_bar_of_its_own_once_it_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with show.stages(("cutting", "s"), ("people", "s"), ("predicting", "segments")) as told:
        cutting, _, predicting = told
        cutting(60, 60)
        predicting(3, 120)
    drawn = terminal.getvalue()
    assert "60/60" in drawn
    assert "3/120" in drawn
    assert "s/s" in drawn
    assert "segments/s" in drawn
    assert "people" not in drawn


def test_no_bar_is_shown_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with show.progress("cutting") as told:
        told(1, 2)
    assert capsys.readouterr().err == ""
