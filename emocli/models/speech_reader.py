"""The input of a speech encoder: sound, whole or in chunks, as waves or as a spectrogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from emocli.config import Tree
from emocli.data.track import Rows
from emocli.errors import ConfigError
from emocli.models.hub_encoder import HiddenStates, obtained

Waveform = NDArray[np.float32]


class Input(Protocol):
    """The kind of input an encoder reads.

    ``name`` is that of the tensor; a state covers ``field`` samples, the first of them centred at
    sample ``centre``; no more than ``most`` samples fit in, unless that is None.
    """

    name: str
    hop: int
    field: int
    centre: float
    most: int | None

    def whole(self, samples: Waveform) -> Waveform:
        """Bring a whole sound to the level that the encoder was trained with."""
        ...

    def tensor(self, chunks: Sequence[Waveform]) -> torch.Tensor:
        """Return chunks of equal length as the encoder reads them."""
        ...


class Waves:
    """The sound as it is, normalised if the encoder was trained so: wav2vec 2.0 and its kin."""

    name = "input_values"
    most: int | None = None

    def __init__(self, extractor: Any, kernels: Sequence[int], strides: Sequence[int]) -> None:
        self._extractor = extractor
        self.hop = int(np.prod(strides))
        self.field = 1
        for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
            self.field = (self.field - 1) * stride + kernel
        self.centre = self.field / 2

    def whole(self, samples: Waveform) -> Waveform:
        """Normalise a sound as a whole: its chunks stay as loud as each other."""
        read = self._extractor(samples, sampling_rate=self._extractor.sampling_rate)
        return np.asarray(read["input_values"][0], np.float32)

    def tensor(self, chunks: Sequence[Waveform]) -> torch.Tensor:
        """Return the samples, shape (n, samples)."""
        return torch.from_numpy(np.stack(chunks))


class Mels:
    """A spectrogram of half a minute, filled up with silence: Whisper."""

    name = "input_features"
    centre = 0.0

    def __init__(self, extractor: Any) -> None:
        self._extractor = extractor
        self.hop = self.field = 2 * int(extractor.hop_length)
        self.most: int | None = int(extractor.n_samples)

    def whole(self, samples: Waveform) -> Waveform:
        """Return the sound: each spectrogram is scaled by itself, as in training."""
        return samples

    def tensor(self, chunks: Sequence[Waveform]) -> torch.Tensor:
        """Return the spectrograms, shape (n, bands, frames)."""
        rate = self._extractor.sampling_rate
        read = self._extractor(list(chunks), sampling_rate=rate, return_tensors="pt")
        features: torch.Tensor = read["input_features"]
        return features


@dataclass(frozen=True)
class SpeechReader:
    """A speech encoder and how it is fed.

    Attributes
    ----------
    states : HiddenStates
        The encoder.
    input : Input
        What it reads.
    rate : int
        Samples per second of the sound it reads.
    chunk, overlap : int
        States of a chunk, and of two neighbours' common part.
    batch : int
        Chunks at a time.
    """

    states: HiddenStates
    input: Input
    rate: int
    chunk: int
    overlap: int
    batch: int

    @property
    def hop(self) -> int:
        """Samples from one state to the next."""
        return self.input.hop

    @classmethod
    def of(
        cls,
        name: str,
        revision: str | None,
        states: HiddenStates,
        chunk: float,
        overlap: float,
        batch: int,
    ) -> SpeechReader:
        """Choose how an encoder is fed, by what it is; ``chunk`` and ``overlap`` in seconds.

        Raises
        ------
        ConfigError
            If it reads no sound that is known here, or shorter chunks.
        """
        from transformers import AutoFeatureExtractor

        def load(how: Tree) -> Any:
            return AutoFeatureExtractor.from_pretrained(name, **how)  # type: ignore[no-untyped-call]

        extractor = obtained("speech", name, load, revision)
        taken = _input(name, states, extractor)
        rate = int(extractor.sampling_rate)
        if taken.most is not None and chunk * rate > taken.most:
            most = taken.most / rate
            what = f"'{name}' reads {most:g} s at a time, not {chunk:g}"
            raise ConfigError(what, where="speech_model.chunk", hint=f"set it to at most {most:g}")
        if overlap > chunk / 2:
            what = f"chunks of {chunk:g} s overlap by {overlap:g} s"
            hint = f"set it to at most {chunk / 2:g}, half a chunk"
            raise ConfigError(what, where="speech_model.overlap", hint=hint)
        length = max(1, int(chunk * rate) // taken.hop)
        return cls(states, taken, rate, length, int(overlap * rate) // taken.hop, batch)


def _input(name: str, states: HiddenStates, extractor: Any) -> Input:
    settings = states.network.config.to_dict()
    if settings.get("model_type") == "whisper":
        return Mels(extractor)
    if "conv_kernel" in settings and "conv_stride" in settings:
        return Waves(extractor, settings["conv_kernel"], settings["conv_stride"])
    what = f"'{name}' is a {settings.get('model_type')}, which is not fed with sound as here"
    raise ConfigError(what, hint="give a wav2vec 2.0, HuBERT, WavLM or Whisper encoder")


def read_speech(reader: SpeechReader, samples: Waveform) -> tuple[Rows, NDArray[np.float64]]:
    """Return the hidden states of a sound, shape (T, D), and their times in seconds, shape (T,).

    Sound shorter than a state is filled up with silence.
    """
    taken = reader.input
    samples = np.pad(samples, (0, max(0, taken.field - len(samples))))
    count = (len(samples) - taken.field) // taken.hop + 1
    length = min(reader.chunk, count)
    starts = chunk_starts(count, length, reader.overlap)
    sound = taken.whole(samples)
    span = len(sound) if len(starts) == 1 else (length - 1) * taken.hop + taken.field
    chunks = [sound[start * taken.hop :][:span] for start in starts]
    parts = [
        reader.states({taken.name: taken.tensor(chunks[k : k + reader.batch])}).numpy()
        for k in range(0, len(chunks), reader.batch)
    ]
    rows = stitched(np.concatenate(parts)[:, :length], starts)
    times = (np.arange(count) * taken.hop + taken.centre) / reader.rate
    return rows, times


def chunk_starts(count: int, length: int, overlap: int) -> list[int]:
    """Return the first states of chunks of equal length that cover ``count`` states."""
    step = max(1, length - overlap)
    starts = list(range(0, max(1, count - length + 1), step))
    return starts if starts[-1] + length >= count else [*starts, count - length]


def stitched(chunks: NDArray[np.float32], starts: Sequence[int]) -> Rows:
    """Put chunks (n, length, D) together: each state from where it is farther from an edge.

    The chunks are cut in the middle of what two neighbours have in common.
    """
    length = chunks.shape[1]
    cuts = [0, *((a + length + b) // 2 for a, b in pairwise(starts))]
    ends = [*cuts[1:], starts[-1] + length]
    parts = zip(chunks, starts, cuts, ends, strict=True)
    return np.concatenate([rows[a - start : b - start] for rows, start, a, b in parts])
