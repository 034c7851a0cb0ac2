"""The folder an encoder is trained in: what may stay in it, and what is replaced."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emocli.errors import RunError
from emocli.models.rundir import (
    CHECKPOINT,
    CONFIG,
    HISTORY,
    LAST,
    MODEL,
    begun,
    finished,
    require_empty,
)
from emocli.training.trainer import State


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
    same : callable
        Whether the encoder that is there has the settings and data of the new one.
    overwrite : bool
        Whether another one, or one that is finished, may be removed.
    parts : str
        Pattern of folders inside that go with it.
    """

    run: Path
    what: str
    data: str
    same: Callable[[], bool]
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
        stays = self.same()
        if not stays and not self.overwrite and self._begun():
            hint = "choose another --run, or replace it with --overwrite"
            raise RunError(f"was trained with other settings or {self.data}", where=run, hint=hint)
        return stays and not (self.overwrite and finished(run))

    def cleared(self) -> bool:
        """Remove what does not stay; tell whether it stays, errors as `stays`."""
        stays = self.stays()
        if not stays:
            for name in (MODEL, HISTORY):
                (self.run / name).unlink(missing_ok=True)
            for folder in [*self._parts(), self.run / CHECKPOINT]:
                shutil.rmtree(folder, ignore_errors=True)
        return stays

    def _parts(self) -> list[Path]:
        return list(self.run.glob(self.parts)) if self.parts else []

    def _begun(self) -> bool:
        return any(begun(folder) for folder in [self.run, *self._parts()])
