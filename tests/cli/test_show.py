"""What is shown is what there is."""

from __future__ import annotations

import pytest

from emocli.cli import show


def test_brackets_and_colons_of_a_cell_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(("id", "text"), [("2iD-tVS8NPw[3]", "a :smile: [scene; face]")], "[1]")
    shown = capsys.readouterr().out
    for part in ("2iD-tVS8NPw[3]", ":smile: [scene; face]", "[1]"):
        assert part in shown


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
