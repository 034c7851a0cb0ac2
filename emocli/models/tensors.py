"""Tensors in a safetensors file: written as a whole, read without executing anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from emocli.data.durable import write_bytes
from emocli.errors import RunError, reason

RESTORE = "restore it, or train again with --overwrite"
"""How a run is mended that is not what was trained, or was trained on something else."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file as a whole."""
    # Copies: tied parameters share memory, which the format refuses.
    plain = {n: t.detach().cpu().contiguous().clone() for n, t in tensors.items()}
    write_bytes(path, save(plain, dict(metadata)))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises
    ------
    RunError
        If it is not one, or truncated.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        damaged = f"is damaged or not safetensors ({reason(error)})"
        raise RunError(damaged, where=path, hint=RESTORE) from None
