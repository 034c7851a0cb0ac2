from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emocli.experiments.papers.m3er_t2 import Config, table
from emocli.experiments.systems import systems
from emocli.plugin.experiment import CLEAN, RobustOptions
from emocli.plugin.robustness import texts
from emocli.robust.repair import RobustConfig

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("m3er_*.toml"))

TABLE = table(Config(proxy="ridge", printed="mosei"))
ROWS = {row.name: row for row in TABLE.rows}


def asked(name: str) -> RobustConfig:
    row = ROWS[name]
    return RobustConfig().trained_with(replace(row.training, settings=row.settings.get("robust")))


def test_the_five_rows_of_the_paper_have_its_numbers_beside() -> None:
    printed = {name: row.printed for name, row in ROWS.items() if row.printed}
    assert len(printed) == 5
    assert printed["M3ER"]["clean"] == {"binary_f1": 0.902, "binary_accuracy": 0.890}
    assert printed["noisy, check and proxy"]["noisy"]["binary_accuracy"] == 0.850
    iemocap = {row.name: row.printed for row in table(Config(printed="iemocap")).rows}
    assert iemocap["noisy, check"]["noisy"]["binary_accuracy"] == 0.751


def test_each_row_takes_one_thing_away_or_puts_another_in_its_place() -> None:
    names = ("noisy", "noisy, check", "noisy, check and proxy", "noisy, oracle and proxy")
    assert [(asked(n).trust, asked(n).fill) for n in names] == [
        ("all", "discard"),
        ("check", "discard"),
        ("check", "proxy"),
        ("oracle", "proxy"),
    ]
    assert asked("noisy, check and proxy").proxy.mode == "ridge"
    stronger = {row.name: row for row in table(Config(proxy="plus", ridge=3.0)).rows}
    for name in ("noisy, check and proxy", "noisy, check, trained on proxies"):
        row = stronger[name]
        options = replace(row.training, settings=row.settings["robust"])
        result = RobustConfig().trained_with(options)
        assert (result.proxy.mode, result.proxy.ridge) == ("ridge", 3.0)
    (condition,) = stronger["trained clean, check and proxy"].conditions
    assert RobustConfig().with_options(condition.repair).proxy.ridge == 3.0
    assert not asked("noisy, check and proxy").train_on_proxy
    assert asked("noisy, check, trained on proxies").train_on_proxy
    assert asked("noisy, check and zeros").fill == "zero"
    assert asked("noisy, check and means").proxy.mode == "mean"
    assert ROWS["noisy, modality dropout"].settings == {"train": {"modality_dropout": 0.25}}
    assert ROWS["original loss"].settings == {"network": {"loss": "orig"}}


def test_noisy_rows_are_trained_and_tested_under_the_same_corruption() -> None:
    for name, row in ROWS.items():
        if name.startswith("noisy"):
            assert texts(asked(name).corrupt) == ["m3er75"]
            assert [texts(c.corrupt) for c in row.conditions] == [["m3er75"]]
        else:
            assert row.training == RobustOptions()
    clean = [name for name, row in ROWS.items() if row.conditions == (CLEAN,)]
    assert clean == ["original loss", "M3ER", "logistic regression"]


@pytest.mark.parametrize("settings", [{"modality_dropout": 1.5}, {"ridge": -1.0}])
def test_impossible_settings_are_refused_before_anything_is_planned(settings: Any) -> None:
    with pytest.raises(ValueError, match=r"modality_dropout|ridge"):
        Config.model_validate(settings)


def test_what_is_compared_is_there() -> None:
    assert {name for pair in TABLE.comparisons for name in pair} <= ROWS.keys()


def test_every_repair_is_measured_by_what_it_wins_back() -> None:
    of_loss = {row: start for row, start, whole in TABLE.recoveries if whole == "M3ER"}
    repaired = {name: name.partition(", ")[0] for name in ROWS if ", " in name}
    assert of_loss == repaired
    of_truth = {row: whole for row, _, whole in TABLE.recoveries if whole != "M3ER"}
    assert of_truth == {
        name: name.replace("check", "oracle")
        for start in ("noisy", "trained clean")
        for name in (f"{start}, check", f"{start}, check and proxy")
    } | {
        "noisy, check (as given)": "noisy, oracle",
        "noisy, check and proxy (as given)": "noisy, oracle and proxy",
    }


def test_every_row_trained_noisy_with_a_check_or_proxies_is_there_as_given_too() -> None:
    fitted = [
        name
        for name, row in ROWS.items()
        if row.training.check or row.training.proxy
        if not name.endswith(" (as given)")
    ]
    assert len(fitted) == 7
    for name in fitted:
        clean, as_given = asked(name), asked(f"{name} (as given)")
        assert (clean.fit_on, as_given.fit_on) == ("clean", "as_given")
        assert as_given.model_copy(update={"fit_on": "clean"}) == clean


def test_what_is_trained_on_clean_clips_is_repaired_like_what_is_trained_on_noisy_ones() -> None:
    def repair(name: str) -> tuple[str, str]:
        (condition,) = ROWS[f"trained clean{name}"].conditions
        result = RobustConfig().with_options(condition.repair)
        return result.trust, result.fill

    for name in ("", ", check", ", check and proxy", ", oracle", ", oracle and proxy"):
        trained = asked(f"noisy{name}")
        assert repair(name) == (trained.trust, trained.fill)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_settings_of_an_example_leave_apart_what_rows_differ_in(path: Path) -> None:
    tree = tomllib.loads(path.read_text("utf-8"))
    result = systems(
        table(Config(**tree.get("experiment", {}))), {"text": "glove"}, ["glove"], "", tree
    )
    losses = {s.slug: s.settings.get("network", {}).get("loss") for s in result}
    assert losses.pop("original-loss") == "orig"
    assert set(losses.values()) == {None}
    dropout = {s.slug: s.settings.get("train", {}).get("modality_dropout") for s in result}
    assert {name for name, p in dropout.items() if p} == {
        "noisy-modality-dropout",
        "noisy-check-modality-dropout",
        "noisy-check-modality-dropout-as-given",
    }
