"""The LF model of the glottal pulse: its shape from Rd alone, its spectrum at the harmonics.

Everything is relative to the period: time in periods, frequency in multiples of the pitch. A pulse
of another pitch is the same pulse on another scale, so that its spectrum at harmonic h depends on h
and Rd only.

Source: Fant, Liljencrants & Lin 1985, STL-QPSR 26(4); Fant 1995, STL-QPSR 36(2-3) (Rd); Doval,
d'Alessandro & Henrich 2006, Acta Acustica united with Acustica 92(6) (spectrum).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emocli.features.covarep._signal import Real

NEWTON_STEPS = 30


@dataclass(frozen=True)
class Pulse:
    """The flow derivative of LF pulses over a period, of amplitude 1 at the instant of excitation.

    Before it ``amplitude * exp(growth t) sin(opening t)``; after it an exponential return.
    """

    opening: Real  # angular frequency, radians per period
    growth: Real
    excitation: Real  # its instant
    amplitude: Real
    ta: Real  # time constant of the return
    decay: Real  # rate of its exponential


def pulse(rd: Real) -> Pulse:
    """Return the pulses of given shapes.

    Parameters
    ----------
    rd : ndarray
        Shape parameter Rd, about 0.3 (tense) to 2.7 (breathy).

    Source: Fant 1995; the two implicit equations are those of Fant, Liljencrants & Lin 1985.
    """
    ra, rk = (4.8 * rd - 1) / 100, (22.4 + 11.8 * rd) / 100
    rg = 1 / (4 * ((0.11 * rd / (0.5 + 1.2 * rk)) - ra) / rk)
    tp = 1 / (2 * rg)
    te = tp * (1 + rk)
    opening, decay = np.pi / tp, _decay(1 - te, ra)
    growth = _growth(opening, te, _return_area(1 - te, ra, decay))
    amplitude = -1 / (np.exp(growth * te) * np.sin(opening * te))
    return Pulse(opening, growth, te, amplitude, ra, decay)


def derivative(pulses: Pulse, phase: Real) -> Real:
    """Return the flow derivative at points of the period, 0 to 1; shapes are broadcast."""
    p = pulses
    open_phase = p.amplitude * np.exp(p.growth * phase) * np.sin(p.opening * phase)
    tail = np.exp(-p.decay * (phase - p.excitation)) - np.exp(-p.decay * (1 - p.excitation))
    return np.where(phase < p.excitation, open_phase, -tail / (p.decay * p.ta))


def spectrum(pulses: Pulse, harmonics: int) -> NDArray[np.complex128]:
    """Return the Fourier transform of F pulses at harmonics 1, 2, ..., shape (F, harmonics).

    Source: Doval, d'Alessandro & Henrich 2006; Fant, Liljencrants & Lin 1985.
    """
    p = Pulse(*(value[:, None] for value in vars(pulses).values()))
    s = 2j * np.pi * np.arange(1, harmonics + 1)
    back = np.exp(-s * p.excitation)  # exp(-s (1 - te)) is its conjugate, as exp(-s) = 1
    sine, cosine = np.sin(p.opening * p.excitation), np.cos(p.opening * p.excitation)
    rate = p.growth - s
    end = np.exp(p.growth * p.excitation) * back * (rate * sine - p.opening * cosine)
    opening = p.amplitude * (p.opening + end) / (rate**2 + p.opening**2)
    leak = p.decay * p.ta
    closing = p.decay * (1 - leak) * (1 - back.conj()) - leak * s
    return np.asarray(opening + back * closing / (leak * s * (p.decay + s)))


def _decay(rest: Real, ta: Real) -> Real:
    """Solve 1 - exp(-decay rest) = decay ta for the root that is not 0.

    Newton's steps from 1 / ta, right of the root of a concave function, come down to it.
    """
    decay = 1 / ta
    for _ in range(NEWTON_STEPS):
        left = np.exp(-decay * rest)
        step = (1 - left - decay * ta) / (rest * left - ta)
        decay = decay - step
        if np.all(np.abs(step) <= 1e-14 * decay):
            break
    return decay


def _return_area(rest: Real, ta: Real, decay: Real) -> Real:
    """Return the flow that is lost during the return phase."""
    left = np.exp(-decay * rest)
    return (1 - left) / (decay**2 * ta) - rest * left / (decay * ta)


def _growth(opening: Real, te: Real, area: Real) -> Real:
    """Solve for the growth that makes the flow 0 again at the period's end, by Newton from 0.

    The flow is the integral of its derivative. Over the open phase, with growth g, opening w,
    s = sin(w te), c = cos(w te) and the amplitude -1 / (exp(g te) s), it is
    ``-(g s - w c + w exp(-g te)) / (s (g^2 + w^2))``; the return phase takes the area A from it.
    The sum is 0 where ``(g^2 + w^2) s A + g s - w c + w exp(-g te) = 0``.
    """
    sine, cosine = np.sin(opening * te), np.cos(opening * te)
    growth = np.zeros_like(te)
    for _ in range(NEWTON_STEPS):
        left = opening * np.exp(-growth * te)
        flow = (growth**2 + opening**2) * sine * area + left + growth * sine - opening * cosine
        step = flow / (2 * growth * sine * area - te * left + sine)
        growth = growth - step
        if np.all(np.abs(step) <= 1e-13 * (1 + np.abs(growth))):
            break
    return growth
