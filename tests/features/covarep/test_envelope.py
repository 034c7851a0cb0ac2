from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import freqz, lfilter

from emocli.features.covarep import envelope
from emocli.features.covarep.envelope import mel_cepstra, mel_cepstrum, stretched, true_envelope
from tests.features.covarep.conftest import Reference
from tests.features.covarep.voices import FS, all_pole, harmonic_frames, voice

HALF = 256


def whole(half: np.ndarray) -> np.ndarray:
    return np.concatenate([half, half[-2:0:-1]])


def smoothed(target: np.ndarray, order: int) -> np.ndarray:
    """The true envelope of one symmetric spectrum by Fourier transforms, a step at a time."""
    window = np.hamming(2 * order + 1)[order:]
    cepstrum, level = np.zeros(order + 1), target
    for _ in range(200):
        folded = 2 * np.fft.ifft(level).real[:HALF]
        outer = np.linalg.norm(folded[order + 1 :])
        folded = folded[: order + 1]
        folded[0] /= 2
        inner = np.linalg.norm(folded)
        cepstrum = cepstrum + (inner + outer) / inner * window * (folded - cepstrum)
        smooth = np.fft.fft(cepstrum, 2 * HALF).real
        if (target - smooth).max() <= 0.230258509:
            break
        level = np.maximum(level, smooth)
    return smooth


def of_one(half: np.ndarray, order: int) -> np.ndarray:
    order = int(1.2 * order + 0.5)
    smooth = smoothed(whole(half), int(1.2 * int(order / 2 + 0.5) + 0.5))[: HALF + 1]
    edge = int(0.25 * 2 * HALF / order + 0.5)
    held = half.copy()
    held[:edge] = smooth[:edge]
    held[HALF + 2 - edge :] = smooth[HALF + 2 - edge :]
    return smoothed(whole(held), order)[: HALF + 1]


def test_envelopes_agree_with_their_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "GROUP", 4)
    random = np.random.default_rng(0)
    spectra = np.log(np.abs(np.fft.rfft(random.standard_normal((10, 2 * HALF)))))
    orders = np.array([11, 40, 23, 17, 60, 31, 12, 11, 25, 90])
    result = true_envelope(spectra, orders)
    for row, order in enumerate(orders):
        np.testing.assert_allclose(result[row], of_one(spectra[row], order), atol=1e-9)


def test_an_envelope_is_nowhere_far_below_its_spectrum() -> None:
    x = voice(120.0, 0.5)
    frames = harmonic_frames(x, FS, np.arange(5, 45) / 100, np.full(40, 120.0))
    result = true_envelope(frames.log_spectrum, np.full(40, 67))
    inner = slice(60, -60)
    assert (frames.log_spectrum - result)[:, inner].max() < np.log(10) / 10
    assert (result > frames.log_spectrum)[:, inner].mean() > 0.7


@pytest.mark.parametrize("f0", [100, 160, 250])
def test_a_known_envelope_is_found(f0: int) -> None:
    pulses = np.zeros(FS // 2)
    pulses[:: FS // f0] = 1.0
    f0_exact = FS / (FS // f0)
    x = lfilter([1.0], all_pole(), pulses)
    frames = harmonic_frames(x, FS, np.arange(10, 40) / 100, np.full(30, f0_exact))
    result = mel_cepstra(frames, FS).mean(axis=0)
    response = np.abs(freqz([1.0], all_pole(), np.linspace(0, FS / 2, 2049), fs=FS)[1])
    wanted = mel_cepstrum(response[None] * f0_exact / FS, FS, 24)[0]
    np.testing.assert_allclose(result[:13], wanted[:13], atol=0.12)
    assert np.corrcoef(result[1:], wanted[1:])[0, 1] > 0.99


def test_mel_cepstra_of_simple_spectra() -> None:
    flat = mel_cepstrum(np.full((1, 513), 3.0), FS, 4)
    np.testing.assert_allclose(flat, [[np.log(3), 0, 0, 0, 0]], atol=1e-12)
    # a cosine over the mel scale is one coefficient
    frequency = np.linspace(0, FS / 2, 4097)
    mel = np.log1p(frequency / 700) / np.log1p(FS / 2 / 700)
    bent = mel_cepstrum(np.exp(0.5 + 0.8 * np.cos(2 * np.pi * mel))[None], FS, 4)
    np.testing.assert_allclose(bent, [[0.5, 0, 0.8, 0, 0]], atol=1e-4)


def test_mel_cepstra_agree_with_their_definition() -> None:
    magnitude = np.random.default_rng(0).uniform(0.1, 5, (3, 129))
    frequency = np.linspace(0, FS / 2, 129)
    mel = 1127.01048 * np.log(1 + frequency / 700)
    result = mel_cepstrum(magnitude, FS, 24)
    for row in range(3):
        warped = np.interp(frequency, FS / 2 * mel / mel[-1], magnitude[row])
        cepstrum = np.fft.irfft(np.log(warped))[:25]
        np.testing.assert_allclose(result[row], np.r_[cepstrum[0], 2 * cepstrum[1:]], atol=1e-12)


def test_frames_are_spread_over_the_recording() -> None:
    assert stretched(4, 100).tolist() == [1, 34, 67, 100]
    assert stretched(1, 100).tolist() == [1]
    assert stretched(0, 100).tolist() == []


def test_silence_is_finite() -> None:
    frames = harmonic_frames(np.zeros(8000), FS, np.array([0.2, 0.3]), np.array([1.0, 500.0]))
    assert np.isfinite(mel_cepstra(frames, FS)).all()
    nothing = harmonic_frames(np.zeros(0), FS, np.zeros(0), np.zeros(0))
    assert mel_cepstra(nothing, FS).shape == (0, 25)


def test_they_are_covareps(references: list[Reference]) -> None:
    for each in references:
        arrays = each.arrays
        frames = harmonic_frames(each.x, FS, arrays["srh_time_s"], arrays["srh_f0"].astype(float))
        result = mel_cepstra(frames, FS)
        places = stretched(len(result), len(each.x)).astype(float)
        for k in range(25):
            column = each.on_grid(places, result[:, k])
            np.testing.assert_allclose(column, each.features[f"MCEP_{k}"], atol=1e-9)


def test_the_spreading_matters(references: list[Reference]) -> None:
    each = references[0]
    arrays = each.arrays
    frames = harmonic_frames(each.x, FS, arrays["srh_time_s"], arrays["srh_f0"].astype(float))
    column = each.on_grid(frames.times * FS, mel_cepstra(frames, FS)[:, 1])
    voiced = each.features["VUV"] > 0
    assert np.corrcoef(column[voiced], each.features["MCEP_1"][voiced])[0, 1] < 0.95
