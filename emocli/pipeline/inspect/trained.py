"""The inspection of what is trained: a run, a cross-validation, an encoder, a text encoder."""

from __future__ import annotations

from pathlib import Path

from emocli.config import Tree
from emocli.errors import EmocliError
from emocli.parsing import read_object
from emocli.pipeline.inspect.sections import Inspection, InspectionTable, TableRow, table_of

RESUME = "its training has not ended; repeat the training command to resume"


def _run(path: Path) -> Inspection:
    from emocli.models import rundir

    run = rundir.describe(path)
    facts = {**run.facts, "reports": _reports(path)}
    problems = () if run.finished == len(run.config.seeds) else (RESUME,)
    kind = _kind(path)
    return Inspection(kind, path, facts, (table_of(kind, facts),), problems)


def _kind(path: Path) -> str:
    """Return what the folder of a run, or of a cross-validation, is called."""
    from emocli.prediction.packing.folder import is_packed

    return "packed run" if is_packed(path) else "run"


def inspect_trained(path: Path) -> Inspection:
    """Look into the folder of whatever its ``config.json`` says it is."""
    keys = _read_object_or_nothing(path / "config.json").keys()
    if {"encoder", "kind"} <= keys:
        return _encoder(path)
    if {"text", "source"} <= keys:
        return _text_encoder(path)
    if "model_type" in keys and "fusion" not in keys:
        what = "is a model of another library (its config.json has a model_type), not emocli's"
        raise EmocliError(what, where=path, hint="settings such as text.backbone name such models")
    return _run(path)


def _read_object_or_nothing(path: Path) -> Tree:
    """Read a JSON object; an empty one if it is damaged, which whoever reads it says."""
    try:
        return read_object(path)
    except (OSError, ValueError):
        return {}


def _encoder(path: Path) -> Inspection:
    from emocli.models import encoder, rundir

    facts = encoder.read_run(path).model_dump(mode="json") | _progress(path)
    problems = () if rundir.finished(path) else (RESUME,)
    section = table_of("encoder", facts)
    return Inspection(f"{facts['kind']} encoder", path, facts, (section,), problems)


def _text_encoder(path: Path) -> Inspection:
    from emocli.models import rundir, text

    config = text.read_run(path)
    facts = config.model_dump(mode="json", exclude={"unseen"}) | {"unseen": len(config.unseen)}
    folders = [part for part in sorted(path.glob(f"{text.PART}*")) if part.is_dir()]
    parts = [{"part": folder.name, **_progress(folder)} for folder in folders]
    facts |= {"parts": parts} if parts else {}
    facts |= _progress(path)
    ended = all(map(rundir.finished, [path, *folders]))
    tables = [table_of("text encoder", _without(facts, "parts"))]
    if parts:
        rows = tuple(tuple(part.values()) for part in parts)
        tables.append(InspectionTable("parts of the cross-fitting", tuple(parts[0]), rows))
    return Inspection("text encoder", path, facts, tuple(tables), () if ended else (RESUME,))


def _without(facts: Tree, key: str) -> Tree:
    return {name: value for name, value in facts.items() if name != key}


def _progress(folder: Path) -> Tree:
    """Say how far the training of one model is."""
    from emocli.models import rundir

    there = (folder / rundir.HISTORY).is_file()
    epochs = len(rundir.read_history(folder)) if there else 0
    return {"finished": rundir.finished(folder), "epochs": epochs}


def inspect_folds(path: Path) -> Inspection:
    """Look into a cross-validation: what its folds share, and how far each of them is."""
    from emocli.models import rundir

    rows: list[TableRow] = []
    folders = rundir.folds(path) or [path / "fold-0"]
    first = rundir.describe(folders[0])
    for folder in folders:
        run = rundir.describe(folder) if (folder / "config.json").is_file() else None
        epochs = ", ".join(map(str, run.epochs)) if run else "-"
        rows.append((folder.name, run.finished if run else 0, len(first.config.seeds), epochs))
    own = ("fold", "labels", "finished", "epochs")
    shared = {key: value for key, value in first.facts.items() if key not in own}
    columns = ("fold", "seeds finished", "of", "epochs")
    facts = {
        **shared,
        "folds": [dict(zip(("run", *columns[1:]), row, strict=True)) for row in rows],
        "reports": _reports(path),
    }
    kind = _kind(path)
    tables = (table_of(kind, shared), InspectionTable("folds", columns, tuple(rows)))
    return Inspection(kind, path, facts, tables, ())


def _reports(path: Path) -> list[str]:
    """Return the reports of a run, without the log of its commands."""
    from emocli.models.commands import FILE

    reports = (report for report in path.glob("reports/*.json") if report.name != FILE)
    return sorted(str(report.relative_to(path)) for report in reports)
