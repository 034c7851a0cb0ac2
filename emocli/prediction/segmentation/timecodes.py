r"""Times as subtitle files write them, in seconds.

>>> seconds("01:02:03,250"), seconds("02:03.25"), seconds("7.5")
(3723.25, 123.25, 7.5)
"""

from __future__ import annotations

import math
import re

CLOCK = re.compile(r"(?:(\d{1,4}):)?([0-5]?\d):([0-5]?\d)(?:[.,](\d{1,9}))?", re.ASCII)
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)


def seconds(text: str) -> float:
    """Return a time, a clock's (``[hours:]minutes:seconds[.fraction]``) or a number of seconds.

    Raises
    ------
    ValueError
        If it is none, or before 0.
    """
    stripped = text.strip()
    clock = CLOCK.fullmatch(stripped)
    if clock:
        hours, minutes, whole, fraction = clock.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(f"{int(whole)}.{fraction or 0}")
    if not NUMBER.fullmatch(stripped):
        raise ValueError(f"'{stripped[:40]}' is no time")
    value = float(stripped)
    if not 0 <= value < math.inf:
        raise ValueError(f"{value:g} s is no time in a file")
    return value
