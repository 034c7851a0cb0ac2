"""A network around another one: it is that network to everybody, but for what it adds."""

from __future__ import annotations

from torch import Tensor

from emocli.data.batch import Batch, FusionOutput
from emocli.data.manifest import Task
from emocli.plugin.network import Loss, Network


class Around(Network):
    """The base of networks that hold another one, and do as it does.

    Parameters
    ----------
    network : Network
        The network inside.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        # What a class says of all its networks, this one repeats for the one it holds.
        self.level = network.level  # type: ignore[misc]
        self.takes_soft_targets = network.takes_soft_targets  # type: ignore[misc]
        self.remarks, self.vector_width = network.remarks, network.vector_width
        self.network = network

    def loss(self, output: FusionOutput, batch: Batch, base: Loss) -> Tensor:
        """Return what the network does."""
        return self.network.loss(output, batch, base)

    def set_task(self, task: Task, loss: str) -> None:
        """Take note of what the logits stand for; errors as of the network."""
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
