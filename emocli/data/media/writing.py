"""A writer of small video files: h264 and aac in mp4, the same bytes for the same arrays."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.durable import replacing

X264 = {"threads": "1", "crf": "18", "preset": "veryfast", "mbtree": "0"}
"""One thread, so that the bytes do not depend on the machine; no macroblock tree, for with it equal
pictures give other bytes now and then."""

AAC_FRAME = 1024
"""Samples aac codes at a time."""

Timed = tuple[Any, Any]
"""A stream and the next frame to be coded into it."""


def write_video(
    path: Path,
    images: Iterable[NDArray[np.uint8]],
    fps: float | Fraction,
    sound: NDArray[np.float32] | None,
    rate: int,
) -> None:
    """Write an mp4 file (h264 and aac), whole or not at all; the same arrays give the same bytes.

    ``images`` are RGB, shape (height, width, 3), at least one, all of one size with even sides;
    ``sound``, shape (samples,), is mono with full scale 1, at a ``rate`` that aac knows (8000, ...,
    16000, ..., 48000).
    """
    import av

    remaining = iter(images)
    first = next(remaining)
    height, width = first.shape[:2]
    if height % 2 or width % 2:
        raise ValueError("width and height must be even numbers")
    step = 1 / Fraction(fps).limit_denominator(1001)
    with (
        replacing(path) as descriptor,
        os.fdopen(descriptor, "wb", closefd=False) as file,
        av.open(file, "w", format="mp4", options={"fflags": "+bitexact"}) as container,
    ):
        pictures = container.add_stream("libx264", rate=1 / step, options=X264)
        pictures.width, pictures.height = width, height
        shown = _picture_frames(pictures, chain([first], remaining), step)
        heard: Iterator[Timed] = iter(())
        if sound is not None:
            voice = container.add_stream("aac", rate=rate, layout="mono")
            heard = _sound_frames(voice, sound, rate)
        for stream, frame in heapq.merge(shown, heard, key=lambda timed: timed[1].time):
            container.mux(stream.encode(frame))
        container.mux(pictures.encode(None))
        if sound is not None:
            container.mux(voice.encode(None))


def _picture_frames(
    stream: Any, images: Iterable[NDArray[np.uint8]], step: Fraction
) -> Iterator[Timed]:
    import av

    for index, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame.pts, frame.time_base = index, step
        yield stream, frame


def _sound_frames(stream: Any, samples: NDArray[np.float32], rate: int) -> Iterator[Timed]:
    import av

    for start in range(0, len(samples), AAC_FRAME):
        row = np.ascontiguousarray(samples[None, start : start + AAC_FRAME], np.float32)
        frame = av.AudioFrame.from_ndarray(row, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield stream, frame
