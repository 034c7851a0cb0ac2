"""What JSON does not know becomes what it knows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from emocli.data.json_io import as_json, plain_values


@dataclass(frozen=True)
class Result:
    path: Path
    shares: dict[int, np.float32]
    clips: frozenset[str]


def test_what_json_does_not_know_becomes_what_it_knows() -> None:
    result = Result(Path("runs") / "a", {1: np.float32(0.5)}, frozenset({"clip"}))
    assert plain_values(result) == {"path": "runs/a", "shares": {"1": 0.5}, "clips": ["clip"]}
    actual = plain_values({"matrix": np.array([[1, 2]]), "pair": (True, None), "text": "é"})
    assert actual == {"matrix": [[1, 2]], "pair": [True, None], "text": "é"}


@pytest.mark.parametrize("value", [np.nan, -np.inf, np.float64("nan"), np.float32("inf")])
def test_what_is_no_number_is_null(value: float) -> None:
    assert json.loads(as_json({"a": value, "b": np.array([1, value])})) == {
        "a": None,
        "b": [1, None],
    }


def test_a_text_is_written_as_it_is_and_ends_with_its_line() -> None:
    assert as_json(["é"]) == '[\n  "é"\n]\n'
