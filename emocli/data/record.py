"""Records: the parts of reports, written as JSON, read back and described by a JSON schema.

A record is a frozen dataclass whose fields are the keys of a JSON object, in their order. What is
not a finite number is NaN in memory and ``null`` in the file.

>>> @dataclass(frozen=True, kw_only=True)
... class Score(Record):
...     clips: int
...     accuracy: Number
>>> Score(clips=2, accuracy=float("nan")).data()
{'clips': 2, 'accuracy': None}
>>> Score.schema()["required"]
['clips', 'accuracy']
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import (
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from emocli.data.json_io import json_name, plain_values
from emocli.errors import ReportError
from emocli.parsing import Tree, read_object
from emocli.paths import StrPath

Number = Annotated[
    float,
    BeforeValidator(lambda value: float("nan") if value is None else value),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "null"}]}),
]
"""A number, NaN where it is not defined."""

Bounds = tuple[Number, Number]
"""The bounds of an interval."""

JsonPath = Annotated[Path, Strict(False)]
"""A path, which is a text in the file."""


def _tuples(value: Any) -> Any:
    """Turn lists into tuples, which records hold: a validator that is strict takes no others."""
    if isinstance(value, dict):
        return {name: _tuples(inner) for name, inner in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _renamed(data: Any, place: str, name: str) -> Any:
    """Return plain values with another name for the key, or the keys, at a place."""
    first, _, rest = place.partition(".")
    if isinstance(data, list) and first == "*":
        return [_renamed(each, rest, name) for each in data]
    if not isinstance(data, dict):
        return data
    if not rest:
        return {name if key == first else key: value for key, value in data.items()}
    return {
        key: _renamed(value, rest, name) if first in ("*", key) else value
        for key, value in data.items()
    }


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """Return what checks a class of records; made once, for that takes far longer than using it."""
    return TypeAdapter(kind)


@dataclass(frozen=True)
class Record:
    """Base of the parts of reports."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    def data(self) -> Tree:
        """Return the plain values that the JSON holds."""
        return cast(Tree, plain_values(self))

    @classmethod
    def schema(cls) -> Tree:
        """Return the JSON schema of what `data` returns."""
        return _adapter(cast(Any, cls)).json_schema()

    @classmethod
    def from_data(cls, data: Tree) -> Self:
        """Take plain values.

        Raises
        ------
        ValueError
            If a key is missing or unknown, or its value is of another type.
        """
        return cast(Self, _adapter(cast(Any, cls)).validate_python(_tuples(data)))

    @classmethod
    def _keys(cls) -> tuple[set[str], str | None]:
        """Return the keys that are named, and the field that takes the others, if there is one."""
        names = {json_name(each) for each in fields(cls) if "extra" not in each.metadata}
        return names, next((each.name for each in fields(cls) if "extra" in each.metadata), None)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Self], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Let the field that is there for them take the keys that are not named."""
        schema = handler(source)
        cast(Any, schema)["strict"] = False  # else it takes a record, but no mapping
        names, others = cls._keys()
        if others is None:
            return schema

        def gathered(value: object) -> object:
            if not isinstance(value, dict):
                return value
            named = {key: item for key, item in value.items() if key in names}
            return named | {others: {k: v for k, v in value.items() if k not in names}}

        reference = cast(Any, schema).pop("ref", None)
        return core_schema.no_info_before_validator_function(gathered, schema, ref=reference)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> Tree:
        """Describe those keys as additional ones."""
        described = handler.resolve_ref_schema(handler(schema))
        _, others = cls._keys()
        if others in described["properties"]:
            mapping = described["properties"].pop(others)
            described["required"].remove(others)
            described["additionalProperties"] = mapping["additionalProperties"]
        return described


@dataclass(frozen=True, kw_only=True)
class Report(Record):
    """Base of what is written as a file of JSON.

    Attributes
    ----------
    format : int
        Number of the format: `FORMAT` of the class.
    """

    FORMAT: ClassVar[int] = 1
    RENAMED: ClassVar[Mapping[str, str] | None] = None
    """Keys of the format before, ``*`` for any name or place, to their names now; None to refuse
    it. The format before the first one has no number."""

    format: int

    @classmethod
    def read(cls, path: StrPath) -> Self:
        """Read a file.

        Raises
        ------
        ReportError
            If it cannot be read, is of another format, or is no such report.
        """
        return cls.parsed(read_data(Path(path)), Path(path))

    @classmethod
    def parsed(cls, data: Tree, path: Path) -> Self:
        """Take the plain values that `read_data` has read from a file; errors as of `read`."""
        if cls.RENAMED is not None and data.get("format", 0) == cls.FORMAT - 1:
            for place, name in cls.RENAMED.items():
                data = _renamed(data, place, name)
            data["format"] = cls.FORMAT
        if data.get("format") != cls.FORMAT:
            what = f"is of format {data.get('format')}, not {cls.FORMAT}"
            raise ReportError(what, where=path, hint="write it again with this version of emocli")
        try:
            return cls.from_data(data)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            what = f"is no such report ({key}: {first['msg'][0].lower()}{first['msg'][1:]})"
            raise ReportError(what, where=path) from None

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> Tree:
        """Describe the format as the number that it is."""
        described = super().__get_pydantic_json_schema__(schema, handler)
        properties = cast(dict[str, Tree], described["properties"])
        properties["format"]["const"] = cls.FORMAT
        return described


def read_data(path: Path) -> Tree:
    """Read the plain values of a report of whatever kind and format.

    Raises
    ------
    ReportError
        If it cannot be read, or is no JSON object.
    """
    try:
        return read_object(path)
    except OSError as error:
        raise ReportError(f"cannot be read ({error.strerror})", where=path) from None
    except ValueError as error:
        raise ReportError(f"is no report ({error})", where=path) from None
