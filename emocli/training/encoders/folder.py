"""The folder of an encoder's training: files that are kept, and files that are replaced."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from emocli.config import Settings
from emocli.data.durable import locked, used_folder
from emocli.errors import RunError
from emocli.models.rundir import (
    CHECKPOINT,
    CONFIG,
    HISTORY,
    LAST,
    MODEL,
    finished,
    has_learnt,
    require_empty,
    write_config,
)
from emocli.training.trainer import State

RESULTS = {"versions", "resnet"}
"""What a configuration holds besides choices: written down, but not compared."""


def state_of(folder: Path) -> State:
    """Return what a training in a folder will have been."""
    if finished(folder):
        return "already trained"
    return "resumed" if (folder / CHECKPOINT / LAST).is_file() else "trained"


@dataclass(frozen=True)
class EncoderFolder:
    """The folder an encoder is to be trained in.

    Attributes
    ----------
    run : Path
        The folder.
    what, data : str
        What the encoder is called, and what it learns from.
    config : Settings
        What the encoder is to be.
    read : callable
        Reads the configuration of the encoder that is there.
    overwrite : bool
        Whether another one, or one that is finished, may be removed.
    parts : str
        Pattern of folders inside that go with it.
    """

    run: Path
    what: str
    data: str
    config: Settings
    read: Callable[[Path], Settings]
    overwrite: bool
    parts: str = ""

    def stays(self) -> bool:
        """Tell whether what is in the folder stays; changes nothing.

        Raises
        ------
        RunError
            If it holds something else, or what may not be replaced.
        """
        run = self.run
        if not (run / CONFIG).is_file():
            require_empty(run, self.what)
            return False
        there, new = (c.model_dump(exclude=RESULTS) for c in (self.read(run), self.config))
        stays = there == new
        if not stays and not self.overwrite and self._has_learnt():
            hint = "choose another --run, or replace it with --overwrite"
            raise RunError(f"was trained with other settings or {self.data}", where=run, hint=hint)
        return stays and not (self.overwrite and finished(run))

    def done(self) -> bool:
        """Tell whether there is nothing to train; errors as `stays`."""
        return self.stays() and finished(self.run)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder against other processes, without what does not stay in it."""
        with used_folder(self.run), locked(self.run / ".lock"):
            if not self.stays():
                for name in (MODEL, HISTORY):
                    (self.run / name).unlink(missing_ok=True)
                for folder in [*self._parts(), self.run / CHECKPOINT]:
                    shutil.rmtree(folder, ignore_errors=True)
                write_config(self.run, self.config)
            yield

    def _parts(self) -> list[Path]:
        return list(self.run.glob(self.parts)) if self.parts else []

    def _has_learnt(self) -> bool:
        return any(has_learnt(folder) for folder in [self.run, *self._parts()])


def card(tags: Sequence[str], title: str, text: str) -> str:
    """Write the README of an encoder: a model card in the layout of the Hugging Face hub."""
    return f"""---
library_name: emocli
tags: [{", ".join(tags)}]
license: other
---

# {title}

{text}
"""
