"""Fusion networks: the base class of every model, and the contract of its module.

A module of kind ``fusion`` offers

``Config``
    the network's settings; the defaults are the paper's numbers. Its class variable ``SPACE``, if
    it has one, says what a search draws them from: a `Space` of `Choice`, `Uniform`, `Whole`. Its
    class variable ``RULES``, if it has one, says which of them follow from the `CorpusSize` under
    ``plus``: `Rules` like ``{"hidden": Rule("the classes", lambda size: size.classes)}``. The rule
    of a base class, as `emocli.plugin.layers.NetworkSettings` has one for ``hidden``, falls away
    where a subclass defines the setting anew;
``Model(dims, outputs, config)``
    a `Network`: ``dims`` maps each modality to its width D, ``outputs`` is the number of classes C;
    it works for any set of modalities, or raises `emocli.errors.ConfigError`;
``PRESETS``
    ``literal``, ``paper`` and ``plus``: settings of the whole run (``{"network": {...},
    "train": {...}}``).

The strongest of these decides each setting, the weakest first: its default; under ``plus`` its rule
by the size of the corpus, where it has one (epochs and batch size have); the network's
preset; a file; an option. Types of bounded numbers for them are here, too: `Size`, `Dropped`, ...

A network that predicts from the mean of every modality:

>>> import torch
>>> class Model(Network):
...     def __init__(self, dims, outputs, config):
...         super().__init__()
...         self.heads = PerView({name: torch.nn.Linear(dims[name], outputs) for name in dims})
...
...     def forward(self, batch):
...         logits = {name: self.heads[name](batch.views[name].mean()) for name in self.heads}
...         return FusionOutput(sum(logits.values()))
>>> views = {"audio": Padded(torch.ones(2, 5, 3), torch.tensor([5, 2]))}
>>> Model({"audio": 3}, 4, config=None)(Batch(("a", "b"), views)).logits.shape
torch.Size([2, 4])

A network whose ``level`` is ``dialogue`` is given whole dialogues. A view, and the logits, are a
row per clip there, too: the clips of the first dialogue in their order, then those of the second.
``batch.turns``, (B,), counts the clips of each of B dialogues; ``batch.in_dialogue``, (B, K), is
true where dialogues of up to K clips have one. The mean of each dialogue, for each of its clips:

>>> views = {"audio": Padded(torch.ones(3, 5, 2), torch.tensor([5, 2, 4]))}
>>> batch = Batch(("a", "b", "c"), views, turns=torch.tensor([2, 1]))
>>> clips, inside = batch.views["audio"].mean(), batch.in_dialogue
>>> dialogues = clips.new_zeros(*inside.shape, clips.shape[1])
>>> dialogues[inside] = clips
>>> means = dialogues.sum(dim=1) / batch.turns[:, None]
>>> means.repeat_interleave(batch.turns, dim=0).shape
torch.Size([3, 2])
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from emocli.data.batch import Batch as Batch
from emocli.data.batch import FusionOutput as FusionOutput
from emocli.data.batch import Padded as Padded
from emocli.data.manifest import Task as Task
from emocli.data.samples import Level as Level
from emocli.data.samples import Samples as Samples
from emocli.quantities import Depth as Depth
from emocli.quantities import Dropped as Dropped
from emocli.quantities import Factor as Factor
from emocli.quantities import Size as Size
from emocli.quantities import Steps as Steps
from emocli.rules import CorpusSize as CorpusSize
from emocli.rules import Rule as Rule
from emocli.rules import Rules as Rules
from emocli.space import Choice as Choice
from emocli.space import Space as Space
from emocli.space import Uniform as Uniform
from emocli.space import Whole as Whole


class Loss(Protocol):
    """The loss that the training settings chose: a mean over clips of a sum over classes."""

    def __call__(self, logits: Tensor, targets: Tensor, /) -> Tensor:
        """Compare logits (n, C) with targets, as a `Batch` holds them: a scalar."""

    def mean(self, terms: Tensor, targets: Tensor) -> Tensor:
        """Average terms (n, C) or (n, 1) over the clips under the weights of the classes."""


class Network(nn.Module):
    """Base of fusion networks: ``forward`` has to be defined, all else has a default.

    Shapes: n clips, a view of each modality (n, T, D) with lengths (n,), C classes. Nothing beyond
    a view's lengths may change an output, nor may another clip (at level ``dialogue``: another
    dialogue) of the batch. A modality may be missing from any clip: its length is then 0.

    Attributes
    ----------
    level : {'clip', 'dialogue'}
        What an item of a batch is.
    condenses : bool
        Whether ``condense`` does anything.
    takes_soft_targets : bool
        Whether ``loss`` understands probabilities as targets where it understands labels, as
        mixtures of clips and raters' votes need.
    remarks : tuple of str
        Lines that a training should tell.
    vector_width : int
        Width W of the output's ``vector``; 0 of a network that does not tell it.
    """

    level: ClassVar[Level] = "clip"
    condenses: ClassVar[bool] = False
    takes_soft_targets: ClassVar[bool] = True
    remarks: tuple[str, ...] = ()
    vector_width: int = 0

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify clips: logits (n, C), and what the network can tell about them."""
        raise NotImplementedError

    def loss(self, output: FusionOutput, batch: Batch, base: Loss) -> Tensor:
        """Return what training minimises, a scalar; by default the chosen loss of the logits."""
        assert batch.targets is not None
        return base(output.logits, batch.targets)

    def set_task(self, task: Task, loss: str) -> None:
        """Set the meaning of the logits, before the first clip.

        Raises
        ------
        ConfigError
            If a setting makes no sense for that.
        """

    def fit(self, train: Samples) -> None:
        """Take what needs no gradient from the training clips, before they are condensed.

        ``train`` is standardised; what was discarded from its clips is missing.
        """

    def condense(
        self, clip_id: str, modality: str, values: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Do to a clip's array (T, D) what can be done once and for all, since nothing is learnt.

        Only where ``condenses`` is true; batches then come ``condensed``.
        """
        return values

    def oracle(self, output: FusionOutput, batch: Batch) -> dict[str, Tensor]:
        """Return the weights of the modalities, (n,) each, if the labels are known; none here."""
        return {}

    def uniform(self, batch: Batch) -> dict[str, Tensor]:
        """Return attention over the steps of each view, (n, T), that prefers none; none here."""
        return {}

    @property
    def unweighted(self) -> str:
        """The setting by which predictions do without the weights that the output holds, if any."""
        return ""


class PerView(nn.Module):
    """One module for each view, in the order of the views' names, whatever these are."""

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.names = tuple(sorted(modules))
        for name in self.names:
            self.add_module(_key(name), modules[name])

    def __getitem__(self, name: str) -> nn.Module:
        return self.get_submodule(_key(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)


def _key(view: str) -> str:
    # A submodule's name may hold no dot, nor be that of one of its parent's attributes.
    return "view_" + view.replace("%", "%25").replace(".", "%2E")
