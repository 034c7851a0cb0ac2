"""COVAREP's 74 acoustic features of speech: pitch, voice quality, envelope and phase.

Source: Degottex, Kane, Drugman, Raitio & Scherer 2014, ICASSP (COVAREP).

A row every 10 ms: row i describes sample 80 + 160 i, counted from 1, at 16 kHz. Sound of another
rate is brought to 16 kHz first, and of several channels the first is taken; of a layout with a
centre the centre, and where that is silent the strongest (see `emocli.data.media.channels`). A
value that does not exist is 0: before the first and after the last instant a feature is defined
at; between them it is interpolated, across unvoiced stretches, too. ``creak`` is 0 throughout
unless the weights of its network, which are not free to be shipped, are given.

The modules are the algorithms, each usable by itself: `polarity`, `srh` (pitch and voicing), `gci`
(closure instants), `residual`, `iaif` (glottal flow), `pulses` (NAQ, QOQ, H1H2, PSP), `wavelet`
(MDQ, peakSlope), `harmonics`, `rd`, `creak`, `envelope` (MCEP), `hmpd` (HMPDM, HMPDD). In all of
them ``x`` is a recording, shape (samples,), upright unless they say otherwise, ``fs`` its sampling
rate in Hz and ``residual`` its prediction residual, shape (samples,); ``gcis`` are closure
instants, sample numbers from 0 in rising order, ``frames`` F harmonic frames, and ``block_s`` the
seconds analysed at once.

Of a recording longer than ``block_s`` the polarity, the running mean that finds the closures, the
pulses and the wavelets are analysed in blocks, each with 3 s on either side. Everything else is of
the whole recording: pitch and voicing, the median pitch, the residual and its maximum, the closure
instants, harmonics and phases, the creak, the stretch of MCEP's time axis. So the result is that of
the whole but for pulses within 3 s of a seam that follow a pause of more than 1 s. Beside some
signals of the recording's length, memory does not grow with it.

Notes count the clips of which something must be known: ``inverted`` (turned upright);
``resampled``, ``of_several_channels``, ``of_the_centre``, ``of_the_strongest_channel``; ``clipped``
(left as it is); ``with_an_offset`` (left as it is, but silence at a level is brought to zero:
beside the level its noise would be lost, and the analysis itself be heard as a voice);
``dithered`` (digital silence of 25 ms or longer has no prediction filter and got noise of one step
of 16 bits; the harmonics' frames, which are shorter, get it from 5.5 ms on);
``too_short_for_covarep`` (less than 0.83 s, where the original fails; filters are shortened, and
below 0.1 s there is no pitch); ``without_voice`` and ``with_fewer_than_two_closures`` (no pulses:
NAQ to MDQ are 0); ``in_blocks``; ``without_creak`` (no weights).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emocli.features.covarep._settings import Config, Creak
from emocli.plugin.feature import Clip, Track, first_channel

__all__ = ["Config", "Creak", "covarep", "prepare"]

MODALITY = "audio"
PER_CLIP = True
LIBRARIES = ("av", "soxr", "threadpoolctl")

COLUMNS = (
    *("F0", "VUV", "NAQ", "QOQ", "H1H2", "PSP", "MDQ", "peakSlope", "Rd", "Rd_conf", "creak"),
    *(f"MCEP_{k}" for k in range(25)),
    *(f"HMPDM_{k}" for k in range(25)),
    *(f"HMPDD_{k}" for k in range(13)),
)
"""Names of the columns in COVAREP's order."""

RATE = 100.0
"""Rows per second."""


def covarep(
    x: ArrayLike, fs: float, config: Config | None = None
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """Compute the 74 features of a recording.

    Parameters
    ----------
    x : array_like, shape (samples,) or (samples, channels)
        Full scale is 1; whole numbers are scaled by their type.

    Returns
    -------
    matrix : ndarray, shape (T, 74)
        A row every 10 ms from 4.94 ms on, as long as there is sound; finite. The columns are
        `COLUMNS`: F0 in Hz, H1H2 in dB, HMPDM in radians, the others without a unit.
    notes : dict
        ``clips``, which is 1, and what is true of the recording, e.g. ``clips.dithered``.

    Raises
    ------
    MediaError
        If ``x`` is no sound.
    ConfigError
        If the weights of the creak detector cannot be read.
    """
    from threadpoolctl import threadpool_limits

    from emocli.features.covarep._sound import prepare_sound
    from emocli.features.covarep._vector import vector

    config = config or Config()
    sound = prepare_sound(x, fs, config.seed)
    with threadpool_limits(1, "blas"):  # its products are small: threads wait for each other
        matrix, notes = vector(sound.x, config)
    return matrix, {"clips": 1, **{f"clips.{name}": 1 for name in [*sound.notes, *notes]}}


@dataclass(frozen=True)
class Extractor:
    """The 74 features of a clip."""

    config: Config
    names: tuple[str, ...] = COLUMNS
    rate: float = RATE

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per 10 ms, shape (T, 74); T is 0 for less than 5 ms of sound."""
        del upstream
        recorded = first_channel(clip)
        matrix, notes = covarep(recorded.samples, recorded.rate, self.config)
        times = (79 + 160 * np.arange(len(matrix))) / 16000
        return Track(matrix.astype(np.float32), times, notes={**notes, **recorded.notes()})


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Make the extractor.

    Raises
    ------
    ConfigError
        If the weights of the creak detector cannot be read.
    """
    del clips
    if config.creak.weights is not None:
        from emocli.features.covarep.creak import read_network

        read_network(config.creak.weights)
    return Extractor(config)
