"""Scenes: the middle pictures of videos."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.durable import make_folder
from emocli.data.media.content import STILLS, chosen_frames
from emocli.data.track import Absent
from emocli.errors import MediaError
from emocli.models.tensors import read_tensors, write_tensors
from emocli.training.encoders.picture_source import CorpusInputs, Pictures
from emocli.training.encoders.stills import StillsSource


class SceneSource(StillsSource):
    """Pictures of whole scenes, mirrored at random."""

    def of_clips(self, clips: Sequence[Clip], inputs: CorpusInputs) -> Pictures:
        """Draw the middle picture of each clip; all are read when the first is drawn, and kept."""
        kept, side = tuple(clip for clip in clips if clip.media.get("video")), inputs.side
        listed = hashlib.sha256(json.dumps([side, *(c.id for c in kept)]).encode()).hexdigest()
        path = inputs.cache / f"scenes-{listed[:12]}.safetensors"

        @cache
        def stored() -> NDArray[np.uint8]:
            if not path.is_file():
                pictures = np.stack([_middle(clip, side) for clip in kept])
                make_folder(inputs.cache)
                write_tensors(path, {"pictures": torch.from_numpy(pictures)}, {})
            middles: NDArray[np.uint8] = read_tensors(path)["pictures"].numpy()
            return middles

        return Pictures(kept, lambda index, rng: stored()[index], listed)


def _middle(clip: Clip, side: int) -> NDArray[np.uint8]:
    import cv2

    try:
        (middle,) = chosen_frames(clip, lambda count: [count // 2])
    except Absent as error:
        raise MediaError(str(error), where=clip.id) from None
    size = (side, side)
    return np.asarray(cv2.resize(middle.image, size, interpolation=cv2.INTER_AREA), np.uint8)


SOURCE = SceneSource("scene", 100, STILLS)
