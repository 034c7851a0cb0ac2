"""Small recordings for tests: a tone that jumps in pitch beside a square that moves."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from emocli.data.media.content import read_frames, read_sound
from emocli.data.media.writing import write_video
from emocli.errors import MediaError

FPS = 25
RATE = 16000
SIDE = 64
SQUARE = 16
COLOUR = (230, 120, 40)


def tone(seconds: float = 2.0, rate: int = 16000, seed: int = 0) -> NDArray[np.float32]:
    """Chirps of 100 ms of random pitch, with a gap after each: two stretches never look alike."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = rng.uniform(150, 900, int(seconds * 10) + 1)[(time * 10).astype(int)]
    loud = (time * 10 % 1 < 0.8) * 0.4
    return np.asarray(loud * np.sin(2 * np.pi * pitch * (time * 10 % 1) / 10), np.float32)


def pictures(
    seconds: float = 2.0, fps: float = FPS, side: int = SIDE
) -> Iterator[NDArray[np.uint8]]:
    """Dark pictures with a square at `square_at(k)`."""
    for k in range(round(seconds * fps)):
        image = np.full((side, side, 3), 20, np.uint8)
        x = square_at(k, side)
        image[8 : 8 + SQUARE, x : x + SQUARE] = COLOUR
        yield image


def square_at(k: int, side: int = SIDE) -> int:
    """Left edge of the square in picture k: 0, 2, 4, ... and round again."""
    return 2 * k % (side - SQUARE)


def seen_at(image: NDArray[np.uint8]) -> int:
    """Left edge of the square as seen in a picture."""
    row = image[8 + SQUARE // 2, :, 0].astype(int)
    return int(np.argmax(np.convolve(row, np.ones(SQUARE), "valid")))


def video(path: Path, seconds: float = 2.0, rate: int = 16000, with_sound: bool = True) -> Path:
    """An mp4 file of `pictures` and `tone`."""
    write_video(path, pictures(seconds), FPS, tone(seconds, rate) if with_sound else None, rate)
    return path


def encode(
    path: Path,
    *,
    video_codec: str | None = None,
    audio_codec: str | None = None,
    seconds: float = 2.0,
    rate: int = 16000,
    layout: str = "mono",
    options: dict[str, str] | None = None,
    video_options: dict[str, str] | None = None,
) -> Path:
    """`pictures` and `tone` in any container and coding libav knows."""
    with av.open(str(path), "w", options=options or {}) as container:
        streams = []
        if video_codec:
            stream = container.add_stream(video_codec, rate=FPS, options=video_options or {})
            stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
            streams.append((stream, list(picture_frames(seconds))))
        if audio_codec:
            stream = container.add_stream(audio_codec, rate=rate, layout=layout)
            if audio_codec.startswith("wma"):  # has no default
                stream.bit_rate = 64000
            streams.append((stream, [sound_frame(tone(seconds, rate), rate)]))
        for stream, frames in streams:
            for frame in [*frames, None]:
                container.mux(stream.encode(frame))
    return path


def truncate(path: Path, share: float = 0.6) -> Path:
    """Cut a file's end off."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def picture_frames(seconds: float) -> Iterator[av.VideoFrame]:
    """`pictures` for an encoder."""
    for k, image in enumerate(pictures(seconds)):
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = k, Fraction(1, FPS)
        yield frame


def sound_frame(samples: NDArray[np.float32], rate: int) -> av.AudioFrame:
    """Samples for an encoder."""
    frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    return frame


def lag(samples: NDArray[np.float32], wanted: NDArray[np.float32]) -> tuple[int, float]:
    """By how many samples the first is late, and how alike they are then."""
    size = 2 * max(len(samples), len(wanted))
    both = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(wanted, size))
    curve = np.fft.irfft(both, size)
    late = int(np.argmax(curve))
    alike = curve[late] / np.sqrt((samples**2).sum() * (wanted**2).sum())
    return late if late < size / 2 else late - size, float(alike)


def complaint(path: Path, *, video: bool = False, **span: float) -> str:
    with pytest.raises(MediaError) as caught:
        list(read_frames(path, **span)) if video else read_sound(path, RATE, **span)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)
