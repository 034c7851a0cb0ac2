"""Speech in sound: where probabilities make stretches, and what the real network hears."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emocli.config import build
from emocli.data.media.content import read_sound
from emocli.prediction.segmentation import silero
from emocli.prediction.segmentation.voice import VoiceSettings, voice

JFK = Path(__file__).parents[3] / "shared" / "data" / "speech" / "jfk.flac"
SETTINGS = {"margin": 0.0, "shortest": 0.1, "pause": 0.2}


def hear(
    monkeypatch: pytest.MonkeyPatch, probabilities: list[float], **changes: float
) -> list[tuple[int, int]]:
    """Stretches of speech, in steps, where the network hears these probabilities."""

    def heard(sound: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        yield np.array(probabilities, np.float32)

    monkeypatch.setattr(silero, "probabilities", heard)
    lines = voice([], build(VoiceSettings, SETTINGS | changes, "speech"))
    return [(round(line.start / silero.STEP), round(line.end / silero.STEP)) for line in lines]


def test_speech_begins_at_the_threshold_and_ends_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    p = [0.0] * 5 + [0.45, 0.6] + [0.4] * 5 + [0.1] * 10 + [0.9] * 8
    assert hear(monkeypatch, p) == [(6, 12), (22, 30)]
    assert hear(monkeypatch, p, threshold=0.7) == [(22, 30)]


def test_a_short_pause_ends_nothing_and_a_short_sound_is_no_speech(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    p = [0.9] * 6 + [0.0] * 4 + [0.9] * 6 + [0.0] * 10 + [0.9] * 2 + [0.0] * 10
    assert hear(monkeypatch, p) == [(0, 16)]
    assert hear(monkeypatch, p, shortest=0.0) == [(0, 16), (26, 28)]
    assert hear(monkeypatch, p, pause=0.1) == [(0, 6), (10, 16)]


def test_long_speech_is_split_where_it_is_least_probable(monkeypatch: pytest.MonkeyPatch) -> None:
    p = [0.9] * 100
    p[25] = 0.5
    stretches = hear(monkeypatch, p, longest=1.0)
    assert stretches[0] == (0, 25)
    assert stretches[-1][1] == 100
    assert all(last - first <= 31 for first, last in stretches)


def test_margins_meet_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    p = [0.0] * 4 + [0.9] * 6 + [0.0] * 10 + [0.9] * 6 + [0.0] * 4
    assert hear(monkeypatch, p, margin=5.0) == [(0, 15), (15, 30)]


def test_without_speech_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hear(monkeypatch, [0.1] * 50) == []


@pytest.fixture
def speech() -> NDArray[np.float32]:
    """Real speech, and the network that hears it."""
    pytest.importorskip("onnxruntime", reason="the extra 'speech' is not installed")
    pytest.importorskip("faster_whisper", reason="the extra 'speech' is not installed")
    if not JFK.exists():
        pytest.skip("real speech is not at hand")
    return read_sound(JFK, silero.RATE)


def test_the_network_hears_the_same_in_blocks(speech: NDArray[np.float32]) -> None:
    whole = np.concatenate([*silero.probabilities([speech])])
    blocks = (speech[at : at + 7001] for at in range(0, len(speech), 7001))
    np.testing.assert_allclose(np.concatenate([*silero.probabilities(blocks)]), whole, atol=1e-5)
    assert len(whole) == -(-len(speech) // silero.SAMPLES)


def test_the_network_hears_speech_and_no_speech(speech: NDArray[np.float32]) -> None:
    lines = voice([speech], VoiceSettings())
    loud = [np.abs(speech[int(x.start * 16000) : int(x.end * 16000)]).mean() for x in lines]
    assert len(lines) == 4  # phrases of a speech
    assert min(loud) > np.abs(speech).mean() / 2
    noise = np.random.default_rng(0).normal(0, 0.05, 48_000).astype(np.float32)
    assert voice([noise], VoiceSettings()) == []
    assert voice([np.zeros(48_000, np.float32)], VoiceSettings()) == []
