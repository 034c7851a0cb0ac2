"""Dialogue-level transformers for every modality, joined by fusion attention over the text.

An item is a dialogue: every modality's utterances attend to each other, then the queries and keys
of the fusion layers decide how the text of the dialogue is mixed.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, cast

import torch
from pydantic import model_validator
from torch import Tensor, nn

from emocli.config import Settings
from emocli.data.samples import Level
from emocli.errors import ConfigError, choice
from emocli.fusion._dialogue import (
    Context,
    Places,
    Stream,
    attend,
    attention_mask,
    encode,
    heads,
    sinusoids,
)
from emocli.plugin.layers import ViewEncoder
from emocli.plugin.network import (
    Batch,
    FusionOutput,
    Network,
    Padded,
    PerView,
    Space,
    Uniform,
    Whole,
)
from emocli.plugin.training import PLUS
from emocli.quantities import Depth, Dropped, Size
from emocli.rules import UNITS, UTTERANCE, WORD_BY_WORD, Rules

Pooling = Literal["mean", "max", "words"]
TOGETHER = 40
"""Clips of similar length whose words a network reads at a time."""


class Config(Settings):
    """Settings of M2FNet.

    Attributes
    ----------
    layers : int, or a mapping of modalities to int
        Encoder layers of each modality, N (1 for MELD, 5 for IEMOCAP), or N_T, N_A and N_V; a
        modality the mapping does not name has one.
    fusion : {'attention', 'concat'}
        Whether fusion attention joins the modalities (eq. 6-7) or they are only put side by side.
    fusion_layers : int
        Layers of fusion attention, m.
    query : str
        The modality whose stream is mixed; the first by name where it is not there.
    heads : int
        Attention heads at most; each attention has the largest number that divides its width.
    ff_mult : int
        Inner width of an encoder layer, in widths of its modality (the paper prints none).
    enc_skip : bool
        Whether each encoder's input is added to its output: text and figure 3 do so, eq. 5 not.
    fusion_residual : {'none', 'add', 'concat'}
        What a fusion layer keeps of its input: nothing (eq. 6), its sum with layer normalisation,
        or its concatenation with what was attended to.
    pos : {'none', 'sinusoidal'}
        Whether the place in the dialogue is added to the features (Vaswani et al. 2017). Without,
        the order of the utterances does not matter to the network.
    speaker_emb : bool
        Whether a learned vector for the speaker, counted within the dialogue, is added.
    speakers : int
        Speakers told apart; all further ones share the last vector.
    context : {'full', 'past', 'none'}
        Whether an utterance sees the whole dialogue, what came before it, or itself alone.
    utterance : {'mean', 'max', 'words'}, or a mapping of modalities to these
        How the steps of a clip become one vector: their mean, their maximum, or what a
        bidirectional LSTM finds in them, weighed by attention. Features with one row per clip stay
        as they are in the first two. A modality the mapping does not name takes the mean.
    words_hidden : int
        Units of each direction of the LSTM of ``utterance``.
    width : int, optional
        Width all modalities are projected to; by default each keeps its own.
    hidden : int, optional
        Units of the classifier's hidden layer; the width of the query's modality by default.
    dropout : float
        Share dropped in the encoders, the attentions and the classifier (paper: .4 to .5).
    """

    SPACE: ClassVar[Space] = {
        "layers": Whole(1, 6),
        "fusion_layers": Whole(1, 5),
        "dropout": Uniform(0.0, 0.6),
    }
    RULES: ClassVar[Rules] = {"width": UNITS, "utterance": UTTERANCE}

    layers: Depth | dict[str, Depth] = 1
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
    context: Context = "full"
    utterance: Pooling | dict[str, Pooling] = "mean"
    words_hidden: Size = 128
    width: Size | None = None
    hidden: Size | None = None
    dropout: Dropped = 0.45

    @model_validator(mode="after")
    def _query_is_named(self) -> Config:
        if not self.query:
            raise ValueError("query must name a modality")
        return self

    def depth(self, modality: str) -> int:
        """Return the number of encoder layers of a modality."""
        return self.layers if isinstance(self.layers, int) else self.layers.get(modality, 1)

    def pooling(self, modality: str) -> Pooling:
        """Return how a modality's steps become one vector."""
        if isinstance(self.utterance, str):
            return self.utterance
        return self.utterance.get(modality, "mean")

    def utterance_width(self, modality: str, inputs: int) -> int:
        """Return the width of a modality's vectors in the dialogue."""
        pooled = 2 * self.words_hidden if self.pooling(modality) == "words" else inputs
        return self.width or pooled


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
        "network": {"fusion_layers": 1, "fusion_residual": "add", "dropout": 0.5},
        "train": PLUS | {"monitor": "weighted_f1"},
    },
}


class Model(Network):
    """M2FNet's dialogue-level network (Chudasama 2022 eq. 5-8).

    Shapes: M views (n, T_m, D_m) of n utterances -> vectors (n, W_m) -> encoded (n, W_m), attending
    within B dialogues of up to K utterances, (B, K, W_m) -> mixed (n, W of the query) -> joined
    (n, sum of W_m) -> logits (n, C).

    Raises
    ------
    ConfigError
        If a depth, or a way to pool, is that of a modality that is not there.
    """

    level: ClassVar[Level] = "dialogue"

    def __init__(self, dims: Mapping[str, int], outputs: int, config: Config) -> None:
        super().__init__()
        self.utterances = PerView(
            {view: UtteranceEncoder(view, dims[view], config) for view in dims}
        )
        names = self.utterances.names
        _require_modalities(config, names)
        widths = {name: config.utterance_width(name, dims[name]) for name in names}
        self.query = config.query if config.query in names else names[0]
        others = {name: width for name, width in widths.items() if name != self.query}
        self.encoders = PerView(
            {name: Encoding(widths[name], config.depth(name), config) for name in names}
        )
        width = widths[self.query]
        attends = config.fusion == "attention" and bool(others)
        if attends and self.query != config.query:
            lacking = f"no modality is called '{config.query}', which fusion attention would mix"
            self.remarks = (f"{lacking} (network.query): '{self.query}' takes its place",)
        self.layers = nn.ModuleList(
            FusionLayer(width, others, config) for _ in range(config.fusion_layers * attends)
        )
        hidden = config.hidden or width
        self.vector_width = sum(widths.values())
        self.classifier = nn.Sequential(
            nn.Linear(self.vector_width, hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(hidden, outputs),
        )

    def forward(self, batch: Batch) -> FusionOutput:
        """Classify every utterance of dialogues."""
        places = Places.of(batch)
        streams = {}
        for name in self.utterances:
            vectors, observed = self.utterances[name](batch.views[name], batch, places)
            streams[name] = self.encoders[name](vectors, observed, places)
        query = streams.pop(self.query)
        mixed = query.rows
        for layer in self.layers:
            mixed = layer(mixed, streams, places)
        # Chudasama 2022 eq. 7
        final = torch.cat([mixed, *(stream.rows for stream in streams.values())], dim=-1)
        return FusionOutput(self.classifier(final), vector=final)  # Chudasama 2022 eq. 8


class UtteranceEncoder(nn.Module):
    """From a clip's steps to its vector in the dialogue, with place and speaker if asked for."""

    def __init__(self, view: str, inputs: int, config: Config) -> None:
        super().__init__()
        self.pooling = config.pooling(view)
        self.words = WordEncoder(inputs, config) if self.pooling == "words" else None
        pooled = 2 * config.words_hidden if self.words else inputs
        self.project = nn.Linear(pooled, config.width) if config.width else nn.Identity()
        self.width = config.utterance_width(view, inputs)
        self.pos = config.pos
        self.speaker = nn.Embedding(config.speakers, self.width) if config.speaker_emb else None

    def forward(self, view: Padded, batch: Batch, places: Places) -> tuple[Tensor, Tensor]:
        """Return rows (n, D), zero without the modality, and where it was observed, bool (n,)."""
        if self.words is not None:
            vectors = self.words(view)
        else:
            vectors = view.mean() if self.pooling == "mean" else _largest(view)
        vectors = self.project(vectors)
        if self.speaker is not None and batch.speakers is not None:
            last = self.speaker.num_embeddings - 1
            vectors = vectors + self.speaker(batch.speakers.clamp(max=last))
        if self.pos == "sinusoidal":
            waves = sinusoids(places.shape[1], self.width).to(vectors)
            vectors = vectors + waves[places.turns]
        return vectors.masked_fill(~view.observed[:, None], 0), view.observed


class WordEncoder(nn.Module):
    """A bidirectional LSTM over the steps of a clip, and attention that weighs them."""

    def __init__(self, inputs: int, config: Config) -> None:
        super().__init__()
        self.encoder = ViewEncoder(inputs, config.words_hidden, config.dropout)
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
        vectors = torch.cat([self._read(view, part) for part in torch.split(order, TOGETHER)])
        return vectors[order.argsort()]

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
        vectors: Tensor = (weights * values).sum(dim=1)
        return vectors


class Encoding(nn.Module):
    """The transformer encoders of one modality (Chudasama 2022 eq. 5)."""

    def __init__(self, width: int, depth: int, config: Config) -> None:
        super().__init__()
        self.skip = config.enc_skip
        self.context = config.context
        self.heads = heads(width, config.heads)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width,
                self.heads,
                dim_feedforward=config.ff_mult * width,
                dropout=config.dropout,
                batch_first=True,
            )
            for _ in range(depth)
        )

    def forward(self, vectors: Tensor, observed: Tensor, places: Places) -> Stream:
        """Let utterances (n, D) attend to those that were observed."""
        visible = attention_mask(places.laid_out(observed), self.context)
        # An utterance that sees none sees itself: a softmax needs something.
        itself = torch.eye(places.shape[1], device=vectors.device, dtype=torch.bool)
        allowed = visible | (~visible.any(dim=-1, keepdim=True) & itself)
        rows = vectors
        for layer in self.layers:
            encoded = encode(cast(nn.TransformerEncoderLayer, layer), rows, allowed, places)
            rows = encoded + rows if self.skip else encoded  # Chudasama 2022 eq. 5
        return Stream(rows.masked_fill(~observed[:, None], 0), visible)


class FusionLayer(nn.Module):
    """One layer of fusion attention (Chudasama 2022 eq. 6).

    Every other modality says where to look, by its keys; queries and values are the mixed stream.
    """

    def __init__(self, width: int, others: Mapping[str, int], config: Config) -> None:
        super().__init__()
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

    def forward(self, mixed: Tensor, others: Mapping[str, Stream], places: Places) -> Tensor:
        """Mix the stream (n, D) anew."""
        attended = [self._attend(name, mixed, others[name], places) for name in self.attention]
        if self.residual == "concat":
            attended.append(mixed)
        joined = self.join(torch.cat(attended, dim=-1))  # Chudasama 2022 eq. 6
        if self.residual == "add":
            joined = joined + mixed
        result: Tensor = self.norm(joined)
        return result

    def _attend(self, name: str, mixed: Tensor, other: Stream, places: Places) -> Tensor:
        nothing = ~other.visible.any(dim=-1, keepdim=True)
        allowed = other.visible | nothing
        attention = cast(nn.MultiheadAttention, self.attention[name])
        attended = attend(attention, mixed, other.rows, mixed, allowed, places)
        return attended.masked_fill(places.rows(nothing), 0)


def _require_modalities(config: Config, names: Sequence[str]) -> None:
    # The rule of size says how texts are read also where there is none.
    pooled = [*names, *WORD_BY_WORD]
    for setting, value, known in (
        ("layers", config.layers, names),
        ("utterance", config.utterance, pooled),
    ):
        for name in value if isinstance(value, dict) else ():
            if name not in known:
                what = f"setting 'network.{setting}.{name}': there is no such modality"
                raise ConfigError(what, hint=choice(name, list(names)))


def _largest(view: Padded) -> Tensor:
    """Maximum over observed steps, (n, D); zero where there is none."""
    lowest = torch.finfo(view.values.dtype).min
    largest = view.values.masked_fill(~view.mask[..., None], lowest).amax(dim=1)
    return largest.masked_fill(~view.observed[:, None], 0)
