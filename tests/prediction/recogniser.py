"""A stand-in for the recogniser of speech, which can be killed."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.plugin.transcript import Line
from emocli.prediction.segmentation import transcriber
from emocli.prediction.segmentation.transcriber import Whisper


@dataclass(frozen=True)
class Network:
    """A stand-in for Whisper, which notes what it hears and is killed after so many chunks."""

    log: Path
    after: int

    def transcribe(self, sound: NDArray[np.float32], **options: object) -> tuple[Any, Any]:
        heard = self.log.read_text().splitlines() if self.log.exists() else []
        if len(heard) == self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        text = f"{np.abs(sound).sum():.3f}"
        self.log.write_text("\n".join([*heard, text]))
        word = SimpleNamespace(word=text, start=0.5, end=0.7)
        return [SimpleNamespace(words=[word])], SimpleNamespace(language="en")


def hear(log: str, after: int = -1, model: str = "") -> None:
    """Let the stand-in recognise what is said, in three chunks."""
    network: Any = Network(Path(log), after)
    vars(transcriber).update(
        CHUNK=0.5,
        voice=lambda sound, settings: [Line(k, k + 0.4) for k in (0.2, 1.1, 2.2)],
        load=lambda name, language: Whisper(network, language, model),
    )
