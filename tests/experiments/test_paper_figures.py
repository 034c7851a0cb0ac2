"""The papers' figures: trained, analysed, drawn and on one page, by the command the docs name."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emocli import plugins
from emocli.cli.app import run
from emocli.config import build
from emocli.experiments.page import markdown
from emocli.experiments.runner import Reproduction, reproduce
from emocli.plugin.experiment import Table
from emocli.plugin.robustness import texts
from tests import toy

DOCS = Path(__file__).parents[2] / "docs" / "papers.md"

SETTINGS: dict[str, Any] = {
    "network": {"hidden": 6},
    "train": {**toy.QUICK["train"], "epochs": 2, "threads": 1},
    "reproduce": {"seeds": 1},
}

corpus = toy.fixture(noise=0.3)


def table(name: str, **settings: Any) -> Table:
    module = plugins.load("experiments", name)
    result: Table = module.table(build(module.Config, settings, "experiment"))
    return result


# -- the list in the docs

PRINTED = {
    "M3ER (Mittal et al. 2020)": {"Table": 2, "Figure": 7},
    "RRNN (Beard et al. 2018)": {"Table": 3, "Figure": 4},
    "M2FNet (Chudasama et al. 2022)": {"Table": 7, "Figure": 5},
}
"""How many tables and figures each paper has."""


CITED = {paper.partition("(")[2].rstrip(")") for paper in PRINTED}
"""The papers as experiments name them after ``Source:``."""

OF_PAPERS = [
    name
    for name in plugins.names("experiments")
    if any(paper in plugins.describe("experiments", name).source for paper in CITED)
]
"""Experiments that give a table or figure of these papers; one of something else has no line."""


def listed() -> list[tuple[str, str, str]]:
    """Return paper, table or figure, and command of each line of the list."""
    result: list[tuple[str, str, str]] = []
    for line in DOCS.read_text().splitlines():
        if line.startswith("| ") and not line.startswith("| paper"):
            paper, item, _, command = (cell.strip() for cell in line.strip("|").split("|"))
            result.append((paper or result[-1][0], item, command))
    return result


def commands() -> dict[str, set[str]]:
    """Return each experiment that is named, to what it gives."""
    gives: dict[str, set[str]] = {}
    for _, item, command in listed():
        for name in re.findall(r"`emocli reproduce ([\w-]+)`", command):
            gives.setdefault(name.replace("-", "_"), set()).add(item)
    return gives


def test_every_table_and_figure_of_the_papers_is_in_the_list_once() -> None:
    expected = [
        (paper, f"{kind} {number}")
        for paper, counts in PRINTED.items()
        for kind, count in counts.items()
        for number in range(1, count + 1)
    ]
    result = [(paper, item) for paper, item, _ in listed() if re.match("Table|Figure", item)]
    assert sorted(result) == sorted(expected)


def test_the_list_names_all_experiments_and_only_what_there_is() -> None:
    assert set(commands()) == {*OF_PAPERS}
    for paper, item, command in listed():
        if not command.startswith("a drawing of"):
            assert re.search(r"`emocli \w+", command), (paper, item)
    for path in re.findall(r"`(emocli/[\w/.]+)`", DOCS.read_text()):
        assert (DOCS.parents[1] / path).exists(), path


def test_the_list_names_commands_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    for name in sorted(set(re.findall(r"`emocli ([a-z]+) (?!NAME)", DOCS.read_text()))):
        assert run([name, "--help"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("name", OF_PAPERS)
def test_an_experiment_says_itself_what_it_gives(name: str) -> None:
    text = plugins.load("experiments", name).__doc__ or ""
    for item in commands()[name]:
        if re.match("Table|Figure", item):
            assert item in text, item
        else:
            assert all(number in text for number in re.findall(r"\d\.\d", item)), item


# -- M3ER's figures


def run_figures(corpus: toy.Toy, out: Path, **experiment: Any) -> Reproduction:
    settings = {**SETTINGS, "experiment": experiment}
    return reproduce("m3er-figures", corpus.manifest, corpus.store, out, settings=settings)


@pytest.fixture(scope="module")
def figures(corpus: toy.Toy, tmp_path_factory: pytest.TempPathFactory) -> Reproduction:
    pair = {"mistaken": f"{toy.CLASSES[1]}:{toy.CLASSES[0]}"}
    return run_figures(corpus, tmp_path_factory.mktemp("out"), **pair)


def data_of(figures: Reproduction) -> dict[str, Any]:
    """Return the data of each analysis by its name in the report."""
    folder = figures.path.parent
    return {
        each["name"]: json.loads((folder / each["data"]).read_text())
        for each in figures.data["analyses"]
    }


def test_m3er_s_figures_are_one_command_and_one_page(figures: Reproduction) -> None:
    page = figures.page.read_text()
    names = [each["name"] for each in figures.data["analyses"]]
    told = " ".join(names)
    for item in commands()["m3er_figures"]:
        assert item.split()[-1] in told, item
    for each in figures.data["analyses"]:
        assert f">{each['name']}</h2>" in page
    drawn = [path for path in figures.figures if path.suffix == ".png"]
    assert len(drawn) == len(set(drawn)) >= 6
    for path in drawn:
        assert base64.b64encode(path.read_bytes()).decode() in page, path.name
    assert page.count("<img") == len(drawn)


def test_what_there_is_no_example_of_is_on_the_page(figures: Reproduction) -> None:
    note = "no test clip that shows joy was taken for anger"
    told = tuple(replace(each, notes=(note,)) for each in figures.report.analyses[1:2])
    assert markdown(replace(figures.report, analyses=told)).count(note) == 1
    for each in figures.data["analyses"]:
        assert all(name in figures.page.read_text() for name in each["notes"])


def test_section_5_3_corrupts_the_face_of_every_clip(figures: Reproduction) -> None:
    weights = data_of(figures)["Weights, the face corrupted (section 5.3)"]
    assert set(weights["conditions"]) == {"clean", "visual gaussian SNR 0.01"}
    assert not weights["unused"]
    for condition in weights["conditions"].values():
        assert sum(seeds[0] for seeds in condition["weights"].values()) == pytest.approx(1)


def test_right_clips_are_of_every_class_and_the_wrong_ones_of_the_pair(
    figures: Reproduction,
) -> None:
    data = data_of(figures)
    shown = data["The most confident right and wrong clips (Figures 3, 4 and 6)"]
    right = [each["shown"] for each in shown["examples"] if each["right"]]
    assert right == sorted(right, key=toy.CLASSES.index)
    pair = data["joy taken for anger (Figure 6)"]
    assert pair["mistaken"] == "joy:anger"
    assert not any(each["right"] for each in pair["examples"])


def test_the_check_is_that_of_the_repaired_row(figures: Reproduction) -> None:
    rows = {row["row"]: row for row in figures.data["rows"]}
    (repaired,) = rows["M3ER, check and proxy"]["conditions"]
    assert "check" in repaired["repair"]
    assert sum(repaired["flagged"].values()) > 0
    assert len(rows["M3ER"]["conditions"]) == 3
    check = data_of(figures)["The modality check (section 3.3)"]
    assert {point["modality"] for point in check["points"]} == {"text", "audio", "visual"}


@pytest.mark.parametrize(("corpus_name", "pair"), [("mosei", "anger"), ("iemocap", "angry")])
def test_figure_6_is_of_the_corpus_in_the_paper(corpus_name: str, pair: str) -> None:
    asked = {each.name: each.options for each in table("m3er_figures", corpus=corpus_name).analyses}
    assert asked[f"happy taken for {pair} (Figure 6)"]["mistaken"] == f"happy:{pair}"
    assert not [each for each in table("m3er_figures").analyses if "mistaken" in each.options]


def test_another_modality_is_the_face_if_the_store_calls_it_so() -> None:
    experiment = table("m3er_figures", visual="camera", snr="0.1")
    assert texts(experiment.rows[0].conditions[1].corrupt) == ["camera:gaussian@0.1"]
    (weights,) = (each for each in experiment.analyses if each.analysis == "weights")
    assert texts(weights.options["corrupt"]) == ["camera:gaussian@0.1"]


# -- M2FNet's


def test_figure_5_has_the_confusion_and_the_classes(corpus: toy.Toy, tmp_path: Path) -> None:
    settings = {**SETTINGS, "network": {}, "experiment": {"layers": 1}}
    result = reproduce("m2f-fig5", corpus.manifest, corpus.store, tmp_path, settings=settings)
    page = result.page.read_text()
    assert page.count("<img") == 3
    assert "f1 of each class, clean" in page
    (confusion,) = data_of(result).values()
    assert confusion["classes"] == [*toy.CLASSES]
