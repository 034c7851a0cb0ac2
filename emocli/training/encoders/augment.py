"""Augmentation of training pictures by transforms that preserve the label.

Source: Park et al. 2019, Interspeech (SpecAugment's time warping); Chudasama et al. 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from emocli.config import Plain, Settings
from emocli.quantities import Decibels, Probability

LINEAR, STEP = 1000.0, np.log(6.4) / 27
"""Slaney's scale: 15 mel up to so many Hz, above them a factor of e^STEP a mel."""


@dataclass(frozen=True)
class Bands:
    """The places of a spectrogram's bands in the spectrum.

    Attributes
    ----------
    low, high : float
        Edges of the lowest and the highest band, in Hz.
    top : float
        Half the sampling rate, up to which white noise reaches.
    """

    low: float = 0.0
    high: float = 8000.0
    top: float = 8000.0

    @classmethod
    def of(cls, settings: Mapping[str, Plain]) -> Self:
        """Read the settings of feature `mel`."""
        top = _hertz(settings, "rate", 2 * cls.top) / 2
        return cls(_hertz(settings, "fmin", 0.0), _hertz(settings, "fmax", top), top)

    def shares(self, count: int) -> NDArray[np.float64]:
        """Return the share of the spectrum up to ``top`` that each of the bands stands for.

        Triangles of equal area overlap by half, and are the wider the higher they lie.
        """
        mels = np.linspace(_mels(self.low), _mels(self.high), count + 2)
        edges = np.where(mels < 15, mels * 200 / 3, LINEAR * np.exp(STEP * (mels - 15)))
        widths = edges[2:] - edges[:-2]
        return np.asarray(widths / widths.sum() * (self.high - self.low) / self.top)


def _hertz(settings: Mapping[str, Plain], key: str, otherwise: float) -> float:
    value = settings.get(key)
    return float(value) if isinstance(value, int | float) and value else otherwise


def _mels(frequency: float) -> float:
    if frequency < LINEAR:
        return frequency * 3 / 200
    return float(15 + np.log(frequency / LINEAR) / STEP)


class AugmentConfig(Settings):
    """Settings of the random changes.

    Attributes
    ----------
    warp : int
        Largest shift of a point in a spectrogram, in rows; the rest of it is stretched.
    noise : float
        Share of spectrograms that get noise.
    noise_in : {'waveform', 'spectrogram'}
        Whether the noise is added to the sound, whose recording is then read again; or to its
        spectrogram, of which nothing else is needed: as much in each band, in the mean, as that of
        the sound would be.
    snr_db : two floats
        Range of the ratio of the sound's power to that of white noise in it, mean over the clip.
    flip : float
        Share of faces and scenes that are mirrored.
    """

    warp: Annotated[int, Field(ge=0, le=10_000)] = 40
    noise: Probability = 0.5
    noise_in: Literal["waveform", "spectrogram"] = "spectrogram"
    snr_db: tuple[Decibels, Decibels] = (10.0, 30.0)
    flip: Probability = 0.5

    @field_validator("snr_db")
    @classmethod
    def _in_order(cls, snr_db: tuple[float, float]) -> tuple[float, float]:
        if snr_db[0] > snr_db[1]:
            raise ValueError("The least ratio comes first")
        return snr_db

    def sound(
        self, decibels: NDArray[Any], rng: np.random.Generator, bands: Bands | None = None
    ) -> NDArray[np.float32]:
        """Warp a log-mel spectrogram (T, bands) in time and add noise to it."""
        changed = warped(np.asarray(decibels, np.float32), self.warp, rng)
        if rng.random() < self.noise:
            changed = noisy(changed, rng.uniform(*self.snr_db), rng, bands)
        return changed

    def picture(self, pixels: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        """Mirror a picture (h, w, 3), or not."""
        return pixels[:, ::-1] if rng.random() < self.flip else pixels


def warped(rows: NDArray[np.float32], most: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Move a random row of (T, bands) by up to ``most``, T / 3 at most, and stretch the rest."""
    count = len(rows)
    reach = min(most, (count - 1) // 3)
    if reach < 1:
        return rows
    anchor = int(rng.integers(reach, count - reach))
    goal = anchor + int(rng.integers(-reach, reach + 1))
    places = np.interp(np.arange(count), [0, goal, count - 1], [0, anchor, count - 1])
    low = places.astype(int).clip(max=count - 2)
    share = (places - low)[:, None].astype(np.float32)
    mixed: NDArray[np.float32] = rows[low] * (1 - share) + rows[low + 1] * share
    return mixed


def noisy(
    decibels: NDArray[np.float32],
    snr_db: float,
    rng: np.random.Generator,
    bands: Bands | None = None,
) -> NDArray[np.float32]:
    """Add what white noise of that ratio adds to the power in each band.

    The bands are triangles of equal area, so that white noise has the same expected power in each;
    the power of one window fluctuates as the sum of two independent exponential variables. The
    power of the sound is that of its bands, each over its share of the spectrum: their plain mean
    would count the narrow low bands, where a voice is loud, some 4 dB too much.
    """
    power = 10 ** (decibels / 10)
    shares = (bands or Bands()).shares(power.shape[1])
    level = float(power.mean(axis=0) @ shares) / 10 ** (snr_db / 10)
    parts = rng.standard_exponential((2, *power.shape), np.float32)
    changed: NDArray[np.float32] = 10 * np.log10(power + np.float32(level / 2) * parts.sum(axis=0))
    return changed
