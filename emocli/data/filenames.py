"""Names of result files, derived from the corpus, features and settings they belong to."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emocli.data.manifest import Manifest
    from emocli.data.store import StoredFeature

LONGEST = 200
"""Bytes of a name, of which most systems take 255; what is longer ends in its digest."""


def named(text: str) -> str:
    """Make a file's name of a text; what no name should hold becomes a hyphen."""
    name = re.sub(r"[^\w.+-]+", "-", text)
    raw = name.encode()
    if len(raw) <= LONGEST:
        return name
    return f"{raw[:LONGEST].decode(errors='ignore')}-{hashlib.sha256(raw).hexdigest()[:8]}"


def content(corpus: Manifest) -> str:
    """Return the SHA-256 over all of a manifest that what is measured on its clips depends on.

    `Manifest.fingerprint` leaves out labels and splits, on which features do not depend.
    """
    clips = sorted(
        [c.id, c.split, c.speaker, c.dialogue, c.turn, c.label, sorted(c.labels.items())]
        for c in corpus.clips
    )
    parts = [corpus.fingerprint, corpus.dataset, corpus.task, list(corpus.classes), clips]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def corpus_part(corpus: Manifest, stores: Mapping[str, StoredFeature]) -> str:
    """Name clips that a run was not trained on: ``meld-1a2b3c4d``, for names of files.

    Corpora of one name and other content, or with other features, have other letters at the end.
    """
    identity = [content(corpus), *sorted(store.fingerprint for store in stores.values())]
    return f"{corpus.dataset}-{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:8]}"
