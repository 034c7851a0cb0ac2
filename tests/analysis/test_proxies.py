from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emocli.analysis import Analysis
from emocli.analysis.proxies import curves as drawn_curves
from emocli.analysis.proxies import errors as drawn_errors
from emocli.errors import ConfigError, StoreError
from tests import toy

proxies = toy.analysis("proxies")

COMMAND = "analyze proxies store --manifest toy.csv --kind ridge"
"""For the contract of reports."""

SIZES = {"train": 60, "valid": 12, "test": 20}


corpus = toy.fixture(sizes=SIZES, noise=0.1)


@pytest.fixture(scope="module")
def found(corpus: toy.Toy) -> Analysis:
    return proxies(corpus.store, manifest=corpus.folder / "toy.csv")


def errors(found: Analysis, kind: str, name: str) -> list[float]:
    return [row[name] for row in found.data["errors"] if row["kind"] == kind]


def test_what_is_remembered_is_returned_and_worth_little_elsewhere(found: Analysis) -> None:
    assert max(errors(found, "memory", "learnt")) < 0.25  # what resampling loses
    assert min(errors(found, "memory", "held out")) > 0.5


def test_an_error_of_one_is_that_of_the_mean(found: Analysis) -> None:
    assert errors(found, "mean", "learnt") == pytest.approx([1.0] * 9, abs=0.05)
    assert min(errors(found, "literal", "held out")) > 1
    for kind in ("paper", "plus"):
        assert min(errors(found, kind, "held out")) < 1


def test_every_modality_from_each_of_the_others_and_from_all(found: Analysis) -> None:
    pairs = [(r["modality"], r["from"]) for r in found.data["errors"] if r["kind"] == "plus"]
    assert pairs[:3] == [("audio", "text"), ("audio", "visual"), ("audio", "text + visual")]
    assert len(pairs) == 9


def test_curves_show_original_noisy_and_regenerated(found: Analysis) -> None:
    curves = found.data["curves"]
    assert len(curves) == 9
    for curve in curves:
        width = {"audio": 5, "text": 4, "visual": 3}[curve["modality"]]
        assert {len(curve[name]) for name in ("original", "noisy", "regenerated")} == {width}
        assert max(map(abs, curve["noisy"])) != max(map(abs, curve["original"]))


def test_it_is_written_and_drawn(corpus: toy.Toy, found: Analysis) -> None:
    assert found.path == corpus.store / "reports" / "proxies+test.json"
    assert json.loads(found.path.read_text()) == found.data
    rows = list(csv.DictReader(found.path.with_suffix(".csv").open()))
    assert len(rows) == len(found.data["errors"]) == 9 * 5
    assert len(found.figures) == 4
    assert len(found.tables[0].rows) == len(rows)


def test_kinds_may_be_chosen_and_mistakes_are_named(corpus: toy.Toy, tmp_path: Path) -> None:
    where = {"manifest": corpus.folder / "toy.csv", "figures": False}
    analysis = proxies(corpus.store, kind=["nn1"], split="valid", seed=2, **where)
    assert analysis.path.name == "proxies+valid+nn1+seed-2.json"
    assert list(analysis.data["settings"]) == ["nn1", "memory"]
    with pytest.raises(ConfigError, match="no kind of proxy 'nn2'; did you mean 'nn1'"):
        proxies(corpus.store, kind=["nn2"], **where)
    with pytest.raises(ConfigError, match="is no run; of a store, the clips are in a manifest"):
        proxies(tmp_path)


def test_clips_that_lack_a_modality_are_no_measure(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path)
    spoken = {c.id: np.ones((3, 4)) for c in corpus.manifest.clips if c.split != "test"}
    toy.write_feature(corpus.store, "glove", "text", corpus.manifest, spoken)
    where = {"manifest": corpus.folder / "toy.csv", "figures": False}
    with pytest.raises(StoreError, match="no clip of split 'test' has all of audio, text, visual"):
        proxies(corpus.store, **where)
    assert proxies(corpus.store, split="valid", **where).data["n"]["held out"] == 12


def test_what_is_drawn_says_what_its_axes_are_and_where_a_bar_is_cut(found: Analysis) -> None:
    panels = drawn_curves(found.report).figure.axes
    assert [panel.get_xlabel() for panel in panels] == [""] * 6 + ["dimension"] * 3
    assert [panel.get_ylabel().split("\n")[0] for panel in panels[::3]] == [
        "audio",
        "text",
        "visual",
    ]
    row = replace(found.report.errors[0], errors={"learnt": 7.25, "held out": 0.5})
    (panel,) = drawn_errors(replace(found.report, errors=(row,))).figure.axes
    assert [text.get_text() for text in panel.texts] == ["7.2"]
