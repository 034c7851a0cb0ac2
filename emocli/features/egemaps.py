"""eGeMAPS v02 by openSMILE: 88 functionals of a clip, or 25 descriptors of its voice over time.

Source: Eyben et al. 2016, IEEE Trans. Affective Computing 7(2) (GeMAPS); openSMILE.
Licence: openSMILE is free for research and teaching; other use needs a licence of audEERING.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np

from emocli.config import Settings
from emocli.errors import MediaError
from emocli.plugin.feature import Clip, ReloadingExtractor, Track, installed, mixed_down
from emocli.quantities import SamplingRate

MODALITY = "audio"
PER_CLIP = True
LIBRARIES = ("av", "soxr", "opensmile")

HOP = 0.01
"""Seconds from one row of descriptors to the next."""


class Config(Settings):
    """Settings: the level of the features.

    Attributes
    ----------
    level : {'functionals', 'descriptors'}
        88 numbers for a clip; or 25 in steps of 10 ms.
    sampling : int
        Samples per second of the sound that is looked at.
    """

    level: Literal["functionals", "descriptors"] = "functionals"
    sampling: SamplingRate = 16_000


class Extractor(ReloadingExtractor[Config]):
    """openSMILE with its configuration, which each process makes for itself."""

    @cached_property
    def smile(self) -> Any:
        """The object of the package."""
        opensmile = installed("opensmile", "egemaps")
        levels = opensmile.FeatureLevel
        level = {"functionals": levels.Functionals, "descriptors": levels.LowLevelDescriptors}
        return opensmile.Smile(
            feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=level[self.config.level]
        )

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return one row, shape (1, 88), or a row per 10 ms with its time, shape (T, 25).

        Raises
        ------
        MediaError
            If the sound is too short for it.
        """
        del upstream
        heard = mixed_down(clip, self.config.sampling)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a sound that is too short is told below
            table = self.smile.process_signal(heard.samples, self.config.sampling)
        values = np.asarray(table.to_numpy(), np.float32)
        if np.isnan(values).all():
            where = clip.media.get("audio") or clip.media.get("video") or ""
            raise MediaError("is too short for eGeMAPS", where=where)
        if self.config.level == "functionals":
            return Track(values, notes=heard.notes())
        spans = [table.index.get_level_values(name).total_seconds() for name in ("start", "end")]
        return Track(values, np.mean(spans, axis=0), notes=heard.notes())


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Set openSMILE up; a `ConfigError` if the package is not installed."""
    del clips
    names = tuple(Extractor(config).smile.feature_names)
    return Extractor(config, names, None if config.level == "functionals" else 1 / HOP)
