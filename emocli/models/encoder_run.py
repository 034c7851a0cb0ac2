"""The run folder of an encoder, of pictures or of texts: its configuration and its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from torch import nn

from emocli.config import S
from emocli.errors import RunError, reason
from emocli.models.rundir import CONFIG, MODEL, read_as
from emocli.models.tensors import RESTORE, read_parameters

N = TypeVar("N", bound=nn.Module)


def read_config(kind: type[S], run: Path, what: str, command: str) -> S:
    """Read the ``config.json`` of ``what``, which ``command`` trains.

    Raises
    ------
    RunError
        If there is none, or it is damaged or that of something else.
    """
    path = run / CONFIG
    if not path.is_file():
        _, _, name = what.partition(" ")
        hint = f"train one: emocli {command}"
        raise RunError(f"there is no trained {name}", where=run, hint=hint)
    return read_as(kind, path, what)


def restore(network: N, run: Path) -> N:
    """Give a network its trained parameters, ready to use.

    Raises
    ------
    RunError
        If they are damaged, or those of another network.
    """
    try:
        network.load_state_dict(read_parameters(run / MODEL))
    except (RuntimeError, TypeError, ValueError) as error:
        what = f"does not hold what {CONFIG} describes ({reason(error)})"
        raise RunError(what, where=run / MODEL, hint=RESTORE) from None
    return network.eval()
