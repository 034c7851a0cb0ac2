"""What a search draws from: ranges, and what networks declare."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from emocli import plugins
from emocli.config import leaves, merge
from emocli.errors import ConfigError
from emocli.fusion import late
from emocli.space import Choice, Uniform, Whole, parse
from emocli.training.tuning.ranges import declared
from emocli.training.tuning.search import Search
from tests import toy


def test_ranges_are_read_and_written() -> None:
    for text, expected in {
        "a.b=1..6": Whole(1, 6),
        "a.b=1..600:log": Whole(1, 600, log=True),
        "a.b=0.1..6": Uniform(0.1, 6),
        "a.b=1e-4..1e-2:log": Uniform(1e-4, 1e-2, log=True),
        "a.b=1,x,true,.5": Choice((1, "x", True, ".5")),
    }.items():
        name, found = parse(text)
        assert (name, found) == ("a.b", expected)
        assert parse(f"a.b={found.text()}")[1] == expected


@pytest.mark.parametrize("text", ["a", "a=", "=1,2", "a..b=1,2", "a=1", "a=1,1", "a=3..2", "a=x..y",
                                  "a=0..2:log", "a=1..2:lin", "a=1..2..3"])  # fmt: skip
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no range"):
        parse(text)


@pytest.mark.parametrize("fusion", plugins.names("fusion"))
def test_every_network_declares_settings_it_can_be_built_with(fusion: str) -> None:
    from emocli.config import nested
    from emocli.training.settings import read_settings

    space = declared(fusion, {}, {})
    assert any(name.startswith("network.") for name in space)
    assert any(name.startswith("train.") for name in space)
    for name, each in space.items():
        for value in each.ends():
            read_settings(fusion, "plus", nested({name: value}))


def test_what_is_set_is_not_searched_and_a_command_adds() -> None:
    space = declared("m2fnet", {"network": {"layers": {"text": 3}}, "train": {"lr": 0.1}}, {})
    assert "network.layers" not in space
    assert "train.lr" not in space
    own = {"train.epochs": Whole(1, 5), "network.dropout": Choice((0.1, 0.2))}
    assert declared("m2fnet", {}, own).items() >= own.items()


def test_what_a_network_refuses_is_not_searched() -> None:
    """Dialogues are not mixed with each other."""
    assert "train.mixup" in declared("late", {}, {})
    assert "train.mixup" not in declared("m2fnet", {}, {})
    assert {"train.time_mask", "train.feature_mask", "train.view_dropout"} < set(
        declared("m2fnet", {}, {})
    )


def test_values_that_do_nothing_are_warned_of(tmp_path: Path) -> None:
    made = toy.build(tmp_path)
    said = []
    for epochs in (11, 10, 3):
        settings = merge(toy.QUICK, {"train": {"epochs": epochs}})
        base = made.request("study", settings=settings)
        with warnings.catch_warnings(record=True) as seen:
            Search(base, declared("late", settings, {}))._warn_of_idle()
        said.append([str(each.message) for each in seen])
    start, end = "some values in the search space do nothing: ", "; name others with --space"
    ten = "train.swa = 10 averages nothing with train.epochs ="
    three = "train.swa = 3 averages nothing with train.epochs = 3"
    assert said == [[], [f"{start}{ten} 10{end}"], [f"{start}{three}, {ten} 3{end}"]]


def test_what_is_declared_is_widened_by_the_default_and_what_is_named_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of so few clips the rule of size makes 16 units."""
    made = toy.build(tmp_path)
    base = made.request("study", settings={})
    assert Search(base, declared("late", {}, {}))._default()["network.hidden"] == 16
    monkeypatch.setattr(late.Config, "SPACE", {"hidden": Choice((32, 64))})
    search = Search(base, declared("late", {}, {}))
    assert search.ranges["network.hidden"] == Choice((32, 64, 16))
    default = dict(leaves(base.resolved()))
    assert search._default() == {name: default[name] for name in search.space}
    own = {"network.hidden": Whole(1, 8)}
    search = Search(base, declared("late", {}, own))
    assert search.ranges == search.space
    assert "network.hidden" not in search._default()


def test_a_range_is_widened_by_a_value_of_its_kind() -> None:
    assert Choice((32, 64)).including(16) == Choice((32, 64, 16))
    assert Choice((32, 64)).including(None) == Choice((32, 64))
    assert Whole(2, 5).including(7) == Whole(2, 7)
    assert Uniform(0.1, 1, log=True).including(0.0) == Uniform(0.1, 1, log=True)
