"""One signal out of the channels of a recording: their mixture, or one as it was recorded.

**Mixed down** (`MixDown`). One channel is taken as it is, two are averaged. Of more, what each is
decides its weight, as in ITU-R BS.775: a front pair 1/2 each, the centre .707, surround and height
.354, the channel of low-frequency effects nothing; the weights are then scaled to sum to 1, so
that nothing is clipped. Channels whose places are not known (a microphone array, say) are
averaged. Where channels cancel, as those of a pair wired in opposite phase do, the strongest one is
taken instead.

**As recorded** (`OneChannel`). The centre, where the layout has one: there speech is in films. Of
five to eight channels that do not say what they are, the third, which is the centre in the usual
order. Else the first. If that is 50 dB weaker than the strongest one, that one is taken instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.layout import AudioLayout

Planes = NDArray[np.float32]
"""Channels of a piece of sound, shape (channels, samples); full scale is 1."""

FRONT, CENTRE, AROUND = 0.5, 0.5**0.5, 0.5**1.5
WEIGHTS = {
    **dict.fromkeys(("FL", "FR", "FLC", "FRC", "WL", "WR", "DL", "DR", "BC"), FRONT),
    **dict.fromkeys(("FC",), CENTRE),
    **dict.fromkeys(("BL", "BR", "SL", "SR", "SDL", "SDR", "SSL", "SSR", "TTL", "TTR"), AROUND),
    **dict.fromkeys(("TC", "TFL", "TFC", "TFR", "TBL", "TBC", "TBR", "TSL", "TSR"), AROUND),
    **dict.fromkeys(("BFC", "BFL", "BFR"), AROUND),
    **dict.fromkeys(("LFE", "LFE2"), 0.0),
}
"""Weight of a channel by libav's name of it."""

OMNI = "AMBI0"
"""Of Ambisonics the channel of all directions; the others are differences between directions."""

USUAL_CENTRE, USUAL = 2, range(5, 9)
"""Where the centre is in the usual order, and how many channels have one there."""

CANCELLED = 0.5
"""Share of the power that unrelated channels would keep, below which a mixture is cancelled."""

SILENT = 1e-5
"""Share of the strongest channel's power below which a channel is silent."""


@dataclass
class Power:
    """Length, sums and sums of squares, shape (channels,), of signals taken piece by piece."""

    samples: int = 0
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    squares: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))

    @classmethod
    def of(cls, planes: Planes) -> Power:
        """Measure one piece."""
        squares = np.einsum("cs,cs->c", planes, planes).astype(np.float64)
        return cls(planes.shape[1], planes.sum(axis=1).astype(np.float64), squares)

    def add(self, piece: Power) -> None:
        """Count another piece; a channel that was not there before was silent."""
        self.samples += piece.samples
        self.sums = _added(self.sums, piece.sums)
        self.squares = _added(self.squares, piece.squares)

    def without_offset(self) -> NDArray[np.float64]:
        """Return the mean square of each signal about its mean."""
        count = max(self.samples, 1)
        spread: NDArray[np.float64] = self.squares / count - (self.sums / count) ** 2
        return spread.clip(0)


@dataclass
class MixDown:
    """The mixture of all channels, piece by piece, and whether they cancel."""

    each: Power = field(default_factory=Power)
    mixed: Power = field(default_factory=Power)
    unrelated: float = 0.0
    weights: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def __call__(self, planes: Planes, layout: AudioLayout) -> NDArray[np.float32]:
        """Return the mixture, shape (samples,)."""
        if len(planes) == 1:
            return _row(planes, 0)
        if layout.name not in self.weights:
            self.weights[layout.name] = mixing_weights(layout)
        weights = self.weights[layout.name]
        mixture: NDArray[np.float32] = np.einsum("c,cs->s", weights, planes)
        piece = Power.of(planes)
        self.each.add(piece)
        self.mixed.add(Power.of(mixture[None]))
        unrelated = (weights.astype(np.float64) ** 2 * piece.without_offset()).sum()
        self.unrelated += float(unrelated) * len(mixture)
        return mixture

    def better(self) -> int | None:
        """Return the strongest channel, if the channels cancel."""
        kept = float(self.mixed.without_offset()[0]) * self.mixed.samples
        if kept >= CANCELLED * self.unrelated:
            return None
        return int(self.each.without_offset().argmax())


@dataclass
class OneChannel:
    """One channel, piece by piece: the one named, else where speech is expected.

    Attributes
    ----------
    named : int, optional
        The channel to take; the first of pieces that do not have it.
    centre : bool
        Whether the channel taken is the centre.
    """

    named: int | None = None
    centre: bool = False
    places: dict[str, int] = field(default_factory=dict)
    each: Power = field(default_factory=Power)
    taken: Power = field(default_factory=Power)

    def __call__(self, planes: Planes, layout: AudioLayout) -> NDArray[np.float32]:
        """Return the channel, shape (samples,)."""
        if self.named is None and layout.name not in self.places:
            self.places[layout.name] = speech_channel(layout)
        index = self.places[layout.name] if self.named is None else self.named
        channel = _row(planes, index if index < len(planes) else 0)
        self.centre |= self.named is None and index > 0
        if len(planes) > 1 and self.named is None:
            self.each.add(Power.of(planes))
            self.taken.add(Power.of(channel[None]))
        return channel

    def better(self) -> int | None:
        """Return the strongest channel, if the one taken is silent beside it."""
        powers = self.each.without_offset()
        if float(self.taken.without_offset()[0]) >= SILENT * powers.max():
            return None
        return int(powers.argmax())


def planes_of(frame: AudioFrame) -> Planes:
    """Return the channels of a piece of sound as numbers, full scale 1."""
    values = _values(frame, frame.layout.nb_channels)
    planes: Planes = values.astype(np.float32)
    if values.dtype.kind in "iu":
        planes /= np.float32(2.0 ** (8 * values.itemsize - 1))
    return planes - np.float32(1) if values.dtype.kind == "u" else planes


def mixing_weights(layout: AudioLayout) -> NDArray[np.float32]:
    """Return the weight of each channel, shape (channels,); they sum to 1."""
    names = [channel.name for channel in layout.channels]
    if OMNI in names:
        weights = np.array([name == OMNI for name in names], np.float32)
    elif all(name in WEIGHTS for name in names):
        weights = np.array([WEIGHTS[name] for name in names], np.float32)
    else:
        weights = np.ones(len(names), np.float32)
    if not weights.any():  # nothing but low-frequency effects
        weights = np.ones(len(names), np.float32)
    return np.asarray(weights / weights.sum())


def speech_channel(layout: AudioLayout) -> int:
    """Return the place of the channel that speech is expected in."""
    names = [channel.name for channel in layout.channels]
    for name in ("FC", OMNI):
        if name in names:
            return names.index(name)
    known = any(name in WEIGHTS for name in names)
    return USUAL_CENTRE if not known and len(names) in USUAL else 0


# Names of libav's sample formats, packed, and how numpy calls them.
_TYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}


def _values(frame: AudioFrame, channels: int) -> NDArray[Any]:
    """Return the samples in their own type, shape (channels, samples).

    libav keeps as many pointers as there are planes, and PyAV looks for the end behind them: of
    eight planes and more it finds some that do not exist, and reading those ends the process.
    """
    dtype = np.dtype(_TYPES[frame.format.packed.name])
    if not frame.format.is_planar:
        packed = _numbers(frame.planes[0], dtype, frame.samples * channels)
        return packed.reshape(-1, channels).T
    if channels > len(_POINTERS):
        return _values(_packed(frame), channels)
    planes = frame.planes[:channels]
    return np.stack([_numbers(plane, dtype, frame.samples) for plane in planes])


def _numbers(plane: Any, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
    return np.frombuffer(plane, dtype, count)


def _row(planes: Planes, index: int) -> NDArray[np.float32]:
    return np.asarray(planes[index])


_POINTERS = range(8)


def _packed(frame: AudioFrame) -> AudioFrame:
    from av.audio.resampler import AudioResampler

    resampler = AudioResampler(format=frame.format.packed)
    (packed,) = resampler.resample(frame)
    return packed


def _added(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    total = longer.copy()
    total[: len(shorter)] += shorter
    return total
