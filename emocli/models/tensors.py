"""Tensors in a safetensors file: written as a whole, read without executing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from emocli.data.durable import write_bytes
from emocli.errors import RunError, reason

RESTORE = "restore it, or train again with --overwrite"
"""Hint for a run that is not what was trained, or was trained on something else."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file as a whole."""
    # Copies: tied parameters share memory, which the format refuses.
    copies = {n: t.detach().cpu().contiguous().clone() for n, t in tensors.items()}
    write_bytes(path, save(copies, dict(metadata)))


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


def read_parameters(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file of numbers that a network computes with.

    Raises
    ------
    RunError
        If it is not one, or truncated, or holds a parameter that is no number.
    """
    tensors = read_tensors(path)
    require_numbers(path, tensors)
    return tensors


def require_numbers(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise `RunError` for the first parameter that is infinite or no number."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.float().isfinite().all():
            what = f"is damaged (parameter '{name}' is not finite)"
            raise RunError(what, where=path, hint=RESTORE)


@contextmanager
def sized_by(path: Path) -> Iterator[None]:
    """Build a network within: end that as soon as it has more parameters than a file has bytes.

    Raises
    ------
    ValueError
        If so; before it takes memory, if it is built without values.
    """
    room, count = path.stat().st_size, 0

    def counted(module: nn.Module, name: str, parameter: Tensor | None) -> None:
        nonlocal count
        count += 0 if parameter is None else max(1, parameter.numel())  # nothing, without end
        if count > room:
            raise ValueError(f"it would have more parameters than {path.name} has bytes")

    hook = register_module_parameter_registration_hook(counted)
    try:
        yield
    finally:
        hook.remove()
