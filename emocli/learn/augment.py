"""Changes of a picture that must not change what it shows: for training only.

Source: Park et al. 2019, Interspeech (SpecAugment's time warping); Chudasama et al. 2022.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from emocli.config import Settings
from emocli.quantities import Decibels, Probability


class AugmentConfig(Settings):
    """What is changed at random.

    Attributes
    ----------
    warp : int
        Largest shift of a point in a spectrogram, in rows; the rest of it is stretched.
    noise : float
        Share of spectrograms that get noise.
    snr_db : two floats
        Range of the signal-to-noise ratio.
    flip : float
        Share of faces and scenes that are mirrored.
    """

    warp: Annotated[int, Field(ge=0, le=10_000)] = 40
    noise: Probability = 0.5
    snr_db: tuple[Decibels, Decibels] = (10.0, 30.0)
    flip: Probability = 0.5

    @field_validator("snr_db")
    @classmethod
    def _in_order(cls, snr_db: tuple[float, float]) -> tuple[float, float]:
        if snr_db[0] > snr_db[1]:
            raise ValueError("The least ratio comes first")
        return snr_db

    def sound(self, decibels: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32]:
        """Warp a log-mel spectrogram (T, bands) in time and add noise to it."""
        changed = warped(np.asarray(decibels, np.float32), self.warp, rng)
        if rng.random() < self.noise:
            changed = noisy(changed, rng.uniform(*self.snr_db), rng)
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
    decibels: NDArray[np.float32], snr_db: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Add what white noise of that ratio adds to the power in each band.

    The bands are triangles of equal area, so that white noise has the same expected power in each;
    the power of one window fluctuates as the sum of two independent exponential variables.
    """
    power = 10 ** (decibels / 10)
    level = power.mean() / 10 ** (snr_db / 10)
    parts = rng.standard_exponential((2, *power.shape), np.float32)
    changed: NDArray[np.float32] = 10 * np.log10(power + np.float32(level / 2) * parts.sum(axis=0))
    return changed
