"""Options of commands as fields of frozen dataclasses: each says what its command prints of it.

A field ``Annotated[int, Option("Seed of the noise.", least=0)] = 0`` becomes ``--name``, a field
with `Argument` a positional one; a field with neither is not on the command line. What may be given
several times is a ``tuple[T, ...]``: of int, float, Path or str, or of a class that the dataclass
makes of the texts in its ``__post_init__``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from inspect import get_annotations
from typing import Any, ClassVar, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Option:
    """The option of a field: its help, what stands for its value, bounds of a number, its names.

    Without names it has that of the field.
    """

    help: str
    metavar: str | None = None
    least: int | None = None
    most: int | None = None
    flags: tuple[str, ...] = ()
    positional: ClassVar[bool] = False


@dataclass(frozen=True)
class Argument(Option):
    """The same of a field that is given by its place."""

    positional: ClassVar[bool] = True


@dataclass(frozen=True)
class Declaration:
    """A field that is an option: the type of its value, its option, and its default, if any."""

    kind: Any
    option: Option
    default: Any

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is MISSING

    @property
    def item(self) -> Any:
        """The type of each value of what may be given several times, a ``tuple[T, ...]``; or None.

        A ``tuple[T, ...] | None`` is one, too.
        """
        parts = [get_args(kind) for kind in (self.kind, *get_args(self.kind))]
        return next((part[0] for part in parts if part[1:] == (Ellipsis,)), None)


def declared(options: type) -> dict[str, Declaration]:
    """Return the fields of a dataclass that are options, a class's own before its bases'.

    A field that overrides another one stands in the other's place.
    """
    hints = get_type_hints(options, include_extras=True)
    defaults = {field.name: field.default for field in fields(options)}
    return {
        name: Declaration(kind, option, defaults[name])
        for name in _names(options)
        for kind, option in _option(hints[name])
    }


def _names(kind: type) -> Iterator[str]:
    for index, base in enumerate(kind.__mro__):
        inherited = {name for other in kind.__mro__[index + 1 :] for name in _own(other)}
        yield from (name for name in _own(base) if name not in inherited)


def _own(kind: type) -> tuple[str, ...]:
    return tuple(get_annotations(kind))


def _option(hint: Any) -> Iterator[tuple[Any, Option]]:
    if get_origin(hint) is not None:
        what, *others = get_args(hint)
        yield from ((what, other) for other in others if isinstance(other, Option))
