"""Examples: who is chosen, what is told of them, and their frames."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli.analysis.examples import draw
from emocli.cli import show
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.media.stills import PICTURES, pictures
from emocli.errors import ConfigError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.report.canvas import render
from tests import toy

examples = toy.analysis("examples")

COMMAND = "analyze examples rrnn"
"""For the contract of reports."""

SIZES = {"train": 30, "valid": 12, "test": 60}


def trained(folder: Path, task: Any = "single") -> Path:
    return toy.build(folder, task, SIZES, noise=2.0).trained(seeds=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("toy"))


def answers(run: Path) -> list[tuple[str, str, str, float]]:
    """Clip, class shown, class predicted and its mean probability."""
    predictions = RunEvaluator.open(run, "test", None, None).predict((), 0)
    values = np.mean(predictions.values, axis=0)
    rows = zip(predictions.ids, predictions.targets, values, strict=True)
    return [
        (clip, toy.CLASSES[int(t)], toy.CLASSES[int(v.argmax())], float(v.max()))
        for clip, t, v in rows
    ]


def test_the_most_confident_right_answers_of_each_class(run: Path) -> None:
    result = [e for e in examples(run, top=2).data["examples"] if e["right"]]
    wanted = []
    for name in toy.CLASSES:
        right = [a for a in answers(run) if a[1] == a[2] == name]
        wanted += sorted(right, key=lambda a: -a[3])[:2]
    got = [(e["clip"], e["shown"], e["predicted"], e["confidence"]) for e in result]
    assert got == wanted
    assert len(got) > 3


def test_the_worst_error_of_every_two_classes(run: Path) -> None:
    data = examples(run, errors=4).data
    result = [e for e in data["examples"] if not e["right"]]
    wrong = sorted((a for a in answers(run) if a[1] != a[2]), key=lambda a: -a[3])
    first = {(a[1], a[2]): a for a in reversed(wrong)}
    wanted = sorted(first.values(), key=lambda a: -a[3])[:4]
    assert [(e["clip"], e["confidence"]) for e in result] == [(a[0], a[3]) for a in wanted]
    assert data["wrong"] == len(wrong)
    assert data["right"] + data["wrong"] == 60


def test_errors_of_one_pair(run: Path) -> None:
    wrong = [a for a in answers(run) if a[1] != a[2]]
    _, shown, said, _ = wrong[0]
    analysis = examples(run, top=0, errors=99, mistaken=f"{shown}:{said}").data["examples"]
    assert {e["clip"] for e in analysis} == {a[0] for a in wrong if a[1:3] == (shown, said)}
    confidences = [e["confidence"] for e in analysis]
    assert confidences == sorted(confidences, reverse=True)


def test_what_there_is_no_example_of_is_said_and_has_no_empty_table(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blind = {"corrupt": ["visual:drop", "text:drop", "audio:drop"]}  # it says the same of all
    (said,) = {e["predicted"] for e in examples(run, top=1, errors=0, **blind).data["examples"]}
    others = [name for name in toy.CLASSES if name != said]
    analysis = examples(run, top=1, errors=1, mistaken=f"{said}:{others[0]}", **blind)
    notes = (
        f"no right clip of: {', '.join(others)}",
        f"no test clip that shows {said} was taken for {others[0]}",
    )
    assert analysis.notes == notes
    (right,) = analysis.tables
    assert right.rows
    show.analysis(analysis, as_data=False)
    printed = capsys.readouterr().out
    assert all(note in printed for note in notes)
    assert not examples(run, top=0, errors=0).notes  # nothing was asked for
    there = examples(run, top=0, errors=9, **blind)
    assert not there.notes
    assert len(there.tables) == 1


def test_without_an_error_it_says_so(tmp_path: Path) -> None:
    clear = toy.build(tmp_path, "single", {"train": 30, "valid": 12, "test": 12}, noise=0.01)
    analysis = examples(clear.trained(seeds=1))
    assert analysis.data["wrong"] == 0
    assert analysis.notes == ("no test clip was taken for another class",)


def test_corruption_changes_who_is_chosen(run: Path) -> None:
    clean, corrupted = examples(run), examples(run, corrupt=["visual:drop", "text:drop"])
    assert clean.path != corrupted.path
    assert clean.data["wrong"] != corrupted.data["wrong"]


@pytest.mark.parametrize("task", ["multi", "intensity"])
def test_a_clip_of_several_classes_is_right_if_it_shows_the_class(
    task: str, tmp_path: Path
) -> None:
    run = trained(tmp_path, task)
    predictions = RunEvaluator.open(run, "test", None, None).predict((), 0)
    targets = dict(zip(predictions.ids, predictions.targets, strict=True))
    analysis = examples(run, top=9, errors=9).data["examples"]
    assert {e["right"] for e in analysis} == {True, False}
    for entry in analysis:
        labels = dict(zip(toy.CLASSES, targets[entry["clip"]], strict=True))
        assert bool(labels[entry["predicted"]] > 0) is entry["right"]
        assert labels[entry["shown"]] > 0
        assert entry["values"][entry["predicted"]] == max(entry["values"].values())


def test_the_table_tells_what_the_data_do(run: Path) -> None:
    analysis = examples(run)
    with analysis.path.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["clip"] for row in rows] == [e["clip"] for e in analysis.data["examples"]]
    right, wrong = analysis.tables
    assert len(right.rows) + len(wrong.rows) == len(rows)
    assert analysis.figures == ()  # no clip has a video


@pytest.mark.parametrize(
    ("mistaken", "message"),
    [("joy", "not of the form"), ("joy:joy", "not of the form"), ("joy:angr", "did you mean")],
)
def test_impossible_pairs_are_refused(run: Path, mistaken: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        examples(run, mistaken=mistaken)


def test_frames_of_a_clip_are_spread_over_it(corpus: Manifest) -> None:
    clip = corpus.clips[0]
    result = pictures(clip)
    assert len(result) == PICTURES
    assert all(image.shape[2] == 3 for image in result)
    assert any(not np.array_equal(result[0], image) for image in result[1:])


def test_a_clip_without_a_usable_video_has_none(corpus: Manifest, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    broken = replace(corpus.clips[0], media={"video": tmp_path / "broken.mp4"})
    assert pictures(broken) == pictures(Clip("nothing")) == []


def test_only_what_has_frames_is_drawn(run: Path) -> None:
    report = examples(run, top=1, errors=1).report
    *_, last = report.examples
    image = np.full((20, 30, 3), 128, np.uint8)
    drawn = render(draw(report, {last.clip: [image, image]}))
    assert set(drawn) == {"-errors.png", "-errors.svg", "-errors.txt"}
    assert drawn["-errors.png"].startswith(b"\x89PNG")
    assert render(draw(report, {last.clip: [image, image]})) == drawn
    assert draw(report, {}) == {}
