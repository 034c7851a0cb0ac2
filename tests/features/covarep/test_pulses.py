from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from emocli.features.covarep.iaif import glottal_flow
from emocli.features.covarep.pulses import PulseParameters, pulse_parameters
from tests.features.covarep.conftest import Reference
from tests.features.covarep.voices import FS, irregular, raised_cosines

Real = NDArray[np.float64]
Whole = NDArray[np.int64]


def quotients(flow: Real, slope: Real, gcis: Whole, i: int, period: int) -> tuple[float, float]:
    """NAQ and QOQ of one pulse by their definition, samples counted from one."""
    first, last = (gcis[i - 1] + 1 if i else 1), gcis[i] + 1
    u = flow[first - 1 : last]
    u = u - np.linspace(u[0], u[-1], len(u))
    peak, top = u.max(), int(u.argmax()) + 1
    end = last + 8 if last + 8 <= len(slope) else last
    left = right = top
    while u[left - 1] > peak / 2 and left > 3:
        left -= 1
    while u[right - 1] > peak / 2 and right < len(u) - 2:
        right += 1
    return peak / (np.abs(slope[first - 1 : end]).max() * period), (right - left) / period


def harmonics(slope: Real, gci: int, period: int) -> float:
    """H1H2 of one pulse from all peaks of its whole spectrum."""
    reach = int(np.floor(1.5 * period + 0.5))
    frame = slope[max(gci - reach, 0) : gci + reach + 1]
    spectrum = 20 * np.log10(np.abs(np.fft.fft(frame * np.hamming(len(frame)) * 2**15, FS)))
    peaks = [k for k in range(1, FS - 1) if spectrum[k - 1] < spectrum[k] > spectrum[k + 1]]
    while True:
        lower = {
            b if spectrum[b] <= spectrum[a] else a
            for a, b in pairwise(peaks)
            if b - a <= FS / period / 2
        }
        if not lower:
            break
        peaks = [k for k in peaks if k not in lower]
    if len(peaks) < 5:
        return 0.0
    near = [min(peaks, key=lambda k: abs(k + 1 - h * FS / period)) for h in (1, 2)]
    return float(spectrum[near[0]] - spectrum[near[1]])


def curvature(q: Real) -> float:
    with np.errstate(divide="ignore"):
        level = 20 * np.log10(np.abs(np.fft.fft(q, 2048)))
    level = level[[j for j in range(2048) if 1 + j * (FS - 1) / 2047 <= FS / 2]]
    for count in range(3, len(level) + 1):
        k = np.arange(count)
        design = np.stack([k**2, np.ones(count)], axis=1)
        fitted, *_ = np.linalg.lstsq(design, level[:count], rcond=None)
        error = ((level[:count] - design @ fitted) ** 2).sum() / (level[:count] ** 2).sum()
        if not error < 0.01:
            break
    return float(fitted[0])


def parabola(flow: Real, gcis: Whole, i: int, period: int) -> float:
    if i == 0:
        return 0.0
    q = flow[gcis[i - 1] : gcis[i] + 1]
    q = (q - q.min()) / np.ptp(q)
    return curvature(q) / curvature(np.full(period, 1 / period))


def parameters(x: Real, gcis: Whole) -> PulseParameters:
    return pulse_parameters(*glottal_flow(x, FS, gcis), FS, gcis)


def test_agrees_with_a_loop_over_pulses() -> None:
    x, gcis = irregular()
    flow, slope = glottal_flow(x, FS, gcis)
    ours = pulse_parameters(flow, slope, FS, gcis)
    assert ours.times == pytest.approx((gcis + 1) / FS)
    for i, gci in enumerate(gcis):
        period = gci - gcis[i - 1] if i else gcis[1] - gcis[0]
        values = ours.naq[i], ours.qoq[i], ours.h1h2[i], ours.psp[i]
        if not 20 < FS / period < 500:
            assert values == (0, 0, 0, 0)
            continue
        naq, qoq = quotients(flow, slope, gcis, i, period)
        rest = harmonics(slope, gci, period), parabola(flow, gcis, i, period)
        assert values == pytest.approx((naq, qoq, *rest), rel=1e-8, abs=1e-8)
    assert np.count_nonzero(ours.psp) == len(gcis) - 2  # the first, and the pause


@pytest.mark.parametrize(("period", "opened"), [(160, 100), (200, 160), (100, 50)])
def test_quotients_of_a_known_flow(period: int, opened: int) -> None:
    flow, slope, gcis = raised_cosines(period, opened, 20)
    ours = pulse_parameters(flow, slope, FS, gcis)
    assert ours.naq[1:] == pytest.approx(opened / np.pi / period, rel=0.01)
    assert ours.qoq[1:] == pytest.approx(opened / 2 / period, abs=2.1 / period)
    scaled = pulse_parameters(5 * flow, 5 * slope, FS, gcis)
    assert scaled.naq == pytest.approx(ours.naq)


def test_the_slope_just_after_the_closure_counts() -> None:
    flow, slope, gcis = raised_cosines(160, 100, 20)
    slope[gcis[10] + 8] = -1
    naq = pulse_parameters(flow, slope, FS, gcis).naq
    assert naq[10] == pytest.approx(1 / 160)
    slope[gcis[10] + 8], slope[gcis[10] + 9] = 0, -1
    assert pulse_parameters(flow, slope, FS, gcis).naq[10] == pytest.approx(
        100 / np.pi / 160, rel=0.01
    )


@pytest.mark.parametrize("decibels", [6.0, -3.0, 12.0])
def test_harmonics_of_a_known_spectrum(decibels: float) -> None:
    period = 128
    t = np.arange(period * 40)
    levels = [0.0, -decibels, -5.0, -20.0, -25.0, -30.0]
    slope = sum(
        10 ** (level / 20) * np.cos(2 * np.pi * h * t / period + h)
        for h, level in enumerate(levels, start=1)
    )
    gcis = period * np.arange(3, 37)
    assert pulse_parameters(slope, slope, FS, gcis).h1h2 == pytest.approx(decibels, abs=0.3)


@pytest.mark.parametrize("width", [6.0, 9.0, 13.0])
def test_parabola_of_a_known_spectrum(width: float) -> None:
    """A Gaussian is a parabola in decibels, until noise or the edge of the pulse ends it."""
    period = 126
    gcis = period * np.arange(1, 20)
    bell = np.exp(-((np.arange(period) - period / 2) ** 2) / (2 * width**2))
    flow = np.tile(bell, 21) + 1e-6 * np.random.default_rng(0).normal(size=21 * period)
    psp = pulse_parameters(flow, flow, FS, gcis).psp
    assert psp[0] == 0
    known = -10 * np.log10(np.e) * (2 * np.pi * width / 2048) ** 2
    assert psp[1:] == pytest.approx(known / curvature(np.full(period, 1 / period)), rel=0.2)


def test_fewer_than_two_instants_have_no_parameters() -> None:
    x, gcis = irregular()
    for few in (gcis[:0], gcis[:1]):
        ours = parameters(x, few)
        assert [ours.naq.any(), ours.qoq.any(), ours.h1h2.any(), ours.psp.any()] == [False] * 4
        assert len(ours.times) == len(ours.naq) == len(few)


def test_silence_and_edges_are_finite() -> None:
    x, _ = irregular()
    gcis = np.array([1, 70, 150, 155, 900, 999])
    for sound in (np.zeros(1000), x[:1000], np.where(np.arange(1000) < 300, 0, x[:1000])):
        ours = parameters(sound, gcis)
        assert np.isfinite([ours.naq, ours.qoq, ours.h1h2, ours.psp]).all()
    silent = parameters(np.zeros(1000), gcis)
    assert not np.any([silent.naq, silent.qoq, silent.h1h2, silent.psp])
    assert np.isfinite(pulse_parameters(x, x, FS, np.array([0, 100])).naq).all()


def test_agrees_with_the_original(references: list[Reference]) -> None:
    for each in references:
        ours = parameters(each.x, each.gcis)
        tracks = {"NAQ": ours.naq, "QOQ": ours.qoq, "PSP": ours.psp}
        for name, values in tracks.items():
            on_grid = each.on_grid(ours.times * FS, values)
            assert on_grid == pytest.approx(each.features[name], abs=1e-9), (each.name, name)
        h1h2 = each.on_grid(ours.times * FS, ours.h1h2)
        assert h1h2 == pytest.approx(each.features["H1H2"], abs=1e-8), each.name


def test_polarity_matters(references: list[Reference]) -> None:
    each = references[0]
    upside_down = parameters(-each.x, each.gcis)
    voiced = each.features["VUV"] == 1
    naq = each.on_grid(upside_down.times * FS, upside_down.naq)
    assert np.corrcoef(naq[voiced], each.features["NAQ"][voiced])[0, 1] < 0.5
