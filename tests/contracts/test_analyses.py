"""What every analysis promises: options that explain themselves, and a command made of them."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from emocli import plugins
from emocli.cli.app import run
from emocli.options import declared
from emocli.plugin.analysis import OfRun, OfRunOrStore
from tests.test_startup import HEAVY, loaded

NAMES = plugins.names("analyses")


@pytest.mark.parametrize("name", NAMES)
def test_its_options_are_frozen_and_explain_themselves(name: str) -> None:
    kind = plugins.load("analyses", name).Options
    assert issubclass(kind, OfRun | OfRunOrStore)
    assert kind.__dataclass_params__.frozen
    assert not kind.__doc__.startswith("Options(")
    hidden = {"settings"}  # of a repair: for `--set`
    assert {field.name for field in dataclasses.fields(kind)} - hidden == set(declared(kind))
    assert all(field.option.help.endswith((".", ")")) for field in declared(kind).values())


@pytest.mark.parametrize("name", NAMES)
def test_its_command_has_its_options_and_loads_no_heavy_library(name: str) -> None:
    code = f"from emocli.cli.app import run\nassert run(['analyze', {name!r}, '--help']) == 0"
    assert not loaded(code).intersection(HEAVY)


@pytest.mark.parametrize("name", NAMES)
def test_its_help_names_every_option(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", name, "--help"]) == 0
    shown = capsys.readouterr().out
    kind = plugins.load("analyses", name).Options
    assert kind.__doc__.splitlines()[0] in " ".join(shown.split())
    for option in declared(kind):
        assert option in shown


def test_an_installed_package_adds_one(tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(PLUGIN)
    info = tmp_path / "counting-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[emocli.analyses]\ncount = counting\n")
    (tmp_path / "run").mkdir()
    code = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
from emocli.cli.app import run
assert run(["analyze", "count", {str(tmp_path / "run")!r}, "--times", "3"]) == 0
assert run(["info"]) == 0
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "threefold" in done.stdout
    assert "Counting, from elsewhere" in done.stdout
    assert (tmp_path / "run" / "reports" / "count.json").is_file()
    assert (tmp_path / "run" / "reports" / "count.png").is_file()


PLUGIN = '''"""Counting, from elsewhere.

Source: nobody.
"""

from dataclasses import dataclass
from typing import Annotated

from emocli.plugin.analysis import Finding, OfRun, Option, Report
from emocli.plugin.analysis.drawing import ReportTable


@dataclass(frozen=True, kw_only=True)
class Options(OfRun):
    """Count."""

    times: Annotated[int, Option("How often.", least=1, most=9)] = 1


@dataclass(frozen=True, kw_only=True)
class Counted(Report):
    """How often."""

    times: int


def measure(options, progress):
    report = Counted(format=1, times=options.times)
    table = ReportTable("threefold", ("times",), ((options.times,),))

    def draw(style):
        return {"": style.drawing(style.canvas(1, 1)[0], "counted", "Nothing is shown.")}

    return Finding("count", report, [report.data()], (table,), draw)
'''
