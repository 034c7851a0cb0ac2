from __future__ import annotations

import numpy as np
import pytest

from emocli.features.covarep import gci
from emocli.features.covarep.srh import Pitch, srh
from tests.features.covarep.conftest import Reference
from tests.features.covarep.voices import FS, closures, voice


def steady(f0: float, seconds: float, voiced: bool = True) -> Pitch:
    times = np.arange(0.05, seconds - 0.05, 0.01)
    return Pitch(times, np.full(len(times), f0), np.ones(len(times)), np.full(len(times), voiced))


@pytest.mark.parametrize("f0", [70, 120, 220, 350])
def test_known_closures_are_found(f0: float) -> None:
    gcis = gci.sedreams(voice(f0), FS, steady(f0, 1.0))
    wanted = closures(f0, 1.0)
    inside = wanted[(wanted > 900) & (wanted < FS - 1000)]
    assert np.abs(gcis[:, None] - wanted).min(axis=1).max() <= 2
    assert np.abs(inside[:, None] - gcis).min(axis=1).max() <= 2


def test_closures_of_a_gliding_voice() -> None:
    glide = np.linspace(100, 170, 2 * FS)
    gcis = gci.sedreams(voice(glide, 2.0), FS, srh(voice(glide, 2.0), FS))
    wanted = closures(glide, 2.0)
    close = np.abs(gcis[:, None] - wanted).min(axis=1) <= 2
    assert close.mean() > 0.98


def test_only_voiced_ones_are_kept() -> None:
    x, pitch = voice(120, 1.0), steady(120, 1.0)
    silent = pitch.voiced.copy()
    silent[40:] = False
    gcis = gci.sedreams(x, FS, Pitch(pitch.times, pitch.f0, pitch.strength, silent))
    every = gci.sedreams(x, FS, pitch)
    limit = (pitch.times[39] + 0.005) * FS
    np.testing.assert_array_equal(gcis, every[every <= limit])
    assert 0 < len(gcis) < len(every)


def test_nothing_voiced_has_no_closures() -> None:
    for x in (voice(), np.zeros(FS), np.zeros(0), np.ones(FS)):
        gcis = gci.sedreams(x, FS, steady(120, 1.0, voiced=False))
        assert gcis.shape == (0,)
        assert gcis.dtype == np.int64


@pytest.mark.parametrize("size", [0, 1, 100, 300, 900, 1700])
def test_short_recordings(size: int) -> None:
    gcis = gci.sedreams(voice()[:size], FS, steady(120, 0.2))
    assert ((gcis >= 1) & (gcis < max(size, 1))).all()


def test_a_known_residual_is_used() -> None:
    x, pulses = voice(120), np.zeros(FS)
    pulses[closures(120, 1.0)[:-1] + 9] = 1
    shifted = gci.sedreams(x, FS, steady(120, 1.0), pulses)
    assert set(shifted) <= set(closures(120, 1.0) + 9)
    assert len(shifted) > 100


def test_the_usual_place_is_relative_to_the_nearest_low() -> None:
    residual = np.zeros(100)
    residual[[12, 35, 58, 81]] = [1, 0.5, 0.41, 0.4]
    lows, highs = np.array([10, 30, 50]), np.array([20, 40, 60])
    wanted = np.median([0.2, 0.5, 0.8])
    assert gci._usual_place(residual, lows, highs) == pytest.approx(wanted)
    assert gci._usual_place(residual, lows[:1], highs[:1]) == pytest.approx(2.5)
    assert gci._usual_place(np.zeros(9), lows, highs) == 0
    residual = np.zeros(100)
    residual[20] = 1
    assert gci._usual_place(residual, lows, highs) == 1  # as near to 10 as to 30: the first


def test_they_are_covareps(references: list[Reference]) -> None:
    for each in references:
        gcis = gci.sedreams(each.x, each.fs, srh(each.x, each.fs))
        np.testing.assert_array_equal(gcis, each.arrays["gci_samples0"], each.name)


def test_a_long_recording_has_them_in_blocks_too(references: list[Reference]) -> None:
    x = np.concatenate([each.x for each in references[:4]])
    pitch = srh(x, FS)
    whole = gci.sedreams(x, FS, pitch)
    np.testing.assert_array_equal(gci.sedreams(x, FS, pitch, block_s=2.0), whole)
