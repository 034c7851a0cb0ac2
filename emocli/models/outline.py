"""Outlines of networks: their parameters' shapes, without memory for the values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from emocli.errors import ConfigError

N = TypeVar("N", bound=nn.Module)

MOST = 1_000_000_000
"""Parameters of a network; with what an optimizer keeps of each they fill 16 GB."""


def outline(make: Callable[[], N]) -> N:
    """Build a network whose parameters have shapes, but no values.

    Raises
    ------
    ConfigError
        If they are too many; and as ``make``.
    """
    with torch.random.fork_rng(devices=()), torch.device("meta"):
        network = make()
    count = parameters(network)
    if count > MOST:
        what = f"the network would have {count:,} parameters, more than {MOST:,}"
        raise ConfigError(what, hint="choose smaller settings of it")
    return network


def parameters(network: nn.Module) -> int:
    """Count the numbers a network learns."""
    return sum(parameter.numel() for parameter in network.parameters())
