"""Looking into a store: damage that no checksum of HDF5 covers is found when it is asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from emocli.cli.app import run as cli
from emocli.data import record
from emocli.data.json_io import as_json
from emocli.data.store import FeatureStore
from emocli.errors import ConfigError, EmocliError, StoreError
from emocli.experiments.report import RowReport
from emocli.models import commands
from emocli.parsing import read_object
from emocli.pipeline.inspect import inspect
from emocli.pipeline.inspect.trained import RESUME
from emocli.training.tuning.journal import JOURNAL, open_study
from emocli.training.tuning.study_summary import SearchReport
from tests import toy
from tests.conftest import Refused
from tests.experiments.example import experiment_report
from tests.prediction.examples import report as predictions
from tests.training.tuning.searches import NESTED, SEARCH, TUNED


@pytest.fixture
def corpus(tmp_path: Path) -> toy.Toy:
    return toy.build(tmp_path)


def spoil(path: Path) -> None:
    """Change one number of the values, and nothing of their description."""
    with FeatureStore.open(path) as store:
        place = store.columns["values"].offset
    assert place is not None
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_damage_is_found_when_all_of_it_is_read(corpus: toy.Toy) -> None:
    whole = inspect(corpus.store)
    assert inspect(corpus.store, verify=True) == whole
    spoil(corpus.store / "mel.h5")
    assert inspect(corpus.store) == whole
    for place in (corpus.store, corpus.store / "mel.h5"):
        with pytest.raises(StoreError, match=r"mel\.h5: is damaged.*again with --overwrite"):
            inspect(place, verify=True)
    glove = inspect(corpus.store / "glove.h5", verify=True)
    assert (whole.kind, glove.kind) == ("store", "feature file")


def test_only_a_store_is_verified(corpus: toy.Toy) -> None:
    with pytest.raises(ConfigError, match=r"toy\.csv: is a manifest, --verify is for stores"):
        inspect(corpus.folder / "toy.csv", verify=True)


def test_the_command_says_it_in_one_line(
    corpus: toy.Toy, capsys: pytest.CaptureFixture[str], refused: Refused
) -> None:
    command = ["inspect", str(corpus.store), "--verify"]
    assert cli(command) == 0
    assert "verified" in capsys.readouterr().out
    spoil(corpus.store / "mel.h5")
    assert "mel.h5" in refused(*command)


CONFIGS = {
    "audio encoder": {
        "kind": "audio",
        "encoder": {},
        "resnet": {},
        "settings": {},
        "classes": ["a", "b"],
        "source": "x",
        "versions": {},
    },
    "text encoder": {"text": {}, "train": {}, "classes": ["a"], "source": "x", "versions": {}},
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_an_encoder_is_known(tmp_path: Path, kind: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIGS[kind]))
    found = inspect(tmp_path)
    assert found.kind == kind
    assert found.problems == (RESUME,)
    (tmp_path / "model.safetensors").touch()
    assert inspect(tmp_path).problems == ()


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (lambda p: p.mkdir(), "is an empty folder"),
        (lambda p: p.symlink_to("nowhere"), "is a link to nothing"),
        (lambda p: p.symlink_to(p), "is a link to nothing"),
        (lambda p: (p / ".mel.parts").mkdir(parents=True), r"not ended \(mel\); repeat the emocli"),
        (lambda p: p.write_bytes(b"RIFF"), "is neither a manifest"),
        (lambda p: os.mkfifo(p), "is neither a file nor a folder"),
        (lambda p: in_folder(p, "config.json", '{"model_type": "resnet"}'), "another library"),
        (lambda p: in_folder(p, "config.json", "{"), "is damaged or not that of a run"),
        (lambda p: in_folder(p, "report.json", "{}"), "the report of something else"),
        (
            lambda p: in_folder(p, "report.json", '{"a": 1}'),
            r"\(it has a\); name the folder",
        ),
        (lambda p: in_folder(p, "study.json", "{"), "is no report"),
        (lambda p: in_folder(p, "seconds.json", "{}"), "repeat the emocli reproduce command"),
        (lambda p: in_folder(p, "costs.json", "{}"), "repeat the emocli reproduce command"),
        (lambda p: in_folder(p / "fold-0", "journal.log", ""), "repeat the emocli tune command"),
        (lambda p: in_folder(p, "test.json", "{}"), r"demo; name one of its \.json files$"),
        (lambda p: in_folder(p / "r1", "config.json", "{}"), "look into one of these: r1"),
    ],
)
def test_what_cannot_be_looked_into_says_why(
    tmp_path: Path, plant: Callable[[Path], object], told: str
) -> None:
    path = tmp_path / "x"
    plant(path)
    with pytest.raises(EmocliError, match=told):
        inspect(path)


def in_folder(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / name).write_text(text)


def test_the_reports_of_a_run_are_told_without_its_log_of_commands(corpus: toy.Toy) -> None:
    run = corpus.trained()
    (run / "reports").mkdir(exist_ok=True)
    (run / "reports" / "test.json").touch()
    commands.record(run / "reports", ["train", "toy.csv"])
    assert (run / "reports" / commands.FILE).is_file()
    assert inspect(run).facts["reports"] == ["reports/test.json"]


def test_a_reproduction_is_known(tmp_path: Path) -> None:
    row = RowReport(
        row="a", slug="a", system="late", features=(), lacking="", printed={}, state="done"
    )
    report = experiment_report(experiment="rrnn-t1", rows=(row, row))
    in_folder(tmp_path / "x", "report.json", as_json(report))
    found = inspect(tmp_path / "x")
    assert (found.kind, found.facts["experiment"], found.facts["rows"]) == (
        "reproduction",
        "rrnn-t1",
        2,
    )


def test_predictions_are_known_by_their_folder_and_their_facts_are_whole(tmp_path: Path) -> None:
    in_folder(tmp_path / "x", "predictions.json", as_json(predictions()))
    inspection = inspect(tmp_path / "x")
    assert inspection.kind == "prediction"
    assert inspection.facts.items() >= predictions().data().items()


def test_a_report_is_summed_up_whole(tmp_path: Path) -> None:
    long = tuple(f"a name of the class {k}" for k in range(3))
    facts = {"metrics": ("accuracy", "uar"), "classes": long}
    report = experiment_report(**facts, settings={"train": {"lr": 0.1}}, definitions={})
    in_folder(tmp_path / "x", "report.json", as_json(report))
    shown = dict(inspect(tmp_path / "x").sections[0].rows)
    assert (shown["experiment"], shown["n"], shown["rows"]) == ("x", 40, 0)
    assert (shown["metrics"], shown["classes"]) == ("accuracy, uar", "3 entries")
    assert (shown["settings"], shown["definitions"]) == ("1 entry", "0 entries")


def test_a_report_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_folder(tmp_path / "x", "tune.json", as_json(TUNED))
    read: list[Path] = []
    monkeypatch.setattr(record, "read_object", lambda file: read.append(file) or read_object(file))
    facts = inspect(tmp_path / "x").facts
    assert read == [tmp_path / "x" / "tune.json"]
    assert (facts["trials"], facts["chosen"]) == (1, {"train.lr": "0.1"})
    assert facts["test"] == f"emocli evaluate {tmp_path / 'x' / '1-train.lr-0.1'}"


def test_a_study_says_what_it_chose_and_how_to_go_on(tmp_path: Path) -> None:
    study = tmp_path / "a study"
    in_folder(study, "study.json", as_json(SearchReport.of(SEARCH)))
    facts = inspect(study).facts
    assert (facts["trials"], facts["complete"], facts["best_trial"]) == (2, 1, 0)
    assert (facts["valid"], facts["chosen"]) == (0.5, dict(SEARCH.chosen))
    assert facts["test"] == f"emocli evaluate '{study}/trial-0000'"
    assert facts["go_on"] == "emocli tune ... (with more --trials)"
    typed = ["tune", "toy.csv", "--study", "a study"]
    commands.record(study, typed)
    go_on = "emocli tune toy.csv --study 'a study' (with more --trials)"
    assert inspect(study).facts["go_on"] == go_on
    (study / "study.json").write_text(as_json(NESTED))
    nested = inspect(study)
    assert (nested.facts["go_on"], nested.facts["trials"]) == (go_on, 2)
    assert nested.facts["test"] == f"emocli evaluate '{study}/chosen'"
    assert nested.sections[1].rows == (("study", 2, 0, 0, 0.5, "train.lr=0.01 network.gate=None"),)


def test_a_study_that_has_not_ended_says_how_far_it_is(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    (tmp_path / JOURNAL).touch()
    assert inspect(tmp_path).facts["trials"] == 0
    study = open_study(tmp_path, lower=True, sampler="random", seed=0, prune=False)
    for value in (0.7, 0.2, 0.4):
        study.tell(study.ask({"train.lr": optuna.distributions.FloatDistribution(0, 1)}), value)
    study.ask()
    study = inspect(tmp_path)
    assert (study.facts["trials"], study.facts["best_trial"], study.facts["valid"]) == (3, 1, 0.2)
    assert study.problems == ("its search has not ended; repeat the emocli tune command to resume",)


def test_a_store_is_summed_up_unless_more_is_asked(
    corpus: toy.Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli(["inspect", str(corpus.store)]) == 0
    short = capsys.readouterr().out
    assert "provenance: " not in short
    assert "--verbose" in short
    assert cli(["inspect", str(corpus.store), "--verbose"]) == 0
    long = capsys.readouterr().out
    assert "mel: provenance" in long
    assert len(long) > 2 * len(short)
