"""Files of settings: one for all commands, each of which takes its own sections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emocli import config, plugins
from emocli.cli.sections import command_sections, settings
from emocli.errors import ConfigError
from emocli.experiments import from_clips, runner
from emocli.experiments.config import ReproduceConfig
from emocli.experiments.synthetic import twin
from emocli.models.settings import TrainConfig
from emocli.robust.check.settings import configure
from emocli.robust.repair import RobustConfig
from emocli.training.encoders.plan import EncoderPlan
from emocli.training.settings import SECTIONS

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))

FILE = """
[mel]
bands = 40
[covarep]
seed = 3
[check]
components = 4
[network]
hidden = 8
[train]
lr = 0.01
[fit_text.train]
lr = 0.5
[ravdess]
channel = "song"
[reproduce]
folds = 5
[rows.gca.train]
lr = 0.02
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "all.toml").write_text(FILE)
    return tmp_path / "all.toml"


@pytest.mark.parametrize(
    ("command", "taken"),
    [
        ("extract", {"mel": {"bands": 40}, "covarep": {"seed": 3}}),
        ("fit-cca", {"check": {"components": 4}}),
        ("train", {"network": {"hidden": 8}, "train": {"lr": 0.01}}),
        ("fit-text", {"train": {"lr": 0.5}}),
        ("manifest", {"ravdess": {"channel": "song"}}),
        (
            "reproduce",
            {
                "network": {"hidden": 8},
                "train": {"lr": 0.01},
                "check": {"components": 4},
                "reproduce": {"folds": 5},
                "rows": {"gca": {"train": {"lr": 0.02}}},
            },
        ),
    ],
)
def test_every_command_takes_its_own_sections(file, command, taken):
    assert settings(command, file, None) == taken


def test_set_wins_over_the_file(file):
    result = settings("train", file, ["train.lr=0.03", "robust.fill=zero"])
    assert result["train"] == {"lr": 0.03}
    assert result["robust"] == {"fill": "zero"}
    assert settings("train", None, ["mel.bands=3"]) == {"mel": {"bands": 3}}


def test_fewer_sections_may_be_taken(file):
    assert settings("manifest", file, None, takes=("cremad",)) == {}


@pytest.mark.parametrize("command", command_sections())
@pytest.mark.parametrize("text", ["[trian]\nlr = 1", "trian = 1"])
def test_what_belongs_to_no_command_is_refused_by_all(tmp_path, command, text):
    (tmp_path / "odd.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"odd\.toml: section 'tr.*' belongs to no") as caught:
        settings(command, tmp_path / "odd.toml", None)
    assert "did you mean 'train'" in str(caught.value)


def test_a_section_is_no_setting(tmp_path):
    (tmp_path / "odd.toml").write_text("train = 1")
    with pytest.raises(ConfigError, match="'train' is a section, not a setting"):
        settings("train", tmp_path / "odd.toml", None)


def test_the_sections_are_those_the_stages_take():
    assert set(command_sections()["train"]) == set(SECTIONS)
    more = {from_clips.SECTION, twin.SECTION}
    assert set(command_sections()["reproduce"]) == {*runner.sections("rrnn-t2"), *more}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_understood(path: Path):
    """Every section can be built, by the command that takes it."""
    tree = config.read_toml(path)
    for command in command_sections():
        settings(command, path, None)
    for kind in ("datasets", "features"):
        for name in set(tree) & set(plugins.names(kind)):
            config.build(plugins.load(kind, name).Config, tree[name], name)
    config.build(ReproduceConfig, tree.get("reproduce", {}), "reproduce")
    config.build(TrainConfig, tree.get("train", {}), "train")
    config.build(RobustConfig, tree.get("robust", {}), "robust")
    configure("paper", {"check": tree.get("check", {})})
    _experiment(path, tree)


def _experiment(path: Path, tree: dict[str, Any]) -> None:
    """Build what the file's own text says is run: an experiment, or a training."""
    words = path.read_text().split()
    names, trained = (
        [words[index + 1] for index, word in enumerate(words) if word == after]
        for after in ("reproduce", "--fusion")
    )
    assert names or trained
    for name in trained:
        config.build(plugins.load("fusion", name).Config, tree.get("network", {}), "network")
    for name in names:
        module = plugins.load("experiments", name.replace("-", "_"))
        asked = config.build(module.Config, tree.get("experiment", {}), "experiment")
        table = module.table(asked)
        for row in (row for row in table.rows if row.encoder):
            parts = {part: tree[part] for part in runner.sections(name)[2:-1] if part in tree}
            EncoderPlan.of(row.preset or "paper", config.merge(row.settings, parts), row.encoder)
        networks = {row.fusion for row in table.rows if row.fusion}
        known = {k for n in networks for k in plugins.load("fusion", n).Config.model_fields}
        assert not networks or set(tree.get("network", {})) <= known
