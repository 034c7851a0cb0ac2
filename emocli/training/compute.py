"""The computation of a training by PyTorch: device, precision, threads, random numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

from emocli.errors import ConfigError
from emocli.models.settings import Accelerator, Precision

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from lightning_fabric.wrappers import _FabricModule, _FabricOptimizer

KEPT = 31 << 20
"""Bytes that are taken and freed once. From then on glibc keeps twice as much of what is freed,
instead of returning it to the system only to ask for it again. More than 32 MB have no effect."""


@contextmanager
def seeded(*key: int) -> Iterator[np.random.Generator]:
    """Let all randomness inside follow from a key; outside it goes on as if nothing had been."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]))
        yield np.random.default_rng(key)


@contextmanager
def deterministic_torch(threads: int) -> Iterator[None]:
    """Compute deterministically, with so many threads, and without denormal numbers."""
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    had = torch.get_num_threads()
    # A step's memory comes cleared from the system, page by page, unless the process kept what the
    # step before freed: a tenth of the time of a small network's step. Once PyTorch is
    # deterministic, it would fill this with numbers first.
    torch.empty(KEPT, dtype=torch.uint8)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_num_threads(threads or had)
    # A gradient that fades over hundreds of steps ends in denormal numbers, which are ten times as
    # slow to compute with as zeros.
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(had)
        torch.use_deterministic_algorithms(before, warn_only=warned)


def check_machine(accelerator: Accelerator, precision: Precision) -> None:
    """Raise `ConfigError` for a device or a precision that this machine does not have."""
    gpu = torch.cuda.is_available()
    if accelerator == "cuda" and not gpu:
        hint = "choose train.accelerator=cpu"
        raise ConfigError("setting 'train.accelerator' = 'cuda': there is no GPU here", hint=hint)
    if precision == "16-mixed" and (accelerator == "cpu" or not gpu):
        hint = "choose train.precision=bf16-mixed or 32-true"
        raise ConfigError("setting 'train.precision' = '16-mixed' needs a GPU", hint=hint)


def make_fabric(accelerator: Accelerator, precision: Precision) -> Fabric:
    """Return the device and precision of a training; errors as of `check_machine`."""
    from lightning_fabric import Fabric

    check_machine(accelerator, precision)
    return Fabric(devices=1, accelerator=accelerator, precision=precision)


def clipped_step(
    fabric: Fabric, module: _FabricModule, optimizer: _FabricOptimizer, clip: float
) -> None:
    """Let an optimizer step, with the norm of the gradient at most ``clip``; 0 for no limit."""
    if clip:
        # 16-bit gradients may overflow: the scaler then skips the step by itself.
        fabric.clip_gradients(module, optimizer, max_norm=clip, error_if_nonfinite=False)
    optimizer.step()
