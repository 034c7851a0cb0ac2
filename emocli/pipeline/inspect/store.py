"""The inspection of a store: its features, where they come from, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from emocli.config import Tree
from emocli.data.json_io import OPTIONAL
from emocli.data.manifest import Manifest
from emocli.data.record import Record
from emocli.data.stamp import changed, stamps
from emocli.data.store import FeatureStore
from emocli.data.store.header import AGAIN
from emocli.display import number_of
from emocli.errors import StoreError
from emocli.extraction import failures
from emocli.pipeline.inspect.sections import Inspection, InspectionTable, table_of

STORE = "store"
STORE_FILE = "feature file"


@dataclass(frozen=True, kw_only=True)
class StoredFacts(Record):
    """The facts of a stored feature; with a manifest also how many clips changed or are missing.

    ``provenance`` are the attributes of its file.
    """

    modality: str
    shape: tuple[int, ...]
    dim_names: tuple[str, ...]
    rate: float | None
    clips: int
    rows: int
    shortest: int
    longest: int
    empty: int
    non_finite: int
    fingerprint: str
    provenance: Tree
    changed: int | None = field(default=None, metadata=OPTIONAL)
    missing: int | None = field(default=None, metadata=OPTIONAL)


def inspect_store(
    path: Path, files: Iterable[Path], manifest: Manifest | None, verify: bool
) -> Inspection:
    """Look into the files of a store; `StoreError` if one is damaged."""
    facts: dict[str, StoredFacts] = {}
    problems: list[str] = []
    for file in files:
        with FeatureStore.open(file) as store:
            if verify and not store.is_intact():
                what = "is damaged: its content is not what was written"
                raise StoreError(what, where=file, hint=AGAIN)
            facts[store.name] = _feature(store, manifest)
            problems += _store_problems(store, manifest)
    failed = failures.count(path) if path.is_dir() else {}
    see = f"see {path / failures.FILE}"
    problems += [number_of(n, f"clips failed for {name}; {see}") for name, n in failed.items()]
    columns = _columns(facts.values())
    rows = tuple((name, *(show(f) for show in columns.values())) for name, f in facts.items())
    summary = InspectionTable("features", ("feature", *columns), rows)
    details = tuple(_provenance(name, fact) for name, fact in facts.items())
    data = {name: fact.data() for name, fact in facts.items()}
    for name, count in failed.items():
        data.setdefault(name, {})["failed"] = count
    kind = STORE if path.is_dir() else STORE_FILE
    return Inspection(kind, path, data, (summary,), tuple(problems), details)


def _columns(stored: Collection[StoredFacts]) -> dict[str, Callable[[StoredFacts], object]]:
    """Return the columns of the summary: what is wrong with nothing has none."""
    columns: dict[str, Callable[[StoredFacts], object]] = {
        "modality": lambda f: f.modality,
        "shape": lambda f: "T x " + " x ".join(map(str, f.shape)),
        "rate (Hz)": lambda f: _whole(f.rate) if f.rate else "-",
        "clips": lambda f: f.clips,
        "rows": lambda f: f.rows,
    }
    faults: dict[str, Callable[[StoredFacts], object]] = {
        "missing": lambda f: f.missing or 0,
        "empty": lambda f: f.empty,
        "non-finite": lambda f: f.non_finite,
    }
    return columns | {name: of for name, of in faults.items() if any(map(of, stored))}


def _whole(rate: float) -> int | float:
    """Return a whole rate as a whole number."""
    return int(rate) if rate == int(rate) else rate


def _provenance(name: str, fact: StoredFacts) -> InspectionTable:
    known = {k: v for k, v in fact.provenance.items() if v not in ("", {}, None)}
    return table_of(f"{name}: provenance", known)


def _feature(store: FeatureStore, manifest: Manifest | None) -> StoredFacts:
    lengths = [store.length(clip_id) for clip_id in store.ids]
    clips = manifest.clips if manifest else ()
    return StoredFacts(
        modality=store.modality,
        shape=store.shape,
        dim_names=tuple(store.dim_names),
        rate=store.header.rate,
        clips=len(store.ids),
        rows=sum(lengths),
        shortest=min(lengths, default=0),
        longest=max(lengths, default=0),
        empty=sum(length == 0 for length in lengths),
        non_finite=store.header.non_finite,
        fingerprint=store.fingerprint,
        provenance=store.header.attributes,
        changed=len(changed(store.media, stamps(clips))) if manifest else None,
        missing=sum(clip.id not in store for clip in clips) if manifest else None,
    )


def _store_problems(store: FeatureStore, manifest: Manifest | None) -> Iterable[str]:
    if count := store.header.non_finite:
        yield f"{store.name} has {number_of(count, 'values that are not finite')}, read as 0"
    if manifest is None:
        return
    if store.header.manifest != manifest.fingerprint:
        yield f"{store.name} was made for another manifest than {manifest.path}"
    replaced = changed(store.media, stamps(manifest.clips))
    if replaced:
        clips = number_of(len(replaced), "clips")
        what = f"media files of {clips} were replaced since (other size or time)"
        yield f"{store.name}: {what}; emocli extract --update extracts them again"
    missing = [clip.id for clip in manifest.clips if clip.id not in store]
    if missing:
        clips = number_of(len(missing), "clips")
        yield f"{store.name} lacks {clips} of the manifest, '{missing[0]}' first"
