"""The state of a training at the end of an epoch: one file, written as a whole, no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from safetensors import safe_open
from torch import Tensor, nn
from torch.optim import Optimizer

from emocli.data.durable import make_folder
from emocli.errors import RunError, reason
from emocli.models.rundir import EpochMetrics, require_columns
from emocli.models.tensors import read_tensors, write_tensors
from emocli.parsing import Tree, parse_json, parse_object

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Tensors = dict[str, Tensor]

ANEW = "remove it: the training then starts over"
"""How to mend a checkpoint that cannot be used."""


class Resumable(Protocol):
    """A training that can be interrupted after any epoch."""

    @property
    def network(self) -> nn.Module:
        """All that is learnt."""
        ...

    @property
    def kept(self) -> nn.Module:
        """The part of it whose parameters, after the epoch that is kept, are the result."""
        ...

    @property
    def optimizer(self) -> Optimizer:
        """What learns it."""
        ...

    @property
    def fabric(self) -> Fabric:
        """Device and precision."""
        ...


@dataclass(frozen=True)
class Checkpoint:
    """Everything the next epochs depend on.

    Attributes
    ----------
    history : list
        A row for each epoch that has ended.
    network, best : mapping
        Parameters now, and after the epoch that is kept so far.
    optimizer : mapping
        Number of a parameter to its tensors.
    scaler : mapping
        Numbers of the loss scaler of 16-bit training; empty without.
    """

    history: list[EpochMetrics]
    network: Tensors
    best: Tensors
    optimizer: dict[int, Tensors]
    scaler: Tree

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
    def of(cls, task: Resumable, history: list[EpochMetrics], best: Tensors) -> Checkpoint:
        """Take down the state of a training."""
        scaler = task.fabric.strategy.precision.state_dict()
        optimizer = task.optimizer.state_dict()["state"]
        return cls(history, task.network.state_dict(), best, optimizer, scaler)

    @classmethod
    def load(cls, path: Path) -> Checkpoint | None:
        """Read the file; None if there is none, `RunError` if it is damaged."""
        if not path.is_file():
            return None
        try:
            tensors = read_tensors(path)
        except RunError as error:
            raise RunError(error.what, where=path, hint=ANEW) from None
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        try:
            history, scaler = _history(metadata["history"]), parse_object(metadata["scaler"])
            optimizer: dict[int, Tensors] = {}
            for name, value in _below(tensors, "optimizer.").items():
                number, key = name.split(".", 1)
                optimizer.setdefault(int(number), {})[key] = value
        except (KeyError, ValueError, TypeError) as error:
            raise RunError(f"is no checkpoint ({reason(error)})", where=path, hint=ANEW) from None
        return cls(
            history, _below(tensors, "network."), _below(tensors, "best."), optimizer, scaler
        )


def parameters(task: Resumable) -> Tensors:
    """Copy what is kept of a network, to the CPU."""
    return {name: value.detach().cpu().clone() for name, value in task.kept.state_dict().items()}


def restore(
    task: Resumable, path: Path, columns: Sequence[str]
) -> tuple[list[EpochMetrics], Tensors]:
    """Go back to a checkpoint; return its history, which needs some columns, and best parameters.

    Both are empty if there is no checkpoint.

    Raises
    ------
    RunError
        If the checkpoint is damaged, or that of another network.
    """
    checkpoint = Checkpoint.load(path)
    if checkpoint is None:
        return [], {}
    groups = task.optimizer.state_dict()["param_groups"]
    try:
        require_columns(checkpoint.history, columns)
        _require_alike(checkpoint.best, task.kept.state_dict())
        _require_state(task.optimizer, checkpoint.optimizer)
        task.network.load_state_dict(checkpoint.network)
        task.optimizer.load_state_dict({"state": checkpoint.optimizer, "param_groups": groups})
        task.fabric.strategy.precision.load_state_dict(checkpoint.scaler)
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError):
        raise RunError("is that of another network", where=path, hint=ANEW) from None
    return checkpoint.history, checkpoint.best


def _require_state(optimizer: Optimizer, state: Mapping[int, Tensors]) -> None:
    """Refuse what an optimizer does not compare: a number, or a tensor for each parameter."""
    learnt = [p for group in optimizer.param_groups for p in group["params"]]
    for number, tensors in state.items():
        shape = learnt[number].shape if 0 <= number < len(learnt) else None
        for tensor in tensors.values():
            if shape is None or (tensor.numel() != 1 and tensor.shape != shape):
                raise ValueError("it does not fit the parameters")
    if len({frozenset(tensors) for tensors in state.values()}) > 1:
        raise ValueError("it lacks something of some parameters")


def _require_alike(tensors: Tensors, others: Mapping[str, Tensor]) -> None:
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if shapes != {name: tensor.shape for name, tensor in others.items()}:
        raise ValueError("its best parameters are those of another network")


def _history(text: str) -> list[EpochMetrics]:
    rows = parse_json(text)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TypeError("its history is no list of epochs")
    if not all(type(value) in (int, float) for row in rows for value in row.values()):
        raise TypeError("its history does not hold numbers")
    return rows


def _below(tensors: Tensors, prefix: str) -> Tensors:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
