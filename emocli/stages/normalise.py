"""Features relative to their speaker: each speaker's mean and spread become 0 and 1.

It needs no labels, but several clips of everybody, also of those a network is tested on: a figure
reached with it says how well a network knows people of whom it has heard other clips, and is to be
compared with figures reached the same way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.data.store import FeatureStore, open_feature
from emocli.data.track import Track
from emocli.data.writer import FeatureWriter, Recipe, write_part
from emocli.errors import ManifestError

SUFFIX = "_by_speaker"
"""End of the name of the new feature."""


@dataclass(frozen=True)
class Normalised:
    """A feature that was normalised.

    Attributes
    ----------
    feature : str
        Name of the new feature.
    path : Path
        Its store file.
    clips, speakers : int
        What is in it.
    fewest : int
        Clips of the speaker who has fewest: of few clips the mean says little.
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
    store : Path
        Folder of the stores.
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
            {feature: source.made},
        )
        with FeatureWriter(
            store, recipe, [clip.id for clip in manifest.clips], overwrite=overwrite
        ) as writer:
            known = writer.standing().written
            groups = [
                rest
                for group in speakers.values()
                if (rest := [clip for clip in group if clip.id not in known])
            ]
            for path, rest in zip(writer.reserve(len(groups)), groups, strict=True):
                tracks = _tracks(manifest, source, speakers[rest[0].speaker or ""], rest)
                write_part(path, recipe, tracks, (), names=source.dim_names, rate=source.rate)
            writer.finish()
    fewest = min(len(group) for group in speakers.values())
    return Normalised(recipe.feature, writer.path, len(clips), len(speakers), fewest)


def _speakers(manifest: Manifest, clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """Group clips by speaker.

    Raises
    ------
    ManifestError
        If a clip has none.
    """
    groups: dict[str, list[Clip]] = {}
    for clip in clips:
        if not clip.speaker:
            raise ManifestError(
                f"clip '{clip.id}' has no speaker",
                where=manifest.path or manifest.dataset,
                mend="fill the column 'speaker'",
            )
        groups.setdefault(clip.speaker, []).append(clip)
    return groups


def _fingerprint(speakers: Mapping[str, Sequence[Clip]]) -> str:
    """Digest of who speaks where; a clip's values depend on the speaker's other clips."""
    who = sorted((name, sorted(clip.id for clip in group)) for name, group in speakers.items())
    return hashlib.sha256(json.dumps(who).encode()).hexdigest()


def _tracks(
    manifest: Manifest, source: FeatureStore, group: Sequence[Clip], wanted: Sequence[Clip]
) -> dict[str, Track]:
    """Normalise clips of a speaker by all of the speaker's, one clip in memory at a time."""
    name = source.modality
    standardiser = Standardiser.fit(Samples(manifest, tuple(group), {name: source}))
    tracks = {}
    for clip in wanted:
        track = source.track(clip.id)
        values = standardiser(clip.id, name, np.asarray(track.values, np.float32))
        tracks[clip.id] = Track(values, track.times, notes=track.notes)
    return tracks
