"""Dialogue-level transformers for every modality, joined by fusion attention over the text.

An item is a dialogue: every modality's utterances attend to each other, then the queries and keys
of the fusion layers decide how the text of the dialogue is mixed.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from emocli.config import Settings
from emocli.data.batch import Batch, FusionOutput, Padded
from emocli.data.samples import Level
from emocli.fusion._layers import Encoder, PerView, Size

Depth = Annotated[int, Field(ge=1, le=32)]
Pooling = Literal["mean", "max", "words"]

GROUPS = 4
"""Groups of clips of similar length, of which a network reads the words of one at a time."""


class Config(Settings):
    """Settings of M2FNet.

    Attributes
    ----------
    layers : int
        Encoder layers of each modality, N (1 for MELD, 5 for IEMOCAP).
    fusion : {'attention', 'concat'}
        Whether fusion attention joins the modalities (eq. 6-7) or they are only put side by side.
    fusion_layers : int
        Layers of fusion attention, m.
    query : str
        The modality whose stream is mixed; the first by name where it is not there.
    heads : int
        At most so many; each attention has the largest number that divides its width.
    ff_mult : int
        Inner width of an encoder layer, in widths of its modality (the paper prints none).
    enc_skip : bool
        Whether each encoder's input is added to its output: text and figure 3 do so, eq. 5 not.
    fusion_residual : {'none', 'add', 'concat'}
        What a fusion layer keeps of its input: nothing (eq. 6), its sum with layer normalisation,
        or itself beside what was attended to.
    pos : {'none', 'sinusoidal'}
        Whether the place in the dialogue is added to the features (Vaswani et al. 2017). Without,
        the order of the utterances does not matter to the network.
    speaker_emb : bool
        Whether a learned vector for the speaker, counted within the dialogue, is added.
    speakers : int
        Speakers told apart; all further ones share the last vector.
    context : {'full', 'past'}
        Whether an utterance sees those after it.
    utterance : {'mean', 'max', 'words'}, or a mapping of modalities to these
        How the steps of a clip become one vector: their mean, their maximum, or what a
        bidirectional LSTM finds in them, weighed by attention. Features with one row per clip stay
        as they are in the first two. A modality the mapping does not name takes the mean.
    words_hidden : int
        Units of each direction of that LSTM.
    width : int, optional
        Width all modalities are projected to; by default each keeps its own.
    hidden : int, optional
        Units of the classifier's hidden layer; the width of the query's modality by default.
    dropout : float
        Share dropped in the encoders, the attentions and the classifier (paper: .4 to .5).
    """

    layers: Depth = 1
    fusion: Literal["attention", "concat"] = "attention"
    fusion_layers: Depth = 5
    query: str = "text"
    heads: Depth = 8
    ff_mult: Depth = 2
    enc_skip: bool = True
    fusion_residual: Literal["none", "add", "concat"] = "none"
    pos: Literal["none", "sinusoidal"] = "none"
    speaker_emb: bool = False
    speakers: Depth = 8
    context: Literal["full", "past"] = "full"
    utterance: Pooling | dict[str, Pooling] = "mean"
    words_hidden: Size = 128
    width: Size | None = None
    hidden: Size | None = None
    dropout: float = Field(0.45, ge=0, lt=1)

    @model_validator(mode="after")
    def _query_is_named(self) -> Config:
        if not self.query:
            raise ValueError("query must name a modality")
        return self

    def pooling(self, modality: str) -> Pooling:
        """Return how a modality's steps become one vector."""
        if isinstance(self.utterance, str):
            return self.utterance
        return self.utterance.get(modality, "mean")

    def utterance_width(self, modality: str, inputs: int) -> int:
        """Return the width of a modality's vectors in the dialogue."""
        found = 2 * self.words_hidden if self.pooling(modality) == "words" else inputs
        return self.width or found


_TRAIN = {
    "optimizer": "adamw",
    "lr": 5e-4,
    "weight_decay": 1e-4,
    "batch_size": 16,
    "epochs": 100,
    "patience": 15,
    "clip": 1.0,
    "warmup": 0.05,
    "monitor": "weighted_f1",
}
PRESETS = {
    "literal": {"network": {"enc_skip": False}, "train": _TRAIN},
    "paper": {"network": {}, "train": _TRAIN},
    "plus": {
        "network": {"fusion_residual": "add", "pos": "sinusoidal", "speaker_emb": True},
        "train": _TRAIN | {"class_weights": "balanced"},
    },
}


class Model(nn.Module):
    """M2FNet's dialogue-level network (Chudasama 2022 eq. 5-8)."""

    level: ClassVar[Level] = "dialogue"

    def __init__(self, dims: Mapping[str, int], outputs: int, config: Config) -> None:
        super().__init__()
        self.utterances = PerView({view: Utterance(view, dims[view], config) for view in dims})
        names = self.utterances.names
        widths = {name: config.utterance_width(name, dims[name]) for name in names}
        self.query = config.query if config.query in names else names[0]
        others = {name: width for name, width in widths.items() if name != self.query}
        self.encoders = PerView({name: Encoding(widths[name], config) for name in names})
        width = widths[self.query]
        attends = config.fusion == "attention" and bool(others)
        self.layers = nn.ModuleList(
            FusionLayer(width, others, config) for _ in range(config.fusion_layers * attends)
        )
        hidden = config.hidden or width
        self.classifier = nn.Sequential(
            nn.Linear(sum(widths.values()), hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(hidden, outputs),
        )

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify every utterance of dialogues."""
        streams = {}
        for name in self.utterances:
            said = self.utterances[name](batch.views[name], batch)
            streams[name] = self.encoders[name](said)
        query = streams.pop(self.query)
        mixed = query.values
        for layer in self.layers:
            mixed = layer(mixed, streams)
        final = torch.cat([mixed, *(stream.values for stream in streams.values())], dim=-1)  # eq. 7
        return FusionOutput(self.classifier(batch.per_clip(final)))  # eq. 8


class Utterance(nn.Module):
    """From a clip's steps to its vector in the dialogue, with place and speaker if asked for."""

    def __init__(self, view: str, inputs: int, config: Config) -> None:
        super().__init__()
        self.pooling = config.pooling(view)
        self.words = Words(inputs, config) if self.pooling == "words" else None
        found = 2 * config.words_hidden if self.words else inputs
        self.project = nn.Linear(found, config.width) if config.width else nn.Identity()
        self.width = config.utterance_width(view, inputs)
        self.pos = config.pos
        self.speaker = nn.Embedding(config.speakers, self.width) if config.speaker_emb else None

    def forward(self, view: Padded, batch: Batch) -> Padded:
        """Return (B, K, D); utterances without the modality are zero and not present."""
        if self.words is not None:
            vectors = self.words(view)
        else:
            vectors = view.mean() if self.pooling == "mean" else _largest(view)
        vectors = self.project(vectors)
        if self.speaker is not None and batch.speakers is not None:
            last = self.speaker.num_embeddings - 1
            vectors = vectors + self.speaker(batch.speakers.clamp(max=last))
        values = batch.per_dialogue(vectors)
        if self.pos == "sinusoidal":
            values = values + sinusoids(values.shape[1], self.width).to(values)
        present = batch.per_dialogue(view.observed)
        turns = batch.in_dialogue.sum(dim=1)
        return Padded(values.masked_fill(~present[..., None], 0), turns, present)


class Words(nn.Module):
    """A bidirectional LSTM over the steps of a clip, and attention that weighs them."""

    def __init__(self, inputs: int, config: Config) -> None:
        super().__init__()
        self.encoder = Encoder(inputs, config.words_hidden, config.dropout)
        self.score = nn.Sequential(
            nn.Linear(2 * config.words_hidden, config.words_hidden),
            nn.Tanh(),
            nn.Linear(config.words_hidden, 1),
        )

    def forward(self, view: Padded) -> Tensor:
        """Return vectors (n, 2 * words_hidden).

        Clips of similar length are read together: most are far shorter than the longest one.
        """
        order = view.lengths.argsort(stable=True)
        found = torch.cat([self._read(view, part) for part in order.chunk(GROUPS)])
        return found[order.argsort()]

    def _read(self, whole: Padded, clips: Tensor) -> Tensor:
        lengths = whole.lengths[clips]
        steps = max(1, int(lengths.max()))
        present = None if whole.present is None else whole.present[clips, :steps]
        view = Padded(whole.values[clips, :steps], lengths, present)
        states = self.encoder(view)
        mask = view.mask[..., None]
        lowest = torch.finfo(states.values.dtype).min
        values = states.values.masked_fill(~mask, 0)
        weights = torch.softmax(self.score(values).masked_fill(~mask, lowest), dim=1) * mask
        found: Tensor = (weights * values).sum(dim=1)
        return found


class Encoding(nn.Module):
    """The transformer encoders of one modality (Chudasama 2022 eq. 5)."""

    def __init__(self, width: int, config: Config) -> None:
        super().__init__()
        self.skip = config.enc_skip
        self.past = config.context == "past"
        self.heads = heads(width, config.heads)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width,
                self.heads,
                dim_feedforward=config.ff_mult * width,
                dropout=config.dropout,
                batch_first=True,
            )
            for _ in range(config.layers)
        )

    def forward(self, said: Padded) -> Padded:
        """Let the utterances attend to those that were observed."""
        values, visible = said.values, seen(said.mask, self.past)
        # An utterance that sees none sees itself: a softmax needs something.
        alone = ~visible.any(dim=-1, keepdim=True) & torch.eye(len(visible[0])).to(visible)
        hidden = ~(visible | alone).repeat_interleave(self.heads, dim=0)
        for layer in self.layers:
            encoded = layer(values, src_mask=hidden)
            values = encoded + values if self.skip else encoded  # eq. 5
        return said.with_values(values.masked_fill(~said.mask[..., None], 0))


class FusionLayer(nn.Module):
    """One layer of fusion attention (Chudasama 2022 eq. 6).

    Every other modality says where to look, by its keys; queries and values are the mixed stream.
    """

    def __init__(self, width: int, others: Mapping[str, int], config: Config) -> None:
        super().__init__()
        self.past = config.context == "past"
        self.residual = config.fusion_residual
        self.heads = heads(width, config.heads)
        self.attention = PerView(
            {
                name: nn.MultiheadAttention(
                    width, self.heads, config.dropout, kdim=key, vdim=width, batch_first=True
                )
                for name, key in others.items()
            }
        )
        kept = self.residual == "concat"
        self.join = nn.Linear((len(others) + kept) * width, width)
        self.norm = nn.LayerNorm(width) if self.residual == "add" else nn.Identity()

    def forward(self, mixed: Tensor, others: Mapping[str, Padded]) -> Tensor:
        """Mix the stream (B, K, D) anew."""
        found = [self._attend(name, mixed, others[name]) for name in self.attention]
        if self.residual == "concat":
            found.append(mixed)
        joined = self.join(torch.cat(found, dim=-1))  # eq. 6
        if self.residual == "add":
            joined = joined + mixed
        result: Tensor = self.norm(joined)
        return result

    def _attend(self, name: str, mixed: Tensor, other: Padded) -> Tensor:
        visible = seen(other.mask, self.past)
        nothing = ~visible.any(dim=-1, keepdim=True)
        hidden = ~(visible | nothing).repeat_interleave(self.heads, dim=0)
        found, _ = self.attention[name](
            mixed, other.values, mixed, attn_mask=hidden, need_weights=False
        )
        result: Tensor = found.masked_fill(nothing, 0)
        return result


def heads(width: int, most: int) -> int:
    """Return the largest number of heads, up to ``most``, that divides a width."""
    return max(count for count in range(1, most + 1) if width % count == 0)


def seen(mask: Tensor, past: bool) -> Tensor:
    """Bool (B, K, K): which observed utterances (columns) each one (rows) may attend to."""
    visible = mask[:, None].expand(-1, mask.shape[1], -1)
    return visible.tril() if past else visible


def sinusoids(steps: int, width: int) -> Tensor:
    """Positions as sines and cosines of geometric wavelengths (Vaswani et al. 2017), (K, D)."""
    rates = 10000 ** (-torch.arange(0, width, 2) / width)
    angles = torch.arange(steps)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width]


def _largest(view: Padded) -> Tensor:
    """Maximum over observed steps, (n, D); zero where there is none."""
    lowest = torch.finfo(view.values.dtype).min
    found = view.values.masked_fill(~view.mask[..., None], lowest).amax(dim=1)
    return found.masked_fill(~view.observed[:, None], 0)
