"""The clearest face of each clip, kept when the features that it was found for are removed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emocli.data.durable import write_text
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore, features_in, store_path
from emocli.data.store.header import EXTRA, TIMES

FILE = "faces.json"

BOX, SURE = f"{EXTRA}box", f"{EXTRA}confidence"
"""What features of faces have beside their values."""

ClearFaces = Mapping[str, tuple[float, ...]]
"""Clip to seconds from its start, and x, y, width and height of the box in pixels."""


def keep_clear_faces(folder: Path, manifest: Manifest) -> None:
    """Write down where the surest faces are, by the stores in a folder that have boxes."""
    faces: dict[str, list[float]] = {}
    for name in features_in(folder):
        with FeatureStore(store_path(folder, name)) as store:
            if {BOX, SURE, TIMES} <= store.columns.keys():
                faces |= {i: each for i in store.ids if (each := _clearest(store, i))}
    known = {clip.id for clip in manifest.clips}
    write_text(folder / FILE, json.dumps({i: each for i, each in faces.items() if i in known}))


def clear_faces(folder: Path) -> dict[str, tuple[float, ...]]:
    """Return what was written down; nothing where no faces were looked for."""
    path = folder / FILE
    if not path.is_file():
        return {}
    return {clip_id: tuple(each) for clip_id, each in json.loads(path.read_text("utf-8")).items()}


def _clearest(store: FeatureStore, clip_id: str) -> list[float]:
    span = store.span_of(clip_id)
    sure = store.rows(SURE, *span)
    if not len(sure) or not sure.max() > 0:
        return []
    best = int(np.argmax(sure))
    return [float(store.rows(TIMES, *span)[best]), *map(float, store.rows(BOX, *span)[best])]
