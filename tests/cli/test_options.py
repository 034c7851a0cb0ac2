from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from emocli.cli import options
from emocli.cli.options import with_defaults
from emocli.options import Option
from emocli.plugin.command import Command
from emocli.plugin.robustness import CorruptionSpec, read


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


@dataclass(frozen=True, kw_only=True)
class Several:
    """Options that may be given several times."""

    sizes: Annotated[tuple[int, ...], Option("Sizes.", least=1)] = (1, 3)
    shares: Annotated[tuple[float, ...] | None, Option("Shares.")] = None
    files: Annotated[tuple[Path, ...], Option("Files.")] = (Path("a"),)
    corrupt: Annotated[tuple[CorruptionSpec, ...], Option("Corruptions.")] = read("text:zero")
    span: Annotated[tuple[int, int], Option("First and last.")] = (2, 4)

    def __post_init__(self) -> None:
        object.__setattr__(self, "corrupt", read(self.corrupt))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Several()),
        (["--sizes", "2", "--sizes", "4"], Several(sizes=(2, 4))),
        (["--shares", "0.5", "--files", "b"], Several(shares=(0.5,), files=(Path("b"),))),
        (["--corrupt", "audio", "--span", "1", "2"], Several(corrupt=read("audio"), span=(1, 2))),
    ],
)
def test_what_may_be_repeated_has_its_type(arguments: list[str], expected: Several) -> None:
    told: list[object] = []

    def command(*, several: Several) -> None:
        told.append(several)

    app = typer.Typer(rich_markup_mode=None)
    Command("tell", 200, options.grouped(command)).add_to(app)
    app(arguments, standalone_mode=False)
    assert told == [expected]
    shown = CliRunner().invoke(app, ["--help"]).output
    for default in ("1, 3", "a", "text:zero", "2, 4"):
        assert f"[default: {default}" in shown
    refused = CliRunner().invoke(app, ["--sizes", "many"])
    assert refused.exit_code == 2


def test_a_class_of_options_stands_for_its_fields() -> None:
    told: list[object] = []

    def command(
        *, cut: options.CutOptions, more: options.SettingOptions, json: options.Json = False
    ) -> None:
        told.extend((cut, more, json))

    app = typer.Typer()
    Command("cut", 200, options.grouped(command)).add_to(app)
    app(["--way", "windows", "--hop", "1.5", "--set", "a=1", "--set", "b=2"], standalone_mode=False)
    cut = options.CutOptions(way="windows", hop=1.5)
    assert told == [cut, options.SettingOptions(settings=("a=1", "b=2")), False]
    assert cut.over({"windows": {"window": 3}}).settings == {"windows": {"window": 3, "hop": 1.5}}
