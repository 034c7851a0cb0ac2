"""A package of somebody else: plug-ins of every kind, installed, and used by commands."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from emocli import plugins
from emocli.cli import app
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore
from emocli.data.track import Absent
from emocli.errors import ConfigError
from emocli.plugin import feature, network
from emocli.plugin.robustness import packages, read
from emocli.pretrained.models import folder_of, named
from emocli.space import Choice
from emocli.training.tuning.ranges import declared

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "examples" / "plugin_package"
NAMES: dict[plugins.PluginKind, str] = {
    "datasets": "lines",
    "features": "letters",
    "formats": "bars",
    "fusion": "mean",
    "corruptions": "negative",
    "protocols": "half_negative",
    "experiments": "mean_svm",
    "analyses": "predicted",
    "ways": "thirds",
    "transcripts": "bar_lines",
    "writers": "labels",
    "models": "nothing",
    "commands": "speakers",
}
"""The plug-in of each kind."""

WORDS = {"glad": ("oh wonderful day", "i love it so"), "cross": ("no", "stop that now", "ugh")}
PUBLIC = (
    "emocli.plugin",
    "emocli.config",
    "emocli.errors",
    "emocli.cli.options",
    "emocli.cli.show",
)
"""Modules that the docs say a plug-in may import."""

FEW = ("--set", "train.epochs=3", "--set", "train.batch_size=8")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, installed in a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(PACKAGE, folder / "source")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    target = ["--no-build-isolation", "--target", str(folder / "site"), str(folder / "source")]
    subprocess.run([*pip, *target], check=True, capture_output=True, timeout=120)
    return folder / "site"


def run(site: Path, folder: Path, *arguments: str) -> str:
    """Run a command in a process of its own where the package is installed; return its output."""
    paths = os.pathsep.join([str(site), str(ROOT)])
    script = "from emocli.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def here(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run a command in this process, which has the heavy libraries; return its output."""
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.chdir(tmp_path)

    def printed(*arguments: str) -> str:
        capsys.readouterr()
        assert app.run(arguments) == 0
        return capsys.readouterr().out

    return printed


def test_there_is_one_of_every_kind() -> None:
    assert set(plugins.KINDS) == set(NAMES)


@pytest.mark.parametrize("kind", NAMES)
def test_it_is_listed_with_its_summary(
    site: Path, monkeypatch: pytest.MonkeyPatch, kind: plugins.PluginKind
) -> None:
    monkeypatch.syspath_prepend(str(site))
    assert NAMES[kind] in plugins.names(kind)
    description = plugins.describe(kind, NAMES[kind])
    assert 10 < len(description.summary) < 100
    assert description.source == "this example"


def test_all_of_them_work_together_through_the_commands(
    site: Path, tmp_path: Path, here: Callable[..., str]
) -> None:
    for speaker in ("ann", "bob", "cid", "dan", "eve", "flo"):
        (tmp_path / "corpus" / speaker).mkdir(parents=True)
        for emotion, lines in WORDS.items():
            (tmp_path / "corpus" / speaker / f"{emotion}.txt").write_text("\n".join(lines))

    run(site, tmp_path, "manifest", "lines", "corpus", "-o", "m.csv")
    run(site, tmp_path, "extract", "m.csv", "-f", "letters", "--workers", "2")
    here("train", "m.csv", "--fusion", "mean", "--run", "run", *FEW)
    made = json.loads((tmp_path / "run" / "config.json").read_text())["versions"]
    with FeatureStore.open(tmp_path / "store" / "letters.h5") as letters:
        assert letters.header.versions["stranger"] == made["stranger"] == "1"
    corrupt = ("--corrupt", "text:negative,half_negative")
    report = json.loads(here("evaluate", "run", *corrupt, "--json"))
    assert report["n"] == 5
    assert report["versions"]["stranger"] == "1"
    assert packages(read("text:zero,m3er75")) == []
    assert packages(read("text:negative,half_negative")) == ["stranger", "stranger"]
    experiment = ("reproduce", "mean-svm", "m.csv", "--out", "out", "--seeds", "1", "--json", *FEW)
    table = json.loads(here(*experiment))
    assert table["versions"]["stranger"] == "1"
    assert {"mean", "SVM"} <= set(json.dumps(table).replace('"', " ").split())
    twin = ("reproduce", "mean-svm", "--synthetic", "--quick", "--out", "twin", "--json")
    rows = json.loads(here(*twin))["rows"]
    assert [row["state"] for row in rows] == ["done", "done"]
    speakers = json.loads(run(site, tmp_path, "speakers", "m.csv", "--json"))
    assert speakers == dict.fromkeys(("ann", "bob", "cid", "dan", "eve", "flo"), 5)
    assert "  speakers " in run(site, tmp_path, "--help")
    predicted = json.loads(here("analyze", "predicted", "run", "--json"))
    assert sum(predicted["counts"].values()) == 30
    assert (tmp_path / "run" / "reports" / "predicted.png").is_file()
    changed = json.loads(here("analyze", "changed", "run", *corrupt[:1], "text:negative", "--json"))
    (share,) = changed["changed"].values()
    assert 0 < share["share"] <= 1
    assert (changed["analysis"], changed["versions"]["stranger"]) == ("changed", "1")
    assert (tmp_path / "run" / "reports" / "changed+test+text-negative.png").is_file()
    here("analyze", "changed", "run", *corrupt[:1], "text:negative", "--oracle", "--no-figures")
    assert len([*tmp_path.glob("run/reports/changed+test+text-negative*.json")]) == 2

    soundfile.write(tmp_path / "talk.wav", np.zeros(24_000), 8_000)
    (tmp_path / "talk.bars").write_text("0|0.9|oh wonderful day\n1.1|1.9|no\n2|2.9|i love it\n")
    here("predict", "run", "talk.wav", "--out", "told", "--way", "thirds", "--format", "labels")
    rows = (tmp_path / "told" / "talk.labels.txt").read_text().splitlines()
    assert [row.split("\t")[:2] for row in rows] == [
        ["0.000", "1.000"],
        ["1.000", "2.000"],
        ["2.000", "3.000"],
    ]
    assert {row.split("\t")[2] for row in rows} <= set(WORDS)


def test_its_model_is_in_the_catalogue(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(site))
    assert named("nothing").origin == "this example"
    with pytest.raises(ConfigError, match="fetch it with `emocli models get nothing`"):
        folder_of("nothing")


def imported(files: Iterable[Path]) -> set[tuple[str, str]]:
    """Each file, and what of emocli it imports."""
    nodes = (
        (path.name, node.module, alias.name)
        for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    )
    return {(file, f"{module}.{name}") for file, module, name in nodes if "emocli" in module}


def private(targets: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the imports that the docs do not say a plug-in may have."""
    public = tuple(f"{name}." for name in PUBLIC)
    return {each for each in targets if not f"{each[1]}.".startswith(public)}


def test_it_imports_what_is_public_and_nothing_else() -> None:
    targets = imported(PACKAGE.rglob("*.py"))
    assert len(targets) > 10
    assert not private(targets)


def test_analyses_of_gates_and_weights_import_what_is_public_and_nothing_else() -> None:
    targets = imported(ROOT / "emocli" / "analysis" / f"{name}.py" for name in ("gates", "weights"))
    assert len(targets) > 10
    assert not private(targets)


@pytest.mark.parametrize(("kind", "module"), [("fusion", network), ("features", feature)])
def test_it_has_the_bounded_numbers_that_those_of_emocli_have(
    kind: plugins.PluginKind, module: ModuleType
) -> None:
    folder = ROOT.joinpath(*plugins.KINDS[kind].split("."))
    used = {
        alias.name
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "emocli.quantities"
        for alias in node.names
    }
    assert len(used) > 3
    assert [name for name in sorted(used) if name not in vars(module)] == []


def test_the_docs_name_every_public_module() -> None:
    text = (ROOT / "docs" / "developing.md").read_text("utf-8")
    assert [name for name in PUBLIC if f"`{name}`" not in text] == []


def test_its_feature_hears_the_sound_of_a_clip(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(site))
    soundfile.write(tmp_path / "a.wav", np.repeat([0.0, 0.5], 8_000), 16_000)
    feature = plugins.load("features", "loudness")
    clip = Clip("a", media={"audio": tmp_path / "a.wav"})
    track = feature.prepare(feature.Config(steps=2), [clip])(clip, {})
    np.testing.assert_array_equal(track.values, [[0], [0.5]])
    assert track.notes == {"clips": 1}
    with pytest.raises(Absent):
        feature.prepare(feature.Config(), [])(Clip("b"), {})


def test_its_network_says_what_a_search_draws(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(site))
    assert declared("mean", {}, {})["network.bias"] == Choice((False, True))


def test_its_format_is_imported(site: Path, tmp_path: Path) -> None:
    clips = (Clip("a", split="train", label="glad"), Clip("b", split="test", label="glad"))
    Manifest(clips, ("glad",), "single", "mine", tmp_path).write(tmp_path / "m.csv")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.csv").write_text("at|length|depth\n0.5|3|7\n1.5|4|8\n")
    command = ("import", "tables", "--manifest", "m.csv", "--format", "bars", "--json")
    report = json.loads(run(site, tmp_path, *command))
    assert (report["clips"], report["missing"]) == (1, 1)
    store = FeatureStore(tmp_path / "store" / "bars.h5")
    assert store.modality == "text"
    np.testing.assert_array_equal(store["a"], [[3, 7], [4, 8]])
    np.testing.assert_array_equal(store.track("a").times, [0.5, 1.5])
