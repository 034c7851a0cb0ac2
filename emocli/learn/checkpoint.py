"""Where a training stands at the end of an epoch: one file, written as a whole, without pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import safe_open
from torch import Tensor, nn
from torch.optim import Optimizer

from emocli.data.durable import make_folder
from emocli.errors import RunError
from emocli.learn.rundir import Row, read_tensors, write_tensors
from emocli.parsing import parse_json

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Tensors = dict[str, Tensor]

ANEW = "remove it: the training then starts over"
"""How to mend a checkpoint that cannot be used."""


@dataclass(frozen=True)
class Checkpoint:
    """Everything the next epochs depend on.

    Attributes
    ----------
    history : list
        A row for each epoch that has ended.
    network, best : mapping
        Parameters now, and after the best epoch.
    optimizer : mapping
        Number of a parameter to its tensors.
    scaler : mapping
        Numbers of the loss scaler of 16-bit training; empty without.
    """

    history: list[Row]
    network: Tensors
    best: Tensors
    optimizer: dict[int, Tensors]
    scaler: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write the file; a kill leaves the one before."""
        tensors = {f"network.{name}": value for name, value in self.network.items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        for number, state in self.optimizer.items():
            tensors |= {f"optimizer.{number}.{name}": value for name, value in state.items()}
        metadata = {"history": json.dumps(self.history), "scaler": json.dumps(self.scaler)}
        make_folder(path.parent)
        write_tensors(path, tensors, metadata)

    @classmethod
    def load(cls, path: Path) -> Checkpoint | None:
        """Read the file; None if there is none.

        Raises
        ------
        RunError
            If it is damaged.
        """
        if not path.is_file():
            return None
        try:
            tensors = read_tensors(path)
        except RunError as error:
            raise RunError(error.what, where=path, mend=ANEW) from None
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        try:
            history, scaler = parse_json(metadata["history"]), parse_json(metadata["scaler"])
            optimizer: dict[int, Tensors] = {}
            for name, value in _below(tensors, "optimizer.").items():
                number, key = name.split(".", 1)
                optimizer.setdefault(int(number), {})[key] = value
        except (KeyError, ValueError) as error:
            raise RunError(f"is no checkpoint ({error})", where=path, mend=ANEW) from None
        return cls(
            history, _below(tensors, "network."), _below(tensors, "best."), optimizer, scaler
        )


class Resumable:
    """A training that can be interrupted after any epoch.

    Attributes
    ----------
    network : Module
        All that is learnt.
    optimizer, fabric
        By what, and where.
    """

    network: nn.Module
    optimizer: Optimizer
    fabric: Fabric

    def checkpoint(self, history: list[Row], best: Tensors) -> Checkpoint:
        """Take down where the training stands."""
        scaler = self.fabric.strategy.precision.state_dict()
        state = self.optimizer.state_dict()["state"]
        return Checkpoint(history, self.network.state_dict(), best, state, scaler)

    def restore(self, path: Path) -> tuple[list[Row], Tensors]:
        """Go back to where a training stood; return its history and best parameters, if any.

        Raises
        ------
        RunError
            If the checkpoint is damaged, or that of another network.
        """
        found = Checkpoint.load(path)
        if found is None:
            return [], {}
        groups = self.optimizer.state_dict()["param_groups"]
        try:
            self.network.load_state_dict(found.network)
            self.optimizer.load_state_dict({"state": found.optimizer, "param_groups": groups})
        except (RuntimeError, ValueError, KeyError):
            raise RunError("is that of another network", where=path, mend=ANEW) from None
        self.fabric.strategy.precision.load_state_dict(found.scaler)
        return found.history, found.best


def _below(tensors: Tensors, prefix: str) -> Tensors:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
