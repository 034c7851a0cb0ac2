"""The files an analysis leaves."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from emocli.analysis import write
from emocli.plugin.analysis import ConditionOptions, Finding, Report, file_name, name_of


def test_names_say_what_sets_an_analysis_apart() -> None:
    assert file_name("gates", "test", "", None, "audio drop") == "gates+test+audio drop"
    assert file_name("gates", "test", seed=3) == "gates+test+seed 3"


def test_the_name_of_a_split_says_its_repair() -> None:
    options = ConditionOptions(Path("run"), seed=3)
    evaluator: Any = SimpleNamespace(other="", repair=SimpleNamespace(label="checked"))
    named = name_of("examples", options, evaluator, "audio drop", choice="glad:cross")
    assert named == "examples+test+audio drop+checked+glad:cross+seed 3"


def test_long_names_are_shortened_and_stay_apart(tmp_path: Path) -> None:
    def written(name: str) -> Path:
        return write(tmp_path, Finding(name, Report(format=1), [], (), dict), {}).path

    result = [written("clip 語/" * 40 + end) for end in "ab"]
    assert len(set(result)) == 2
    assert all(path.is_file() and len(path.name.encode()) < 255 for path in result)
    assert result[0].with_suffix(".csv").read_text() == "\n"
