"""The wrapper of a network: it has the network's interface, and adds to its computation."""

from __future__ import annotations

from torch import Tensor

from emocli.data.batch import Batch, FusionOutput
from emocli.data.manifest import Task
from emocli.plugin.network import Loss, Network


class NetworkWrapper(Network):
    """The base of networks that wrap another one and delegate to it.

    Parameters
    ----------
    network : Network
        The wrapped network.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        # Attributes of the wrapped network's class are attributes of this instance.
        self.level = network.level  # type: ignore[misc]
        self.takes_soft_targets = network.takes_soft_targets  # type: ignore[misc]
        self.remarks, self.vector_width = network.remarks, network.vector_width
        self.network = network

    def loss(self, output: FusionOutput, batch: Batch, base: Loss) -> Tensor:
        """Return what the network does."""
        return self.network.loss(output, batch, base)

    def set_task(self, task: Task, loss: str) -> None:
        """Set the meaning of the logits; errors as of the network."""
        self.network.set_task(task, loss)

    def oracle(self, output: FusionOutput, batch: Batch) -> dict[str, Tensor]:
        """Return what the network does."""
        return self.network.oracle(output, batch)

    def uniform(self, batch: Batch) -> dict[str, Tensor]:
        """Return what the network does."""
        return self.network.uniform(batch)

    @property
    def unweighted(self) -> str:
        """What the network says."""
        return self.network.unweighted
