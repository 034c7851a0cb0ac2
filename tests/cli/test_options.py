from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from emocli import plugins
from emocli.cli import commands, options
from emocli.cli.options import with_defaults
from emocli.options import Option
from emocli.pipeline.settings import settings_of
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


COMMANDS = {module.COMMAND.name: module.COMMAND for module in plugins.load_own("commands")}


def help_of(command: str, option: str) -> str:
    """Return what the help of a command says of an option."""
    parser = commands.parser(COMMANDS[command], command)
    return next(p.help for p in parser.params if option in p.opts)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, each in COMMANDS.items()
        if any(options.SET in p.opts for p in commands.parser(each, name).params)
    ],
)
def test_the_help_of_a_command_names_a_setting_that_it_takes(name: str) -> None:
    told = re.search(r"e\.g\. (\w+)\.([\w.]+)=", help_of(name, options.SET))
    assert told
    section, key = told.groups()
    taken = {"compare": ["robust"], "evaluate": ["robust"], "demo": ["demo", "network", "train"]}
    assert section in (COMMANDS[name].sections() or taken[name])
    whole = {"encoder": "fit-encoder", "text": "fit-text", "robust": "proxy"}.get(section, section)
    assert f"{section}.{key}" in {setting.key for setting in settings_of(whole)}


@pytest.mark.parametrize(
    ("command", "option", "kind"),
    [
        ("segment", "--way", "ways"),
        ("predict", "--way", "ways"),
        ("import", "--format", "formats"),
        ("predict", "--format", "writers"),
    ],
)
def test_the_help_names_all_plug_ins_and_that_there_may_be_others(
    command: str, option: str, kind: plugins.PluginKind
) -> None:
    told = help_of(command, option)
    assert set(plugins.files(plugins.KINDS[kind])) <= set(re.findall(r"\w+", told))
    assert "of an installed package" in told


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
    of_file = {"windows": {"window": 3}, "speech": {"margin": 0}, "subtitles": {"tiers": ["a"]}}
    used = {"windows": {"window": 3, "hop": 1.5}, "subtitles": {"tiers": ["a"]}}
    assert cut.over(of_file, typed=()).settings == used
    typed = cut.over(of_file, typed=("speech",)).settings
    assert typed == used | {"speech": {"margin": 0}}
