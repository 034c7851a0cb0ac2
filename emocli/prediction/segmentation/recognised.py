"""Recognised speech that is kept chunk by chunk, so that a kill loses the chunk it is at."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from emocli.data.durable import make_folder, write_bytes
from emocli.plugin.transcript import Line


@dataclass(frozen=True)
class RecognisedChunk:
    """The words said in a chunk of a sound, their language, and how many were left out."""

    lines: tuple[Line, ...]
    language: str
    invented: int


@dataclass(frozen=True)
class RecognisedChunks:
    """A folder with a file for each chunk of a recording; without one nothing is kept."""

    folder: Path | None = None

    def get(
        self, speech: Sequence[Line], language: str, recognise: Callable[[], RecognisedChunk]
    ) -> RecognisedChunk:
        """Return what is kept of a chunk, or recognise it and keep that.

        Parameters
        ----------
        speech : sequence of Line
            The stretches of speech in it.
        language : str
            The one that is expected.
        recognise : callable
            Recognises the chunk.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        from pydantic import TypeAdapter

        if self.folder is None:
            return recognise()
        facts = [[(line.start, line.end) for line in speech], language]
        name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        path, adapter = self.folder / f"{name}.json", TypeAdapter(RecognisedChunk)
        with suppress(OSError, ValueError):  # none is kept, or it is damaged
            return adapter.validate_json(path.read_bytes())
        recognised = recognise()
        make_folder(self.folder)
        write_bytes(path, adapter.dump_json(recognised))
        return recognised
