"""The page: what is on it, what is refused, and that nothing of a corpus becomes more than text."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emocli.cli.app import run as emocli
from emocli.config import merge
from emocli.data.durable import digest
from emocli.data.json_io import as_json
from emocli.data.manifest import Manifest
from emocli.data.normalisation import USED
from emocli.errors import ConfigError, ReportError, RunError
from emocli.evaluation.compare import compare
from emocli.evaluation.evaluate import evaluate
from emocli.experiments.report import RowReport
from emocli.models.commands import read_log, record
from emocli.pages import texts
from emocli.pages.page import gather, report
from emocli.pages.records import RunRecords
from emocli.pages.section import sections
from emocli.pages.sections import comparison
from emocli.report.page import policy
from emocli.report.parts import Note
from emocli.report.tables import bounds
from tests import toy
from tests.experiments.example import experiment_report
from tests.pages.example import CLASSES, NASTY, TAGS, Parsed


def test_every_section_is_there_and_the_contents_lead_to_it(one: Path) -> None:
    page = Parsed(one)
    titles = [section.title for section in sections()]
    assert page.headings() == [
        "Contents",
        *(
            title
            for title in titles
            if title not in {"Reproduction", "Comparison", "Gates", "Repair"}
        ),
    ]
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    targets = [href.removeprefix("#") for href in page.values("href")]
    assert targets[0] == "content"
    assert targets[1:] == ids[ids.index("content") + 1 :]
    assert len(targets) == len(page.headings())


def test_the_numbers_are_those_of_the_reports(one: Path, place: Path) -> None:
    text = Parsed(one).text
    main = RunRecords.read(place / "late", "late").main
    assert main is not None
    clean, low, high = main.clean, *main.clean.accuracy_ci
    assert not main.corrupted
    for value in (clean.metrics["accuracy"], clean.metrics["accuracy_std"], low, high):
        assert f"{value:.3f}" in text
    assert f"{clean.metrics['uar']:.3f} ± {clean.metrics['uar_std']:.3f}" in text
    for each in (clean.intervals or {}).values():  # every metric with its own interval
        assert bounds(each.shown) in text
    for name, model in (clean.classical or {}).items():
        for metric in ("accuracy", "weighted_f1"):
            own, gain = model.metrics[metric], model.gain_in(metric)
            assert gain is not None
            assert f"{name}{metric.replace('_', ' ')}{own:.3f}{gain.mean:+.3f}" in text
            assert bounds(gain.ci_clips or gain.ci) in text
    assert main.baselines["prior"]["accuracy"] == pytest.approx(1 / 3)
    assert clean.calibration
    assert f"clean{clean.calibration.before:.3f}{clean.calibration.after:.3f}" in text
    assert "30 of split test, 4 speakers, 10 dialogues" in text
    assert main.interval in text
    (group,) = (group for group in (main.by or ())[0].conditions[0].groups if "-0" in group.group)
    assert f"{group.metrics['accuracy']:.3f}" in text


def test_texts_of_a_corpus_stay_texts(one: Path, both: Path) -> None:
    for path in (one, both):
        page = Parsed(path)
        assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
        assert {tag for tag, _ in page.tags} <= TAGS
        assert CLASSES[1] in page.text
    assert Parsed(one).text.count(NASTY) >= 3  # words of the examples, and a command


def test_nothing_is_loaded_from_elsewhere(one: Path) -> None:
    page, text = Parsed(one), one.read_text("utf-8")
    assert page.values("src")
    assert all(source.startswith("data:image/") for source in page.values("src"))
    assert all(target.startswith("#") for target in page.values("href"))
    assert not re.search(r"url\(|@import|https?:", text)
    scripts = [data for tag, data in page.texts if tag == "script"]
    assert page.values("content")[-1] == policy(scripts[0])
    assert len(scripts) == 1


def test_runs_are_compared_as_compare_does_it(both: Path, place: Path) -> None:
    page = Parsed(both)
    expected = compare([place / "late", place / "gated"])
    (pair,) = expected.pairs
    assert f"lategated{pair.difference:+.3f}{pair.ci[0]:.3f} to {pair.ci[1]:.3f}" in page.text
    assert f"{pair.p:.3f}" in page.text
    assert "Gates" in page.headings()
    assert page.headings("h1") == ["2 runs on toy"]


def test_an_evaluation_with_another_interval_is_told(place: Path) -> None:
    contents = gather([place / "late", place / "gated"])
    assert contents.comparison is not None
    notes = [part for part in comparison.parts(contents) if isinstance(part, Note)]
    assert not notes  # one number has one interval, wherever it stands
    late, gated = contents.comparison.runs
    old = replace(late, ci_clips=(0.1, 0.9)), replace(gated, ci_clips=(0.1, 0.9))
    for runs, names in (((old[0], gated), "late"), (old, "late, gated")):
        other = replace(contents, comparison=replace(contents.comparison, runs=runs))
        (note,) = (part for part in comparison.parts(other) if isinstance(part, Note))
        assert f"{names}, under Metrics" in note.text


def test_an_interval_that_there_is_not_is_a_dash() -> None:
    none, some = (float("nan"),) * 2, (0.25, 0.75)
    assert texts.interval(none, none) == texts.interval(none, None) == "-"
    assert texts.interval(none, some) == "0.250 to 0.750 (over clips)"
    assert texts.interval(some, None) == "0.250 to 0.750"


def test_it_says_which_epoch_is_kept(both: Path) -> None:
    text = Parsed(both).text
    assert "The best epoch by validation accuracy is kept, so that it flatters: " in text
    assert "The last epoch is kept, without early stopping: " in text


def test_curves_of_all_runs_are_in_one_figure(both: Path) -> None:
    text = both.read_text("utf-8")
    robustness = text[text.index('<h2 id="robustness">') :]
    figures = robustness[: robustness.index("<h2", 5)].split("<figure")[1:]
    assert len(figures) == 3  # a modality each
    for figure in figures:
        assert "<title>late</title>" in figure
        assert "<title>gated</title>" in figure
        looks = re.findall(r'<g class="(k\d)"', figure)
        assert len(set(looks)) == 2
        assert len(set(re.findall(r'<path class="curve"( stroke-dasharray="[^"]*")?', figure))) == 2


def test_the_baselines_are_beside_corrupted_clips_too(both: Path, place: Path) -> None:
    text = Parsed(both).text
    (report,) = (r for r in RunRecords.read(place / "late", "late").own if r.corrupted)
    assert report.corrupted is not None
    assert report.corrupted.classical
    for name, model in report.corrupted.classical.items():
        gain = model.gain_in("weighted_f1")
        assert gain is not None
        own = model.metrics["weighted_f1"]
        assert f"late{report.corrupted.label}{name}weighted f1{own:.3f}{gain.mean:+.3f}" in text


def test_what_is_missing_is_listed_with_its_command(both: Path, place: Path) -> None:
    text = Parsed(both).text
    quoted = f"'{place / 'gated'}'"
    assert f"emocli analyze examples {quoted}" in text
    assert f"emocli evaluate {quoted} --corrupt text" in text or "--corrupt audio" in text
    assert f"emocli analyze gates {quoted}" not in text


def test_pictures_of_faces_stand_beside_the_words(place: Path, tmp_path: Path) -> None:
    before = Parsed(report([place / "late"], tmp_path / "before.html"))
    assert "clips have no pictures" in before.text
    corpus = Manifest.read(place / "toy.csv")
    rng = np.random.default_rng(0)
    faces = {
        c.id: toy.Track(rng.integers(0, 255, (3, 8, 8, 3)).astype(np.uint8)) for c in corpus.clips
    }
    toy.write_tracks(place / "store", "faces", "visual", corpus, faces)
    try:
        after = Parsed(report([place / "late"], tmp_path / "after.html"))
    finally:
        (place / "store" / "faces.h5").unlink()
    jpegs = [source for source in after.values("src") if source.startswith("data:image/jpeg")]
    assert len(jpegs) > 3
    assert "clips have no pictures" not in after.text


def test_a_report_of_other_networks_is_marked(one: Path, place: Path, tmp_path: Path) -> None:
    run = tmp_path / "gated"
    shutil.copytree(place / "gated", run)
    path = next((run / "reports").glob("test*.json"))
    data = json.loads(path.read_text())
    data["inputs"]["models"] = {"0": "0" * 64}
    data["normalised"] = USED
    path.write_text(json.dumps(data))
    (run / "reports" / "test+damaged.json").write_text("{}")
    text = Parsed(report([run], tmp_path / "page.html")).text
    assert "networks have changed since this evaluation" in text
    assert f"; features {USED}" in text
    assert "of earlier networks" in text
    assert "test+damaged.json: is of format None" in text
    before = Parsed(one).text
    assert "have changed" not in before
    assert "unlabelled clips" not in before


def test_an_analysis_without_a_report_of_its_own_shows_its_figures(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emocli import plugins

    run = tmp_path / "late"
    shutil.copytree(place / "late", run)
    for path in run.glob("reports/confusion+test.*"):
        path.rename(path.with_name(path.name.replace("confusion", "attention")))
    (run / "reports" / "attention+test.json").write_text('{"counts": 1}')
    monkeypatch.setattr(plugins.load("analyses", "attention"), "Report", None)
    page = Parsed(report([run], tmp_path / "page.html"))
    assert "Other analyses" in page.headings()
    assert [alt for alt in page.values("alt") if alt == "attention, test"]


def test_the_name_of_an_analysis_may_have_a_hyphen(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emocli.pages.records import RunRecords
    from emocli.pipeline.inspect import inspect

    info = tmp_path / "words-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: words\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[emocli.analyses]\ncheck-words = a_module_of_words\n")
    offers = "Options = OfRun\ndef measure(run, options): ...\n"
    content = f"from emocli.plugin.analysis import OfRun, Report\n{offers}"
    (tmp_path / "a_module_of_words.py").write_text(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "late" / "reports" / "check-words+test.json"
    file.parent.mkdir(parents=True)
    shutil.copy(place / "late" / "config.json", tmp_path / "late")
    file.write_text('{"format": 1}')
    records = RunRecords.read(tmp_path / "late", "late")
    (analysis,) = records.analyses
    assert (analysis.name, records.unreadable) == ("check-words", ())
    assert inspect(file).kind == "report of analyze check-words"


def test_a_page_of_folds(place: Path, tmp_path: Path) -> None:
    from emocli.training.train import TrainRequest

    settings = merge(toy.QUICK, {"train": {"epochs": 1}})
    TrainRequest(
        manifest=Manifest.read(place / "toy.csv"),
        store=place / "store",
        fusion="late",
        run=tmp_path / "folds",
        settings=settings,
        baselines=False,
    ).cross_validate(3)
    evaluate(tmp_path / "folds", figures=False)
    text = Parsed(report([tmp_path / "folds"], tmp_path / "page.html")).text
    assert "66 of split test, 3 folds pooled, 12 speakers" in text
    assert "fold-2, seed 0" in text


def test_a_page_of_an_experiment(place: Path, tmp_path: Path) -> None:
    row = RowReport(
        row="late <b>",
        slug="late",
        system="late",
        features=("mel",),
        lacking="",
        printed={"clean": {"accuracy": 0.9}},
        state="done",
        conditions=({"name": "clean", "accuracy": 0.625},),
    )
    result = experiment_report(
        title=f"A table {NASTY}",
        classes=CLASSES,
        rows=(row,),
        notes=("what to know",),
        folds=0,
        seeds=1,
        features=("mel",),
    )
    (tmp_path / "report.json").write_text(as_json(result))
    (tmp_path / "figure.png").write_bytes(b"\x89PNG")
    shutil.copytree(place / "late", tmp_path / "runs" / "late")
    record(tmp_path, ["reproduce", "rrnn-t2"])
    page = Parsed(report([tmp_path], tmp_path / "page.html"))
    expected = ["Contents", "What, and on what", "Reproduction", "Training", "Provenance"]
    assert page.headings() == expected
    assert page.headings("h1") == [f"A table {NASTY} on toy"]
    assert "late <b>0.625 (0.900)" in page.text
    assert page.text.count("what to know") == 1
    assert "emocli reproduce rrnn-t2" in page.text
    assert "seed 1" in page.text  # the curves of the row's run
    assert {tag for tag, _ in page.tags} <= TAGS


def test_the_commands_keep_their_lines(place: Path, tmp_path: Path) -> None:
    run, corpus = tmp_path / "run", [str(place / "toy.csv"), "--store", str(place / "store")]
    quick = ["--set", "train.epochs=1", "--set", "train.accelerator=cpu", "--no-baseline"]
    lines = [
        ["train", *corpus, "--fusion", "late", "--run", str(run), *quick],
        ["evaluate", str(run), "--no-figures"],
        ["analyze", "confusion", str(run), "--no-figures"],
    ]
    for line in (*lines, lines[1]):
        assert emocli(line) == 0
    known = [list(each.arguments) for each in read_log(run / "reports")]
    assert known == [lines[0], lines[2], lines[1]]
    assert emocli(["train", *lines[0][1:], "--dry-run"]) == 0
    assert len(read_log(run / "reports")) == 3
    page = tmp_path / "page.html"
    assert emocli(["report", str(run), "-o", str(page)]) == 0
    assert "emocli analyze confusion" in Parsed(page).text
    assert emocli(["report", str(run), "-o", str(page)]) == 2
    assert emocli(["report", str(run), "-o", str(page), "--overwrite"]) == 0


def refused(kind: type[Exception], match: str, runs: list[Path], out: Path, **more: object) -> None:
    with pytest.raises(kind, match=match):
        report(runs, out, **more)  # type: ignore[arg-type]


def test_refusals(place: Path, one: Path, tmp_path: Path) -> None:
    late, out = place / "late", tmp_path / "page.html"
    refused(ConfigError, "is there already; choose another -o", [late], one)
    refused(ConfigError, r"end it in \.html", [late], tmp_path / "page.pdf")
    refused(RunError, "there is no such run", [tmp_path / "nothing"], out)
    refused(RunError, "is not a run", [place / "store"], out)
    refused(ConfigError, "is named twice", [late, late], out)
    refused(
        ConfigError, "there is no metric 'acuracy'", [late, place / "gated"], out, metric="acuracy"
    )
    (tmp_path / "report.json").write_text("{}")
    refused(ReportError, "is of format None", [tmp_path], out)
    assert not out.exists()


def test_a_run_without_evaluation_is_refused_with_the_command(place: Path, tmp_path: Path) -> None:
    run = tmp_path / "late"
    shutil.copytree(place / "late", run, ignore=shutil.ignore_patterns("reports"))
    with pytest.raises(RunError) as caught:
        report([run], tmp_path / "page.html")
    assert str(caught.value).endswith(f"has not been evaluated yet; run: emocli evaluate {run}")


def test_runs_of_other_classes_are_refused(place: Path, tmp_path: Path) -> None:
    other = toy.build(tmp_path).trained(
        "other", settings=merge(toy.QUICK, {"train": {"epochs": 1}})
    )
    evaluate(other, figures=False)
    with pytest.raises(
        RunError, match="other: its classes are anger, joy, sadness, not anger, joy<"
    ):
        report([place / "late", other], tmp_path / "page.html")


def test_a_page_of_runs_whose_features_have_gone_says_so(place: Path, tmp_path: Path) -> None:
    for name in ("late", "gated"):
        shutil.copytree(place / name, tmp_path / name)
        for path in tmp_path.rglob("config.json"):
            path.write_text(path.read_text().replace(str(place), "/gone").replace("../", "gone/"))
    text = Parsed(report([tmp_path / "late", tmp_path / "gated"], tmp_path / "page.html")).text
    assert "not compared clip by clip: the manifest of late is no longer where it was" in text
    assert "30 of split test, " not in text


def test_the_same_records_give_the_same_page(one: Path, place: Path, tmp_path: Path) -> None:
    assert digest(report([place / "late"], tmp_path / "again.html")) == digest(one)


def test_commands_are_kept_once_and_in_order(tmp_path: Path) -> None:
    for arguments in (["train", "a b"], ["evaluate", "x"], ["train", "a b"]):
        record(tmp_path, arguments)
    assert [each.line for each in read_log(tmp_path)] == ["emocli evaluate x", "emocli train 'a b'"]
    (tmp_path / "commands.json").write_text("damaged")
    with pytest.raises(ReportError):
        read_log(tmp_path)
    record(tmp_path, ["train"])
    assert [each.arguments for each in read_log(tmp_path)] == [("train",)]
