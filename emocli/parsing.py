"""Text of JSON and TOML from anyone, read in bounded time and memory.

The parsers of the standard library take what they are given: brackets nested so deeply that Python
gives up, numbers of a million digits, files without end. Here each is a `ValueError` of one line,
which whoever knows what the file was to be says with its name.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from tomllib import TOMLDecodeError as TOMLDecodeError
from typing import Any

from typing_extensions import TypeAliasType

Plain = TypeAliasType(
    "Plain", "float | int | str | bool | Sequence[Plain] | Mapping[str, Plain] | None"
)
"""A value of TOML or JSON, however deep; dates, which TOML has as well, are no setting."""

Tree = dict[str, Plain]
"""Plain values by name: settings as the tables of TOML, or an object of JSON."""

MOST_JSON = 32 * 2**20
MOST_TOML = 2**20
"""Bytes of a file; what emocli itself writes stays far below."""

DEPTH = 64
"""Lists and tables inside one another."""

DIGITS = 20
"""Of a whole number: 64 bits have 19 and a sign."""

NAMES = 32
"""Of a dotted key."""

_QUOTED = re.compile(
    r'"""(?:[^\\]|\\.)*?(?:"""|\Z)'
    r"|'''.*?(?:'''|\Z)"
    r'|"(?:[^"\\\n]|\\.)*+(?:"|$)'
    r"|'[^'\n]*+(?:'|$)"
    r"|\#[^\n]*+",
    re.DOTALL | re.MULTILINE,
)
"""What no bracket or dot counts in: strings, ended or not, and comments."""
_BRACKET = re.compile(r"[\[\]{}]")
_DOTTED = re.compile(rf'(?<![\w"-])(?:[\w"-]++[ \t]*+\.[ \t]*+){{{NAMES}}}')
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str | bytes) -> Plain:
    """Read JSON.

    Raises
    ------
    ValueError
        If it is none, nested deeper than `DEPTH`, names a key twice, or holds a whole number that
        64 bits do not, or half a character.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    try:
        value: Plain = _JSON.decode(text)
    except RecursionError:
        value = None
        deep = True
    else:
        deep = _deeper(value)
    if deep:
        raise ValueError(f"it is nested deeper than {DEPTH} levels")
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def parse_object(text: str | bytes) -> Tree:
    """Read JSON that is an object, ``{...}``.

    Raises
    ------
    ValueError
        As `parse_json`, and if it is something else.
    """
    value = parse_json(text)
    if not isinstance(value, dict):
        raise ValueError(f"it is {_kind(value)}, not an object")  # noqa: TRY004 - told alike
    return value


def numbers_by_name(tree: Tree) -> dict[str, float]:
    """Return an object that holds numbers.

    Raises
    ------
    TypeError
        If a value is something else.
    """
    numbers: dict[str, float] = {}
    for name, value in tree.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"its '{name[:60]}' is no number")
        numbers[name] = value
    return numbers


def read_json(path: Path, most: int = MOST_JSON) -> Plain:
    """Read a JSON file; errors as of `parse_json` and `read_bytes`."""
    return parse_json(read_bytes(path, most))


def read_object(path: Path, most: int = MOST_JSON) -> Tree:
    """Read a JSON file that holds an object; errors as of `parse_object` and `read_bytes`."""
    return parse_object(read_bytes(path, most))


def parse_toml(text: str) -> Tree:
    """Read TOML.

    Raises
    ------
    ValueError
        If it is none, nested deeper than `DEPTH`, has a key of more than `NAMES` names, or a whole
        number that 64 bits do not hold.
    """
    # Beforehand: the parser is recursive, and quadratic in the length of a key.
    outside = _QUOTED.sub('""', text)
    depth = 0
    for bracket in _BRACKET.finditer(outside):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > DEPTH:
            raise ValueError(f"it is nested deeper than {DEPTH} levels")
    if _DOTTED.search(outside):
        raise ValueError(f"a key has more than {NAMES} names")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise ValueError("a number has too many digits") from None
    _check_numbers([tree])
    return tree


def read_toml(path: Path, most: int = MOST_TOML) -> Tree:
    """Read a TOML file, with or without BOM; errors as of `parse_toml` and `read_bytes`."""
    return parse_toml(read_bytes(path, most).decode("utf-8-sig"))


def read_bytes(path: Path, most: int) -> bytes:
    """Read a file.

    Raises
    ------
    ValueError
        If it has more than ``most`` bytes.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it has more than {most} bytes")
    return content


def _whole(digits: str) -> int:
    if len(digits) > DIGITS:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _once(pairs: list[tuple[str, Any]]) -> Tree:
    tree = dict(pairs)
    if len(tree) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:60]!r} is there twice")
    return tree


def _deeper(value: Any) -> bool:
    """Tell whether lists and tables are nested deeper than `DEPTH`, level by level."""
    level = [value] if isinstance(value, list | dict) else []
    for _ in range(DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, list | dict)
        ]
        if not level:
            return False
    return True


def _check_numbers(values: Sequence[Any]) -> None:
    for value in values:
        if isinstance(value, dict):
            _check_numbers(list(value.values()))
        elif isinstance(value, list):
            _check_numbers(value)
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ValueError("a number has too many digits")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, list):
        return "a list"
    return "a text" if isinstance(value, str) else "a number"


_JSON = json.JSONDecoder(object_pairs_hook=_once, parse_int=_whole)
