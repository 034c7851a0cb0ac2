"""Strict settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from emocli import config, plugins
from emocli.config import Settings
from emocli.errors import ConfigError
from emocli.quantities import Steps


class Inner(Settings):
    rate: float = 1.0


class Sizes(Settings):
    train: int
    test: int


class Outer(Settings):
    bands: int = Field(128, ge=1)
    name: str = "a"
    inner: Inner = Inner()
    way: Literal["even"] | dict[str, Annotated[float, Field(gt=0)]] = "even"
    steps: Steps | Literal["longest"] = 20
    names: tuple[str, ...] = ()
    sizes: Sizes = Sizes(train=4, test=10)
    weights: dict[str, float] = Field(default_factory=dict)


def test_values_are_read_as_toml_or_text() -> None:
    tree = config.parse_sets(["mel.bands=64", "glove.vectors=a/b.txt", "x.y.z=[1, 2]", "x.on=true"])
    assert tree == {
        "mel": {"bands": 64},
        "glove": {"vectors": "a/b.txt"},
        "x": {"y": {"z": [1, 2]}, "on": True},
    }


@pytest.mark.parametrize("pair", ["bands", "=3", "mel.=3"])
def test_a_pair_without_key_or_value_is_refused(pair: str) -> None:
    with pytest.raises(ConfigError, match="key=value"):
        config.parse_sets([pair])


def test_a_later_layer_wins_key_by_key() -> None:
    weak = {"a": {"x": 1, "y": 2}, "b": 3}
    assert config.merge(weak, {"a": {"y": 5}}) == {"a": {"x": 1, "y": 5}, "b": 3}
    assert weak == {"a": {"x": 1, "y": 2}, "b": 3}


def test_an_unknown_key_suggests_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown setting 'mel\.band'; did you mean 'mel.bands'"):
        config.build(Outer, {"band": 3}, "mel")


def test_an_unknown_nested_key_is_looked_up_where_it_is() -> None:
    with pytest.raises(ConfigError, match=r"'mel\.inner\.rat'; did you mean 'mel.inner.rate'"):
        config.build(Outer, {"inner": {"rat": 3}}, "mel")


def test_a_setting_that_is_filled_in_by_itself_is_not_suggested() -> None:
    with pytest.raises(ConfigError, match=r"there are: weights, min_confidence, batch, device$"):
        config.build(plugins.load("features", "face_expression").Config, {"x": 3}, "face")


def test_an_impossible_value_is_named() -> None:
    with pytest.raises(ConfigError, match=r"'mel\.bands' = 0"):
        config.build(Outer, {"bands": 0}, "mel")


@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
def test_a_number_has_to_be_finite(value: str) -> None:
    """No file of a run could hold another."""
    for key in ("inner.rate", "way.x"):
        with pytest.raises(ConfigError, match=rf"'mel\.{key}' = .*(finite number|number above 0)"):
            config.build(Outer, config.parse_sets([f"{key}={value}"]), "mel")


def test_what_a_validator_says_follows_the_setting() -> None:
    from emocli.prediction.segmentation.ways import windows

    with pytest.raises(ConfigError, match=r"'window': 1\}: a hop of 2 s would leave gaps"):
        config.build(windows.Config, {"window": 1}, "windows")


def test_a_value_is_no_section() -> None:
    with pytest.raises(ConfigError, match=r"'mel' is a section.*\(now 3\); set mel\.KEY=VALUE"):
        config.build(Outer, config.parse_sets(["mel=3"])["mel"], "mel")


def test_of_a_choice_of_forms_the_nearest_is_explained() -> None:
    with pytest.raises(ConfigError, match=r"'mel\.way' = 'odd': input should be 'even'"):
        config.build(Outer, {"way": "odd"}, "mel")
    with pytest.raises(ConfigError, match=r"'mel\.way\.x' = -1: must be a number above 0, at m"):
        config.build(Outer, {"way": {"y": 1, "x": -1}}, "mel")
    with pytest.raises(ConfigError, match=r"'mel\.steps' = 0: must be a whole number from 1 to"):
        config.build(Outer, {"steps": 0}, "mel")


@pytest.mark.parametrize(
    ("given", "written"), [("a", '["a"]'), ("[a]", '["a"]'), ("a,b", '["a", "b"]'), ("3", "[3]")]
)
def test_a_value_in_the_place_of_a_list_is_told_how_to_be_one(given: str, written: str) -> None:
    with pytest.raises(ConfigError, match=r"'mel\.names' = .*: must be a list") as raised:
        config.build(Outer, config.parse_sets([f"names={given}"]), "mel")
    assert str(raised.value).endswith(f"; write mel.names={written}")


def test_a_value_in_the_place_of_a_section_is_told_how_to_be_one() -> None:
    for key in ("sizes", "weights"):
        said = rf"^'mel\.{key}' is a section, not a setting \(now 3\); set mel\.{key}\.KEY=VALUE$"
        with pytest.raises(ConfigError, match=said):
            config.build(Outer, config.parse_sets([f"{key}=3"]), "mel")


def test_a_section_keeps_its_other_defaults() -> None:
    assert config.build(Outer, {"sizes": {"test": 2}}, "mel").sizes == Sizes(train=4, test=2)
    with pytest.raises(ConfigError, match=r"unknown setting 'mel\.sizes\.tset'"):
        config.build(Outer, {"sizes": {"tset": 2}}, "mel")


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Outer().bands = 3  # type: ignore[misc]


def test_a_broken_or_missing_file_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "b.toml"
    broken.write_text("= 3")
    for path in (broken, tmp_path / "none.toml"):
        with pytest.raises(ConfigError) as caught:
            config.read_toml(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["[" * 100_000, "[" * 100 + "]" * 100, "{a=" * 5000 + "1" + "}" * 5000]
)
def test_a_deeply_nested_value_is_one_line(value: str) -> None:
    with pytest.raises(ConfigError, match=r"^--set: '.{80}': it is nested deeper than 64 levels$"):
        config.parse_sets([f"mel.bands={value}"])


def test_a_long_key_or_value_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"^--set: .{1,120}$"):
        config.parse_sets([".".join("a" * 1_000_000) + "=1"])
    with pytest.raises(ConfigError, match=r"^unknown setting .{1,160}$"):
        config.build(Outer, {"a" * 1_000_000: 1}, "mel")
    for value in ("1" + "0" * 5000, "a" * 1_000_000):
        told = config.parse_sets([f"bands={value}"])
        with pytest.raises(ConfigError, match=r"^setting 'mel\.bands' = '.{1,200}$"):
            config.build(Outer, told, "mel")


@pytest.mark.parametrize("value", ["a\0b", "a" * 100_001])
def test_a_text_that_no_file_is_called_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"^setting 'mel\.name' = '.{1,140}no NUL$"):
        config.build(Outer, {"name": value}, "mel")


def test_what_looks_like_a_date_or_holds_lines_is_text() -> None:
    told = config.parse_sets(["a=2020-01-01", "b=07:30:00", "c=1\nd = 2", "e=1979-05-27T07:32:00Z"])
    assert told == {
        "a": "2020-01-01",
        "b": "07:30:00",
        "c": "1\nd = 2",
        "e": "1979-05-27T07:32:00Z",
    }


def test_a_date_in_a_file_is_shown_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("name = 2020-01-01\n", "utf-8")
    with pytest.raises(ConfigError, match=r"'mel\.name' = 2020-01-01: input should be a valid str"):
        config.build(Outer, config.read_toml(path), "mel")


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        config.read_toml(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bands", True),
        ("inner.rate", False),
        ("way.x", True),
        ("steps", True),
        ("pair", [1, True]),
        ("rows", [[1, 2], [False]]),
        ("maybe", True),
        ("inners", [{"rate": True}]),
    ],
)
def test_true_and_false_are_no_numbers_however_deep(key: str, value: object) -> None:
    class More(Outer):
        pair: tuple[int, float] = (1, 2)
        rows: tuple[list[int], ...] = ()
        maybe: Steps | None = None
        inners: tuple[Inner, ...] = ()

    *path, last = key.split(".")
    tree: config.Tree = {last: value}
    for name in reversed(path):
        tree = {name: tree}
    with pytest.raises(ConfigError, match=rf"'mel\.{key}.*' = (True|False): must be a .*number"):
        config.build(More, tree, "mel")
