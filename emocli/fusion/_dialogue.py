"""Attention within dialogues: rows of utterances, their positions, and attention masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from emocli.plugin.network import Batch

Context = Literal["full", "past", "none"]


@dataclass(frozen=True)
class Places:
    """The places of utterances in their dialogues.

    All that concerns one utterance is computed on rows (n, D), without padding; dialogues are laid
    out, (B, K, D), to attend only.

    Attributes
    ----------
    shape : (int, int)
        Dialogues B, and utterances K of the longest one.
    index : Tensor of int64, shape (n,)
        Place of each utterance in the layout, flattened.
    """

    shape: tuple[int, int]
    index: Tensor

    @classmethod
    def of(cls, batch: Batch) -> Places:
        """Find the places of a batch."""
        inside = batch.in_dialogue
        return cls((inside.shape[0], inside.shape[1]), inside.flatten().nonzero()[:, 0])

    @property
    def turns(self) -> Tensor:
        """Place of each utterance in its dialogue, shape (n,)."""
        return self.index % self.shape[1]

    def laid_out(self, rows: Tensor) -> Tensor:
        """Arrange rows (n, ...) by dialogue, (B, K, ...), zero where there is no utterance."""
        empty = rows.new_zeros(self.shape[0] * self.shape[1], *rows.shape[1:])
        return empty.index_copy(0, self.index, rows).view(*self.shape, *rows.shape[1:])

    def rows(self, values: Tensor) -> Tensor:
        """Bring what is laid out back into rows."""
        return values.flatten(0, 1)[self.index]


@dataclass(frozen=True)
class Stream:
    """A modality of dialogues: rows (n, D), and which of them may be seen, bool (B, K, K)."""

    rows: Tensor
    visible: Tensor


def encode(
    layer: nn.TransformerEncoderLayer, rows: Tensor, allowed: Tensor, places: Places
) -> Tensor:
    """Do what an encoder layer does to rows (n, D), without computing on padding."""
    attended = attend(layer.self_attn, rows, rows, rows, allowed, places)
    rows = layer.norm1(rows + layer.dropout1(attended))
    inner = layer.dropout(torch.relu(layer.linear1(rows)))
    result: Tensor = layer.norm2(rows + layer.dropout2(layer.linear2(inner)))
    return result


def attend(
    attention: nn.MultiheadAttention,
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    allowed: Tensor,
    places: Places,
) -> Tensor:
    """Multi-head attention within dialogues, projecting rows (n, D) without padding.

    ``allowed``, bool (B, K, K), says which keys (columns) each query (row) sees: at least one.
    """
    weights: Sequence[Tensor]
    if attention.kdim == attention.embed_dim:
        weights = attention.in_proj_weight.chunk(3)
    else:
        weights = (attention.q_proj_weight, attention.k_proj_weight, attention.v_proj_weight)
    parts = zip((queries, keys, values), weights, attention.in_proj_bias.chunk(3), strict=True)
    q, k, v = (
        places.laid_out(functional.linear(rows, weight, bias))
        .view(*places.shape, attention.num_heads, -1)
        .transpose(1, 2)
        for rows, weight, bias in parts
    )
    dropout = attention.dropout if attention.training else 0.0
    mixed = functional.scaled_dot_product_attention(q, k, v, allowed[:, None], dropout)
    result: Tensor = attention.out_proj(places.rows(mixed.transpose(1, 2).flatten(-2)))
    return result


def heads(width: int, most: int) -> int:
    """Return the largest number of heads, up to ``most``, that divides a width."""
    return max(count for count in range(1, most + 1) if width % count == 0)


def attention_mask(mask: Tensor, context: Context) -> Tensor:
    """Return the attention mask, bool (B, K, K): the utterances (columns) a row attends to."""
    visible = mask[:, None].expand(-1, mask.shape[1], -1)
    if context == "full":
        return visible
    return visible.tril() if context == "past" else visible.tril().triu()


def sinusoids(steps: int, width: int) -> Tensor:
    """Positions as sines and cosines of geometric wavelengths (Vaswani et al. 2017), (K, D)."""
    rates = 10000 ** (-torch.arange(0, width, 2) / width)
    angles = torch.arange(steps)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width]
