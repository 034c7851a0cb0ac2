"""Ctrl-C at a chosen moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def interrupted(patch: pytest.MonkeyPatch, owner: object, name: str, call: int) -> Iterator[None]:
    """Interrupt the body as Ctrl-C does, at the n-th call of a function of ``owner``."""
    function, calls = getattr(owner, name), iter(range(1, call))

    def counted(*args: Any, **options: Any) -> Any:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return function(*args, **options)

    with patch.context() as inside:
        inside.setattr(owner, name, counted)
        yield
