"""Where a feature's networks compute."""

from __future__ import annotations

from typing import Literal

from emocli.errors import ConfigError

Device = Literal["auto", "cpu", "cuda"]
"""``auto`` is a GPU if there is one."""


def device(wanted: Device, where: str) -> str:
    """Choose where to compute: ``cpu`` or ``cuda``.

    Parameters
    ----------
    wanted : {'auto', 'cpu', 'cuda'}
        What is asked for.
    where : str
        The setting that says so.

    Raises
    ------
    ConfigError
        If a GPU is asked for and there is none.
    """
    import torch

    gpu = torch.cuda.is_available()
    if wanted == "cuda" and not gpu:
        raise ConfigError("there is no GPU", where=where, hint="set it to auto")
    return "cuda" if gpu and wanted != "cpu" else "cpu"
