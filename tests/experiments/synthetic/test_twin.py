"""Every experiment on its synthetic twin: all rows, all cells, the same again, killed or not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from emocli import plugins
from emocli.cli.app import run
from emocli.config import Settings
from emocli.data.manifest import Manifest
from emocli.data.store import features_in
from emocli.errors import ConfigError
from emocli.experiments.config import read_table
from emocli.experiments.synthetic.report import NOTE
from emocli.experiments.synthetic.twin import Twin
from emocli.plugin.experiment import Condition, Row, SyntheticCorpus, Table
from tests.interrupt import COMMAND, killed_at

EXPERIMENTS = [name.replace("_", "-") for name in plugins.names("experiments")]

FAST = (
    ("rrnn-t1", ("svm-on-functionals", "v", "prior")),  # sequences of one class: all kinds of rows
    ("m2f-t3", ()),  # dialogues of vectors; features that rows name
)
"""Tables of two kinds of corpora, and some of their rows, that are run every time.

`make twins` runs all rows of all: intensities, several classes, the check, recordings.
"""


def reproduce(name: str, out: Path, *more: str) -> dict[str, Any]:
    assert run(["reproduce", name, "--synthetic", "--quick", "--out", str(out), *more]) == 0
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    return report


def rows_only(rows: tuple[str, ...]) -> list[str]:
    return [word for row in rows for word in ("--row", row)]


def empty_cells(report: dict[str, Any]) -> Iterator[str]:
    """Name what the table does not have.

    That is rows, their metrics under their conditions, those of classes, and drawings of analyses.
    """
    yield from _undrawn(report)
    for row in report["rows"]:
        if row["state"] == "cited":  # has the values that are printed, and no others
            assert any(row["printed"].values())
            continue
        if row["state"] != "done":
            yield f"{row['row']}: {row.get('lacking') or row['state']}"
        for condition in row["conditions"]:
            for metric in report["metrics"]:
                if condition.get(metric) is None:
                    yield f"{row['row']}, {condition['name']}: {metric}"
        tested = {condition["name"]: condition for condition in row["conditions"]}
        for name, claims in (row.get("printed") or {}).items():
            yield from (f"{row['row']}, {name}: {m}" for m in claims if tested[name][m] is None)
        yield from _empty_classes(row)


def _empty_classes(row: dict[str, Any]) -> Iterator[str]:
    """Name the values of classes that the paper prints and the row has not."""
    of = row["conditions"][0].get("per_class", {}) if row["conditions"] else {}
    for metric, claims in (row.get("printed_by_class") or {}).items():
        for name in claims:
            if of.get(name, {}).get(metric) is None:
                yield f"{row['row']}, {name}: {metric}"


def _undrawn(report: dict[str, Any]) -> Iterator[str]:
    """Name the analyses without a drawing; examples have one where there are recordings."""
    for each in report["analyses"]:
        if each["analysis"] != "examples" and not each["figures"]:
            yield f"{each['name']}: no drawing"
        if not each["tables"] and not each["notes"]:
            yield f"{each['name']}: neither table nor note"


def untimed(report: dict[str, Any]) -> dict[str, Any]:
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in report["rows"]]
    return {**{k: v for k, v in report.items() if k != "seconds"}, "rows": rows}


@pytest.mark.slow
def test_killed_five_times_it_gives_the_same_table(tmp_path: Path) -> None:
    """The longest of all stands first, so that two workers end together."""
    out = tmp_path / "killed"
    words = [*COMMAND, "reproduce", "m2f-t3", "--synthetic", "--quick", "--out", str(out)]
    marks = (
        "store/synthetic_text.h5",
        "store/face_embedding.h5",
        "synthetic.csv",
        "runs/scene/config.json",
        "runs/weighted-faces/config.json",
    )
    killed_at([out / mark for mark in marks], words, seconds=200)
    resumed = json.loads((out / "report.json").read_text())
    assert untimed(resumed) == untimed(reproduce("m2f-t3", tmp_path / "whole"))
    tables = [(tmp_path / n / "table.md").read_text() for n in ("killed", "whole")]
    without = [re.sub(r"\| [\d,]+ s \|", "|", table) for table in tables]
    assert without[0] == without[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_row_of_every_experiment_runs(name: str, tmp_path: Path) -> None:
    """All of them together end within ten minutes on two cores."""
    report = reproduce(name, tmp_path / "out")
    assert not list(empty_cells(report))
    assert_it_says_what_it_is(report, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "setting", "rows"),
    [
        ("m3er-t1", "corpus=iemocap", ()),
        ("m3er-t2", "printed=iemocap", ("m3er", "original-loss", "noisy-check-and-proxy")),
        ("m3er-figures", "corpus=iemocap", ()),
        ("m2f-t2", "corpus=iemocap", ("t-v-a-fusion", "a")),
        ("m2f-t7", "corpus=iemocap", ()),
        ("m2f-fig5", "corpus=iemocap", ()),
    ],
)
def test_a_table_of_the_other_corpus_of_the_paper_has_its_values_and_no_empty_cell(
    name: str, setting: str, rows: tuple[str, ...], tmp_path: Path
) -> None:
    """By default a twin stands for CMU-MOSEI or MELD."""
    out = tmp_path / "out"
    report = reproduce(name, out, *rows_only(rows), "--set", f"experiment.{setting}")
    done = [row for row in report["rows"] if row["state"] in ("done", "cited")]
    assert [row["slug"] for row in done if row["slug"] in rows] == [
        row["slug"] for row in report["rows"] if row["slug"] in rows
    ]
    assert any(row.get("printed") for row in done if row["state"] == "done")
    assert not list(empty_cells({**report, "rows": done if rows else report["rows"]}))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_twin_stands_for_a_corpus_of_the_paper(name: str, tmp_path: Path) -> None:
    twin_corpus = Twin.of(name, {}, tmp_path)
    again = read_table(name, twin_corpus.settings, "synthetic", twin_corpus.task)
    assert [row.printed for row in again.rows] == [row.printed for row in twin_corpus.table.rows]
    named = twin_corpus.table.synthetic.corpus
    assert bool(named) == any(row.printed and not row.cited for row in again.rows)


@pytest.mark.parametrize(("name", "rows"), FAST, ids=[name for name, _ in FAST])
def test_a_table_of_each_kind_runs(name: str, rows: tuple[str, ...], tmp_path: Path) -> None:
    report = reproduce(name, tmp_path / "out", *rows_only(rows))
    done = [row for row in report["rows"] if row["slug"] in rows or not rows]
    assert done
    assert not list(empty_cells({**report, "rows": done}))
    assert_it_says_what_it_is(report, tmp_path / "out")


def assert_it_says_what_it_is(report: dict[str, Any], out: Path) -> None:
    table = (out / "table.md").read_text()
    assert report["title"].endswith("(synthetic corpus)")
    assert table.startswith(f"# {report['title']}")
    assert f"- {NOTE}" in table


def test_the_same_seed_gives_the_same_table_and_other_settings_another(tmp_path: Path) -> None:
    rows = rows_only(("svm-on-functionals", "prior"))
    first = reproduce("rrnn-t1", tmp_path / "first", *rows)
    assert untimed(reproduce("rrnn-t1", tmp_path / "again", *rows)) == untimed(first)
    for setting in ("seed=1", "noise=5"):  # all of them: test_corpus.py, test_features.py
        out = tmp_path / setting
        other = reproduce("rrnn-t1", out, *rows, "--set", f"synthetic.{setting}")
        assert other["rows"] != first["rows"], setting


def test_in_a_folder_of_other_settings_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["reproduce", "rrnn-t1", "--synthetic", "--quick", "--row", "prior"]
    words += ["--out", str(tmp_path / "out")]
    assert run(words) == 0
    other = [*words, "--set", "synthetic.seed=1"]
    assert run(other) == 2
    assert "other settings (seed was 0, is 1)" in " ".join(capsys.readouterr().err.split())
    assert run([*other, "--overwrite"]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["face", "scene"])
def test_encoders_of_pictures_have_recordings(kind: str, tmp_path: Path) -> None:
    only = ("--row", "cross-entropy", "--set", f"experiment.kind={kind}")
    report = reproduce("m2f-extractor", tmp_path / "out", *only)
    assert report["rows"][0]["state"] == "done"


@pytest.mark.slow
def test_the_whole_chain_from_recordings_needs_no_corpus(tmp_path: Path) -> None:
    report = reproduce("m2f-t2", tmp_path / "out", "--from-clips", "--row", "t-v-a-fusion")
    (done,) = (row for row in report["rows"] if row["state"] == "done")
    assert done["features"] == ["roberta", "visual_embedding", "mel_embedding"]


# -- what is read off a table


class Config(Settings):
    """Nothing."""


def twin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, table: Table, **other: Any) -> Twin:
    module = ModuleType("mine")
    module.__dict__.update(Config=Config, table=lambda config: table)
    load, names = plugins.load, plugins.names

    def loaded(kind: plugins.PluginKind, name: str) -> Any:
        return module if (kind, name) == ("experiments", "mine") else load(kind, name)

    monkeypatch.setattr(plugins, "load", loaded)
    monkeypatch.setattr(
        plugins, "names", lambda kind: [*names(kind), *(["mine"] if kind == "experiments" else [])]
    )
    return Twin.of("mine", other, tmp_path / "out", quick=True)


def test_an_experiment_of_anybody_has_a_twin(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    noisy = Condition("noisy", ("skin:gaussian@1",))
    table = Table(
        title="Smells",
        rows=(
            Row("nose", fusion="late", modalities=("smell",)),
            Row("both", baseline="svm", modalities=("smell", "text"), features={"text": "a+b"}),
            Row("all", fusion="late", modalities=("smell", "skin"), conditions=(noisy,)),
        ),
        synthetic=SyntheticCorpus(task="multi", aligned=True),
    )
    result = twin(monkeypatch, tmp_path, table)
    assert result.make().task == "multi"
    assert features_in(result.store) == ["a", "b", "synthetic_skin", "synthetic_smell"]
    assert result.settings["reproduce"]["features"] == ["synthetic_smell", "a", "synthetic_skin"]


def test_a_table_of_encoders_and_networks_has_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = (Row("ear", encoder="audio"), Row("late", fusion="late", modalities=("text",)))
    result = twin(monkeypatch, tmp_path, Table("Both", rows))
    few = {"train": 1, "valid": 1, "test": 1}
    result = Twin.of(
        "mine",
        {"demo": {"dialogues": few, "speakers": dict.fromkeys(few, 2), "size": 96}},
        tmp_path / "out",
        quick=True,
    )
    manifest = result.make()
    assert features_in(result.store) == ["mel", "synthetic_text"]
    assert all(clip.media["video"].is_file() for clip in manifest.clips)
    assert result.settings["train"] == {"epochs": 4, "threads": 1, "accelerator": "cpu"}


def test_a_table_about_no_modality_has_the_usual_three(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = twin(monkeypatch, tmp_path, Table("Any", (Row("late", fusion="late"),)))
    assert list(result.features.values()) == ["text", "audio", "visual"]
    assert result.shape.vectors is False
    dialogues = twin(monkeypatch, tmp_path, Table("Any", (Row("m2fnet", fusion="m2fnet"),)))
    assert dialogues.shape.vectors is True


def test_without_quick_it_is_a_corpus_to_train_on(tmp_path: Path) -> None:
    twin_corpus = Twin.of("m2f-t2", {}, tmp_path / "out")
    assert "train" not in twin_corpus.settings
    manifest = twin_corpus.make()
    assert isinstance(manifest, Manifest)
    assert len(manifest.split("train")) == 480


# -- what is refused


REFUSED = {
    "no corpus": (("rrnn-t1",), "no manifest is named"),
    "two": (("rrnn-t1", "some.csv", "--synthetic"), "makes a corpus of its own"),
    "a root": (("rrnn-t1", "--synthetic", "--root", "x"), "makes a corpus of its own"),
    "a store": (("rrnn-t1", "--synthetic", "--store", "x"), "makes a store of its own"),
    "a feature": (("rrnn-t1", "--synthetic", "-f", "mel"), "makes the features that the table"),
    "quick alone": (("rrnn-t1", "some.csv", "--quick"), "--quick shrinks a synthetic corpus"),
    "a setting": (
        ("rrnn-t1", "--synthetic", "--set", "synthetic.sead=1"),
        "did you mean 'synthetic.seed'",
    ),
    "its section": (("rrnn-t1", "some.csv", "--set", "synthetic.seed=1"), "there is no such file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused_before_anything(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, message = REFUSED[case]
    assert run(["reproduce", *words, "--out", str(tmp_path / "out")]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_a_dry_run_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = ["reproduce", "rrnn-t3", "--synthetic", "--quick", "--out", str(out), "--dry-run"]
    assert run([*words, "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["task"] == "intensity"
    assert sorted(planned["features"].values()) == ["audio", "text", "visual"]
    assert not out.exists()


def test_an_unknown_experiment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'rrnn-t1'"):
        Twin.of("rrn-t1", {}, tmp_path)
