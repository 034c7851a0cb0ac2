"""The sound and the pictures of a planned utterance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emocli.datasets.demo import corpus, voice
from emocli.datasets.demo.corpus import ClipPlan, Config
from emocli.datasets.demo.face import EXPRESSIONS, SPREAD, VIGOUR, Face


def render(
    utterance: ClipPlan, config: Config, person: Face
) -> tuple[voice.Score, NDArray[np.float32], NDArray[np.uint8]]:
    """Speak and draw an utterance.

    Returns when each word is said, the sound, shape (samples,), at ``config.rate``, and the
    pictures, shape (T, size, size, 3), at ``config.fps``.
    """
    score, sound = speak(utterance, config)
    return score, sound, draw(utterance, config, person, loudness(sound, frames(score, config)))


def speak(utterance: ClipPlan, config: Config) -> tuple[voice.Score, NDArray[np.float32]]:
    """Speak an utterance; see `render`."""
    score, delivery = schedule(utterance, config)
    rng = corpus.stream(config, utterance.id, "sound")
    return score, voice.speak(score, utterance.speaker.voice, delivery, config.rate, rng)


def draw(
    utterance: ClipPlan, config: Config, person: Face, level: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Draw an utterance, a picture for each value of the loudness; see `render`."""
    rng = corpus.stream(config, utterance.id, "pictures")
    shown = corpus.moved(utterance.shown["visual"].mix(EXPRESSIONS), VIGOUR, utterance.vigour)
    expression = corpus.varied(shown, SPREAD, config.noise, rng)
    return np.stack(list(person.animate(expression, level, rng)))


def frames(score: voice.Score, config: Config) -> int:
    """Return how many pictures there are of an utterance."""
    return round(score.seconds * config.fps)


def schedule(utterance: ClipPlan, config: Config) -> tuple[voice.Score, voice.Delivery]:
    """Decide how an utterance is delivered and when each word is said."""
    rng = corpus.stream(config, utterance.id, "score")
    usual = utterance.shown["audio"].mix(voice.DELIVERIES)
    shown = corpus.moved(usual, voice.VIGOUR, utterance.vigour)
    delivery = corpus.varied(shown, voice.SPREAD, config.noise, rng)
    words = utterance.text.lower().rstrip(".").split()
    return voice.score(words, delivery.tempo, config.seconds, config.fps, rng), delivery


def loudness(sound: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Measure the loudness at each picture, shape (frames,), 1 where it is greatest.

    It is relative to the clip's own, so that the lips do not tell how loud the voice is: what a
    modality shows is its own evidence.
    """
    level = np.array([np.sqrt(np.mean(part**2)) for part in np.array_split(sound, frames)])
    return np.asarray((level / level.max()).astype(np.float32))
