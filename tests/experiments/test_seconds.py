"""The seconds of trainings: they add up, also those of the file's former name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emocli.experiments.seconds import FORMER, SECONDS, add_seconds, training_seconds


def test_they_add_up_and_those_of_the_former_name_count(tmp_path: Path) -> None:
    (tmp_path / FORMER).write_text(json.dumps({"a": 2.0}))
    assert training_seconds(tmp_path) == {"a": 2.0}
    assert (add_seconds(tmp_path, "a", 3.0), add_seconds(tmp_path, "b", 1.0)) == (5.0, 1.0)
    assert json.loads((tmp_path / SECONDS).read_text()) == {"a": 5.0, "b": 1.0}
    assert training_seconds(tmp_path) == {"a": 5.0, "b": 1.0}


@pytest.mark.parametrize("text", ["", "[1]", '{"a": "b"}'])
def test_a_damaged_file_counts_for_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / SECONDS).write_text(text)
    assert training_seconds(tmp_path) == {}
