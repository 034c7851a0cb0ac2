"""Shape of the glottal pulse, Rd, from the phases of the harmonics: least mean squared phase.

The pulse that, taken out of the spectrum, leaves the least that a minimum-phase vocal tract does
not explain, measured by the second-order phase distortion of the lowest harmonics (MSPD2).

Source: Degottex, Roebel & Rodet 2011, IEEE TASLP 19(5); Degottex, Roebel & Rodet 2011, ICASSP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from emocli.features.covarep import lf
from emocli.features.covarep._brent import minimise
from emocli.features.covarep._signal import Flags, Real, Whole
from emocli.features.covarep.harmonics import HarmonicFrames, wrap

Convention = Literal["newest", "v1.4.1"]

LOWEST, HIGHEST = 0.3, 2.5
PRECISION = 0.01
BAND = 8000.0  # Hz; harmonics up to there are used
PHASES = 8  # harmonics whose phases are compared


def rd(frames: HarmonicFrames, fs: float, convention: Convention = "newest") -> tuple[Real, Real]:
    """Estimate the shape of the glottal pulse in every frame.

    Parameters
    ----------
    convention : {"newest", "v1.4.1"}
        COVAREP since 1.4.2 divides by the conjugate of the pulse's spectrum; until 1.4.1 by the
        spectrum, as the articles say.

    Returns
    -------
    rd, confidence : ndarray, shape (F,)
        Rd in 0.3 to 2.5, and 1 less the root of the mean squared phase error in half turns: 1 is a
        perfect fit.

    Source: Degottex, Roebel & Rodet 2011, TASLP.
    """
    error = PhaseError.of(frames, 1 if convention == "newest" else -1)
    shape, least = minimise(error, len(frames.f0), (LOWEST, HIGHEST), PRECISION)
    return shape, 1 - np.sqrt(least) / np.pi


@dataclass(frozen=True)
class PhaseError:
    """Mean squared second-order phase distortion that is left once pulses are taken out (MSPD2).

    Attributes
    ----------
    phase : ndarray, shape (F, PHASES)
        Of harmonics 1, 2, ...
    log_amplitude : ndarray, shape (F, H)
        Natural logarithm at all harmonics, 0 beyond a frame's last.
    minimum_phase : ndarray, shape (F, PHASES, H)
        The matrices that turn log amplitudes into minimum phases.
    inner : ndarray of bool, shape (F, PHASES)
        Which of those harmonics are below the last, whose phase is taken to be 0.
    side : int
        1 adds the phase of the pulse's spectrum, -1 subtracts it.
    """

    phase: Real
    log_amplitude: Real
    minimum_phase: Real
    inner: Flags
    side: int

    @classmethod
    def of(cls, frames: HarmonicFrames, side: int) -> PhaseError:
        """Prepare the harmonics up to 8 kHz."""
        below = (BAND / frames.spacing * (1 + 1e-9)).astype(np.int64)
        counts = np.clip(below, 2, frames.counts)
        most = max(int(counts.max(initial=0)), PHASES)
        number = np.arange(1, most + 1)
        amplitude, phase = (
            np.pad(x[:, 1 : most + 1], ((0, 0), (0, max(0, most + 1 - x.shape[1]))))
            for x in (frames.amplitudes, frames.phases)
        )
        present = number <= counts[:, None]
        log_amplitude = np.log(np.maximum(amplitude, np.finfo(float).tiny))
        return cls(
            phase[:, :PHASES],
            np.where(present, log_amplitude, 0.0),
            _minimum_phase(counts, most),
            number[:PHASES] < counts[:, None],
            side,
        )

    def __call__(self, shape: Real, rows: Whole) -> Real:
        """Return the error of some of the frames with a pulse of given Rd taken out of each."""
        pulse = lf.spectrum(lf.pulse(shape), self.log_amplitude.shape[1])
        rest = self.log_amplitude[rows] - np.log(np.abs(pulse))
        minimum = np.einsum("fkh,fh->fk", self.minimum_phase[rows], rest)
        inner = self.inner[rows]
        phase = self.phase[rows] + self.side * np.angle(pulse[:, :PHASES]) - minimum
        phase[~inner] = 0
        distortion = wrap(np.diff(phase, axis=1) - phase[:, :1])
        return np.asarray(np.mean(distortion**2, axis=1, where=inner[:, :-1]))


def _minimum_phase(counts: Whole, most: int) -> Real:
    """Return matrices from log amplitudes at harmonics to minimum phases, (F, PHASES, most).

    The cepstral way from a symmetric spectrum of 2 H points to its minimum phase is linear; its
    matrix, written out, has cotangents. The spectrum at 0 and at its middle, harmonic H, is taken
    to be that of the harmonics beside them.
    """
    H = counts[:, None, None]
    k, m = np.arange(1, PHASES + 1)[:, None], np.arange(most + 1)
    weights = np.select([(m == 0) | (m == H), m < H], [0.5, 1.0])
    with np.errstate(divide="ignore", invalid="ignore"):
        cotangents = sum(
            np.where((k + n) % 2 == 1, 1 / np.tan(np.pi * (k + n) / (2 * H)), 0.0) for n in (m, -m)
        )
    matrix = np.where((m <= H) & (k < H), -weights * cotangents / H, 0.0)
    rows = np.arange(len(counts))
    matrix[rows, :, counts - 1] += matrix[rows, :, counts]
    matrix[rows, :, counts] = 0
    matrix[:, :, 1] += matrix[:, :, 0]
    return matrix[:, :, 1:]
