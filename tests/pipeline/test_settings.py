"""Settings by name: every one is explained, its default and range are those of the code."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from emocli import plugins
from emocli.cli.app import run as emocli
from emocli.config import merge, parse_sets
from emocli.errors import ConfigError
from emocli.fusion import rrnn
from emocli.models.settings import TrainConfig
from emocli.pipeline.settings import (
    defaults,
    keys_called,
    names,
    settings_lines,
    settings_of,
    settings_page,
    takes,
)
from emocli.robust.check.settings import PRESETS, configure
from emocli.rules import CorpusSize
from emocli.training.settings import read_settings
from tests.extraction import toy_features

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_every_setting_is_explained() -> None:
    for name in names():
        for setting in settings_of(name):
            assert setting.meaning, (name, setting.key)
            assert setting.meaning != "The same.", (name, setting.key)
            assert not re.fullmatch(r"`[^`]*`\.?", setting.meaning), (name, setting.key)
            assert setting.takes, (name, setting.key)


def test_every_setting_has_a_text_of_its_own_that_a_stranger_understands() -> None:
    for name in names():
        told = {setting.key: setting.meaning for setting in settings_of(name)}
        assert len(set(told.values())) == len(told), name
        for key, meaning in told.items():
            assert len(meaning.split()) > 3, (name, key)
            assert not re.match(r"Of (?!several|each)|That |As in |k of that", meaning), (name, key)


def test_nested_defaults_are_those_of_the_whole() -> None:
    told = {setting.key: setting.default for setting in settings_of("demo")}
    demo = plugins.load("datasets", "demo").Config()
    assert told["demo.dialogues.test"] == demo.dialogues.test
    assert told["demo.clarity.text"] == demo.clarity.text


def test_defaults_and_presets_are_those_of_the_code() -> None:
    told = {setting.key: setting for setting in settings_of("rrnn")}
    size = CorpusSize(300, 300, 8)
    kinds = {"network": rrnn.Config, "train": TrainConfig}
    rules = {f"{part}.{key}": r for part, kind in kinds.items() for key, r in kind.RULES.items()}
    assert told["network.hidden"].presets["plus"] == f"by size ({rules['network.hidden'].text})"
    for preset in ("literal", "paper", "plus"):
        network, train, _ = read_settings("rrnn", preset, {}, size)
        values = {"network": network.model_dump(), "train": train.model_dump()}
        for key, setting in told.items():
            section, _, name = key.partition(".")
            expected = setting.presets.get(preset, setting.default)
            if preset == "plus" and key in rules:
                expected = rules[key].value(size)
            assert values[section][name] == expected, (key, preset)
    assert told["network.view_gate"].presets == {"plus": "per_view"}
    assert "train.mixup" in told
    assert "train.seed" not in told  # no preset of a network says it


def test_presets_of_the_check_are_told() -> None:
    told = {setting.key: setting for setting in settings_of("check")}
    for preset in PRESETS:
        values = configure(preset, {}).model_dump()
        for name, value in values.items():
            setting = told[f"check.{name}"]
            assert setting.presets.get(preset, setting.default) == value


def test_a_range_is_what_is_taken() -> None:
    hops = next(s for s in settings_of("rrnn") if s.key == "network.hops")
    assert hops.takes == "whole number from 1 to 32"
    for value, fits in ((1, True), (32, True), (33, False)):
        tree = merge({}, parse_sets([f"network.hops={value}"]))
        if fits:
            read_settings("rrnn", "paper", tree)
        else:
            with pytest.raises(ConfigError, match="from 1 to 32"):
                read_settings("rrnn", "paper", tree)
    assert takes({"anyOf": [{"type": "integer", "minimum": 2}, {"type": "null"}]}) == (
        "whole number from 2 or nothing"
    )
    assert takes({"type": "array", "items": {"type": "string"}}) == "list of text"
    assert takes(TypeAdapter(Path | None).json_schema()) == "path or nothing"


def test_an_empty_text_is_no_nothing() -> None:
    (missing,) = (each for each in settings_of("openface") if each.key == "openface.missing")
    assert defaults(missing).startswith('["", nan, na,')
    assert defaults(replace(missing, default=())) == "-"


def test_nested_settings_have_their_whole_name() -> None:
    keys = [setting.key for setting in settings_of("covarep")]
    assert "covarep.creak.weights" in keys
    assert "robust.proxy.k" in [setting.key for setting in settings_of("robust")]


def test_lines_are_no_wider_than_asked() -> None:
    lines = list(settings_lines("train", 60))
    assert lines[0] == "train.lr = 0.001"
    assert max(map(len, lines)) <= 60


def test_a_plugin_without_settings_says_so() -> None:
    assert list(settings_lines("whole")) == ["whole has no settings"]


def test_nothing_of_that_name_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"nothing called 'rrn'.*rrnn"):
        settings_of("rrn")


def test_the_page_of_the_docs_is_that_of_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(toy_features.install(tmp_path))
    assert "toy" in names()
    assert PAGE.read_text(encoding="utf-8") == settings_page(), "run `make settings`"


def test_keys_are_found_by_their_last_name() -> None:
    assert keys_called("epochs", ("network", "train", "robust"), "rrnn") == ["train.epochs"]
    assert keys_called("hops", ("network", "train"), "rrnn") == ["network.hops"]
    assert keys_called("hops", ("network", "train")) == []
    assert keys_called("bands", ("mel", "covarep")) == ["mel.bands"]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--epochs", "3"], "give it as --set train.epochs=3"),
        (["--batch-size=8"], "give it as --set train.batch_size=8"),
        (["--hops", "2"], "give it as --set network.hops=2"),
        (["--nonsense", "2"], "see emocli train --help"),
    ],
)
def test_an_option_that_is_a_setting_is_told(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert emocli(["train", "x.csv", "--fusion", "rrnn", "--run", "r", *arguments]) == 2
    assert capsys.readouterr().err.rstrip().endswith(hint)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert emocli(["info", "settings"]) == 0
    assert "  rrnn\n" in capsys.readouterr().out
    assert emocli(["info", "settings", "check"]) == 0
    assert "check.rule = all; literal: any" in capsys.readouterr().out
    assert emocli(["info", "settings", "mel", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["mel.bands"]["default"] > 0
    assert not math.isnan(data["mel.bands"]["default"])
    assert emocli(["info", "--markdown"]) == 2
