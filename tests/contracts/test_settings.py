"""Every number in every settings class, of the house and of the plug-ins, has bounds."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from pydantic import ValidationError

import emocli
from emocli.config import Allowed, Settings, allowed


@cache
def everything() -> list[type[Settings]]:
    """Import all modules; return all settings classes of emocli."""
    for module in pkgutil.walk_packages(emocli.__path__, "emocli."):
        importlib.import_module(module.name)

    def below(kind: type[Settings]) -> Iterator[type[Settings]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    result = {f"{kind.__module__}.{kind.__qualname__}": kind for kind in below(Settings)}
    return [kind for name, kind in sorted(result.items()) if name.startswith("emocli.")]


def numbers(schema: Any, place: str = "") -> Iterator[tuple[str, Allowed | None]]:
    """Go through a schema: place and bounds of each number; None for one nobody guards."""
    if isinstance(schema, list | tuple):
        for index, inner in enumerate(schema):
            yield from numbers(inner, f"{place}.{index}")
    elif isinstance(schema, dict):
        if schema.get("ref", "").startswith("emocli.parsing.Plain"):
            return  # settings of others, which they guard
        result = allowed(schema)
        if result is not None or schema.get("type") in ("int", "float"):
            yield place, result
            return
        for key, inner in schema.items():
            if key not in ("metadata", "default"):
                skipped = key in ("schema", "fields", "choices", "items_schema", "values_schema")
                yield from numbers(inner, place if skipped else f"{place}.{key}")


def own(kind: type[Settings]) -> list[tuple[str, Allowed | None]]:
    return list(numbers(kind.__pydantic_core_schema__))


def test_every_number_has_a_least_and_a_greatest_value() -> None:
    for kind in everything():
        for place, bounds in own(kind):
            where = (f"{kind.__module__}.{kind.__qualname__}", place)
            assert bounds is not None, where
            assert math.isfinite(bounds.least), where
            assert math.isfinite(bounds.most), where
            assert bounds.least < bounds.most, where


def plain() -> Iterator[tuple[type[Settings], str, Allowed]]:
    """Fields that are a number, or a number or nothing."""
    for kind in everything():
        for name, field in kind.model_fields.items():
            bounds = [b for place, b in own(kind) if place.split(".")[1:2] == [name]]
            plain_type = "[" not in str(field.annotation).replace("Annotated[", "")
            if len(bounds) == 1 and bounds[0] is not None and plain_type:
                yield kind, name, bounds[0]


def test_what_is_no_number_or_an_absurd_one_is_refused_with_what_is_allowed() -> None:
    fields = list(plain())
    assert len(fields) > 100
    for kind, name, bounds in fields:
        for value in (True, False, bounds.most * 10 + 1, bounds.least - 1, math.inf, math.nan, [1]):
            with pytest.raises(ValidationError) as told:
                kind.model_validate({name: value})
            assert any(
                error["loc"][0] == name and error["msg"] == f"must be {bounds}"
                for error in told.value.errors()
            ), (kind.__module__, name, value)


def test_there_are_such_classes() -> None:
    assert len(everything()) > 50
