"""Hidden states of a published speech encoder: wav2vec 2.0, HuBERT, WavLM or that of Whisper.

Source: Baevski et al. 2020 (wav2vec 2.0); Hsu et al. 2021 (HuBERT); Chen et al. 2022 (WavLM).

The sound is resampled to what the encoder was trained on. Sound longer than ``chunk`` is read in
chunks of that length that overlap; each row comes from the chunk in which it is farther from an
edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from emocli.data.track import Rows
from emocli.features._hidden import (
    HiddenConfig,
    hidden_states,
    pooled,
    pooled_names,
    strided,
)
from emocli.models.speech_reader import SpeechReader, read_speech
from emocli.plugin.feature import Clip, ReloadingExtractor, Track, mixed_down
from emocli.quantities import Steps

MODALITY = "audio"
PER_CLIP = True
HUB = ("encoder",)
LIBRARIES = ("av", "soxr", "torch", "transformers")

PROBE = 16_000
"""Samples of silence by which the number of columns is told."""


class Config(HiddenConfig):
    """Settings: the encoder, and what becomes of its rows.

    Attributes
    ----------
    pool : {'none', 'mean', 'mean_std'}
        A row per step of the encoder (50 per second, mostly), or one per clip.
    stride : int
        Steps that are averaged to one row.
    chunk : float
        Seconds that are read at a time.
    overlap : float
        Seconds by which successive chunks overlap.
    """

    pool: Literal["none", "mean", "mean_std"] = "none"
    stride: Steps = 1
    chunk: Annotated[float, Field(ge=0.1, le=600)] = 20.0
    overlap: Annotated[float, Field(ge=0, le=300)] = 2.0


class Extractor(ReloadingExtractor[Config]):
    """A speech encoder, which each process loads for itself."""

    @cached_property
    def reader(self) -> SpeechReader:
        """The encoder, and how it is fed."""
        config = self.config
        states = hidden_states(config, "speech", "speech_model")
        return SpeechReader.of(
            config.encoder,
            config.loaded_revision,
            states,
            config.chunk,
            config.overlap,
            config.batch,
        )

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per step with its time, shape (T, D), or one of the whole clip."""
        del upstream
        heard = mixed_down(clip, self.reader.rate)
        rows, times = read_speech(self.reader, heard.samples)
        return self._track(rows, times, heard.notes())

    def _track(self, rows: Rows, times: NDArray[np.float64], notes: Mapping[str, int]) -> Track:
        if self.config.pool != "none":
            return Track(pooled(rows, self.config.pool), notes=notes)
        stride = self.config.stride
        return Track(strided(rows, stride), strided(times, stride), notes=notes)


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Load the encoder.

    Raises
    ------
    ConfigError
        If it cannot be had or is none of speech, lacks a layer, or reads shorter chunks.
    """
    del clips
    reader = Extractor(config).reader
    rows, _ = read_speech(reader, np.zeros(PROBE, np.float32))
    names = pooled_names(reader.states.names(rows.shape[1]), config.pool)
    steps = reader.rate / reader.hop / config.stride
    return Extractor(config, names, steps if config.pool == "none" else None)
