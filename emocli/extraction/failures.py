"""The list of clips that could not be extracted, and why: ``failures.jsonl`` of a store."""

from __future__ import annotations

import json
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from emocli.data.durable import disk_errors, locked, used_folder, write_text
from emocli.errors import EmocliError, reason
from emocli.parsing import Tree, parse_json

FILE = "failures.jsonl"


@dataclass(frozen=True)
class Failure:
    """A clip that lacks a feature: the kind of error, what is wrong and how to mend it.

    ``unexpected`` if it is a bug of the program, not of the input.
    """

    feature: str
    id: str
    error: str
    message: str
    unexpected: bool = False


def failure(feature: str, clip_id: str, error: Exception) -> Failure:
    """Describe an exception; one that is not an :class:`EmocliError` is unexpected."""
    kind = type(error).__name__
    if isinstance(error, EmocliError):
        return Failure(feature, clip_id, kind, str(error))
    if isinstance(error, MemoryError):
        return Failure(feature, clip_id, kind, f"there is not enough memory ({reason(error)})")
    place = traceback.extract_tb(error.__traceback__)[-1:]
    at = "".join(f" ({Path(frame.filename).name}, line {frame.lineno})" for frame in place)
    return Failure(feature, clip_id, kind, " ".join(str(error).split()) + at, unexpected=True)


def record(folder: Path, feature: str, failures: Sequence[Failure]) -> Path | None:
    """Replace the lines of one feature; no file is left where no feature has any.

    Returns
    -------
    Path or None
        The file, if the feature has failures.
    """
    path = folder / FILE
    with used_folder(folder), locked(folder / ".failures.lock", wait=True):
        rows = [row for row in _read(path) if row.get("feature") != feature]
        rows = sorted([*rows, *map(asdict, failures)], key=lambda row: str(row.get("feature")))
        if rows:
            write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        else:
            with disk_errors(path):
                path.unlink(missing_ok=True)
    return path if failures else None


def listed(folder: Path) -> list[Failure]:
    """Read the failures of all features in a store."""
    texts = ("feature", "id", "error", "message")
    return [
        Failure(feature, clip_id, error, message, bool(row.get("unexpected")))
        for row in _read(folder / FILE)
        for feature, clip_id, error, message in [[str(row.get(name, "")) for name in texts]]
    ]


def count(folder: Path) -> dict[str, int]:
    """Count the failures of each feature in a store."""
    return dict(Counter(str(row.get("feature")) for row in _read(folder / FILE)))


def _read(path: Path) -> list[Tree]:
    if not path.exists():
        return []
    rows = []
    for line in path.read_text("utf-8", "replace").splitlines():
        try:
            row = parse_json(line)
        except ValueError:
            continue
        rows += [row] if isinstance(row, dict) else []
    return rows
