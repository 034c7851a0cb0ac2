"""A look into a manifest, a store, a check, a run, an encoder, a study or a report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from emocli.data.manifest import Manifest
from emocli.data.store import features_in, store_path
from emocli.errors import ConfigError, EmocliError
from emocli.pipeline.inspect.check import check_in, inspect_check
from emocli.pipeline.inspect.manifest import inspect_manifest
from emocli.pipeline.inspect.report import inspect_report, report_in
from emocli.pipeline.inspect.sections import Inspection
from emocli.pipeline.inspect.store import STORE, STORE_FILE, inspect_store
from emocli.pipeline.inspect.study import inspect_unfinished
from emocli.pipeline.inspect.trained import inspect_folds, inspect_trained
from emocli.training.tuning.journal import JOURNAL

NEITHER = (
    "is neither a manifest (.csv), a store (folder of .h5 files), a file of one, a modality check "
    "(.h5), a report (.json) nor the folder of a run, encoder, study, reproduction or demo"
)


def inspect(
    path: Path, manifest: Path | None = None, root: Path | None = None, *, verify: bool = False
) -> Inspection:
    """Look into a manifest, a store or one of its files, a report, or the folder of a command.

    What is trained is a network (also a cross-validation), an encoder of pictures or sound, or a
    text encoder (also with the parts of a cross-fitting); a reproduction, the demo and a study end
    in a report.

    Parameters
    ----------
    manifest : Path, optional
        For a store: report which of this manifest's clips it lacks.
    root : Path, optional
        Media root of the manifest.
    verify : bool
        Of a store: whether to read all of it, and compare it with what was written.

    Raises
    ------
    EmocliError
        If it is none of these, or damaged.
    """
    if not path.exists():
        what = "is a link to nothing" if path.is_symlink() else "there is no such file or folder"
        raise EmocliError(what, where=path)
    if path.suffix == ".csv":
        inspection = inspect_manifest(path, root)
    elif (path / "config.json").is_file():
        inspection = inspect_trained(path)
    elif (path / "fold-0" / "config.json").is_file():
        inspection = inspect_folds(path)
    elif (report := report_in(path)) is not None:
        inspection = replace(inspect_report(report), path=path)
    elif (path / JOURNAL).is_file():
        inspection = inspect_unfinished(path)
    elif (check := check_in(path)) is not None:
        inspection = inspect_check(check)
    else:
        corpus = Manifest.read(manifest, root) if manifest else None
        inspection = inspect_store(path, _files(path), corpus, verify)
    if verify and inspection.kind not in (STORE, STORE_FILE):
        what = f"is a {inspection.kind}, --verify is for stores"
        raise ConfigError(what, where=path, hint="leave it out")
    return inspection


def _files(path: Path) -> list[Path]:
    """Return the files of a store."""
    if path.is_dir():
        files = [store_path(path, name) for name in features_in(path)]
    else:
        files = [path] if path.suffix == ".h5" else []
    if not files:
        what, hint = _nothing_in(path) if path.is_dir() else _no_kind(path)
        raise EmocliError(what, where=path, hint=hint)
    return files


def _nothing_in(folder: Path) -> tuple[str, str]:
    """Say why a folder is nothing that can be looked into, and what to do."""
    from emocli.experiments.seconds import FORMER, SECONDS

    inside = sorted(path.name for path in folder.iterdir())
    unfinished = [name for name in inside if name.endswith(".parts")]
    if unfinished:
        feature = unfinished[0][1:].removesuffix(".parts")
        what = f"is a store whose extraction has not ended ({feature})"
        return what, "repeat the emocli extract command to resume"
    if any((folder / name / JOURNAL).is_file() for name in inside):
        return "is a study whose search has not ended", "repeat the emocli tune command to resume"
    if {SECONDS, FORMER} & set(inside):
        return "is a reproduction that has not ended", "repeat the emocli reproduce command"
    shown = [name for name in inside if not name.startswith(".")]
    if not shown:
        return "is an empty folder", "name a manifest, a store or a run"
    known = [name for name in shown if _is_known(folder / name)]
    names = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
    if known:
        return NEITHER, f"look into one of these: {names}"
    reports = any(name.endswith(".json") for name in shown)
    return NEITHER, "name one of its .json files" if reports else ""


def _is_known(path: Path) -> bool:
    if path.suffix == ".csv":
        return path.with_suffix(".toml").is_file()
    return (path / "config.json").is_file() or (path.is_dir() and bool(features_in(path)))


def _no_kind(file: Path) -> tuple[str, str]:
    if not file.is_file():
        return "is neither a file nor a folder", ""
    if file.suffix == ".toml":
        return NEITHER, "name the .csv beside it"
    if file.suffix in (".npz", ".pkl", ".csd"):
        return NEITHER, "emocli import reads it into a store"
    if file.suffix in (".safetensors", ".md"):
        return NEITHER, "name the folder it is in"
    return NEITHER, ""
