"""What is inside a manifest, a store, a check, a run, an encoder or a reproduction."""

from __future__ import annotations

import os.path
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emocli.config import Tree, leaves
from emocli.data.clip import SPLITS, Clip
from emocli.data.manifest import Manifest
from emocli.data.stamp import changed, stamps
from emocli.data.store import FeatureStore, check_path, features_in, store_path
from emocli.data.store.header import AGAIN
from emocli.errors import ConfigError, EmocliError, StoreError
from emocli.extraction import failures as _failures
from emocli.parsing import read_object

Row = tuple[object, ...]

NEITHER = "is neither a manifest (.csv), a store (.h5 files) nor a run (config.json)"

RESUME = "its training has not ended; repeat the training command to resume"


@dataclass(frozen=True)
class Section:
    """One table: a title, column names and rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Inspection:
    """What was found: facts for machines, sections for people, problems for both."""

    kind: str
    path: Path
    facts: dict[str, Any]
    sections: tuple[Section, ...]
    problems: tuple[str, ...]


def inspect(
    path: Path, manifest: Path | None = None, root: Path | None = None, *, verify: bool = False
) -> Inspection:
    """Look into a manifest, a store or one of its files, or the folder of something trained.

    What is trained is a network (also a cross-validation), an encoder of pictures or sound, a text
    encoder (also with the parts of a cross-fitting), or the table of a reproduction.

    Parameters
    ----------
    path : Path
        What to look into.
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
        found = _manifest(path, root)
    elif (path / "config.json").is_file():
        found = _trained(path)
    elif (path / "fold-0" / "config.json").is_file():
        found = _folds(path)
    elif (path / "report.json").is_file():
        found = _report(path)
    elif (check := _check_of(path)) is not None:
        found = _check(check)
    else:
        corpus = Manifest.read(manifest, root) if manifest else None
        found = _store(path, corpus, verify)
    if verify and found.kind != "store":
        what = f"is a {found.kind}, --verify is for stores"
        raise ConfigError(what, where=path, hint="leave it out")
    return found


def _files(path: Path) -> list[Path]:
    """Return the files of a store.

    Raises
    ------
    EmocliError
        If it is none.
    """
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
    inside = sorted(path.name for path in folder.iterdir())
    begun = [name for name in inside if name.endswith(".parts")]
    if begun:
        what = f"is a store whose extraction has not ended ({begun[0][1:].removesuffix('.parts')})"
        return what, "repeat the emocli extract command to resume"
    if "costs.json" in inside:
        return "is a reproduction that has not ended", "repeat the emocli reproduce command"
    shown = [name for name in inside if not name.startswith(".")]
    if not shown:
        return "is an empty folder", "name a manifest, a store or a run"
    known = [name for name in shown if _is_known(folder / name)]
    names = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
    return NEITHER, f"look into one of these: {names}" if known else ""


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
    if file.suffix in (".json", ".safetensors", ".md"):
        return NEITHER, "name the folder it is in"
    return NEITHER, ""


def _manifest(path: Path, root: Path | None) -> Inspection:
    manifest = Manifest.read(path, root)
    facts = _manifest_facts(manifest)
    told = ("dataset", "task", "clips", "unlabelled", "with_text", "citation", "licence")
    labels = tuple((name, *counts.values()) for name, counts in facts["labels"].items())
    media = tuple((kind, *counts.values()) for kind, counts in facts["media"].items())
    sections = (
        _facts(facts, told),
        Section("splits", ("split", "clips", "speakers", "dialogues"), tuple(_splits(manifest))),
        Section("labels", ("class", *SPLITS), labels),
        Section("media", ("medium", "clips", "not on disk"), media),
    )
    problems = [f"{lost} clips have no {kind} file on disk" for kind, _, lost in media if lost]
    problems += [f"split '{split}' is empty" for split in SPLITS if not manifest.split(split)]
    return Inspection("manifest", path, facts, sections, tuple(problems))


def _manifest_facts(manifest: Manifest) -> dict[str, Any]:
    clips = manifest.clips
    return {
        "dataset": manifest.dataset,
        "task": manifest.task,
        "classes": list(manifest.classes),
        "clips": len(clips),
        "splits": dict(Counter(clip.split for clip in clips)),
        "unlabelled": sum(not manifest.is_labelled(clip) for clip in clips),
        "speakers": len({clip.speaker for clip in clips if clip.speaker}),
        "dialogues": len(manifest.dialogues()),
        "with_text": sum(bool(clip.text) for clip in clips),
        "media": {
            kind: _media(kind, clips) for kind in sorted({k for c in clips for k in c.media})
        },
        "labels": {
            name: {split: _count(manifest, split, name) for split in SPLITS}
            for name in manifest.classes
        },
        "fingerprint": manifest.fingerprint,
        "citation": manifest.citation,
        "licence": manifest.licence,
    }


def _media(kind: str, clips: Iterable[Clip]) -> dict[str, int]:
    """Count the clips that have a medium, and those whose file is not there."""
    paths = [clip.media[kind] for clip in clips if kind in clip.media]
    return {"clips": len(paths), "not_on_disk": sum(not _is_file(path) for path in paths)}


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - False for any name, however long


def _splits(manifest: Manifest) -> Iterator[Row]:
    """Count clips, speakers and dialogues of each split."""
    for split in SPLITS:
        clips = manifest.split(split)
        speakers = {clip.speaker for clip in clips if clip.speaker}
        yield split, len(clips), len(speakers), len({c.dialogue for c in clips if c.dialogue})


def _count(manifest: Manifest, split: Any, name: str) -> int:
    return sum(clip.label == name or clip.labels.get(name, 0) > 0 for clip in manifest.split(split))


def _store(path: Path, manifest: Manifest | None, verify: bool) -> Inspection:
    facts: dict[str, Any] = {}
    problems: list[str] = []
    for file in _files(path):
        with FeatureStore.open(file) as store:
            if verify and not store.is_intact():
                what = "is damaged: its content is not what was written"
                raise StoreError(what, where=file, hint=AGAIN)
            facts[store.name] = _feature(store, manifest)
            problems += _store_problems(store, manifest)
    for name, count in _failures.count(path).items() if path.is_dir() else ():
        problems.append(f"{count} clips failed for {name}; see {path / _failures.FILE}")
        facts.setdefault(name, {})["failed"] = count
    columns: dict[str, Callable[[dict[str, Any]], object]] = {
        "modality": lambda f: f["modality"],
        "shape": lambda f: "T x " + " x ".join(map(str, f["shape"])),
        "rate (Hz)": lambda f: f["rate"] if f["rate"] else "-",
        "clips": lambda f: f["clips"],
        "rows": lambda f: f["rows"],
        "empty": lambda f: f["empty"],
        "missing": lambda f: f.get("missing", "-"),
        "non-finite": lambda f: f["non_finite"],
    }
    stored = {name: fact for name, fact in facts.items() if "modality" in fact}
    rows = tuple((name, *(show(f) for show in columns.values())) for name, f in stored.items())
    sections = [Section("features", ("feature", *columns), rows)]
    for name, fact in stored.items():
        provenance = {k: v for k, v in fact["provenance"].items() if v not in ("", {}, None)}
        sections.append(
            Section(f"{name}: provenance", ("what", "value"), tuple(leaves(provenance)))
        )
    return Inspection("store", path, facts, tuple(sections), tuple(problems))


def _feature(store: FeatureStore, manifest: Manifest | None) -> dict[str, Any]:
    lengths = [store.length(clip_id) for clip_id in store.ids]
    fact: dict[str, Any] = {
        "modality": store.modality,
        "shape": list(store.shape),
        "dim_names": list(store.dim_names),
        "rate": store.header.rate,
        "clips": len(store.ids),
        "rows": sum(lengths),
        "shortest": min(lengths, default=0),
        "longest": max(lengths, default=0),
        "empty": sum(length == 0 for length in lengths),
        "non_finite": store.header.non_finite,
        "fingerprint": store.fingerprint,
        "provenance": dict(store.header.attributes),
    }
    if manifest:
        fact["changed"] = len(changed(store.media, stamps(manifest.clips)))
        fact["missing"] = sum(clip.id not in store for clip in manifest.clips)
    return fact


def _store_problems(store: FeatureStore, manifest: Manifest | None) -> Iterable[str]:
    if count := store.header.non_finite:
        yield f"{store.name} has {count} values that are not finite; they are read as 0"
    if manifest is None:
        return
    if store.header.manifest != manifest.fingerprint:
        yield f"{store.name} was made for another manifest than {manifest.path}"
    replaced = changed(store.media, stamps(manifest.clips))
    if replaced:
        what = f"media files of {len(replaced)} clips were replaced since (other size or time)"
        yield f"{store.name}: {what}; emocli extract --update extracts them again"
    missing = [clip.id for clip in manifest.clips if clip.id not in store]
    if missing:
        yield f"{store.name} lacks {len(missing)} clips of the manifest, '{missing[0]}' first"


def _run(path: Path) -> Inspection:
    from emocli.models import rundir

    facts = rundir.describe(path)
    reports = sorted(str(report.relative_to(path)) for report in path.glob("reports/*.json"))
    facts = {**facts, "reports": reports}
    problems = () if facts["finished"] == len(facts["seeds"]) else (RESUME,)
    section = Section("run", ("what", "value"), tuple(leaves(facts)))
    return Inspection("run", path, facts, (section,), problems)


def _trained(path: Path) -> Inspection:
    """Look into the folder of whatever its ``config.json`` says it is."""
    keys = _object(path / "config.json").keys()
    if {"encoder", "kind"} <= keys:
        return _encoder(path)
    if {"text", "source"} <= keys:
        return _text_encoder(path)
    if "model_type" in keys and "fusion" not in keys:
        what = "is a model of another library (its config.json has a model_type), not emocli's"
        raise EmocliError(what, where=path, hint="settings such as text.backbone name such models")
    return _run(path)


def _object(path: Path) -> Tree:
    """Read a JSON object; an empty one if it is damaged, which whoever reads it says."""
    try:
        return read_object(path)
    except (OSError, ValueError):
        return {}


def _encoder(path: Path) -> Inspection:
    from emocli.models import encoder, rundir

    facts = encoder.read_run(path).model_dump(mode="json") | _progress(path)
    problems = () if rundir.finished(path) else (RESUME,)
    section = Section("encoder", ("what", "value"), tuple(leaves(facts)))
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
    tables = [Section("text encoder", ("what", "value"), tuple(leaves(_without(facts, "parts"))))]
    if parts:
        rows = tuple(tuple(part.values()) for part in parts)
        tables.append(Section("parts of the cross-fitting", tuple(parts[0]), rows))
    return Inspection("text encoder", path, facts, tuple(tables), () if ended else (RESUME,))


def _without(facts: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != key}


def _progress(folder: Path) -> dict[str, Any]:
    """Say how far the training of one model is."""
    from emocli.models import rundir

    there = (folder / rundir.HISTORY).is_file()
    epochs = len(rundir.read_history(folder)) if there else 0
    return {"finished": rundir.finished(folder), "epochs": epochs}


def _report(path: Path) -> Inspection:
    """Look into a folder that ends in a report: a reproduction, or the demo."""
    file = path / "report.json"
    report = _object(file)
    kinds = {"rows": "reproduction", "systems": "demo"}
    key = next((key for key in kinds if isinstance(report.get(key), list)), None)
    if key is None:
        what = "is damaged, or the report of something else"
        raise EmocliError(what, where=file, hint="repeat the command that made it")
    kind, listed = kinds[key], report[key]
    inside = [p.name for p in sorted(path.iterdir()) if not p.name.startswith(".")]
    kept = {key: value for key, value in report.items() if isinstance(value, str | int | float)}
    facts = {**kept, "rows": len(listed), "inside": inside}
    section = Section(kind, ("what", "value"), tuple(leaves(facts)))
    return Inspection(kind, path, facts, (section,), ())


def _check_of(path: Path) -> Path | None:
    """Return the file of a modality check, where that is all there is."""
    from emocli.robust.check import file as container

    if path.is_dir():
        path = check_path(path) if not features_in(path) else path
    return path if path.is_file() and path.suffix == ".h5" and container.is_check(path) else None


def _check(path: Path) -> Inspection:
    from emocli.robust.check.io import load_check

    check = load_check(path)
    pairs = tuple(
        (" - ".join(pair.modalities), pair.tau, pair.n_train, pair.n_valid)
        for pair in check.pairs.values()
    )
    facts: dict[str, Any] = check.config.model_dump(mode="json")
    if check.provenance is not None:
        facts |= {
            "features": dict(check.provenance.features),
            "fingerprints": dict(check.provenance.fingerprints),
            "manifest": check.provenance.manifest,
            "clips": len(check.provenance.ids),
        }
    columns = ("pair", "tau", "train", "valid")
    sections = (
        Section("check", ("what", "value"), tuple(leaves(facts))),
        Section("pairs", columns, pairs),
    )
    facts |= {"pairs": [dict(zip(columns, row, strict=True)) for row in pairs]}
    return Inspection("modality check", path, facts, sections, check.doubts())


def _folds(path: Path) -> Inspection:
    """Look into a cross-validation: what its folds share, and how far each of them is."""
    from emocli.models import rundir

    rows: list[Row] = []
    folders = rundir.folds(path) or [path / "fold-0"]
    first = rundir.describe(folders[0])
    for folder in folders:
        there = (folder / "config.json").is_file()
        found: dict[str, Any] = rundir.describe(folder) if there else {"finished": 0, "epochs": []}
        epochs = ", ".join(str(count) for count in found["epochs"]) or "-"
        rows.append((folder.name, found["finished"], len(first["seeds"]), epochs))
    own = ("fold", "labels", "finished", "epochs")
    shared = {key: value for key, value in first.items() if key not in own}
    columns = ("fold", "seeds finished", "of", "epochs")
    facts = {
        **shared,
        "folds": [dict(zip(("run", *columns[1:]), row, strict=True)) for row in rows],
        "reports": sorted(str(r.relative_to(path)) for r in path.glob("reports/*.json")),
    }
    table = Section("run", ("what", "value"), tuple(leaves(shared)))
    return Inspection("run", path, facts, (table, Section("folds", columns, tuple(rows))), ())


def _facts(facts: dict[str, Any], keys: Iterable[str]) -> Section:
    return Section("", ("what", "value"), tuple((key, facts[key]) for key in keys if facts[key]))
