"""The export of features: as a ragged npz, a computational sequence or an MMSA pickle."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emocli.data.align import STEP, Timed, recorded
from emocli.data.clip import SPLITS, Clip
from emocli.data.durable import write_lock
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore, StoredFeature, open_feature, open_features
from emocli.data.store.joined import missing_parts
from emocli.display import number_of
from emocli.errors import StoreError
from emocli.interchange.csd import write_csd
from emocli.interchange.mmsa import ARRAYS, Arrays, PickleColumn, mmsa_id, write_mmsa
from emocli.interchange.npz import Ragged, write_ragged


@dataclass(frozen=True)
class Export:
    """The report of an export: the file, and the features in it by modality.

    ``clips`` and ``rows`` are of all features together: clips with any of them, and rows.
    ``warnings`` tell what features of several parts lack.
    """

    path: Path
    features: dict[str, str]
    clips: int
    rows: int
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        names = ", ".join(f"{name} ({modality})" for modality, name in self.features.items())
        size = f"{number_of(self.clips, 'clips')}, {number_of(self.rows, 'rows')}"
        return f"{self.path}: {names}; {size}"


def export(
    output: Path, manifest: Manifest, store: Path, features: Sequence[str] | None = None
) -> Export:
    """Write features of a store into a file for other programs; its ending says which kind.

    ``.npz`` and ``.csd`` hold one feature, ``.pkl`` one per modality, with labels and splits. Rows
    of a ``.csd`` are timed in the recording; where their times are not known, the rows of a clip
    share its time evenly.

    Parameters
    ----------
    output : Path
        The file; one that is there is replaced.
    features : sequence of str, optional
        Which ones; by default all in the store.

    Raises
    ------
    StoreError
        If a feature is not there or its rows are no vectors, the ending is unknown, the file
        cannot be written, or another process is writing it.
    """
    if output.suffix not in (".npz", ".csd", ".pkl"):
        what = "its ending says no kind of file"
        raise StoreError(what, where=output, hint="choose .npz, .csd or .pkl")
    lacking: list[str] = []
    with ExitStack() as files:
        opened = open_features(store, features, manifest)
        for feature in opened.values():
            files.enter_context(feature)
            _ = feature.dim  # refuses rows that are no vectors
        if output.suffix != ".pkl" and len(opened) > 1:
            names = ", ".join(feature.name for feature in opened.values())
            hint = "choose one with -f, or write a .pkl"
            raise StoreError(f"holds one feature, not {names}", where=output, hint=hint)
        files.enter_context(write_lock(output))
        first = next(iter(opened.values())).name
        if output.suffix == ".npz":
            write_ragged(output, _ragged(open_feature(store, first, manifest)))
        elif output.suffix == ".csd":
            feature = files.enter_context(open_feature(store, first, manifest))
            metadata = {"dataset name": manifest.dataset, "dataset bib citation": manifest.citation}
            timed = ((i, _timed(feature, manifest.clip(i))) for i in feature.ids)
            write_csd(output, first, timed, feature.dim_names, metadata)
        else:
            clips = {split: manifest.split(split) for split in SPLITS}
            parts = {s: _part(manifest, part, opened) for s, part in clips.items() if part}
            write_mmsa(output, parts)
            for split, part in clips.items():
                ids = [clip.id for clip in part]
                for each in opened.values():
                    lacking += missing_parts(each, ids, split)
        return Export(
            output,
            {modality: feature.name for modality, feature in opened.items()},
            len({clip_id for feature in opened.values() for clip_id in feature.ids}),
            sum(feature.steps for feature in opened.values()),
            tuple(lacking),
        )


def _ragged(store: FeatureStore) -> Ragged:
    """Take the whole of a store as it lies in the file, NaN and all."""
    lengths = [store.length(clip_id) for clip_id in store.ids]
    times = store.rows("times", 0, store.steps) if "times" in store.columns else None
    return Ragged(
        ids=store.ids,
        offsets=np.cumsum([0, *lengths], dtype=np.int64),
        values=store.rows("values", 0, store.steps).astype(np.float32, copy=False),
        times=times,
        names=store.dim_names,
    )


def _timed(store: FeatureStore, clip: Clip) -> Timed:
    """Return the rows of a clip with their intervals in the recording."""
    rows, start = recorded(store, clip.id), clip.start or 0.0
    if rows.timed:
        return rows.since(-start)
    end = start + STEP * len(rows.values) if clip.end is None else clip.end
    edges = np.linspace(start, end, len(rows.values) + 1)
    return Timed(rows.values, np.stack([edges[:-1], edges[1:]], axis=1))


def _part(manifest: Manifest, clips: Sequence[Clip], stores: dict[str, StoredFeature]) -> Arrays:
    """Put a split into the arrays of an MMSA pickle, padded with zeros."""
    arrays: dict[str, PickleColumn] = {
        "id": [mmsa_id(clip.id) for clip in clips],
        "raw_text": np.array([clip.text for clip in clips], np.str_),
        **_labels(manifest, clips),
    }
    for modality, store in stores.items():
        name = ARRAYS.get(modality, modality)
        lengths = [store.length(clip.id) for clip in clips]
        padded = np.zeros((len(clips), max([1, *lengths]), store.dim), np.float32)
        for row, clip, length in zip(padded, clips, lengths, strict=True):
            if length:
                row[:length] = store[clip.id]
        arrays |= {name: padded, f"{name}_lengths": lengths}
    return arrays


def _labels(manifest: Manifest, clips: Sequence[Clip]) -> dict[str, PickleColumn]:
    """Name the labels as MMSA does; a clip without one has NaN, or an empty annotation."""
    if manifest.task == "single":
        index = {name: float(k) for k, name in enumerate(manifest.classes)}
        return {
            "annotations": [clip.label or "" for clip in clips],
            "classification_labels": np.array([index.get(c.label or "", np.nan) for c in clips]),
        }
    rows = [[clip.labels.get(name, np.nan) for name in manifest.classes] for clip in clips]
    table = np.array(rows, np.float64)
    return {"regression_labels": table[:, 0] if len(manifest.classes) == 1 else table}
