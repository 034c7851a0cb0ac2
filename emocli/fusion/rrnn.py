"""Recursive recurrent network: attention over all views in hops, with a gated shared memory.

GCA whose memory is a recurrent cell: a gate shuts out views that are corrupted or say nothing, and
another one decides how much of the memory is rewritten.

Source: Beard et al. 2018, CoNLL (system "GCA + gating").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from emocli.fusion import gca
from emocli.plugin.layers import presets
from emocli.plugin.network import Choice, PerView, Space


class Config(gca.AttentionSettings):
    """Settings of the RRNN.

    Attributes
    ----------
    view_gate : {'concat', 'per_view', 'both', 'none'}
        What gates the views' contexts in eq. 12: the joint gate of eq. 9, as printed, whose
        parameters grow with the square of the number of views; a gate of each view's own
        (eq. 11, which the paper defines and does not use); the product of both; nothing.
    write_bias : float
        What the bias of the gate of eq. 10 starts with beyond its random value. Below zero a hop
        rewrites little of the memory at first, as an LSTM forgets little whose forget gate starts
        open (Jozefowicz et al. 2015).
    """

    SPACE: ClassVar[Space] = {
        **gca.AttentionSettings.SPACE,
        "write_bias": Choice((-3.0, -2.0, -1.0, 0.0)),
    }

    view_gate: Literal["concat", "per_view", "both", "none"] = "concat"
    write_bias: Annotated[float, Field(ge=-100, le=100)] = 0.0


PRESETS = presets(literal={"m0": "zero"}, plus={"view_gate": "per_view", "write_bias": -2.0})


class Affine(nn.Module):
    """W memory + V inputs + b."""

    def __init__(self, memory: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.memory = nn.Linear(memory, outputs)
        self.inputs = nn.Linear(inputs, outputs, bias=False)

    def forward(self, memory: Tensor, inputs: Tensor) -> Tensor:
        """(B, memory), (B, inputs) -> (B, outputs)."""
        total: Tensor = self.memory(memory) + self.inputs(inputs)
        return total


class GatedUpdate(nn.Module):
    """Memory update of a hop, the cell of the recursion (Beard 2018 eq. 9-13).

    One set of parameters for all hops, as printed: the cell is recurrent in the hops.
    """

    def __init__(self, views: Sequence[str], width: int, config: Config) -> None:
        super().__init__()
        joined = len(views) * width
        joint = config.view_gate in {"concat", "both"}
        own = config.view_gate in {"per_view", "both"}
        self.joint_gate = Affine(width, joined, joined) if joint else None
        self.view_gates = PerView({v: Affine(width, width, width) for v in views}) if own else None
        self.memory_gate = Affine(width, joined, width)
        with torch.no_grad():
            self.memory_gate.memory.bias.add_(config.write_bias)
        self.content = Affine(width, joined, width)

    def forward(
        self, memory: Tensor, contexts: Tensor, observed: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Update the memory (B, D) from contexts (B, M, D).

        Also returns how far each view passes its gate, on average over its dimensions, (B, M).
        """
        joined = contexts.flatten(1)
        gates = self.gates(memory, contexts)
        passed = joined if gates is None else (gates * contexts).flatten(1)
        write = torch.sigmoid(self.memory_gate(memory, joined))  # Beard 2018 eq. 10
        content = torch.tanh(self.content(memory, passed))  # Beard 2018 eq. 12
        memory = (1 - write) * memory + write * content  # Beard 2018 eq. 13
        return memory, None if gates is None else gates.mean(dim=-1)

    def gates(self, memory: Tensor, contexts: Tensor) -> Tensor | None:
        """Gates of the views' contexts (Beard 2018 eq. 9, 11), shape (B, M, D)."""
        gates = []
        if self.joint_gate is not None:
            joint = torch.sigmoid(self.joint_gate(memory, contexts.flatten(1)))  # Beard 2018 eq. 9
            gates.append(joint.view_as(contexts))
        if self.view_gates is not None:
            pairs = zip(self.view_gates, contexts.unbind(1), strict=True)
            own = [self.view_gates[name](memory, context) for name, context in pairs]
            gates.append(torch.sigmoid(torch.stack(own, dim=1)))  # Beard 2018 eq. 11
        return torch.stack(gates).prod(dim=0) if gates else None


class Model(gca.Recursive):
    """RRNN: encoders, attention in hops and a gated memory (Beard 2018 eq. 1-13).

    Shapes: as of `emocli.fusion.gca.Recursive`; in each hop gates of the contexts (n, M, W) and of
    the memory (n, W).
    """

    def __init__(self, dims: Mapping[str, int], outputs: int, config: Config) -> None:
        super().__init__(dims, outputs, config, GatedUpdate(sorted(dims), config.width, config))
