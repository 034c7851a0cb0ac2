"""White Gaussian noise at a stated signal-to-noise ratio.

Source: Mittal 2020, AAAI (M3ER); Beard 2018, CoNLL (RRNN).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from emocli.errors import ConfigError
from emocli.plugin.corruption import Array, Corruption, number

LOWEST, HIGHEST = -100.0, 100.0  # dB; beyond, float32 holds either only noise or only signal
ALLOWED = "an SNR from 1e-10 to 1e10 (0.01), or from -100dB to 100dB (-10dB)"


class Config(Corruption):
    """Settings.

    Attributes
    ----------
    snr : float
        Power of the array (mean square over its steps and dimensions) over that of the noise.
    unit : {'linear', 'db'}
        Whether ``snr`` is a ratio of powers or in decibels.
    """

    snr: Annotated[float, Field(ge=-1e10, le=1e10)] = 1.0
    unit: Literal["linear", "db"] = "linear"

    @model_validator(mode="after")
    def _possible(self) -> Self:
        low, high = (LOWEST, HIGHEST) if self.unit == "db" else (1e-10, 1e10)
        if not low <= self.snr <= high:
            raise ValueError(f"allowed is {ALLOWED}")
        return self

    @classmethod
    def parse(cls, level: str | None) -> Self:
        """Read ``0.01`` (linear) or ``-10dB``; without a level, 0 dB."""
        text = "0db" if level is None else level.strip().lower()
        decibel = text.endswith("db")
        snr = number(text.removesuffix("db"), ALLOWED)
        try:
            return cls(snr=snr, unit="db" if decibel else "linear")
        except ValueError:
            raise ConfigError(f"level '{level}'", hint=f"allowed is {ALLOWED}") from None

    @property
    def ratio(self) -> float:
        """The signal-to-noise ratio, linear."""
        return float(10 ** (self.snr / 10)) if self.unit == "db" else self.snr

    def describe(self) -> str:
        """Return the level as a table shows it."""
        return f"{self.snr:g} dB" if self.unit == "db" else f"SNR {self.snr:g}"

    def __call__(self, values: Array, rng: np.random.Generator, others: Sequence[Array]) -> Array:
        """Add noise to an array of shape (T, D), as strong as its own power demands."""
        power = np.mean(np.square(values, dtype=np.float64)) if values.size else 0.0
        noise = rng.normal(0.0, np.sqrt(power / self.ratio), values.shape)
        return (values + noise).astype(np.float32)
