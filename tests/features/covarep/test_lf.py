from __future__ import annotations

import numpy as np
import pytest

from emocli.features.covarep import lf

SHAPES = np.linspace(0.3, 2.7, 25)


def test_parameters_of_a_usual_voice() -> None:
    # Fant 1995: Rd = 1 is Ra 3.8 %, Rk 34.2 %, Rg 117 %
    pulse = lf.pulse(np.array([1.0]))
    assert pulse.ta == pytest.approx(0.038)
    assert pulse.opening / (2 * np.pi) == pytest.approx(
        1 / (4 * 0.342**-1 * (0.11 / 0.9104 - 0.038))
    )
    assert pulse.excitation * pulse.opening / np.pi == pytest.approx(1.342)


def test_a_pulse_ends_where_it_began() -> None:
    pulse = lf.pulse(SHAPES)
    phase = (np.arange(20000) + 0.5) / 20000
    slope = np.stack([lf.derivative(lf.pulse(np.array([rd])), phase) for rd in SHAPES])
    assert np.abs(slope.mean(axis=1)).max() < 1e-6  # the flow is 0 again
    np.testing.assert_allclose(lf.derivative(pulse, pulse.excitation - 1e-12), -1, atol=1e-9)
    np.testing.assert_allclose(lf.derivative(pulse, pulse.excitation), -1, atol=1e-9)
    np.testing.assert_allclose(lf.derivative(pulse, np.ones(25)), 0, atol=1e-12)


def test_the_spectrum_is_the_pulses_transform() -> None:
    size = 2**15
    phase = (np.arange(size) + 0.5) / size
    centre = np.exp(-1j * np.pi * np.arange(size) / size)
    result = lf.spectrum(lf.pulse(SHAPES), 80)
    for row, rd in enumerate(SHAPES):
        transform = np.fft.fft(lf.derivative(lf.pulse(np.array([rd])), phase)) * centre / size
        np.testing.assert_allclose(result[row], transform[1:81], atol=2e-8)


def test_a_tense_pulse_is_shorter_and_brighter() -> None:
    pulse = lf.pulse(SHAPES[:22])
    assert (np.diff(pulse.excitation) > 0).all()
    level = 20 * np.log10(np.abs(lf.spectrum(pulse, 20)))
    assert (np.diff(level[:, 0] - level[:, 19]) > 0).all()
