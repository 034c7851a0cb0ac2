"""Rows that networks make of the frames of a clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from emocli.features._picture_rows import PictureRows
from emocli.plugin.feature import Clip, Frame, Track, frames


@dataclass(frozen=True)
class WholeFrames(PictureRows):
    """The frames of a clip.

    Attributes
    ----------
    step : float, optional
        Seconds from one frame to the next; all frames if not given.
    stride : int
        Every so many of these are looked at.
    """

    step: float | None = None
    stride: int = 1

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per frame with its time, or the network's outputs for them."""
        del upstream
        shown: Iterator[Frame] = islice(frames(clip, self.step), 0, None, self.stride)
        times, rows = [], []
        while some := list(islice(shown, self.network.config.batch)):  # no more are in memory
            times += [frame.time for frame in some]
            rows.append(self.network([frame.image for frame in some]))
        return self.network.track(np.concatenate(rows), np.array(times), {"frames": len(times)})
