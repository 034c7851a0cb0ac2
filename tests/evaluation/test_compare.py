"""Runs side by side: what differs is refused, what is the same is compared clip by clip."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import emocli as package
from emocli.cli.app import run as emocli
from emocli.config import merge
from emocli.data.json_io import as_json
from emocli.display import printable
from emocli.errors import ConfigError, RunError
from emocli.evaluation.compare import compare
from emocli.evaluation.comparison_report import ComparisonReport, MetricDifference
from emocli.evaluation.comparison_tables import notes, tables, write
from emocli.evaluation.evaluate import evaluate
from emocli.plugin.robustness import RobustOptions
from emocli.report.tables import text as written
from emocli.training.train import TrainRequest
from tests import toy

SIZES = {"train": 30, "valid": 15, "test": 60}

corpus = toy.fixture(sizes=SIZES)

SHORT = merge(toy.QUICK, {"train": {"epochs": 1}})


@pytest.fixture(scope="module")
def runs(corpus: toy.Toy) -> list[Path]:
    """One that has hardly learnt, one that has, one of two seeds."""
    learnt = merge(toy.QUICK, {"train": {"epochs": 20, "patience": 20, "lr": 0.02}})
    return [
        corpus.trained("poor", settings=SHORT),
        corpus.trained("good", settings=learnt),
        corpus.trained("two", seeds=2),
    ]


def test_values_are_those_of_evaluate(runs: list[Path]) -> None:
    alone = [evaluate(run, figures=False).data for run in runs]
    for metric in ("accuracy", "uar", "weighted_f1", "macro_f1"):
        report = compare(runs, metric=metric)
        for run, data, compared in zip(runs, alone, report.runs, strict=True):
            assert compared.value == pytest.approx(data[metric])
            assert compared.run == run.name
            if compared.seeds == (0, 1):
                assert compared.std == pytest.approx(data[f"{metric}_std"])


def test_from_python(runs: list[Path], corpus: toy.Toy) -> None:
    report = package.compare([str(each) for each in runs], store=str(corpus.store))
    assert as_json(report) == as_json(compare(runs))


def test_a_reference_that_is_none_is_refused(runs: list[Path]) -> None:
    unknown: Any = "last"
    with pytest.raises(ConfigError, match="against = 'last'; there are: first, best"):
        compare(runs, against=unknown)


def test_changes_are_told_from_the_first_or_the_best(runs: list[Path]) -> None:
    first, best = compare(runs), compare(runs, against="best")
    assert first.reference == "poor"
    values = {run.run: run.value for run in first.runs}
    assert best.reference == max(values, key=values.__getitem__)
    for report in (first, best):
        for run in report.runs:
            if run.run == report.reference:
                assert run.change is None
            else:
                assert run.change is not None
                expected = run.value - values[report.reference]
                assert run.change.difference == pytest.approx(expected)
                assert run.change.ci[0] <= expected <= run.change.ci[1]
                assert run.change.runs == (run.run, report.reference)
    assert len(first.pairs) == 3


def test_p_values_are_adjusted_for_all_pairs(runs: list[Path]) -> None:
    pairs = compare(runs).pairs
    lowest = min(pairs, key=lambda pair: pair.p)
    assert lowest.p_holm == pytest.approx(min(1, 3 * lowest.p))
    assert all(pair.p_holm >= pair.p >= 2 / 2**20 for pair in pairs)
    assert [pair.p_mcnemar is not None for pair in pairs] == [True, False, False]


def test_the_difference_agrees_with_an_independent_bootstrap(
    corpus: toy.Toy, runs: list[Path]
) -> None:
    """From the per-clip files of `evaluate`, dialogue by dialogue."""
    hits = []
    for run in runs[:2]:
        with evaluate(run, figures=False).clips.open() as file:
            rows = sorted(csv.DictReader(file), key=lambda row: row["id"])
        hits.append(np.array([row["label"] == row["prediction"] for row in rows], float))
        groups = np.array([row["dialogue"] for row in rows])
    change, names = hits[1] - hits[0], sorted(set(groups))
    sums = np.array([change[groups == name].sum() for name in names])
    drawn = np.random.default_rng(5).integers(0, len(names), (200_000, len(names)))
    samples = sums[drawn].sum(axis=1) / len(change)
    # stats.norm.sf(sqrt(20 / 19) * stats.t(19).isf(.025))
    comparison = compare(runs[:2]).pairs[0]
    assert len(names) == 20
    assert comparison.difference == pytest.approx(-change.mean())
    tail = 0.01588
    assert comparison.ci == pytest.approx(
        tuple(-np.quantile(samples, (1 - tail, tail))), abs=1.001 / len(change)
    )


def test_corruption_is_done_to_all(runs: list[Path]) -> None:
    robust = RobustOptions(corrupt=("text:shuffle", "audio:zero"), oracle=True, fill="zero")
    report = compare(runs[:2], robust=robust)
    assert report.corruption == ("text shuffle", "audio zero")
    for run, compared in zip(runs, report.runs, strict=False):
        data = evaluate(
            run, corrupt=robust.corrupt, repair=replace(robust, corrupt=()), figures=False
        ).data
        assert compared.value == pytest.approx(data["accuracy"])
    clean = compare(runs[:2])
    assert clean.runs[1].value != report.runs[1].value
    assert "repair: oracle, zero" in notes(report)
    assert not [note for note in notes(clean) if note.startswith("repair")]
    one = replace(report, runs=(replace(report.runs[0], repair=""), *report.runs[1:]))
    assert "repair: poor: none; good: oracle, zero" in notes(one)


def test_several_seeds_can_be_compared_as_one(corpus: toy.Toy, runs: list[Path]) -> None:
    other = corpus.trained("other two", fusion="early", seeds=2)
    apart, one = compare([runs[2], other]), compare([runs[2], other], ensemble=True)
    assert [run.networks for run in one.runs] == [2, 2]
    data = evaluate(other, ensemble=True, figures=False).data
    assert one.runs[1].value == pytest.approx(data["accuracy"])
    assert apart.pairs[0].p_mcnemar is None
    assert one.pairs[0].p_mcnemar is not None
    assert not [note for note in notes(apart) if note.startswith("McNemar")]
    (line,) = (note for note in notes(one) if note.startswith("McNemar (p "))
    assert line.endswith("takes clips for independent, and is not adjusted")


def test_folds_are_compared_with_folds(corpus: toy.Toy, tmp_path: Path) -> None:
    for name, fusion in (("a", "late"), ("b", "early")):
        where = {"manifest": corpus.manifest, "store": corpus.store, "run": tmp_path / name}
        TrainRequest(**where, fusion=fusion, settings=SHORT, baselines=False).cross_validate(3)
    report = compare([tmp_path / "a", tmp_path / "b"])
    assert report.n == sum(SIZES.values())
    own = evaluate(tmp_path / "b", figures=False).report.clean
    assert report.runs[1].value == pytest.approx(own.metrics["accuracy"])
    # Folds are another order of the clips: the interval is the same.
    assert report.runs[1].ci == pytest.approx(own.accuracy_ci)
    assert own.intervals["accuracy"].ci == pytest.approx(own.accuracy_ci)


def test_other_clips_labels_and_classes_are_refused_by_name(
    corpus: toy.Toy, runs: list[Path], tmp_path: Path
) -> None:
    def trained(name: str, *, task: str = "single", **sizes: int) -> Path:
        return toy.build(tmp_path / name, task, {**SIZES, **sizes}).trained(settings=SHORT)

    fewer = trained("fewer", test=57)
    with pytest.raises(RunError, match=r"tested on 57 clips, not 60: 3 are .* 'test57' is not in"):
        compare([runs[0], fewer])
    multi = trained("multi", task="multi")
    with pytest.raises(RunError, match="its task is 'multi', not 'single'"):
        compare([runs[0], multi])
    other = toy.build(tmp_path / "labels", sizes=SIZES)
    clips = tuple(replace(c, label="joy") if c.id == "test00" else c for c in other.manifest.clips)
    replace(other.manifest, clips=clips).write(other.folder / "toy.csv")
    relabelled = toy.Toy(other.folder, type(other.manifest).read(other.folder / "toy.csv"))
    with pytest.raises(RunError, match="1 clip has other labels, the first is 'test00'"):
        compare([runs[0], relabelled.trained(settings=SHORT)])


def test_what_cannot_be_compared_is_one_line(runs: list[Path]) -> None:
    with pytest.raises(ConfigError, match="one run cannot be compared"):
        compare(runs[:1])
    with pytest.raises(ConfigError, match="named twice"):
        compare([runs[0], runs[0]])
    with pytest.raises(ConfigError, match="'ece' has no interval, for it grows with noise"):
        compare(runs, metric="ece")
    with pytest.raises(ConfigError, match=r"no metric 'acuracy'.*accuracy"):
        compare(runs, metric="acuracy")


def test_the_report_is_read_back(runs: list[Path], tmp_path: Path) -> None:
    report = compare(runs)
    write(report, tmp_path / "c.json")
    assert ComparisonReport.read(tmp_path / "c.json").data() == report.data()


def test_it_is_written_for_spreadsheets_and_papers(runs: list[Path], tmp_path: Path) -> None:
    report = compare(runs)
    for suffix in (".csv", ".md", ".tex"):
        write(report, tmp_path / f"c{suffix}")
    with (tmp_path / "c.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == ["poor", "good", "two"]
    assert float(rows[1]["change"]) == report.runs[1].change.difference
    assert rows[0]["change"] == ""
    text = (tmp_path / "c.md").read_text()
    assert text.count("\n| ") == 1 + 3 + 1 + 1 + 3 + 1
    assert "20 dialogues" in text
    paper = (tmp_path / "c.tex").read_text()
    assert re.search(r"& \$-\$0\.\d{3} & \$-\$0\.\d{3} to ", paper)  # a minus, and no hyphen
    assert "& -0" not in paper
    assert paper.count(r"\begin{tabular}") == 2
    assert r"95 \%" in paper
    with pytest.raises(ConfigError, match=r"as '.docx'.*\.csv"):
        write(report, tmp_path / "c.docx")


NAMES = ("a_b%c&d#e", "$x$ ~y^2", r"\textbf{z} \\", "n\n\\end{tabular}")
"""What LaTeX would take for more than text; the last would leave its table, or a comment."""

LATEX_TEXT = {
    **{f"\\{sign}": sign for sign in "&%$#_{}"},
    **{r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^"},
    **{r"$\pm$": "±", "$-$": "-"},
}


def plain_latex(text: str) -> str:
    """Read what LaTeX would set, character by character; what it would not set as text fails."""
    read, signs = "", sorted(LATEX_TEXT, key=len, reverse=True)
    while text:
        sign = next((s for s in signs if text.startswith(s)), text[0])
        assert sign in LATEX_TEXT or sign not in "\\&%$#_{}~^", text
        read, text = read + LATEX_TEXT.get(sign, sign), text.removeprefix(sign)
    return read


def test_latex_is_whole_whatever_the_names(runs: list[Path], tmp_path: Path) -> None:
    """No TeX is needed: every line is one of a table or a comment, every cell reads as it was."""
    report = compare(runs)
    new = dict(zip([run.run for run in report.runs], NAMES, strict=False))

    def renamed(pair: MetricDifference) -> MetricDifference:
        return replace(pair, runs=tuple(new[name] for name in pair.runs))

    report = replace(
        report,
        runs=tuple(
            replace(r, run=new[r.run], repair=NAMES[3], change=r.change and renamed(r.change))
            for r in report.runs
        ),
        pairs=tuple(map(renamed, report.pairs)),
        reference=NAMES[0],
        dataset=NAMES[3],
    )
    write(report, tmp_path / "c.tex")
    lines = [ln for ln in (tmp_path / "c.tex").read_text("utf-8").splitlines() if ln]
    notes_at = next(k for k, line in enumerate(lines) if line.startswith("%"))
    assert all(line.startswith("% ") for line in lines[notes_at:])
    opened: list[str] = []
    rows: list[list[str]] = []
    for line in lines[:notes_at]:
        if result := re.fullmatch(r"\\begin\{(table|tabular)\}(?:\{(lr*)\})?", line):
            opened.append(result[1])
            width = len(result[2] or "")
        elif result := re.fullmatch(r"\\end\{(\w+)\}", line):
            assert opened.pop() == result[1]
        elif result := re.fullmatch(r"\\caption\{(.*)\}", line):
            assert opened == ["table"]
            plain_latex(result[1])
        elif line not in (r"\toprule", r"\midrule", r"\bottomrule"):
            assert opened == ["table", "tabular"]
            assert line.endswith(r" \\")
            cells = re.split(r"(?<!\\) ?& ?", line.removesuffix(r" \\"))
            assert len(cells) == width
            rows.append([plain_latex(cell.strip()) for cell in cells])
    assert not opened
    expected = [row for table in tables(report) for row in (table.columns, *table.rows)]
    assert len(rows) == len(expected)
    for row, own in zip(rows, expected, strict=True):
        assert row == [printable(written(cell)).strip() for cell in own]


def test_few_speakers_give_an_interval_over_clips_alone(tmp_path: Path) -> None:
    small = toy.build(tmp_path)
    runs = [small.trained(name, fusion=name, settings=SHORT) for name in ("late", "early")]
    report = compare(runs)
    assert np.isnan(report.pairs[0].p)
    assert "95 % over clips" in tables(report)[0].columns
    assert any("too few to draw from" in note for note in notes(report))


def test_the_command(runs: list[Path], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["compare", *map(str, runs), "-o", str(tmp_path / "c.tex")]
    assert emocli(arguments) == 0
    shown = capsys.readouterr().out
    assert "vs poor" in shown
    assert "intervals: 95 %, bootstrap over 20 dialogues" in shown
    assert (tmp_path / "c.tex").exists()
    assert emocli([*arguments, "--json", "--metric", "uar"]) == 0
    assert json.loads(capsys.readouterr().out)["metric"] == "uar"
    assert emocli(["compare", "nowhere", "elsewhere", "-o", "c.docx"]) == 2
    assert "cannot write a comparison as '.docx'" in capsys.readouterr().err  # before the work
    assert emocli(["compare", str(runs[0])]) == 2
