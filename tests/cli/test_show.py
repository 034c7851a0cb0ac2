"""What is shown is what there is."""

from __future__ import annotations

import pytest

from emocli.cli import show


def test_brackets_and_colons_of_a_cell_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(("id", "text"), [("2iD-tVS8NPw[3]", "a :smile: [scene; face]")], "[1]")
    shown = capsys.readouterr().out
    for part in ("2iD-tVS8NPw[3]", ":smile: [scene; face]", "[1]"):
        assert part in shown
