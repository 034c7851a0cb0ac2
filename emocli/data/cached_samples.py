"""Samples that keep their arrays in memory, up to a limit."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emocli.data.samples import Samples

Key = tuple[str, str]


class FeatureCache:
    """A cache of arrays by clip and modality, up to a limit in bytes.

    What no longer fits is read again every time: an epoch visits every clip once, so throwing out
    the oldest would throw out what is needed next.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._kept: dict[Key, NDArray[np.float32]] = {}

    def array(self, samples: Samples, clip_id: str, modality: str) -> NDArray[np.float32]:
        """Return what ``samples`` hold, from memory if it is there."""
        key = (clip_id, modality)
        if key in self._kept:
            return self._kept[key]
        values = samples.array(clip_id, modality)
        if values.nbytes <= self._free:
            values.setflags(write=False)
            self._kept[key] = values
            self._free -= values.nbytes
        return values


@dataclass(frozen=True)
class CachedSamples(Samples):
    """Samples that read through a `FeatureCache`; later transforms are applied at every read."""

    source: Samples = field(kw_only=True)
    memory: FeatureCache = field(kw_only=True)

    @classmethod
    def through(cls, samples: Samples, memory: FeatureCache) -> CachedSamples:
        """Keep the arrays of ``samples``, transforms applied."""
        parts = (samples.manifest, samples.clips, samples.stores)
        return cls(*parts, condensed=samples.condensed, source=samples, memory=memory)

    def array(self, clip_id: str, modality: str) -> NDArray[np.float32]:
        """Return one clip's array, shape (T, D); T = 0 where the clip lacks the feature."""
        values = self.memory.array(self.source, clip_id, modality)
        for transform in self.transforms:
            values = transform(clip_id, modality, values)
        return values
