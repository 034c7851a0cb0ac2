from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import freqz

from emocli.features.covarep import lf
from emocli.features.covarep.harmonics import HarmonicFrames, wrap
from emocli.features.covarep.rd import PhaseError, rd
from tests.features.covarep.conftest import Reference
from tests.features.covarep.voices import FS, all_pole, harmonic_frames, harmonic_sum

TIMES = np.arange(5, 35) / 100


def lf_voice(shape: float, f0: float, tract: np.ndarray | None = None) -> np.ndarray:
    """An LF pulse train, through an all-pole filter if one is given, as the sum of harmonics."""
    count = int(FS / 2 / f0 - 0.5)
    source = lf.spectrum(lf.pulse(np.array([shape])), count)[0]
    taps = np.ones(1) if tract is None else tract
    harmonics = source * freqz([1.0], taps, f0 * np.arange(1, count + 1), fs=FS)[1]
    return harmonic_sum(f0, np.abs(harmonics), np.angle(harmonics), 6400)


def frames_of(x: np.ndarray, f0: float) -> HarmonicFrames:
    return harmonic_frames(x, FS, TIMES, np.full(len(TIMES), f0))


@pytest.mark.parametrize("f0", [100.0, 160.0, 230.0])
@pytest.mark.parametrize("shape", [0.5, 1.0, 1.7, 2.3])
def test_a_known_pulse_is_found(shape: float, f0: float) -> None:
    result, confidence = rd(frames_of(lf_voice(shape, f0), f0), FS, "v1.4.1")
    np.testing.assert_allclose(result, shape, atol=0.02)
    assert confidence.min() > 0.97
    through_formants, _ = rd(frames_of(lf_voice(shape, f0, all_pole()), f0), FS, "v1.4.1")
    np.testing.assert_allclose(np.median(through_formants), shape, rtol=0.1)


def test_conventions_differ() -> None:
    frames = frames_of(lf_voice(1.2, 120.0), 120.0)
    article, newest = rd(frames, FS, "v1.4.1"), rd(frames, FS)
    assert np.median(np.abs(newest[0] - article[0])) > 0.2
    assert np.median(newest[1]) < np.median(article[1])


def error_of_one(amplitude: np.ndarray, phase: np.ndarray, shape: float, conjugate: bool) -> float:
    """The error by its definition, from amplitudes and phases of harmonics 1, 2, ..."""
    pulse = lf.spectrum(lf.pulse(np.array([shape])), len(amplitude))[0]
    left = amplitude * np.exp(1j * phase) / (pulse.conj() if conjugate else pulse)
    left = np.concatenate([[np.abs(left[0])], left])
    left[-1] = np.abs(left[-2])
    whole = np.log(np.abs(np.concatenate([left, left[-2:0:-1]])))
    cepstrum = np.fft.ifft(whole).real
    last = len(left) - 1
    folded = np.concatenate([cepstrum[:1], 2 * cepstrum[1:last], cepstrum[last : last + 1]])
    minimum = np.exp(np.fft.fft(folded, 2 * last)[: last + 1])
    angles = np.angle(left / minimum)
    order = min(last, 8)
    distortion = [wrap(angles[k + 1] - angles[k] - angles[1]) for k in range(1, order)]
    return float(np.mean(np.square(distortion)))


@pytest.mark.parametrize("conjugate", [False, True])
@pytest.mark.parametrize("count", [3, 8, 9, 31])
def test_the_error_agrees_with_its_definition(count: int, conjugate: bool) -> None:
    random = np.random.default_rng(count)
    amplitudes = np.zeros((3, 45))
    phases = np.zeros((3, 45))
    counts = np.array([count, 44, count])
    for row, last in enumerate(counts):
        amplitudes[row, : last + 1] = random.uniform(0.1, 2, last + 1)
        phases[row, : last + 1] = random.uniform(-np.pi, np.pi, last + 1)
    f0 = FS / 2 / (counts + 0.4)
    nothing = np.zeros((3, 0))
    frames = HarmonicFrames(np.zeros(3), f0, f0, counts, amplitudes, phases, nothing)
    shapes = np.array([0.4, 1.1, 2.4])
    result = PhaseError.of(frames, 1 if conjugate else -1)(shapes[[2, 0]], np.array([2, 0]))
    for error, row in zip(result, (2, 0), strict=True):
        harmonics = slice(1, counts[row] + 1)
        args = amplitudes[row, harmonics], phases[row, harmonics], shapes[row], conjugate
        assert error == pytest.approx(error_of_one(*args), rel=1e-9)


def test_harmonics_above_8_khz_are_not_used() -> None:
    x = lf_voice(1.0, 100.0)
    frames = harmonic_frames(np.repeat(x, 3), 3 * FS, TIMES, np.full(len(TIMES), 100.0))
    changed = frames.amplitudes.copy()
    changed[:, 90:] *= 7
    other = HarmonicFrames(**{**vars(frames), "amplitudes": changed})
    np.testing.assert_array_equal(rd(frames, 3 * FS)[0], rd(other, 3 * FS)[0])


def test_silence_is_finite_and_nothing_is_nothing() -> None:
    for values in rd(frames_of(np.zeros(6400), 100.0), FS):
        assert np.isfinite(values).all()
    for values in rd(frames_of(np.zeros(0), 100.0), FS):
        assert len(values) == 0


def test_it_is_covareps(references: list[Reference]) -> None:
    for each in references:
        arrays = each.arrays
        frames = harmonic_frames(each.x, FS, arrays["srh_time_s"], arrays["srh_f0"].astype(float))
        newest = [each.features["Rd"], each.features["Rd_conf"]]
        for convention, wanted in (("newest", newest), ("v1.4.1", arrays["rd_v141"].T)):
            for values, original in zip(rd(frames, FS, convention), wanted, strict=True):
                result = each.on_grid(frames.times * FS, values)
                np.testing.assert_allclose(result, original, atol=2e-3)
                assert np.corrcoef(result, original)[0, 1] > 0.9999


def test_the_convention_matters(references: list[Reference]) -> None:
    each = references[0]
    arrays, voiced = each.arrays, each.features["VUV"] > 0
    frames = harmonic_frames(each.x, FS, arrays["srh_time_s"], arrays["srh_f0"].astype(float))
    result = each.on_grid(frames.times * FS, rd(frames, FS, "v1.4.1")[0])
    assert np.corrcoef(result[voiced], each.features["Rd"][voiced])[0, 1] < 0.9
