"""Records: what their JSON holds, and that only that is taken back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import pytest

from emocli.data.json_io import EXTRA, OPTIONAL, key
from emocli.data.record import Bounds, Number, Record, Report
from emocli.errors import ReportError


@dataclass(frozen=True, kw_only=True)
class Part(Record):
    metrics: Mapping[str, Number] = field(metadata=EXTRA)
    interval: Bounds | None = field(default=None, metadata=OPTIONAL)
    source: str = field(metadata=key("from"))


@dataclass(frozen=True, kw_only=True)
class Whole(Record):
    n: int
    parts: tuple[Part, ...]
    other: Part | None


PART = Part(metrics={"uar": 0.5, "f1": 1.0}, source="text")
WHOLE = Whole(n=2, parts=(PART, replace(PART, interval=(0.25, 0.75))), other=None)
DATA = {
    "n": 2,
    "parts": [
        {"uar": 0.5, "f1": 1.0, "from": "text"},
        {"uar": 0.5, "f1": 1.0, "interval": [0.25, 0.75], "from": "text"},
    ],
    "other": None,
}


def test_the_json_has_its_keys_and_gives_the_record_back() -> None:
    assert WHOLE.data() == DATA
    assert Whole.from_data(DATA) == WHOLE


def test_what_is_not_defined_is_null_and_nan() -> None:
    part = replace(PART, metrics={"uar": math.nan}, interval=(math.nan, 1.0))
    assert part.data() == {"uar": None, "interval": [None, 1.0], "from": "text"}
    again = Part.from_data(part.data())
    assert math.isnan(again.metrics["uar"])
    assert math.isnan((again.interval or (0, 0))[0])


@dataclass(frozen=True, kw_only=True)
class Hits(Record):
    detected: int


@dataclass(frozen=True, kw_only=True)
class Told(Report):
    FORMAT: ClassVar[int] = 2
    RENAMED: ClassVar[Mapping[str, str] | None] = {
        "said": "predicted",
        "parts.*.*.found": "detected",
    }

    predicted: str
    parts: tuple[Mapping[str, Hits], ...]


def test_the_schema_is_that_of_the_json() -> None:
    schema = Whole.schema()
    part = schema["$defs"]["Part"]
    assert schema["required"] == ["n", "parts", "other"]
    assert schema["additionalProperties"] is False
    assert part["properties"].keys() == {"interval", "from"}
    assert part["required"] == ["from"]
    assert part["additionalProperties"] == {"anyOf": [{"type": "number"}, {"type": "null"}]}


@pytest.mark.parametrize(
    "change",
    [
        {"n": "2"},
        {"n": True},
        {"n": 2.5},
        {"m": 2},
        {"parts": {}},
        {"parts": [{"uar": 0.5}]},
        {"parts": [{"uar": "0.5", "from": "text"}]},
        {"parts": [{"from": "text", "source": "text"}]},
        {"other": []},
    ],
    ids=str,
)
def test_anything_else_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Whole.from_data(DATA | change)


def test_a_key_that_is_missing_is_refused() -> None:
    for name in DATA:
        with pytest.raises(ValueError, match=name):
            Whole.from_data({other: value for other, value in DATA.items() if other != name})


def test_keys_of_the_format_before_are_read_by_their_names_now(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    old = {"format": 1, "said": "joy", "parts": [{"a": {"found": 2}}, {"found": {"found": 3}}]}
    path.write_text(json.dumps(old))
    read = Told.read(path)
    assert read.predicted == "joy"
    assert [*read.parts[0].values(), *read.parts[1].values()] == [
        Hits(detected=2),
        Hits(detected=3),
    ]
    assert Told.from_data(read.data()) == read
    for number in (0, 3):
        path.write_text(json.dumps(old | {"format": number}))
        with pytest.raises(ReportError, match=f"is of format {number}, not 2; write it again"):
            Told.read(path)
