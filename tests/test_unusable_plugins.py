"""Plug-ins of installed packages that cannot be used, and commands beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emocli import plugins
from emocli.cli.app import run
from emocli.cli.show import warnings_as_lines
from emocli.errors import ConfigError
from emocli.training.settings import read_settings
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


def test_a_model_that_two_modules_have_is_neithers(
    install: Install,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.wav").touch()
    name, own = "whisper-tiny.en", "emocli.pretrained.catalogue.whisper_tiny_en"
    install("models", "taker", "taker_of_a_model", f"from {own} import MODEL")
    both = f"the model '{name}' is both {own} and taker_of_a_model; rename that of"
    assert run(["models", "list"]) == 0
    captured = capsys.readouterr()
    assert name not in captured.out
    assert "face-expression" in captured.out
    assert captured.err.startswith(f"warning: left out: {both}")
    for command in (["models", "get", name], ["segment", "x.wav", "-o", "x.csv", "--transcribe"]):
        assert run(command) == 2
        assert f"error: {both}" in capsys.readouterr().err
    assert run(["info", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["models"]
    assert [each["summary"][:19] for each in told if each["name"] == name] == [
        "refused: the model "
    ]


@pytest.mark.parametrize(
    ("number", "preset", "what"),
    [
        (1, "3", "'plus' is a section, not a setting (now 3)"),
        (2, "{'network': 3}", "'network' is a section, not a setting (now 3)"),
        (3, "{'network': {'z': 1}}", "unknown setting 'network.z'"),
        (4, "{'train': {'zz': 3}}", "unknown setting 'train.zz'"),
        (5, "{'network': {'hidden': 'abc'}}", "setting 'network.hidden' = 'abc': must be a whole"),
        (6, "{'mel': {}}", "unknown section 'mel'"),
    ],
)
def test_what_is_wrong_in_a_preset_is_the_plugins_fault(
    install: Install, capsys: pytest.CaptureFixture[str], number: int, preset: str, what: str
) -> None:
    module = f"odd_preset_{number}"
    content = f"from emocli.fusion.late import Config, Model\nPRESETS = {{'plus': {preset}}}"
    install("fusion", "odd", module, content)
    with pytest.raises(ConfigError) as error:
        read_settings("odd", "plus", {})
    assert str(error.value).startswith(f"{module}: preset 'plus' of plug-in 'odd': {what}")
    assert str(error.value).endswith("; repair or uninstall its package")
    assert run(["info", "settings", "odd"]) == 2
    assert capsys.readouterr().err == f"error: {error.value}\n"
