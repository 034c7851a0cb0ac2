"""Plug-ins of installed packages that cannot be used, and commands beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from emocli import plugins
from emocli.cli.app import run
from emocli.cli.show import warnings_as_lines
from tests.conftest import Install


def test_settings_are_told_beside_plugins_that_cannot_be_used(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("features", "break", "broken_feature", "1 / 0")
    install("fusion", "rrnn", "second_rrnn", "1 / 0")
    assert run(["extract", "notes.csv", "-f", "mel", "--bands", "3"]) == 2
    assert "give it as --set mel.bands=3" in capsys.readouterr().err
    assert run(["info", "settings", "--markdown"]) == 0
    told = capsys.readouterr().out
    assert "network.view_gate" in told
    assert told == (Path(__file__).parents[1] / "docs" / "settings.md").read_text()


def test_a_warning_is_told_once(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("models", "break", "broken_model", "1 / 0")
    with warnings_as_lines():
        plugins.load_all("models")
        plugins.load_all("models")
    assert len(capsys.readouterr().err.splitlines()) == 1
