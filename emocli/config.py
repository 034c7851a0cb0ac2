"""Strict settings: frozen pydantic models, TOML files and ``--set key=value``.

Precedence, weakest first: defaults, preset, TOML file, ``--set``. Unknown keys are errors that
suggest the nearest known one.
"""

from __future__ import annotations

import datetime
import inspect
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from emocli import parsing
from emocli.errors import ConfigError, choice, short
from emocli.parsing import Plain as Plain
from emocli.parsing import Tree as Tree
from emocli.rules import Rules
from emocli.space import Space

LONGEST = 100_000
"""Characters of a text; a citation may be long."""

DATES = (datetime.date, datetime.time)
"""What TOML knows, and no setting is."""

MEMBER = re.compile(r"\[|^constrained-|^float$")
"""What is no key in a place that pydantic names but a member of a union: ``literal['none']``."""

VALIDATOR = "Value error, "
"""How pydantic begins what a validator says."""

NO_LIST, NO_SECTION = ("list_type", "tuple_type"), ("dict_type", "model_type")
"""Pydantic's names of the errors of a value that stands in the place of a list, or a section."""


@dataclass(frozen=True)
class Allowed:
    """The numbers a setting takes; anything else is refused with all that is allowed.

    Pydantic by itself takes true and false for 1 and 0, and names only the bound that was passed.

    Attributes
    ----------
    whole : bool
        Whether they are whole.
    least, most : float
        Bounds; every number of emocli's own has them.
    above, below : bool
        Whether they must be above the least, below the most.
    """

    whole: bool
    least: float
    most: float
    above: bool
    below: bool

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> Allowed:
        """Take the bounds of pydantic's schema of a number."""
        least = schema.get("gt", schema.get("ge", -math.inf))
        most = schema.get("lt", schema.get("le", math.inf))
        return cls(schema["type"] == "int", least, most, "gt" in schema, "lt" in schema)

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        if (self.least, self.most) == (-math.inf, math.inf):
            return kind if self.whole else "a finite number"
        least, most = (f"{bound:.12g}" for bound in (self.least, self.most))
        if self.above or self.below:
            low = "above" if self.above else "from"
            return f"{kind} {low} {least}, {'below' if self.below else 'at most'} {most}"
        return f"{kind} from {least} to {most}"

    def __call__(self, value: object, handler: ValidatorFunctionWrapHandler) -> object:
        """Validate a value."""
        if not isinstance(value, bool):
            try:
                return handler(value)
            except ValidationError:
                pass
        raise PydanticCustomError("number", "must be {what}", {"what": str(self)})


def _checking_numbers(schema: Any) -> Any:
    """Wrap the numbers of a schema."""
    if isinstance(schema, list | tuple):
        return type(schema)(map(_checking_numbers, schema))
    if not isinstance(schema, dict) or allowed(schema) is not None:
        return schema
    if schema.get("type") in ("int", "float"):
        number = Allowed.of(schema)
        return core_schema.no_info_wrap_validator_function(number, cast(CoreSchema, schema))
    return {
        key: value if key in ("metadata", "default") else _checking_numbers(value)
        for key, value in schema.items()
    }


def allowed(schema: Mapping[str, Any]) -> Allowed | None:
    """Return what numbers a wrapped schema takes; None if it is another schema."""
    function = schema.get("function")
    inner = function.get("function") if isinstance(function, dict) else None
    return inner if isinstance(inner, Allowed) else None


class Settings(BaseModel):
    """Base of all settings: frozen, closed to unknown keys, and all numbers are finite."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=()
    )

    SPACE: ClassVar[Space] = MappingProxyType({})
    """Settings that a search draws, and from what."""

    RULES: ClassVar[Rules] = MappingProxyType({})
    """Settings that follow from the size of the corpus under the preset ``plus``."""

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """Drop the rules of the bases for settings that the class defines anew."""
        anew = cls.RULES.keys() & inspect.get_annotations(cls).keys()
        if anew and "RULES" not in vars(cls):
            cls.RULES = {key: rule for key, rule in cls.RULES.items() if key not in anew}

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, values: Any) -> Any:
        """Take from the default of a section what a value of it leaves out."""
        if not isinstance(values, Mapping):
            return values
        completed = dict(values)
        for name, field in cls.model_fields.items():
            default, value = field.default, values.get(name)
            is_section = isinstance(default, Settings) and field.annotation is type(default)
            if is_section and isinstance(value, Mapping):
                completed[name] = {**dict(default), **value}
        return completed

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler, /
    ) -> CoreSchema:
        """Let `Allowed` validate every number, however deep in lists, mappings and unions."""
        schema: CoreSchema = _checking_numbers(handler(source))
        return schema


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
    tree = section(values, where)
    for name, value in leaves(tree):
        if isinstance(value, str) and (len(value) > LONGEST or "\0" in value):
            key = short(f"{where}.{name}" if where else name)
            what = (
                f"setting '{key}' = {shown(value)}: a text has up to {LONGEST} characters, no NUL"
            )
            raise ConfigError(what)
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        first = _first(error.errors())
        key = ".".join(
            short(p) for p in (where, *map(str, first["loc"])) if p and not MEMBER.search(p)
        )
        if first["type"] == "extra_forbidden":
            raise ConfigError(
                f"unknown setting '{key}'", hint=_nearest(kind, first["loc"], where)
            ) from None
        if first["type"] == "missing":
            hint = f"give it with --set {key}=..." if where else ""
            raise ConfigError(f"setting '{key}' is missing", hint=hint) from None
        value = first["input"]
        if first["type"] in NO_SECTION:
            raise _no_section(value, key) from None
        if first["type"] in NO_LIST:
            what = f"setting '{key}' = {shown(value)}: must be a list"
            raise ConfigError(what, hint=f"write {key}={_listed(value)}") from None
        message = first["msg"].removeprefix(VALIDATOR)
        what = f"setting '{key}' = {shown(value)}: {message[0].lower()}{message[1:]}"
        raise ConfigError(what) from None


def require_known(kind: type[Settings], values: object, where: str) -> None:
    """Require that there are such settings, which nothing is made from here, whatever their values.

    Raises
    ------
    ConfigError
        For an unknown key, or a value instead of a section.
    """
    for name, value in section(values, where).items():
        key = f"{where}.{name}"
        if name not in kind.model_fields:
            hint = _nearest(kind, (name,), where)
            raise ConfigError(f"unknown setting '{short(key)}'", hint=hint)
        inner = kind.model_fields[name].annotation
        if isinstance(inner, type) and issubclass(inner, Settings):
            require_known(inner, value, key)


def section(values: object, where: str) -> Tree:
    """Return a section of settings.

    Raises
    ------
    ConfigError
        If a value stands in its place.
    """
    if not isinstance(values, Mapping):
        raise _no_section(values, where)
    return dict(values)


def subsection(tree: Mapping[str, Plain], name: str) -> Tree:
    """Return a section of settings by its name, empty where there is none; errors as `section`."""
    return section(tree.get(name, {}), name)


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


def merge(weak: Mapping[str, Plain], strong: Mapping[str, Plain]) -> Tree:
    """Merge two nested mappings; the second one wins."""
    merged = dict(weak)
    for key, value in strong.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = merge(old, value)
        merged[key] = value
    return merged


def leaves(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Go through a nested mapping: the dotted name of each value, and the value."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def nested(values: Mapping[str, Plain]) -> Tree:
    """Return values by their dotted names as a tree, of which `leaves` returns them."""
    tree: Tree = {}
    for name, value in values.items():
        tree = merge(tree, _nest(name.split("."), value))
    return tree


def _first(errors: Sequence[Any]) -> Any:
    """Return the first error; of those that a union's members have, the one that got farthest."""
    key = errors[0]["loc"][:1]
    return max((e for e in errors if e["loc"][:1] == key), key=lambda e: len(e["loc"]))


def _nest(path: list[str], value: Plain) -> Tree:
    return {path[0]: _nest(path[1:], value) if len(path) > 1 else value}


def _value(text: str) -> Plain:
    try:
        tree = parsing.parse_toml(f"value = {text}")
    except ValueError as error:
        if text.startswith(("[", "{")) and not isinstance(error, parsing.TOMLDecodeError):
            raise ConfigError(f"'{short(text)}': {error}", where="--set") from None
        return text
    value = tree.get("value")
    # More lines than one are no value; and nothing here is a date, but a name may look like one.
    return text if len(tree) != 1 or isinstance(value, DATES) else value


def _no_section(value: object, where: str) -> ConfigError:
    what = f"'{where}' is a section, not a setting (now {shown(value)})"
    return ConfigError(what, hint=f"set {where}.KEY=VALUE")


def _listed(value: object) -> str:
    """Write as a list what was given in the place of one, such as ``a,b``."""
    parts = value.strip("[] ").split(",") if isinstance(value, str) else [value]
    return json.dumps(
        [_value(part.strip(" '\"")) if isinstance(part, str) else part for part in parts]
    )


def _nearest(kind: type[BaseModel], loc: tuple[int | str, ...], where: str) -> str:
    for part in loc[:-1]:
        inner = kind.model_fields[str(part)].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return ""
        kind = inner
    # What is filled in by itself is declared with repr=False.
    known = [name for name, each in kind.model_fields.items() if each.repr]
    prefix = "".join(f"{part}." for part in (where, *loc[:-1]) if part)
    return choice(str(loc[-1]), known, prefix=prefix)
