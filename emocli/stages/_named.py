"""Names of files, after what they are about."""

from __future__ import annotations

import hashlib
import re

LONGEST = 200
"""Bytes of a name, of which most systems take 255; what is longer ends in its digest."""


def named(text: str) -> str:
    """Make a file's name of a text; what no name should hold becomes a hyphen."""
    name = re.sub(r"[^\w.+-]+", "-", text)
    raw = name.encode()
    if len(raw) <= LONGEST:
        return name
    return f"{raw[:LONGEST].decode(errors='ignore')}-{hashlib.sha256(raw).hexdigest()[:8]}"
