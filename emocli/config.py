"""Strict settings: frozen pydantic models, TOML files and ``--set key=value``.

Precedence, weakest first: defaults, preset, TOML file, ``--set``. Unknown keys are errors that
suggest the nearest known one.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emocli import parsing
from emocli.errors import ConfigError, choice, short
from emocli.parsing import Tree as Tree

Positive = Annotated[int, Field(ge=1)]
NotNegative = Annotated[float, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""What NumPy and PyTorch both take."""


DATES = (datetime.date, datetime.time)
"""What TOML knows, and no setting is."""

MEMBER = re.compile(r"\[|^constrained-")
"""What is no key in a place that pydantic names but a member of a union: ``literal['none']``."""


class Settings(BaseModel):
    """Base of all settings: frozen, closed to unknown keys, and all numbers are finite."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=()
    )


S = TypeVar("S", bound=Settings)


def build(kind: type[S], values: object, where: str) -> S:
    """Make settings from plain values.

    Parameters
    ----------
    kind : type
        The settings to make.
    values : mapping
        Keys and values; nested mappings for nested settings.
    where : str
        What the settings belong to (``mel``, ``train``), for the message.

    Raises
    ------
    ConfigError
        For an unknown key, an impossible value, or a value instead of a section; the message names
        the first one.
    """
    try:
        return kind.model_validate(section(values, where))
    except ValidationError as error:
        first = _first(error.errors())
        key = ".".join(
            short(p) for p in (where, *map(str, first["loc"])) if p and not MEMBER.search(p)
        )
        if first["type"] == "extra_forbidden":
            raise ConfigError(
                f"unknown setting '{key}'", mend=_nearest(kind, first["loc"])
            ) from None
        if first["type"] == "missing":
            mend = f"give it with --set {key}=..." if where else ""
            raise ConfigError(f"setting '{key}' is missing", mend=mend) from None
        raise ConfigError(
            f"setting '{key}' = {shown(first['input'])}: "
            f"{first['msg'][0].lower()}{first['msg'][1:]}"
        ) from None


def section(values: object, where: str) -> Tree:
    """Return a section of settings.

    Raises
    ------
    ConfigError
        If a value stands in its place.
    """
    if not isinstance(values, Mapping):
        mend = f"set {where}.KEY=VALUE"
        what = f"'{where}' is a section, not a setting (now {shown(values)})"
        raise ConfigError(what, mend=mend)
    return dict(values)


def parse_sets(pairs: Iterable[str]) -> Tree:
    """Turn ``["mel.bands=64", "train.lr=1e-3"]`` into a nested mapping.

    A value is read as TOML where it is TOML (numbers, true/false, lists), else as a string.

    Raises
    ------
    ConfigError
        If one is not of that form.
    """
    tree: Tree = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        path = key.strip().split(".")
        if not equals or not all(path):
            raise ConfigError(f"'{short(pair)}' is not of the form key=value", where="--set")
        if len(path) > parsing.NAMES:
            what = f"'{short(pair)}': a key has more than {parsing.NAMES} names"
            raise ConfigError(what, where="--set")
        tree = merge(tree, _nest(path, _value(text.strip())))
    return tree


def read_toml(path: Path) -> Tree:
    """Read a TOML file of settings.

    Raises
    ------
    ConfigError
        If it is absent or no TOML.
    """
    try:
        return parsing.read_toml(path)
    except FileNotFoundError:
        raise ConfigError("there is no such file", where=path) from None
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", where=path) from None
    except ValueError as error:
        raise ConfigError(f"is not valid TOML ({error})", where=path) from None


def shown(value: object) -> str:
    """Return a value as a message shows it."""
    return short(str(value) if isinstance(value, DATES) else repr(value))


def merge(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> Tree:
    """Merge two nested mappings; the second one wins."""
    merged = dict(weak)
    for key, value in strong.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Go through a nested mapping: the dotted name of each value, and the value."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _first(errors: Sequence[Any]) -> Any:
    """Return the first error; of those that a union's members have, the one that got farthest."""
    key = errors[0]["loc"][:1]
    return max((e for e in errors if e["loc"][:1] == key), key=lambda e: len(e["loc"]))


def _nest(path: list[str], value: object) -> Tree:
    return {path[0]: _nest(path[1:], value) if len(path) > 1 else value}


def _value(text: str) -> object:
    try:
        tree = parsing.parse_toml(f"value = {text}")
    except ValueError as error:
        if text.startswith(("[", "{")) and not isinstance(error, parsing.TOMLDecodeError):
            raise ConfigError(f"'{short(text)}': {error}", where="--set") from None
        return text
    value = tree.get("value")
    # More lines than one are no value; and nothing here is a date, but a name may look like one.
    return text if len(tree) != 1 or isinstance(value, DATES) else value


def _nearest(kind: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    for part in loc[:-1]:
        inner = kind.model_fields[str(part)].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return ""
        kind = inner
    return choice(str(loc[-1]), list(kind.model_fields))
