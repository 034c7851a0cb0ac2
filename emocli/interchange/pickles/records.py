"""The inert records that names, calls and long bytes of a pickle become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class InertName:
    """A name in a pickle."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


@dataclass(eq=False)
class InertCall:
    """A call that is not made: what was to be called, with which arguments, and the state after."""

    kind: str
    arguments: tuple[Any, ...]
    state: Any = None


@dataclass(frozen=True, eq=False)
class Bytes:
    """A place of bytes in the file; ``old`` where Python 2 did not say whether they are text."""

    start: int
    size: int
    old: bool


class Python2Bytes(bytes):
    """Bytes of Python 2, which may be text."""
