"""COVAREP's matrix of 74 columns: the track of each feature, interpolated at the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from emocli.features.covarep._blocks import SampleBlock, blocks
from emocli.features.covarep._settings import Config
from emocli.features.covarep._signal import Real, Whole, round_half_up
from emocli.features.covarep._sound import FS, dithered
from emocli.features.covarep.creak import creak
from emocli.features.covarep.envelope import mel_cepstra, stretched
from emocli.features.covarep.gci import sedreams
from emocli.features.covarep.harmonics import HarmonicFrames, harmonic_blocks, wrap
from emocli.features.covarep.hmpd import hmpd
from emocli.features.covarep.iaif import glottal_flow
from emocli.features.covarep.polarity import polarity
from emocli.features.covarep.pulses import pulse_parameters
from emocli.features.covarep.rd import rd
from emocli.features.covarep.residual import lp_residual, vocal_tract_order
from emocli.features.covarep.srh import Pitch, srh
from emocli.features.covarep.wavelet import mdq, peak_slope

FIRST, HOP = 80, 160
"""The first row's sample, counted from 1, and the rows' distance."""

LEAST_S = 0.83
"""Seconds of sound the original needs."""

SHORTEST_S = 0.0055
"""Seconds of the shortest frame of harmonics, three periods of 500 Hz, that count in its window."""

WIDTHS = {
    "pitch": 2,
    "pulses": 4,
    "mdq": 1,
    "slope": 1,
    "rd": 2,
    "creak": 1,
    "mcep": 25,
    "hmpdm": 25,
    "hmpdd": 13,
}
"""Columns of each track, in order."""

VUV = 1
"""The column that is 0 or 1."""

HMPDM = slice(36, 61)
"""The columns that are angles."""


@dataclass(frozen=True)
class SampledTrack:
    """Values, shape (n, columns), of a feature at rising samples; NaN where there is none."""

    positions: Whole
    values: Real

    def inside(self, block: SampleBlock, size: int) -> SampledTrack:
        """Return those that belong to a block; what is beyond the ends belongs to the outermost."""
        low = block.first if block.first else -np.inf
        high = block.last if block.last < size else np.inf
        kept = (self.positions >= low) & (self.positions < high)
        return SampledTrack(self.positions[kept], self.values[kept])

    def at(self, rows: Whole) -> Real:
        """Interpolate at the rows, shape (rows, columns); NaN outside of the track."""
        interpolated = np.full((len(rows), self.values.shape[1]), np.nan)
        if len(self.positions):
            for k, column in enumerate(self.values.T):
                interpolated[:, k] = np.interp(
                    rows, self.positions, column, left=np.nan, right=np.nan
                )
        return interpolated


@dataclass(frozen=True)
class Preanalysis:
    """The analysis of the whole recording, turned upright, that its blocks build on."""

    x: Real
    residual: Real
    pitch: Pitch
    gcis: Whole
    inverted: bool


def vector(x: Real, config: Config) -> tuple[Real, list[str]]:
    """Compute the 74 columns of a recording at 16 kHz without digital silence.

    Returns the matrix, shape (T, 74), finite, and what is true of the recording.
    """
    whole = preanalyse(x, config.block_s)
    tracks = whole_tracks(whole, config)
    rows = np.arange(FIRST, len(x) + 1, HOP)
    matrix = np.empty((len(rows), sum(WIDTHS.values())))
    for (name, width), end in zip(WIDTHS.items(), accumulate(WIDTHS.values()), strict=True):
        matrix[:, end - width : end] = tracks[name].at(rows)
    matrix[:, VUV] = matrix[:, VUV] >= 0.5
    matrix[:, HMPDM] = wrap(matrix[:, HMPDM])
    matrix[~np.isfinite(matrix)] = 0
    return matrix, _notes(whole, config)


def preanalyse(x: Real, block_s: float) -> Preanalysis:
    """Find polarity, pitch, residual and closure instants of a recording."""
    as_recorded = lp_residual(x, FS, vocal_tract_order(FS))
    sign = polarity(x, FS, block_s, as_recorded)
    upright, residual = (x, as_recorded) if sign > 0 else (-x, -as_recorded)
    pitch = srh(upright, FS)
    gcis = sedreams(upright, FS, pitch, residual, block_s)
    return Preanalysis(upright, residual, pitch, gcis, sign < 0)


def whole_tracks(whole: Preanalysis, config: Config) -> dict[str, SampledTrack]:
    """Analyse a recording; every track has its own positions."""
    pitch = whole.pitch
    both = np.stack([pitch.f0, pitch.voiced], axis=1)
    tracks = {
        "pitch": SampledTrack(round_half_up(pitch.times * FS), both),
        "creak": _no_samples(WIDTHS["creak"]),
        **pulse_tracks(whole, config.block_s),
        **harmonic_tracks(whole, config),
    }
    if config.creak.weights is not None:
        times, posterior = creak(whole.x, FS, config.creak.weights, whole.residual)
        tracks["creak"] = _samples(0, times, posterior)
    return tracks


def pulse_tracks(whole: Preanalysis, block_s: float) -> dict[str, SampledTrack]:
    """Analyse pulses and wavelets block by block."""
    size = len(whole.x)
    tracks: dict[str, list[SampledTrack]] = {"pulses": [], "mdq": [], "slope": []}
    for block in blocks(size, FS, block_s):
        here = slice(block.begin, block.stop)
        x, residual = whole.x[here], whole.residual[here]
        gcis = whole.gcis[(whole.gcis >= block.begin) & (whole.gcis < block.stop)] - block.begin
        of = pulse_parameters(*glottal_flow(x, FS, gcis), FS, gcis)
        parameters = np.stack([of.naq, of.qoq, of.h1h2, of.psp], axis=1)
        for name, samples in {
            "pulses": SampledTrack(block.begin + gcis + 1, parameters),
            "mdq": _samples(block.begin, *mdq(residual, FS, gcis)),
            "slope": _samples(block.begin, *peak_slope(x, FS)),
        }.items():
            tracks[name].append(samples.inside(block, size))
    return {name: _joined(parts) for name, parts in tracks.items()}


def harmonic_tracks(whole: Preanalysis, config: Config) -> dict[str, SampledTrack]:
    """Analyse harmonics, some frames at a time; no frame is left without any sound."""
    x = dithered(whole.x, SHORTEST_S, config.seed)
    times = [np.zeros(0)]
    shapes, cepstra = [np.zeros((0, WIDTHS["rd"]))], [np.zeros((0, WIDTHS["mcep"]))]

    def analysed() -> Iterator[HarmonicFrames]:
        for frames in harmonic_blocks(x, FS, whole.pitch.times, whole.pitch.f0):
            times.append(frames.times)
            shapes.append(np.stack(rd(frames, FS, config.rd), axis=1))
            cepstra.append(mel_cepstra(frames, FS))
            yield frames

    phase = hmpd(analysed(), FS, config.seed)
    cepstrum = np.concatenate(cepstra)
    steps = round_half_up(phase.times * FS) + 1
    return {
        "rd": SampledTrack(round_half_up(np.concatenate(times) * FS), np.concatenate(shapes)),
        "mcep": SampledTrack(stretched(len(cepstrum), len(whole.x)), cepstrum),
        "hmpdm": SampledTrack(steps, np.unwrap(phase.mean, axis=0)),
        "hmpdd": SampledTrack(steps, phase.deviation),
    }


def _samples(begin: int, times: Real, values: Real) -> SampledTrack:
    return SampledTrack(begin + round_half_up(times * FS), values[:, None])


def _no_samples(width: int) -> SampledTrack:
    return SampledTrack(np.zeros(0, np.int64), np.zeros((0, width)))


def _joined(parts: list[SampledTrack]) -> SampledTrack:
    return SampledTrack(
        np.concatenate([part.positions for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def _notes(whole: Preanalysis, config: Config) -> list[str]:
    size, voiced = len(whole.x), whole.pitch.voiced.any()
    facts: Mapping[str, bool] = {
        "inverted": whole.inverted,
        "too_short_for_covarep": size < LEAST_S * FS,
        "without_voice": not voiced,
        "with_fewer_than_two_closures": bool(voiced) and len(whole.gcis) < 2,
        "in_blocks": size > config.block_s * FS,
        "without_creak": config.creak.weights is None,
    }
    return [name for name, so in facts.items() if so]
