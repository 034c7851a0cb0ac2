"""The inspection of a folder that ends in a report: a reproduction, or the demo."""

from __future__ import annotations

from pathlib import Path

from emocli.config import Tree
from emocli.errors import EmocliError
from emocli.parsing import read_object
from emocli.pipeline.inspect.sections import Inspection, table_of


def inspect_report(path: Path) -> Inspection:
    """Look into a folder that ends in a report: a reproduction, or the demo."""
    file = path / "report.json"
    report = read_object_or_nothing(file)
    kinds = {"reproduction": report.get("rows"), "demo": report.get("systems")}
    known = ((kind, listed) for kind, listed in kinds.items() if isinstance(listed, list))
    kind, listed = next(known, ("", []))
    if not kind:
        what = "is damaged, or the report of something else"
        raise EmocliError(what, where=file, hint="repeat the command that made it")
    inside = [p.name for p in sorted(path.iterdir()) if not p.name.startswith(".")]
    kept = {key: value for key, value in report.items() if isinstance(value, str | int | float)}
    facts: dict[str, object] = {**kept, "rows": len(listed), "inside": inside}
    section = table_of(kind, facts)
    return Inspection(kind, path, facts, (section,), ())


def read_object_or_nothing(path: Path) -> Tree:
    """Read a JSON object; an empty one if it is damaged, which whoever reads it says."""
    try:
        return read_object(path)
    except (OSError, ValueError):
        return {}
