"""Features of a synthetic corpus: what each modality shows of the latent vectors of its clips.

A step of feature m at time t is ``A_m (s_m z + v_m) g(t) + B_m u_m + noise``: z is the clip's
latent vector and s_m the strength of the modality's signal; v_m, in its way, and u_m, beside it,
are what only this feature shows of the clip. g is 1 at a peak, another one in each clip and
feature, and goes to 0.5 away from it. The columns of A_m and B_m are orthogonal, and so long that a
number of the feature has the variance 1 by v_m, and 1 by u_m.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emocli.config import Tree
from emocli.data.clip import Clip
from emocli.data.store import FeatureStore, Recipe, write_feature
from emocli.data.track import Track
from emocli.experiments.synthetic.corpus import Config, GeneratedCorpus
from emocli.robust.corrupt import generator

Floats = NDArray[np.float64]

TEXT = "text"

GENERATOR = 1
"""Changes when equal settings come to give other features."""

EDGE = 0.5
"""The hump at the ends of a clip."""


@dataclass(frozen=True)
class Shape:
    """The features of a synthetic corpus.

    Attributes
    ----------
    features : mapping
        Feature to its modality.
    aligned : bool
        Whether all of them step with the words.
    vectors : bool
        Whether a clip is one step, the mean of its steps.
    """

    features: Mapping[str, str]
    aligned: bool = False
    vectors: bool = False


def write_features(
    corpus: GeneratedCorpus, config: Config, shape: Shape, store: Path, overwrite: bool = False
) -> dict[str, FeatureStore]:
    """Write all features of a corpus, or what is left of them.

    Raises
    ------
    StoreError
        If the folder holds features of other settings, and they are not to be replaced.
    """
    written = {}
    for name, modality in shape.features.items():
        maker = _FeatureGenerator(name, modality, config, shape, corpus)
        recipe = Recipe(name, modality, corpus.manifest.fingerprint, maker.settings)
        ids = [clip.id for clip in corpus.manifest.clips]
        written[name] = write_feature(store, recipe, ids, maker.track, overwrite=overwrite)
    return written


@dataclass(frozen=True)
class _FeatureGenerator:
    """The generator of one feature, clip by clip."""

    name: str
    modality: str
    config: Config
    shape: Shape
    corpus: GeneratedCorpus

    @property
    def settings(self) -> Tree:
        """All that its values depend on, except the clips."""
        shape = {"aligned": self.shape.aligned, "vectors": self.shape.vectors}
        return {"generator": GENERATOR, **self.config.model_dump(mode="json"), **shape}

    @cached_property
    def mixing(self) -> tuple[Floats, Floats]:
        """A_m, shape (width, shared), and B_m, shape (width, private)."""
        config, width = self.config, self.config.of(self.modality).width
        rng = generator(config.seed, self.name, "mixing")
        return _columns(width, config.shared, rng), _columns(width, config.private, rng)

    def track(self, clip_id: str) -> Track:
        """Make the steps of a clip, with the time of each from its start."""
        config, showing = self.config, self.config.of(self.modality)
        clip = self.corpus.manifest.clip(clip_id)
        rng = generator(config.seed, clip_id, self.name)
        times = _times(clip, self.config, "text" if self.shape.aligned else self.modality)
        peak, noise = rng.uniform(), self.mixing[1] @ rng.standard_normal(config.private)
        within = rng.standard_normal(config.shared)
        shown = self.mixing[0] @ (showing.signal * self.corpus.latents[clip_id] + within)
        values = _hump(times / _seconds(clip), peak)[:, None] * shown + noise
        values += config.noise * rng.standard_normal(values.shape)
        if self.shape.vectors:
            values, times = values.mean(axis=0, keepdims=True), times.mean(keepdims=True)
        return Track(values.astype(np.float32), times)


def _columns(width: int, count: int, rng: np.random.Generator) -> Floats:
    """Draw columns of length 1, orthogonal to each other as far as there is room."""
    drawn = rng.standard_normal((width, count))
    if count <= width:
        return np.asarray(np.linalg.qr(drawn)[0] * np.sqrt(width / count))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=0) * np.sqrt(width / count))


def _times(clip: Clip, config: Config, modality: str) -> Floats:
    """Return the middles of the steps of a modality; those of the text are the words."""
    seconds = _seconds(clip)
    words = len(clip.text.split()) if modality == TEXT else 0
    steps = words or max(1, round(seconds * config.of(modality).rate))
    return np.asarray((np.arange(steps) + 0.5) * seconds / steps)


def _seconds(clip: Clip) -> float:
    """Return how long a clip is; where nobody knows, as if it was a second."""
    return (clip.end - (clip.start or 0.0)) if clip.end else 1.0


def _hump(place: Floats, peak: float) -> Floats:
    """Return 1 at the peak, less to both sides; places are 0 to 1 over the clip."""
    return np.asarray(EDGE + (1 - EDGE) * np.cos(np.pi / 2 * (place - peak)) ** 2)
