"""Finding plug-ins by file name and by entry point."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from emocli import plugin, plugins
from emocli.analysis import analyse
from emocli.cli.app import run
from emocli.errors import ConfigError, EmocliWarning, ReportError
from emocli.experiments.config import of_corpus, plugin_of, read_table
from emocli.offers import OFFERS, REQUIRED
from emocli.pages.section import sections
from emocli.pipeline.inspect.report import inspect_report
from emocli.pipeline.manifest import make_manifest
from emocli.plugin.analysis import OfRun
from emocli.plugin.robustness import CorruptionSpec, read
from emocli.prediction.segmentation.reading import read_transcript
from tests.conftest import Install, Refused

UNINSTALL = "uninstall its package"


def test_names_are_the_files() -> None:
    folder = Path(plugins.__file__).parent / "fusion"
    files = {p.stem for p in folder.glob("*.py") if not p.stem.startswith("_")}
    assert files <= set(plugins.names("fusion"))


def test_an_installed_package_adds_one(install: Install) -> None:
    content = (
        '"""A network from elsewhere.\n\nSource: nobody\nin particular.\nLicence: none.\n\nOr."""\n'
        "from emocli.fusion.late import PRESETS, Config, Model\n"
    )
    install("fusion", "elsewhere", "thirdparty", content)
    assert "elsewhere" in plugins.names("fusion")
    assert "thirdparty" not in sys.modules
    description = plugins.describe("fusion", "elsewhere")
    assert (description.summary, description.source) == (
        "A network from elsewhere",
        "nobody in particular",
    )
    assert description.licence == "none"
    assert plugins.load("fusion", "elsewhere").__name__ == "thirdparty"
    assert plugins.packages("fusion", "elsewhere") == ("thirdparty",)
    assert plugins.packages("fusion", "late") == ()


def test_a_module_that_is_no_such_plugin_is_refused(install: Install) -> None:
    install("fusion", "half", "halfway", "from emocli.fusion.late import Config\n")
    with pytest.raises(ConfigError, match="halfway: plug-in 'half' has no Model; a module of"):
        plugins.load("fusion", "half")


def test_one_that_cannot_be_imported_is_named_with_what_to_do(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("fusion", "break", "broken", "import a_library_that_is_absent\n")
    assert run(["info", "settings", "break"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: broken: plug-in 'break' cannot be imported (No module named")
    assert line.endswith("; repair or uninstall its package")


@pytest.mark.parametrize("content", ["import a_library_that_is_absent", "1 / 0", "x ="])
def test_a_command_that_cannot_be_imported_is_left_out_in_one_line(
    install: Install, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    install("commands", "break", "broken", content)
    assert run(["--help"]) == 0
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("warning: left out: broken: plug-in 'break' cannot be imported (")
    assert "  train " in captured.out
    assert "  break " not in captured.out
    assert run(["break"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: broken: plug-in 'break' cannot be imported (")


GREETING = """
from emocli.plugin.command import Command
def greet() -> None:
    "Greet."
    print("hello from", __name__)
COMMAND = Command("{name}", 200, greet)
"""


@pytest.mark.parametrize("entry", ["train", "other"])
def test_a_command_of_emocli_stays_beside_another_of_its_name(
    install: Install, capsys: pytest.CaptureFixture[str], entry: str
) -> None:
    install("commands", entry, f"taker_{entry}", GREETING.format(name="train"))
    for arguments, shown in ((["--help"], "Train a fusion"), (["train", "--help"], "--fusion")):
        assert run(arguments) == 0
        captured = capsys.readouterr()
        assert shown in captured.out
        assert "Greet." not in captured.out
        (line,) = captured.err.splitlines()
        both = f"the command 'train' is both emocli.cli.commands.train and taker_{entry}"
        assert line == f"warning: left out: {both}; rename that of taker_{entry}, or {UNINSTALL}"


def test_a_command_may_have_the_name_of_a_file_of_emocli(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("commands", "fit_cca", "namesake", GREETING.format(name="greet"))
    assert run(["greet"]) == 0
    assert capsys.readouterr() == ("hello from namesake\n", "")
    assert run(["fit-cca", "--help"]) == 0


def test_two_packages_with_one_command_have_none(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("greeter_a", "greeter_b"):
        install("commands", f"{module}_greets", module, GREETING.format(name="greet"))
    both = "the command 'greet' is both greeter_a and greeter_b; rename that of greeter_b"
    assert run(["info", "--help"]) == 0
    assert capsys.readouterr().err == f"warning: left out: {both}, or {UNINSTALL}\n"
    assert run(["greet"]) == 2
    assert capsys.readouterr().err == f"error: {both}, or {UNINSTALL}\n"


UNMADE = """
from emocli.plugin.command import Command
def odd(thing: int | str) -> None:
    "Take what no option can be."
COMMAND = Command("odd", 200, odd)
"""


@pytest.mark.parametrize(
    ("module", "content", "what"),
    [
        ("textual", "COMMAND = 'odd'", "COMMAND of plug-in 'odd' is no emocli.plugin.command.C"),
        ("untyped", UNMADE, "command 'odd' cannot be made ("),
    ],
)
def test_what_is_no_command_is_refused_in_one_line(
    install: Install, capsys: pytest.CaptureFixture[str], module: str, content: str, what: str
) -> None:
    install("commands", "odd", module, content)
    assert run(["--help"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: left out: {module}: {what}")
    assert run(["odd"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {module}: {what}")
    assert line.endswith("repair or uninstall its package")


RETURNS = """
from emocli.config import Settings
from emocli.pages.section import sections
from emocli.plugin.analysis import OfRun
class Options(OfRun): pass
class Config(Settings): pass
SUFFIXES = (".odd",)
BESIDE, HAS_TIERS, SUFFIX = SUFFIXES, False, ".odd"
def build(root, config): return [1]
def table(config): return {"rows": []}
def measure(options, progress): return 3
def read(text, path, tiers): return None
"""

LISTS = """
from emocli.plugin.protocol import CorruptionProtocol
class Config(CorruptionProtocol):
    def draw(self, present, rng): return ["audio"]
"""

MAPS = LISTS.replace('["audio"]', '{"audio": "noise"}')


@pytest.mark.parametrize(
    ("kind", "content", "use", "what"),
    [
        ("corruptions", RETURNS, lambda path: CorruptionSpec("a", "odd").label, "Config"),
        ("protocols", RETURNS, lambda path: read("odd")[0].label, "Config"),
        ("protocols", LISTS, lambda path: read("odd")[0].draw(["a"], None), "the result of draw"),
        ("protocols", MAPS, lambda path: read("odd")[0].draw(["a"], None), "a value of draw"),
        (
            "datasets",
            RETURNS,
            lambda path: make_manifest("odd", Path(), path.with_suffix(".csv"), {}),
            "the result of build",
        ),
        ("experiments", RETURNS, lambda path: read_table("odd", {}), "the result of table"),
        (
            "analyses",
            RETURNS,
            lambda path: analyse("odd", OfRun(run=path)),
            "the result of measure",
        ),
        ("transcripts", RETURNS, lambda path: read_transcript(path), "the result of read"),
    ],
)
def test_what_is_of_another_type_is_refused_in_one_line(
    install: Install,
    tmp_path: Path,
    kind: str,
    content: str,
    use: Callable[[Path], object],
    what: str,
) -> None:
    install(kind, "odd", f"odd_{kind}_{len(content)}", content)
    (tmp_path / "file.odd").write_text("odd")
    plugin = "'odd'" if kind != "transcripts" else "'.odd'"
    message = f"{what} of plug-in {plugin} is no .*; repair or uninstall"
    with pytest.raises(ConfigError, match=message):
        use(tmp_path / "file.odd")


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, offers in OFFERS.items() for name in offers]
)
def test_what_a_module_offers_of_another_type_is_refused(
    install: Install, kind: plugins.PluginKind, name: str
) -> None:
    offer = OFFERS[kind][name]
    if offer.of == "builtins.object":
        return
    own = plugins.files(plugins.KINDS[kind])
    module = own["mel" if kind == "features" else min(own)]
    install(kind, "odd", f"of_{kind}_{name}", f"from {module} import *\n{name} = 7\n")
    message = rf"^of_{kind}_{name}: {name} of plug-in 'odd' is no {re.escape(str(offer))}; repair"
    with pytest.raises(ConfigError, match=message):
        plugins.load(kind, "odd")


@pytest.mark.parametrize("content", ["import a_library_that_is_absent", "SUFFIXES = 7", ""])
@pytest.mark.parametrize("kind", ["ways", "transcripts", "analyses", "formats", "models"])
def test_a_plugin_that_cannot_be_used_is_no_hindrance_to_others(
    install: Install, kind: plugins.PluginKind, content: str
) -> None:
    module = f"broken_{kind}_{len(content)}"
    install(kind, "break", module, content)
    with pytest.warns(EmocliWarning, match=rf"^left out: {module}: .*plug-in 'break'"):
        loaded = plugins.load_all(kind)
    assert sorted([*loaded, "break"]) == plugins.names(kind)


def test_recordings_are_cut_beside_a_way_and_a_reader_that_cannot_be_used(
    install: Install, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    install("ways", "whole", "second_whole", "1 / 0")
    install("transcripts", "break", "broken_reader", "1 / 0")
    sound = tmp_path / "talk.wav"
    wavfile.write(sound, 8000, np.zeros(24000, np.int16))
    assert run(["segment", str(sound), "-o", str(tmp_path / "talk.csv")]) == 0
    way, reader = capsys.readouterr().err.splitlines()
    assert way.startswith("warning: left out: the way 'whole' is both")
    assert reader.startswith("warning: left out: broken_reader: plug-in 'break' cannot be imported")
    assert run(["segment", str(sound), "--way", "whole", "-o", str(tmp_path / "o.csv")]) == 2
    assert "the way 'whole' is both" in capsys.readouterr().err


def test_a_way_is_used_beside_one_that_cannot_be_and_is_not_needed(
    install: Install, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    install("ways", "subtitles", "second_subtitles", "1 / 0")
    sound = tmp_path / "talk.wav"
    wavfile.write(sound, 8000, np.zeros(24000, np.int16))
    command = ["segment", str(sound), "-o", str(tmp_path / "talk.csv")]
    assert run([*command, "--way", "whole"]) == 0
    assert "left out: the way 'subtitles' is both" in capsys.readouterr().err
    assert run(command) == 2
    assert "the way 'subtitles' is both" in capsys.readouterr().err


def test_sections_of_the_page_are_there_beside_an_analysis_that_cannot_be_used(
    install: Install,
) -> None:
    install("analyses", "break", "broken_analysis", "PAGE = 7")
    with pytest.warns(EmocliWarning, match="left out: broken_analysis"):
        titles = [section.title for section in sections()]
    assert "Other analyses" in titles


def test_the_report_of_an_analysis_that_is_not_installed_says_so(tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text('{"format": 2, "analysis": "odd"}')
    with pytest.raises(ReportError, match="is of the analysis 'odd', which is not installed"):
        inspect_report(path)


def test_an_experiment_may_have_a_hyphen_in_its_name(install: Install) -> None:
    content = "from emocli.experiments.papers.rrnn_t1 import Config, table\n"
    install("experiments", "my-exp", "hyphened", content)
    assert read_table("my-exp", {}) == read_table("rrnn-t1", {})
    assert of_corpus("my-exp", "mosei") == of_corpus("rrnn-t1", "mosei")
    assert plugins.packages("experiments", plugin_of("my-exp")) == ("hyphened",)
    with pytest.raises(ConfigError, match="no experiment is called 'my-ex'; did you mean 'my-exp'"):
        read_table("my-ex", {})


ANALYSIS = """
from dataclasses import dataclass
from typing import Annotated
from emocli.plugin.analysis import OfRun, Option
@dataclass(frozen=True, kw_only=True)
class Options(OfRun):
    "Measure something."
    size: {} = 1
measure = dict
"""


@pytest.mark.parametrize(
    ("module", "content", "what"),
    [
        ("unwritten", "1 / 0", "plug-in 'sizes' cannot be imported (division by zero)"),
        ("unmade", ANALYSIS.format("Annotated[int | str, Option('S.')]"), "command 'sizes' cannot"),
        ("undeclared", ANALYSIS.format("int"), "field 'size' of Options is no option; write it as"),
    ],
)
def test_an_analysis_that_makes_no_command_is_refused_in_one_line(
    install: Install, refused: Refused, module: str, content: str, what: str
) -> None:
    install("analyses", "sizes", module, content)
    assert refused("analyze", "sizes", "run").startswith(f"error: {module}: {what}")
    assert run(["analyze", "--help"]) == 0


def test_a_name_that_two_modules_have_is_refused_with_both(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("fusion", "rrnn", "taker", "Config = Model = PRESETS = None\n")
    both = "the network 'rrnn' is both emocli.fusion.rrnn and taker; rename that of taker, or"
    with pytest.raises(ConfigError, match=f"^{both} uninstall its package$"):
        plugins.load("fusion", "rrnn")
    assert plugins.load("fusion", "gca").__name__ == "emocli.fusion.gca"
    assert run(["info", "--json"]) == 0
    assert f"refused: {both}" in capsys.readouterr().out


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'rrnn'"):
        plugins.load("fusion", "rnn")


def test_a_far_name_lists_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"there are: .*early"):
        plugins.load("fusion", "zzzz")


def test_the_table_of_the_interface_has_all_kinds_by_the_names_of_their_groups() -> None:
    _, _, table, _ = re.split(r"^=+ =+ =+$\n", plugin.__doc__ or "", flags=re.MULTILINE)
    rows = re.split(r"\n(?=\w)", table)
    offers = {row.split()[0]: row for row in rows}
    assert set(offers) == set(plugins.KINDS)
    for kind, names in OFFERS.items():
        needed = [name for name, offer in names.items() if offer.default is REQUIRED]
        assert all(f"``{name}``" in offers[kind] for name in needed), kind
        importlib.import_module(re.findall(r"`(emocli\.\w+(?:\.\w+)?)`", offers[kind])[0])


def test_what_a_feature_may_lack_has_a_default(install: Install) -> None:
    offers = "from emocli.features.mel import MODALITY, PER_CLIP, Config, prepare"
    install("features", "lean", "lean_feature", offers)
    module = plugins.load("features", "lean")
    assert (module.LIBRARIES, module.HUB, module.ENCODER) == ((), (), None)
    assert plugins.load("features", "mel").LIBRARIES
