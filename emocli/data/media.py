"""The sound and the pictures of a clip, and a writer of small video files (PyAV throughout)."""

from __future__ import annotations

import heapq
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.durable import replacing
from emocli.data.recording import INSTANT, check_file, decode, span
from emocli.data.track import Absent
from emocli.errors import MediaError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.video.frame import VideoFrame

AUDIO = frozenset({".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus"})
VIDEO = frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".flv", ".m4v"})
"""Suffixes of recordings of sound, and of pictures, mostly with sound."""

STILLS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""Suffixes of still images."""

DRIFT = 0.02
"""Seconds a piece of sound may be off its time stamp and still follow the one before it."""

LONGEST_GAP = 3600
"""Seconds without sound that a recording may have, stream delays included."""

X264 = {"threads": "1", "crf": "18", "preset": "veryfast", "mbtree": "0"}
"""One thread, so that the bytes do not depend on the machine; no macroblock tree, for with it equal
pictures give other bytes now and then."""

AAC_FRAME = 1024
"""Samples aac codes at a time."""

Mix = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Makes one signal of the channels, shape (channels, samples)."""

Timed = tuple[Any, Any]
"""A stream and the next frame to be coded into it."""


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes
    ----------
    time : float
        Seconds from the start of the clip.
    image : ndarray of uint8, shape (height, width, 3)
        RGB, upright.
    """

    time: float
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class Channel:
    """One channel of a recording, as it was recorded.

    Attributes
    ----------
    samples : ndarray of float32, shape (samples,)
        Full scale is 1.
    rate : int
        Samples per second.
    channels : int
        How many channels the recording has.
    """

    samples: NDArray[np.float32]
    rate: int
    channels: int


def sound(clip: Clip, rate: int) -> NDArray[np.float32]:
    """Return the sound of a clip: ``media.audio``, or else the sound of ``media.video``.

    Parameters
    ----------
    clip : Clip
        Its start and end are honoured to the sample.
    rate : int
        Wanted sampling rate in Hz.

    Returns
    -------
    ndarray of float32, shape (samples,)
        Mean of the channels; full scale is 1.

    Raises
    ------
    Absent
        If the clip has neither medium.
    MediaError
        If its medium cannot be used (see `emocli.data.recording.decode`).
    """
    return read_sound(_with_sound(clip), rate, clip.start, clip.end)


def first_channel(clip: Clip) -> Channel:
    """Return the first channel of a clip's sound at its own rate; see `sound`."""
    return _as_recorded(_with_sound(clip), clip.start, clip.end, lambda channels: channels[0])


def frames(clip: Clip, every: float | None = None) -> Iterator[Frame]:
    """Iterate over the pictures of a clip's ``media.video``.

    Parameters
    ----------
    clip : Clip
        The pictures that begin inside [start, end) are taken.
    every : float, optional
        Seconds; take only the first picture at or after each multiple of it.

    Raises
    ------
    Absent
        If the clip has no video.
    MediaError
        If it cannot be used; where a recording is truncated, after its last picture.
    """
    return read_frames(_filmed(clip), clip.start, clip.end, every)


def chosen_frames(clip: Clip, choose: Callable[[int], Iterable[int]]) -> list[Frame]:
    """Return some pictures of a clip's ``media.video``, by their places among all of them.

    The recording is read twice, first to count its pictures: only those that are chosen are in
    memory, however long it is.

    Parameters
    ----------
    clip : Clip
        The pictures that begin inside [start, end) are counted, from 0.
    choose : callable
        Given how many there are, tells the places of those that are wanted.

    Raises
    ------
    Absent, MediaError
        As `frames`.
    """
    path = _filmed(clip)
    if path.suffix.lower() in STILLS:
        return [Frame(0.0, _still(path))]
    count = sum(1 for _ in _shown(path, clip.start, clip.end))
    wanted = set(choose(count))
    shown = islice(_shown(path, clip.start, clip.end), 1 + max(wanted, default=-1))
    return [_frame(*timed) for place, timed in enumerate(shown) if place in wanted]


def read_sound(
    path: Path, rate: int, start: float | None = None, end: float | None = None
) -> NDArray[np.float32]:
    """Return the sound of a file between two times; see `sound`."""
    import soxr

    recorded = _as_recorded(Path(path), start, end, _mean)
    if recorded.rate == rate:
        return recorded.samples
    resampled: NDArray[np.float32] = soxr.resample(
        recorded.samples, recorded.rate, rate, quality="HQ"
    )
    return resampled


def read_frames(
    path: Path, start: float | None = None, end: float | None = None, every: float | None = None
) -> Iterator[Frame]:
    """Iterate over the pictures of a file between two times; see `frames`.

    A still image is one picture at 0 s, whatever the times.
    """
    path = Path(path)
    if path.suffix.lower() in STILLS:
        yield Frame(0.0, _still(path))
        return
    due = -INSTANT
    for moment, picture in _shown(path, start, end):
        if moment < due:
            continue
        if every:
            due = (math.floor((moment + INSTANT) / every) + 1) * every - INSTANT
        yield _frame(moment, picture)


def _filmed(clip: Clip) -> Path:
    path = clip.media.get("video")
    if path is None:
        raise Absent("the clip has no video")
    return path


def _shown(
    path: Path, start: float | None, end: float | None
) -> Iterator[tuple[float, VideoFrame]]:
    """Iterate over the pictures of a recording as they are decoded, with their moments."""
    begin = start or 0.0
    found = False
    for time, picture in decode(path, "video", start, end):
        if time - begin >= -INSTANT:
            found = True
            yield time - begin, picture
    if not found:
        raise MediaError(f"has no picture {span(begin, end)}", where=path)


def _frame(moment: float, picture: VideoFrame) -> Frame:
    return Frame(max(moment, 0.0), _image(picture))


def _with_sound(clip: Clip) -> Path:
    path = clip.media.get("audio") or clip.media.get("video")
    if path is None:
        raise Absent("the clip has neither audio nor video")
    return path


def _as_recorded(path: Path, start: float | None, end: float | None, mix: Mix) -> Channel:
    begin = start or 0.0
    pieces: list[tuple[int, NDArray[np.float32]]] = []
    late: list[list[int]] = []
    rate = following = channels = 0
    for time, frame in decode(path, "audio", start, end):
        planes = _planes(frame)
        piece, channels = mix(planes), max(channels, len(planes))
        rate = rate or frame.sample_rate
        if frame.sample_rate != rate:
            raise MediaError("changes its sampling rate midway", where=path)
        position = round(time * rate) - round(begin * rate)
        if pieces and abs(position - following) <= DRIFT * rate:
            late[-1].append(position - following)
            position = following
        else:
            late.append([0])
        following = position + len(piece)
        pieces.append((position, piece))
    if begin:
        pieces = _settled(pieces, late)
    limit = math.inf if end is None else round(end * rate) - round(begin * rate)
    _check_gaps(pieces, limit, rate, path)
    samples = _join(pieces, limit)
    if not len(samples):
        raise MediaError(f"has no sound {span(begin, end)}", where=path)
    if not np.isfinite(samples).all():
        raise MediaError("holds samples that are not finite numbers", where=path)
    return Channel(samples, rate, channels)


def _settled(
    pieces: list[tuple[int, NDArray[np.float32]]], late: list[list[int]]
) -> list[tuple[int, NDArray[np.float32]]]:
    """Place sound that was entered midway by all its stamps: the first may be rounded or off."""
    shifts = (round(float(np.median(run))) for run in late for _ in run)
    return [(at + shift, piece) for (at, piece), shift in zip(pieces, shifts, strict=True)]


def _check_gaps(
    pieces: list[tuple[int, NDArray[np.float32]]], limit: float, rate: int, path: Path
) -> None:
    """Refuse stamps that would have hours of silence between pieces of sound."""
    stop = min(limit, max((at + len(piece) for at, piece in pieces), default=0))
    silent = stop - sum(len(piece) for _, piece in pieces)
    if silent > LONGEST_GAP * rate:
        what = f"has {silent / rate:.0f} s without sound between its sounds: its times are damaged"
        raise MediaError(what, where=path, mend="convert it to wav")


def _join(pieces: list[tuple[int, NDArray[np.float32]]], limit: float) -> NDArray[np.float32]:
    stop = int(min(limit, max((at + len(piece) for at, piece in pieces), default=0)))
    samples = np.zeros(max(stop, 0), np.float32)
    for at, piece in pieces:
        inside = piece[max(0, -at) : max(0, stop - at)]
        samples[max(0, at) : max(0, at) + len(inside)] = inside
    return samples


def _planes(frame: AudioFrame) -> NDArray[np.float32]:
    """Return the channels of a piece of sound, shape (channels, samples), full scale 1."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if values.dtype == np.uint8:
        values = values.astype(np.float32) / 128 - 1
    elif values.dtype.kind == "i":
        values = values.astype(np.float32) / 2.0 ** (8 * values.itemsize - 1)
    return values.astype(np.float32, copy=False)


def _mean(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = planes.mean(axis=0, dtype=np.float32)
    return mean


def _image(frame: VideoFrame) -> NDArray[np.uint8]:
    image = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))


def _still(path: Path) -> NDArray[np.uint8]:
    import cv2

    check_file(path)
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise MediaError("is not an image that can be read", where=path)
    rgb: NDArray[np.uint8] = np.ascontiguousarray(image[..., ::-1])
    return rgb


def write_video(
    path: Path,
    images: Iterable[NDArray[np.uint8]],
    fps: float | Fraction,
    sound: NDArray[np.float32] | None,
    rate: int,
) -> None:
    """Write an mp4 file (h264 and aac); the same arrays give the same bytes.

    Parameters
    ----------
    path : Path
        Written under another name first and then renamed.
    images : iterable of uint8 arrays, shape (height, width, 3)
        RGB, at least one, all of one size; both sides are even numbers.
    fps : float or Fraction
        Images per second.
    sound : float32 array, shape (samples,), or None
        Mono; full scale is 1.
    rate : int
        Sampling rate of the sound, one that aac knows (8000, ..., 16000, ..., 48000).
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
