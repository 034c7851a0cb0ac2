"""The voice does what its delivery says, measured on the sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from emocli.datasets.demo.voice import DELIVERIES, Delivery, Voice, phones, pulse, score, speak

RATE = 16000
WORDS = ("we", "mourned", "a", "lonely", "moon")
MAN = Voice(120.0, 1.0)
PLAIN = Delivery(level=0.0, range=0.0, tempo=1.0, loudness=0.0, laxness=1.0)


def say(delivery: Delivery, voice: Voice = MAN, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    part = score(WORDS, delivery.tempo, (1.2, 3.0), 12.5, rng)
    return speak(part, voice, delivery, RATE, rng)


def pitches(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pitch in Hz of the clearly voiced frames: the peak of the autocorrelation."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, 640)[::160]
    frames = frames[frames.std(1) > 0.3 * sound.std()] * np.hanning(640)
    spectrum = np.abs(np.fft.rfft(frames, 2048)) ** 2
    lags = (
        np.fft.irfft(spectrum)[:, :640]
        / np.fft.irfft(np.abs(np.fft.rfft(np.hanning(640), 2048)) ** 2)[:640]
    )
    shortest = RATE // 400
    best = shortest + lags[:, shortest : RATE // 70].argmax(1)
    periodic = lags[np.arange(len(best)), best] > 0.7 * lags[:, 0]
    return RATE / best[periodic]


def brightness(sound: NDArray[np.float32]) -> float:
    """Energy from 1 to 4 kHz relative to that below, in decibels."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    edge = np.searchsorted(np.fft.rfftfreq(len(sound), 1 / RATE), [1000, 4000])
    return float(10 * np.log10(power[edge[0] : edge[1]].sum() / power[: edge[0]].sum()))


@pytest.mark.parametrize("laxness", [0.1, 0.3, 0.8, 1.7, 2.7, 5.0])
def test_a_pulse_ends_as_it_began_and_closes_at_minus_one(laxness: float) -> None:
    period = pulse(laxness, 4000)
    assert period.mean() == pytest.approx(0, abs=2e-5)
    assert period.min() == pytest.approx(-1, abs=0.01)
    assert abs(period[0]) < 1e-6
    assert abs(period[-1]) < 0.01


def test_a_tense_pulse_is_brighter_than_a_lax_one() -> None:
    slopes = []
    for laxness in (0.5, 1.0, 2.0):
        harmonics = np.abs(np.fft.rfft(pulse(laxness, 4000)))
        slopes.append(harmonics[10] / harmonics[1])
    assert slopes[0] > 1.3 * slopes[1] > 1.3**2 * slopes[2]


@pytest.mark.parametrize("level", [-4.0, 0.0, 6.0])
def test_the_pitch_is_the_one_asked_for(level: float) -> None:
    result = pitches(say(replace(PLAIN, level=level)))
    assert len(result) > 30
    assert np.median(result) == pytest.approx(120 * 2 ** (level / 12), rel=0.05)


def test_accents_widen_the_range() -> None:
    flat, lively = (pitches(say(replace(PLAIN, range=r))) for r in (0.0, 7.0))
    spread = [np.subtract(*np.percentile(12 * np.log2(x), [90, 10])) for x in (flat, lively)]
    assert spread[1] > spread[0] + 2


def test_loudness_is_in_decibels() -> None:
    levels = [20 * np.log10(say(replace(PLAIN, loudness=x)).std()) for x in (-6.0, 6.0)]
    assert levels[1] - levels[0] == pytest.approx(12, abs=0.3)


def test_laxness_darkens() -> None:
    assert brightness(say(replace(PLAIN, laxness=0.5))) > 2 + brightness(
        say(replace(PLAIN, laxness=1.6))
    )


def test_a_shorter_tract_moves_the_formants_up() -> None:
    sounds = [say(PLAIN, Voice(120.0, scale)) for scale in (1.0, 1.2)]
    power = [np.abs(np.fft.rfft(x)) ** 2 for x in sounds]
    hertz = np.fft.rfftfreq(len(sounds[0]), 1 / RATE)
    centroids = [(hertz * p)[hertz < 4000].sum() / p[hertz < 4000].sum() for p in power]
    assert centroids[1] > 1.05 * centroids[0]


def test_emotions_order_pitch_loudness_and_brightness() -> None:
    sounds = {emotion: say(delivery) for emotion, delivery in DELIVERIES.items()}
    pitch = {e: np.median(pitches(x)) for e, x in sounds.items()}
    level = {e: x.std() for e, x in sounds.items()}
    assert pitch["sad"] < pitch["neutral"] < pitch["angry"] < pitch["happy"]
    assert level["sad"] < level["neutral"] < level["happy"] < level["angry"]
    assert brightness(sounds["angry"]) > brightness(sounds["neutral"]) + 2


def test_slow_speech_takes_longer_and_words_keep_their_order() -> None:
    rng = [np.random.default_rng(0) for _ in range(2)]
    fast, slow = (
        score(WORDS, t, (1.2, 9.0), 12.5, r) for t, r in zip((1.3, 0.7), rng, strict=True)
    )
    assert fast.seconds < slow.seconds
    for part in (fast, slow):
        edges = [t for word in part.words for t in (word.start, word.end)]
        assert edges == sorted(edges)
        assert edges[0] > 0
        assert edges[-1] < part.seconds
        assert part.seconds * 12.5 == pytest.approx(round(part.seconds * 12.5))
        assert tuple(word.text for word in part.words) == WORDS


@pytest.mark.parametrize("count", [1, 9, 12, 30])
@pytest.mark.parametrize("fps", [5, 12.5, 29.97])
def test_limits_hold_whatever_is_said(count: int, fps: float) -> None:
    part = score(["we"] * count, 1.0, (1.2, 2.0), fps, np.random.default_rng(0))
    assert 1.2 <= part.seconds <= 2.0
    assert part.seconds * fps == pytest.approx(round(part.seconds * fps))
    assert part.words[-1].end < part.seconds


def test_spelling_takes_pairs_of_letters_first_and_drops_a_silent_e() -> None:
    assert len(phones("sheep")) == 3
    assert phones("broke") == phones("brok")
    assert phones("quick") == [*phones("k"), *phones("u"), *phones("i"), *phones("k")]


def test_it_begins_in_quiet() -> None:
    sound = say(PLAIN)
    assert sound[:640].std() < 0.05 * sound.std()
    assert np.abs(sound).max() < 1


def test_equal_seeds_give_equal_sounds() -> None:
    assert np.array_equal(say(PLAIN), say(PLAIN))
    assert not np.array_equal(say(PLAIN), say(PLAIN, seed=1))
