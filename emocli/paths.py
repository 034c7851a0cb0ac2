"""Paths, and several names or paths, as the public API takes them; inside they are `Path`s."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TypeVar, overload

StrPath = str | PathLike[str]

StrPaths = list[str] | list[Path] | tuple[StrPath, ...]
"""Several of them; not a sequence of any kind, which a text is too."""

Item = TypeVar("Item")


@overload
def listed(items: str | Iterable[str]) -> tuple[str, ...]: ...


@overload
def listed(items: StrPath | Iterable[StrPath]) -> tuple[StrPath, ...]: ...


@overload
def listed(items: str | Item | Iterable[str | Item]) -> tuple[str | Item, ...]: ...


def listed(items: object) -> tuple[object, ...]:
    """Return names or paths as a tuple: a single one is one, and not its letters.

    >>> listed("mel"), listed(["mel", "glove"])
    (('mel',), ('mel', 'glove'))
    """
    if isinstance(items, Iterable) and not isinstance(items, str):
        return tuple(items)
    return (items,)
