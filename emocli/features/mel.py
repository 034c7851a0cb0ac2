"""Log-mel spectrogram: loudness over time in 128 bands of the voice.

Source: Davis & Mermelstein 1980, IEEE TASSP 28(4); bands and logarithm as in librosa.

Row k is centred on k times the hop; before and after the clip there is silence. Values are decibels
of the power in a band, 10 log10(max(power, floor)), with an absolute floor: the same sound has the
same values in any clip, and silence is -100 dB throughout.

Of several channels it is the mixture (see `emocli.data.media.channels`). Notes count the clips
``of_several_channels``, and of those ``of_the_strongest_channel``, whose channels cancel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from emocli.config import Settings
from emocli.errors import ConfigError
from emocli.features import _librosa
from emocli.plugin.feature import Clip, Track, mixed_down
from emocli.quantities import Hertz, Milliseconds, SamplingRate

MODALITY = "audio"
PER_CLIP = True
LIBRARIES = ("av", "soxr", "librosa")


class Config(Settings):
    """The spectrogram.

    Attributes
    ----------
    rate : int
        Sampling rate the sound is brought to, in Hz.
    bands : int
        Mel bands (Slaney's scale, triangles of equal area).
    window_ms : float
        Length of the Hann window in milliseconds.
    hop_ms : float
        Distance of rows in milliseconds.
    fft_size : int
        Samples the window is padded to; more than its length, so that low bands hold a bin.
    fmin : float
        Lower edge of the lowest band in Hz.
    fmax : float, optional
        Upper edge of the highest band in Hz; half the sampling rate if not given.
    floor : float
        Power that a band has at least, before the logarithm: 1e-10 is -100 dB.
    """

    rate: SamplingRate = 16000
    bands: Annotated[int, Field(ge=1, le=4096)] = 128
    window_ms: Milliseconds = 25
    hop_ms: Milliseconds = 10
    fft_size: Annotated[int, Field(ge=2, le=2**20)] = 1024
    fmin: Hertz = 0
    fmax: Annotated[float, Field(gt=0, le=384_000)] | None = None
    floor: Annotated[float, Field(ge=1e-30, le=1)] = 1e-10


@dataclass(frozen=True)
class Extractor:
    """The spectrogram of a clip; ``window`` and ``hop`` are in samples, bands go up."""

    config: Config
    window: int
    hop: int
    names: tuple[str, ...]
    rate: float

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per hop, shape (T, bands), T at least 1."""
        del upstream
        heard = mixed_down(clip, self.config.rate)
        values = self.spectrogram(heard.samples)
        times = np.arange(len(values)) * self.hop / self.config.rate
        return Track(values, times, notes=heard.notes())

    def spectrogram(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the log-mel spectrogram of a mono signal, shape (1 + samples // hop, bands)."""
        librosa = _librosa.load()
        power = librosa.feature.melspectrogram(
            y=np.pad(samples, self.config.fft_size // 2),
            win_length=self.window,
            hop_length=self.hop,
            center=False,
            **_filters(self.config),
        )
        return np.asarray(10 * np.log10(np.maximum(power.T, self.config.floor)))


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Check the settings against each other.

    Raises
    ------
    ConfigError
        If they leave a band, the window or the hop empty.
    """
    del clips
    window, hop = (round(config.rate * ms / 1000) for ms in (config.window_ms, config.hop_ms))
    top = config.fmax or config.rate / 2
    if not config.fmin < top <= config.rate / 2:
        raise ConfigError(
            f"bands from {config.fmin:g} to {top:g} Hz",
            where="mel",
            hint=f"0 <= fmin < fmax <= {config.rate / 2:g} Hz (half the rate) is needed",
        )
    if not (hop > 0 and 0 < window <= config.fft_size):
        raise ConfigError(
            f"a window of {window} and a hop of {hop} samples",
            where="mel",
            hint=f"at least 1, and at most fft_size = {config.fft_size} are needed",
        )
    empty = _empty_bands(config)
    if empty:
        raise ConfigError(
            f"{empty} of {config.bands} bands hold no bin of the spectrum",
            where="mel",
            hint="set fewer bands or a larger fft_size",
        )
    names = tuple(f"mel{band:03d}" for band in range(config.bands))
    return Extractor(config, window, hop, names, config.rate / hop)


def _empty_bands(config: Config) -> int:
    import warnings

    librosa = _librosa.load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the caller says it
        filters = librosa.filters.mel(**_filters(config))
    return int((filters.max(axis=1) == 0).sum())


def _filters(config: Config) -> dict[str, float | None]:
    """Return the settings of the bands by librosa's names."""
    bands = {"n_fft": config.fft_size, "n_mels": config.bands}
    return {"sr": config.rate, **bands, "fmin": config.fmin, "fmax": config.fmax}
