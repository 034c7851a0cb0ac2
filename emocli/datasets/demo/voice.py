"""A source-filter voice whose pitch, tempo, loudness and tension follow a delivery.

Glottal pulses of the Liljencrants-Fant model, shaped by its one-parameter form (Fant 1995, "The
LF-model revisited"), pass through a chain of formant resonators; friction is filtered noise.
Letters stand for phones: enough for voicing, vowels and rhythm, though not for comprehension.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emocli.data.words import Word

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Voice:
    """The voice of a person: pitch in Hz, and the formants' scale (1: a tall man)."""

    pitch: float
    formants: float


@dataclass(frozen=True)
class Delivery:
    """A manner of speaking: what the emotion changes in a voice."""

    level: float  # pitch over the person's own, in semitones
    range: float  # height of the accents, in semitones
    tempo: float  # relative to the phones' own durations
    loudness: float  # in decibels over normal speech
    laxness: float  # Rd of the LF model: 0.5 is tense and bright, 2.5 lax and breathy


DELIVERIES = {
    "angry": Delivery(3.5, 4.0, 1.12, 8.0, 0.5),
    "happy": Delivery(5.0, 8.0, 1.06, 3.0, 1.0),
    "neutral": Delivery(0.0, 2.0, 1.0, -1.0, 1.3),
    "sad": Delivery(-2.5, 0.8, 0.86, -8.0, 2.3),
}
SPREAD = Delivery(1.0, 0.8, 0.05, 1.2, 0.15)
"""Standard deviations of a delivery around its emotion."""
VIGOUR = Delivery(1.2, 1.0, 0.05, 3.5, -0.3)
"""What a unit of vigour adds to a delivery."""


@dataclass(frozen=True)
class Phone:
    """One sound: formants in Hz, seconds at normal tempo, and the strengths of its sources."""

    formants: tuple[float, float, float]
    seconds: float
    voicing: float
    breath: float = 0.0
    hiss: float = 0.0
    hush: float = 0.0


@dataclass(frozen=True)
class Score:
    """The timing of an utterance in seconds: words, each phone's start, and the whole length."""

    words: tuple[Word, ...]
    phones: tuple[Phone, ...]
    starts: tuple[float, ...]
    accents: tuple[float, ...]
    seconds: float


def _vowel(f1: float, f2: float, f3: float, seconds: float = 0.09) -> Phone:
    return Phone((f1, f2, f3), seconds, 1.0)


_CLOSED = (300.0, 1600.0, 2500.0)
PHONES = {
    "a": _vowel(730, 1090, 2440),
    "e": _vowel(530, 1840, 2480, 0.075),
    "i": _vowel(400, 1990, 2550, 0.075),
    "o": _vowel(570, 840, 2410),
    "u": _vowel(440, 1020, 2240, 0.075),
    "ee": _vowel(280, 2250, 2890, 0.11),
    "ea": _vowel(280, 2250, 2890, 0.11),
    "oo": _vowel(310, 870, 2240, 0.11),
    "ou": _vowel(640, 1190, 2390, 0.12),
    "ow": _vowel(640, 1190, 2390, 0.12),
    "ai": _vowel(480, 1900, 2550, 0.12),
    "ay": _vowel(480, 1900, 2550, 0.12),
    "y": Phone((290, 2200, 2900), 0.07, 0.9),
    "w": Phone((300, 700, 2200), 0.06, 0.7),
    "l": Phone((360, 1300, 2700), 0.06, 0.7),
    "r": Phone((420, 1300, 1700), 0.06, 0.7),
    "m": Phone((270, 1000, 2200), 0.07, 0.45),
    "n": Phone((270, 1500, 2500), 0.065, 0.45),
    "ng": Phone((270, 1900, 2500), 0.08, 0.45),
    "v": Phone((300, 1200, 2300), 0.055, 0.4, breath=0.1),
    "z": Phone((300, 1600, 2500), 0.07, 0.35, hiss=0.25),
    "j": Phone((300, 1800, 2500), 0.075, 0.35, hush=0.3),
    "b": Phone((250, 900, 2200), 0.055, 0.2),
    "d": Phone((250, 1700, 2600), 0.055, 0.2, hiss=0.06),
    "g": Phone((250, 2000, 2400), 0.06, 0.2, hush=0.06),
    "p": Phone((400, 900, 2200), 0.065, 0.0, breath=0.12),
    "t": Phone((400, 1700, 2600), 0.065, 0.0, hiss=0.15),
    "k": Phone((400, 1900, 2400), 0.07, 0.0, hush=0.15),
    "f": Phone(_CLOSED, 0.075, 0.0, breath=0.3),
    "s": Phone(_CLOSED, 0.085, 0.0, hiss=0.6),
    "h": Phone((550, 1500, 2500), 0.055, 0.0, breath=0.5),
    "th": Phone(_CLOSED, 0.06, 0.25, breath=0.15),
    "sh": Phone(_CLOSED, 0.09, 0.0, hush=0.6),
    "ch": Phone(_CLOSED, 0.09, 0.0, hush=0.45),
}
SPELLINGS = {"c": "k", "q": "k", "x": "s", "ck": "k", "ph": "f", "wh": "w"}

LEAD, TAIL, PAUSE = 0.06, 0.06, 0.02
"""Seconds of quiet before the first word, after the last one and after each."""
ROUNDING = 1e-6
STEP = 0.01
"""Seconds between the values of the control tracks."""
OVERSAMPLING = 3
NORMAL = 0.05
"""Root mean square of normal speech."""
HUM = 0.0015
"""Root mean square of the room's noise."""


def phones(word: str) -> list[Phone]:
    """Read a word letter by letter, pairs of letters first."""
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    sounds, at = [], 0
    while at < len(word):
        pair = SPELLINGS.get(word[at : at + 2], word[at : at + 2])
        size = 2 if len(word) - at > 1 and pair in PHONES else 1
        letter = pair if size == 2 else SPELLINGS.get(word[at], word[at])
        sounds.append(PHONES[letter])
        at += size
    return sounds


def score(
    words: Sequence[str],
    tempo: float,
    limits: tuple[float, float],
    fps: float,
    rng: np.random.Generator,
) -> Score:
    """Lay words, in small letters, out in time.

    ``tempo`` is relative to the phones' own durations, and changed where the ``limits``, the least
    and greatest length of the whole in seconds, ask for it. The whole lasts a whole number of
    frames of 1 / ``fps`` seconds.
    """
    spelled = [phones(word) for word in words]
    lengths = [
        np.array([p.seconds for p in word]) * rng.lognormal(0, 0.12, len(word)) for word in spelled
    ]
    spoken = float(sum(length.sum() + PAUSE for length in lengths))
    least, most = math.ceil(limits[0] * fps - ROUNDING), math.floor(limits[1] * fps + ROUNDING)
    stretch = min(1 / tempo, (most / fps - LEAD - TAIL) / spoken)
    needed = math.ceil((LEAD + spoken * stretch + TAIL) * fps - ROUNDING)
    frames = min(max(least, needed), most)
    now = LEAD
    timed, starts, accents = [], [], []
    for text, word, length in zip(words, spelled, lengths, strict=True):
        begins = now + stretch * np.concatenate([[0], np.cumsum(length)])
        starts += [float(at) for at in begins[:-1]]
        timed.append(Word(text, now, float(begins[-1])))
        if len(word) > 3:
            loudest = max(range(len(word)), key=lambda i: word[i].voicing * word[i].seconds)
            accents.append(float(begins[loudest : loudest + 2].mean()))
        now = float(begins[-1]) + stretch * PAUSE
    flat = tuple(phone for word in spelled for phone in word)
    return Score(tuple(timed), flat, tuple(starts), tuple(accents), frames / fps)


def speak(
    part: Score, voice: Voice, delivery: Delivery, rate: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Synthesise a score, shape (round(seconds * rate),), within -1 to 1."""
    samples = round(part.seconds * rate)
    tracks = _tracks(part)
    pitch = _pitch(part, voice, delivery, len(tracks["voicing"]), rng)
    pulses = _pulses(pitch, delivery.laxness, samples, rate, rng)
    strength = {
        name: np.interp(np.arange(samples) / rate, STEP * np.arange(len(track)), track)
        for name, track in tracks.items()
        if name != "formants"
    }
    noise = rng.standard_normal(samples)
    breathy = 0.02 + 0.05 * max(0.0, delivery.laxness - 0.8)
    source = strength["voicing"] * (pulses + breathy * noise) + strength["breath"] * noise
    sound = _resonate(source, tracks["formants"] * voice.formants, rate)
    loud = strength["voicing"] > 0.5
    sound /= np.sqrt(np.mean(sound[loud] ** 2))
    sound += strength["hiss"] * _band(noise, 4000, 7500, rate)
    sound += strength["hush"] * _band(noise, 2000, 6000, rate)
    gain = NORMAL * 10 ** (delivery.loudness / 20)
    wave = gain * sound + HUM * rng.standard_normal(samples)
    return np.clip(wave, -1, 1).astype(np.float32)


def pulse(laxness: float, samples: int) -> Floats:
    """One period of the LF model's flow derivative, (samples,), closing peak -1 (Fant 1995).

    ``laxness`` is Rd, taken to be within the model's 0.3 to 2.7.
    """
    from scipy.optimize import brentq

    rd = min(max(laxness, 0.3), 2.7)
    ra = (-1 + 4.8 * rd) / 100
    rk = (22.4 + 11.8 * rd) / 100
    rg = rk / 4 / (0.11 * rd / (0.5 + 1.2 * rk) - ra)
    te, ta, omega = (1 + rk) / (2 * rg), ra, 2 * np.pi * rg
    left = 1 - te
    decay: float = brentq(lambda e: e * ta - 1 + math.exp(-e * left), 0.5 / ta, 2 / ta)
    shut = math.exp(-decay * left)
    returned = -((1 - shut) / decay - left * shut) / (decay * ta)

    def area(growth: float) -> float:
        """Return the flow at the period's end, which has to be that at its beginning."""
        inside = growth * math.sin(omega * te) - omega * math.cos(omega * te)
        opened = (inside + omega * math.exp(-growth * te)) / (growth**2 + omega**2)
        return returned - opened / math.sin(omega * te)

    growth: float = brentq(area, -50, 500)
    time = np.arange(samples) / samples
    opening = -np.exp(growth * (time - te)) * np.sin(omega * time) / math.sin(omega * te)
    closing = -(np.exp(-decay * (time - te)) - shut) / (decay * ta)
    return np.where(time <= te, opening, closing)


def _tracks(part: Score) -> dict[str, Floats]:
    """Return formants and strengths every ``STEP`` seconds, sliding from phone to phone."""
    time = STEP * np.arange(math.ceil(part.seconds / STEP) + 1)
    at = np.searchsorted(np.array(part.starts), time, side="right") - 1
    ends = [word.end for word in part.words]
    begins = [word.start for word in part.words]
    word = np.searchsorted(np.array(begins), time, side="right") - 1
    spoken = (word >= 0) & (time < np.array(ends)[word])
    table = {
        name: np.array([getattr(phone, name) for phone in part.phones])
        for name in ("voicing", "breath", "hiss", "hush")
    }
    formants = np.array([phone.formants for phone in part.phones])
    tracks = {name: _smooth(values[at] * spoken, 3) for name, values in table.items()}
    return {**tracks, "formants": _smooth(formants[np.maximum(at, 0)], 5)}


def _smooth(track: Floats, width: int) -> Floats:
    from scipy.ndimage import convolve1d

    window = np.hanning(width + 2)
    smooth: Floats = convolve1d(track.astype(float), window / window.sum(), axis=0, mode="nearest")
    return smooth


def _pitch(
    part: Score, voice: Voice, delivery: Delivery, steps: int, rng: np.random.Generator
) -> Floats:
    """Return the pitch in Hz every ``STEP`` seconds: a fall, accents, a little unrest."""
    time = STEP * np.arange(steps)
    semitones = delivery.level - 2.0 * (time / part.seconds - 0.5)
    for accent in part.accents:
        height = delivery.range * rng.uniform(0.6, 1.2)
        semitones = semitones + height * np.exp(-(((time - accent) / 0.08) ** 2))
    semitones = semitones + 0.6 * _smooth(rng.standard_normal(steps), 9)
    return voice.pitch * 2 ** (semitones / 12)


def _pulses(
    pitch: Floats, laxness: float, samples: int, rate: int, rng: np.random.Generator
) -> Floats:
    """Return a train of glottal pulses, made at a higher rate against aliasing."""
    from scipy.signal import resample_poly

    fast = OVERSAMPLING * rate
    time = np.arange(OVERSAMPLING * samples) / fast
    phase = np.cumsum(np.interp(time, STEP * np.arange(len(pitch)), pitch)) / fast
    table = pulse(laxness, 1024)
    cycle = phase.astype(int)
    shimmer = 1 + 0.04 * rng.standard_normal(cycle[-1] + 1)
    train = np.interp(phase - cycle, np.arange(1025) / 1024, np.append(table, table[0]))
    return np.asarray(resample_poly(train * shimmer[cycle], 1, OVERSAMPLING))


def _resonate(source: Floats, formants: Floats, rate: int) -> Floats:
    """Pass a source through second-order resonators of unit gain at 0 Hz (Klatt 1980)."""
    from scipy.signal import sosfilt

    steps = len(formants)
    higher = np.broadcast_to([3500.0, 4500.0], (steps, 2)) * (formants[:, :1] * 0 + 1)
    centres = np.concatenate([formants, higher], axis=1)
    widths = 50 + 0.035 * centres
    c = -np.exp(-2 * np.pi * widths / rate)
    b = 2 * np.exp(-np.pi * widths / rate) * np.cos(2 * np.pi * centres / rate)
    sections = np.zeros((steps, centres.shape[1], 6))
    sections[..., 0], sections[..., 3] = 1 - b - c, 1
    sections[..., 4], sections[..., 5] = -b, -c
    block = round(STEP * rate)
    state = np.zeros((centres.shape[1], 2))
    parts = []
    for step, start in enumerate(range(0, len(source), block)):
        filtered, state = sosfilt(sections[step], source[start : start + block], zi=state)
        parts.append(filtered)
    return np.concatenate(parts)


def _band(noise: Floats, low: float, high: float, rate: int) -> Floats:
    from scipy.signal import butter, sosfilt

    sections = butter(2, (low, high), "bandpass", fs=rate, output="sos")
    return np.asarray(sosfilt(sections, noise))
