"""A reader of pickles of arrays, numbers and texts that may be damaged or hostile.

Unpickling can run any code. Here nothing of the file is ever called or looked up: the opcodes that
arrays, numbers, texts, lists, tuples and dicts need are carried out on a stack of plain values, and
the few names NumPy's arrays need become inert records, of which arrays are made afterwards. All
other opcodes and names are refused.

Time and memory grow with the file, whatever it says: every length is compared with the bytes that
are left, and what is referred to many times counts as often.

Source: the Python standard library, pickletools (the description of the opcodes).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from emocli.errors import StoreError
from emocli.interchange.pickles.machine import Machine
from emocli.interchange.pickles.values import RecordValues


def load(path: Path) -> Any:
    """Read a pickle of arrays, numbers, texts, lists, tuples and dicts; nothing of it is executed.

    Raises
    ------
    StoreError
        If it is absent or damaged, or holds anything else.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return RecordValues(file, size).without_records(Machine(file, size).run(), 0)
    except FileNotFoundError:
        raise StoreError("there is no such file", where=path) from None
    except OSError as error:
        raise StoreError(f"cannot be read ({error.strerror})", where=path) from None
    except Exception as error:  # a damaged or hostile pickle may raise anything
        reason = str(error)[:200] or type(error).__name__
        raise StoreError(f"is no pickle that emocli takes ({reason})", where=path) from None
