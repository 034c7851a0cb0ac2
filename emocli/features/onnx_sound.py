"""Outputs of a local ONNX file on sound, such as an export of emotion2vec.

Source: ONNX, onnx.ai; the network is the user's own.

The sound goes in as it is, in windows after each other. A file that returns (windows, D) gives a
row per window, one that returns (windows, steps, D) a row per step, spread evenly over the window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from emocli.errors import ConfigError
from emocli.features._onnx import Array, OnnxConfig, OnnxModel
from emocli.plugin.feature import Clip, Track, mixed_down
from emocli.quantities import SamplingRate

LIBRARIES = ("av", "soxr", "onnxruntime")
MODALITY = "audio"
PER_CLIP = True

LEAST = 0.025
"""Seconds of the shortest rest that is a window of its own."""


class Config(OnnxConfig):
    """Settings: the file, and the sound it reads.

    Attributes
    ----------
    sampling : int
        Samples per second that the file takes; the sound is brought to it.
    normalise : bool
        Whether a clip's sound is brought to mean 0 and deviation 1.
    window : float, optional
        Seconds that are read at a time; if not given what the file has room for, or else the whole
        clip.
    """

    sampling: SamplingRate = 16_000
    normalise: bool = False
    window: Annotated[float, Field(ge=0.05, le=600)] | None = None


@dataclass(frozen=True)
class Extractor:
    """The file's outputs on a clip's sound."""

    config: Config
    model: OnnxModel
    names: tuple[str, ...]
    rate: float | None = None

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per window or step with its time, shape (T, D)."""
        del upstream
        heard = mixed_down(clip, self.config.sampling)
        rows, times = self.outputs(heard.samples)
        return Track(rows, times, notes=heard.notes())

    def outputs(self, samples: Array) -> tuple[Array, NDArray[np.float64]]:
        """Return the rows of a sound, shape (T, D), and their times in seconds, shape (T,)."""
        if self.config.normalise and len(samples):
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
        rows, times, start = [], [], 0
        for window in self._windows(samples):
            values = self.model([window])[0]
            values = values.reshape(-1, values.shape[-1]) if values.ndim else values[None, None]
            share = (np.arange(len(values)) + 0.5) / len(values)
            rows.append(values)
            times.append((start + share * len(window)) / self.config.sampling)
            start += len(window)
        return np.concatenate(rows), np.concatenate(times)

    def _windows(self, samples: Array) -> list[Array]:
        """Cut a sound; the last window may be shorter, unless the file has room for one size."""
        fixed = self.model.shape[-1]
        size = (
            fixed
            if isinstance(fixed, int)
            else round((self.config.window or 0) * self.config.sampling)
        )
        if not size:
            return [samples]
        windows = [samples[k : k + size] for k in range(0, max(1, len(samples)), size)]
        if isinstance(fixed, int):
            return [np.pad(window, (0, size - len(window))) for window in windows]
        short = len(windows[-1]) < LEAST * self.config.sampling
        return windows[:-1] if short and len(windows) > 1 else windows


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Load the file.

    Raises
    ------
    ConfigError
        If it cannot be used, or takes no sound.
    """
    del clips
    model = OnnxModel(config, "onnx_sound")
    if len(model.shape) != 2:
        what = f"takes {list(model.shape)}, not sound (windows, samples)"
        raise ConfigError(what, where=config.model, hint="give a file that reads samples")
    extractor = Extractor(config, model, ())
    rows, _ = extractor.outputs(np.zeros(config.sampling, np.float32))
    names = tuple(f"out{column:03d}" for column in range(rows.shape[1]))
    return Extractor(config, model, names)
