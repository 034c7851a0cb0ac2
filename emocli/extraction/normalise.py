"""Normalisation of features by speaker: each speaker's mean and spread become 0 and 1.

It needs no labels, but several clips of everybody, also of those a network is tested on: a metric
reached with it says how well a network knows people of whom it has heard other clips, and is to be
compared with metrics reached the same way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.data.store import Recipe, open_feature, write_feature
from emocli.data.track import Track
from emocli.errors import ManifestError

SUFFIX = "_by_speaker"
"""End of the name of the new feature."""


@dataclass(frozen=True)
class Normalised:
    """The report of a normalisation: the new feature, its store file and what is in it.

    ``fewest`` are the clips of the speaker who has fewest: of few clips the mean says little.
    """

    feature: str
    path: Path
    clips: int
    speakers: int
    fewest: int


def normalise(
    manifest: Manifest, store: Path, feature: str, *, overwrite: bool = False
) -> Normalised:
    """Make a feature whose every dimension has, over each speaker's steps, mean 0 and variance 1.

    Parameters
    ----------
    manifest : Manifest
        The corpus; every clip of the feature needs a speaker.
    feature : str
        A feature whose rows are vectors. The new one is called the same, with ``_by_speaker`` at
        the end, and is of the same modality, with the same times.
    overwrite : bool
        Replace one made from other input.

    Raises
    ------
    EmocliError
        If there is no such feature, its rows are no vectors, or a clip has no speaker.
    """
    with open_feature(store, feature, manifest) as source:
        clips = [clip for clip in manifest.clips if clip.id in source]
        speakers = _speakers(manifest, clips)
        recipe = Recipe(
            f"{feature}{SUFFIX}",
            source.modality,
            manifest.fingerprint,
            {"by": "speaker", "speakers": _fingerprint(speakers)},
            {feature: source.header.link},
        )

        @cache
        def standardiser(speaker: str) -> Standardiser:
            own = tuple(speakers[speaker])
            return Standardiser.fit(Samples(manifest, own, {source.modality: source}))

        def track(clip_id: str) -> Track:
            own = source.track(clip_id)
            values = np.asarray(own.values, np.float32)
            relative = standardiser(manifest.clip(clip_id).speaker or "")
            return Track(relative(clip_id, source.modality, values), own.times, notes=own.notes)

        ids = [clip.id for clip in clips]
        names, rate = source.dim_names, source.header.rate
        with write_feature(store, recipe, ids, track, names, rate, overwrite=overwrite) as stored:
            fewest = min(map(len, speakers.values()))
            return Normalised(recipe.feature, stored.path, len(stored), len(speakers), fewest)


def _speakers(manifest: Manifest, clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """Group clips by speaker."""
    groups: dict[str, list[Clip]] = {}
    for clip in clips:
        if not clip.speaker:
            raise ManifestError(
                f"clip '{clip.id}' has no speaker",
                where=manifest.path or manifest.dataset,
                hint="fill the column 'speaker'",
            )
        groups.setdefault(clip.speaker, []).append(clip)
    return groups


def _fingerprint(speakers: Mapping[str, Sequence[Clip]]) -> str:
    """Digest of who speaks where; a clip's values depend on the speaker's other clips."""
    who = sorted((name, sorted(clip.id for clip in group)) for name, group in speakers.items())
    return hashlib.sha256(json.dumps(who).encode()).hexdigest()
