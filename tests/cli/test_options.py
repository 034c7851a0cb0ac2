from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from emocli.cli import options
from emocli.cli.options import with_defaults
from emocli.plugin.command import Command


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["evaluate", "run", "--proxy"], ["evaluate", "run", "--proxy", "plus"]),
        (["--proxy", "--check"], ["--proxy", "plus", "--check"]),
        (["--proxy", "ridge", "--check"], ["--proxy", "ridge", "--check"]),
        (["--proxy=ridge"], ["--proxy=ridge"]),
        ([], []),
    ],
)
def test_a_value_may_be_left_out(given: list[str], meant: list[str]) -> None:
    assert with_defaults(given) == meant


def test_a_command_of_a_corpus_takes_settings_only_where_it_asks_for_them() -> None:
    def command(*, corpus: options.CorpusOptions) -> None: ...

    app = typer.Typer()
    Command("count", 200, options.grouped(command)).add_to(app)
    assert CliRunner().invoke(app, ["toy.csv", "--root", "media"]).exit_code == 0
    for setting in (["--set", "mel.bands=64"], ["--config", "mel.toml"]):
        refused = CliRunner().invoke(app, ["toy.csv", *setting])
        assert refused.exit_code == 2
        assert f"No such option: {setting[0]}" in refused.output


def test_a_class_of_options_stands_for_its_fields() -> None:
    told: list[object] = []

    def command(
        *, cut: options.CutOptions, more: options.SettingOptions, json: options.Json = False
    ) -> None:
        told.extend((cut, more, json))

    app = typer.Typer()
    Command("cut", 200, options.grouped(command)).add_to(app)
    app(["--way", "speech", "--hop", "1.5", "--set", "a=1", "--set", "b=2"], standalone_mode=False)
    cut = options.CutOptions(way="speech", hop=1.5)
    assert told == [cut, options.SettingOptions(settings=("a=1", "b=2")), False]
    assert cut.over({"windows": {"window": 3}}).settings == {"windows": {"window": 3, "hop": 1.5}}
