"""The probability of speech over time, by the network Silero VAD (see `ways.speech`).

The network hears 512 samples at 16 kHz at a time, with the 64 before them, and remembers what it
heard by two states of 128 numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.errors import ConfigError, reason
from emocli.prediction.segmentation.extra import asset, library

SAMPLES, BEFORE, STATE = 512, 64, 128
RATE = 16_000
STEP = SAMPLES / RATE
"""Seconds of one probability."""

MODEL = "assets/silero_vad*.onnx"
INPUTS = {"input", "h", "c"}


def probabilities(sound: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Return the probability of speech of each `STEP` of a sound at 16 kHz, block by block.

    The last step is filled up with silence.

    Raises
    ------
    ConfigError
        If the extra ``speech`` is not installed, or carries another network.
    """
    session = _session()
    hidden = cell = np.zeros((1, 1, STATE), np.float32)
    before, rest = np.zeros(BEFORE, np.float32), np.zeros(0, np.float32)
    for samples, last in _marked(sound):
        rest = np.concatenate([rest, samples])
        if last:
            rest = np.pad(rest, (0, -len(rest) % SAMPLES))
        whole = len(rest) // SAMPLES * SAMPLES
        if not whole:
            continue
        heard, rest = np.concatenate([before, rest[:whole]]), rest[whole:]
        views = np.lib.stride_tricks.sliding_window_view(heard, BEFORE + SAMPLES)[::SAMPLES]
        inputs = {"input": np.ascontiguousarray(views), "h": hidden, "c": cell}
        speech, hidden, cell = session.run(None, inputs)
        before = heard[-BEFORE:]
        yield speech.reshape(-1)


def _session() -> Any:
    runtime = library("onnxruntime")
    path = asset("faster_whisper", MODEL)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # a small network: no faster
    options.log_severity_level = 3
    try:
        session = runtime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    except Exception as error:  # of the library's own types
        raise ConfigError(f"cannot be loaded ({reason(error)})", where=path) from None
    if {each.name for each in session.get_inputs()} != INPUTS:
        hint = "install the version that emocli's constraints.txt pins"
        raise ConfigError("is another network than was expected", where=path, hint=hint)
    return session


def _marked(blocks: Iterable[NDArray[np.float32]]) -> Iterator[tuple[NDArray[np.float32], bool]]:
    """Tell the last block."""
    iterator = iter(blocks)
    held = next(iterator, None)
    while held is not None:
        following = next(iterator, None)
        yield held, following is None
        held = following
