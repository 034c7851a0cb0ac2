"""The sound and the pictures of a clip, decoded from its media files by PyAV."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.media.channels import MixDown, OneChannel, planes_of
from emocli.data.media.container import StreamKind, check_sound, media_errors
from emocli.data.media.picture import DecodedPicture, still
from emocli.data.media.recording import INSTANT, check_file, decode, span
from emocli.data.track import Absent
from emocli.errors import MediaError, NoSoundError

if TYPE_CHECKING:
    from av.audio.layout import AudioLayout

AUDIO = frozenset(
    {
        ".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".oga", ".spx", ".weba", ".mka",
        ".wma", ".aif", ".aiff", ".au", ".caf", ".w64", ".amr", ".mp2", ".ac3", ".ape", ".wv",
    }
)  # fmt: skip
VIDEO = frozenset(
    {
        ".mp4", ".mov", ".avi", ".mkv", ".webm", ".flv", ".m4v", ".3gp", ".3g2", ".wmv", ".asf",
        ".mpg", ".mpeg", ".vob", ".ts", ".mts", ".m2ts", ".ogv", ".mxf", ".dv",
    }
)  # fmt: skip
"""Suffixes of recordings of sound, and of pictures, mostly with sound."""

STILLS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""Suffixes of still images."""

DRIFT = 0.02
"""Seconds a piece of sound may be off its time stamp and still follow the one before it."""

MOST_SILENCE = 1800
"""Seconds of silence that are put where sound is missing, stream delays included."""

FAINTEST = 2.0**-16
"""Half the least step of 16 bits: below it there is no sound, as where a microphone was off."""

SILENT = "clips.silent"
"""The note of a clip without any sound in its stream."""

Mix = Callable[[NDArray[np.float32], "AudioLayout"], NDArray[np.float32]]
"""Makes one signal of the channels, shape (channels, samples)."""


@dataclass(frozen=True)
class Frame:
    """One picture: seconds from the start of the clip, and (height, width, 3) of RGB.

    It is upright and has square pixels; `emocli.data.media.picture.Picture.notes` says what was
    done to it, or is left as it was.
    """

    time: float
    image: NDArray[np.uint8]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Channel:
    """One signal made of a recording's channels.

    Attributes
    ----------
    samples : ndarray of float32, shape (samples,)
        Full scale is 1.
    rate : int
        Samples per second.
    channels : int
        How many channels the recording has.
    strongest : int, optional
        Which channel it is, from 0, where the usual choice was silent or the channels cancelled.
    centre : bool
        Whether it is the centre, where the first channel would be usual.
    """

    samples: NDArray[np.float32]
    rate: int
    channels: int
    strongest: int | None = None
    centre: bool = False

    @property
    def silent(self) -> bool:
        """Whether nothing is in it: no sample reaches `FAINTEST`."""
        return not np.any(np.abs(self.samples) >= FAINTEST)

    def notes(self) -> dict[str, int]:
        """Tell what is worth knowing of it, as counts of clips for a report."""
        facts = {
            "clips.of_several_channels": self.channels > 1,
            "clips.of_the_centre": self.centre,
            "clips.of_the_strongest_channel": self.strongest is not None,
            SILENT: self.silent,
        }
        return {"clips": 1, **{name: 1 for name, so in facts.items() if so}}


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
        The channels mixed down (see `emocli.data.media.channels`); full scale is 1.

    Raises
    ------
    Absent
        If the clip has neither medium.
    MediaError
        If its medium cannot be used (see `emocli.data.media.recording.decode`).
    """
    return mixed_down(clip, rate).samples


def mixed_down(clip: Clip, rate: int) -> Channel:
    """Return the sound of a clip and how it was made of its channels; see `sound`."""
    return _read_sound(_with_sound(clip), rate, clip.start, clip.end)


def first_channel(clip: Clip) -> Channel:
    """Return one channel of a clip's sound, as it was recorded, at its own rate; see `sound`.

    It is the first, or the centre of those that have one (see `emocli.data.media.channels`).
    """
    mix = OneChannel()
    channel = _one_signal(_with_sound(clip), clip.start, clip.end, mix)
    return replace(channel, centre=mix.centre and channel.strongest is None)


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
        return [_still(path)]
    count = sum(1 for _ in _shown(path, clip.start, clip.end))
    wanted = set(choose(count))
    shown = islice(_shown(path, clip.start, clip.end), 1 + max(wanted, default=-1))
    return [_frame(path, *timed) for place, timed in enumerate(shown) if place in wanted]


def read_sound(
    path: Path, rate: int, start: float | None = None, end: float | None = None
) -> NDArray[np.float32]:
    """Return the sound of a file between two times; see `sound`."""
    return _read_sound(Path(path), rate, start, end).samples


def read_frames(
    path: Path, start: float | None = None, end: float | None = None, every: float | None = None
) -> Iterator[Frame]:
    """Iterate over the pictures of a file between two times; see `frames`.

    A still image is one picture at 0 s, whatever the times.
    """
    path = Path(path)
    if path.suffix.lower() in STILLS:
        yield _still(path)
        return
    due = -INSTANT
    for moment, picture in _shown(path, start, end):
        if moment < due:
            continue
        if every:
            due = (math.floor((moment + INSTANT) / every) + 1) * every - INSTANT
        yield _frame(path, moment, picture)


def _decoded(
    path: Path, kind: StreamKind, begin: float | None, end: float | None
) -> Iterator[tuple[float, Any]]:
    with media_errors(path):
        yield from decode(path, kind, begin, end)


def lacking(clip: Clip, modality: str) -> str:
    """Say what medium of ``text``, ``audio`` or ``visual`` a clip lacks; empty if it has one.

    That is by the manifest: no file is opened. Of other modalities nothing is known.
    """
    if modality == "text" and not clip.text.strip() and "words" not in clip.media:
        return "the clip has neither text nor words"
    try:
        if modality == "audio":
            _with_sound(clip)
        elif modality == "visual":
            _filmed(clip)
    except Absent as reason:
        return str(reason)
    return ""


def _filmed(clip: Clip) -> Path:
    path = clip.media.get("video")
    if path is None:
        raise Absent("the clip has no video")
    return path


def _shown(
    path: Path, start: float | None, end: float | None
) -> Iterator[tuple[float, DecodedPicture]]:
    """Iterate over the pictures of a recording as they are decoded, with their moments."""
    begin = start or 0.0
    empty = True
    for time, picture in _decoded(path, "video", start, end):
        if time - begin >= -INSTANT:
            empty = False
            yield time - begin, picture
    if empty:
        raise MediaError(f"has no picture {span(begin, end)}", where=path)


def _frame(path: Path, moment: float, picture: DecodedPicture) -> Frame:
    return Frame(max(moment, 0.0), picture.image(path), picture.notes())


def _with_sound(clip: Clip) -> Path:
    path = clip.media.get("audio") or clip.media.get("video")
    if path is None or path.suffix.lower() in STILLS:
        raise Absent("the clip has no medium with sound")
    return path


def _read_sound(path: Path, rate: int, start: float | None, end: float | None) -> Channel:
    import soxr

    recorded = _one_signal(path, start, end, MixDown())
    if recorded.rate == rate:
        return recorded
    with media_errors(path):
        resampled = soxr.resample(recorded.samples, recorded.rate, rate, quality="HQ")
    return replace(recorded, samples=resampled, rate=rate)


def _one_signal(
    path: Path, start: float | None, end: float | None, mix: MixDown | OneChannel
) -> Channel:
    """Make one signal of the channels; decode again where that turns out to be the wrong one."""
    with media_errors(path):
        usual = _as_recorded(path, start, end, mix)
        strongest = mix.better()
        if strongest is None:
            return usual
        other = _as_recorded(path, start, end, OneChannel(named=strongest))
        return replace(other, strongest=strongest)


def _as_recorded(path: Path, start: float | None, end: float | None, mix: Mix) -> Channel:
    begin = start or 0.0
    pieces: list[tuple[int, NDArray[np.float32]]] = []
    late: list[list[int]] = []
    rate = following = channels = silent = 0
    for time, frame in _decoded(path, "audio", start, end):
        planes = planes_of(frame)
        piece, channels = mix(planes, frame.layout), max(channels, len(planes))
        check_sound(frame.sample_rate, len(planes), path)
        rate = rate or frame.sample_rate
        if frame.sample_rate != rate:
            raise MediaError("changes its sampling rate midway", where=path)
        position = round(time * rate) - round(begin * rate)
        if pieces and abs(position - following) <= DRIFT * rate:
            late[-1].append(position - following)
            position = following
        else:
            late.append([0])
        silent += max(position - following, 0)
        if silent > MOST_SILENCE * rate:
            what = f"has no sound for {silent / rate:.0f} s, before {time:.2f} s"
            hint = f"at most {MOST_SILENCE} s are made silence: its time stamps may be damaged"
            raise MediaError(what, where=path, hint=hint)
        following = position + len(piece)
        pieces.append((position, piece))
    if begin:
        pieces = _settled(pieces, late)
    limit = math.inf if end is None else round(end * rate) - round(begin * rate)
    samples = _join(pieces, limit)
    if not len(samples):
        raise NoSoundError(f"has no sound {span(begin, end)}", where=path)
    if not np.isfinite(samples).all():
        raise MediaError("holds samples that are not finite numbers", where=path)
    return Channel(samples, rate, channels)


def _settled(
    pieces: list[tuple[int, NDArray[np.float32]]], late: list[list[int]]
) -> list[tuple[int, NDArray[np.float32]]]:
    """Place sound that was entered midway by all its stamps: the first may be rounded or off."""
    shifts = (round(float(np.median(run))) for run in late for _ in run)
    return [(at + shift, piece) for (at, piece), shift in zip(pieces, shifts, strict=True)]


def _join(pieces: list[tuple[int, NDArray[np.float32]]], limit: float) -> NDArray[np.float32]:
    stop = int(min(limit, max((at + len(piece) for at, piece in pieces), default=0)))
    samples = np.zeros(max(stop, 0), np.float32)
    for at, piece in pieces:
        inside = piece[max(0, -at) : max(0, stop - at)]
        samples[max(0, at) : max(0, at) + len(inside)] = inside
    return samples


def _still(path: Path) -> Frame:
    check_file(path)
    return Frame(0.0, still(path))
