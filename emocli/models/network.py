"""The class of a fusion network, from its plug-in, and what its output has to be."""

from __future__ import annotations

from typing import get_args

from torch import Tensor

from emocli import plugins
from emocli.data.samples import Level
from emocli.errors import ConfigError
from emocli.plugin.network import Batch, FusionOutput, Network
from emocli.plugins import REPAIR


def network_class(fusion: str) -> type[Network]:
    """Return the class of a network.

    Raises
    ------
    ConfigError
        If there is no such plug-in, or what it offers is no network of a known level.
    """
    module = plugins.load("fusion", fusion)
    model: type[Network] = module.Model
    if model.level not in get_args(Level):
        level = f"level {model.level!r}, not {' or '.join(get_args(Level))}"
        what = f"Model of plug-in '{fusion}' has {level}"
        raise ConfigError(what, where=module.__name__, hint=REPAIR)
    return model


class OutputCheck:
    """The check of every output of a network, as a forward hook of it.

    Parameters
    ----------
    fusion : str
        The plug-in.
    outputs : int
        Logits C of each clip.
    """

    def __init__(self, fusion: str, outputs: int) -> None:
        self.fusion, self.outputs = fusion, outputs

    def __call__(self, network: Network, inputs: tuple[Batch], output: object) -> None:
        """Raise `ConfigError` for what is no `FusionOutput` of one row of logits per clip."""
        shape = (len(inputs[0]), self.outputs)
        logits = output.logits if isinstance(output, FusionOutput) else None
        if isinstance(logits, Tensor) and logits.shape == shape:
            return
        got = type(output).__name__
        if logits is not None:
            got += f" with logits of {_shape(logits)}"
        what = f"network '{self.fusion}' returns a {got}; a FusionOutput with logits of {shape}"
        where = type(network).__module__
        raise ConfigError(f"{what}, (clips, outputs), is due", where=where, hint=REPAIR)


def _shape(logits: object) -> str:
    if isinstance(logits, Tensor):
        return str(tuple(logits.shape))
    return f"type {type(logits).__name__}"
