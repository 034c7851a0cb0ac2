"""A RoBERTa that reads an utterance inside its dialogue, and its run folder.

Source: Liu et al. 2019 (RoBERTa); Kim & Vossen 2021 (EmoBERTa: speakers' names, turns before and
after); Chudasama et al. 2022, CVPR workshops, "M2FNet" (text extractor).

The folder holds ``config.json``, ``backbone/`` (tokenizer and shape in the hub's layout),
``model.safetensors`` (written last), ``history.csv`` and ``README.md``. Loading executes no code
and downloads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from emocli.config import Settings
from emocli.data.clip import Clip, by_dialogue
from emocli.errors import ConfigError, RunError, reason
from emocli.models.hub import only_cached
from emocli.models.outline import outline as outlined
from emocli.models.rundir import CONFIG, MODEL, read_as, require_finished
from emocli.models.tensors import RESTORE, read_parameters, sized_by
from emocli.quantities import Depth, Folds, Size, Tokens, Turns

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SCRATCH = "scratch"
"""Name of the small backbone with random parameters and a vocabulary of the corpus's own."""

BACKBONE = "backbone"
"""Folder of tokenizer and shape inside a run."""

PART = "part-"
"""Start of the name of the folder inside a run that holds a part of a cross-fitting."""

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


class TextConfig(Settings):
    """What is read, and by what.

    Attributes
    ----------
    backbone : str
        An encoder of the Hugging Face hub by name (``roberta-large``), a local folder in its layout
        (safetensors only), or ``scratch``: a small one with random parameters, and a vocabulary
        learned from the train split.
    context : {'none', 'window', 'emoberta'}
        Only the utterance; with ``past`` turns before and ``future`` turns after it; or with as
        many as fit, one before and one after in turn.
    past, future : int
        Of ``window``.
    tokens : int
        Most tokens of an input; context is left out before the utterance is cut.
    names : bool
        Whether each turn starts with its speaker's name in capitals.
    pool : {'cls', 'mean'}
        The vector of an utterance: the state of the first token, or the mean over its own tokens.
    layers, width, heads, vocabulary : int
        Of ``scratch``.
    """

    backbone: str = "roberta-large"
    context: Literal["none", "window", "emoberta"] = "emoberta"
    past: Turns = 1
    future: Turns = 1
    tokens: Tokens = 512
    names: bool = True
    pool: Literal["cls", "mean"] = "cls"
    layers: Depth = 2
    width: Size = 64
    heads: Size = 4
    vocabulary: Annotated[int, Field(ge=300, le=1_000_000)] = 2000


class TextRun(Settings):
    """What ``config.json`` of a text encoder holds.

    Attributes
    ----------
    format : int
        Version of the layout.
    text : TextConfig
        What it reads.
    train : mapping
        The training's settings.
    classes : tuple of str
        What it was taught to tell apart.
    source : str
        Fingerprint of texts, speakers, labels and splits.
    part : int, optional
        In a cross-fitting the part of the train split it has not seen; None for the one that saw
        all of it.
    unseen : tuple of str
        The training clips it has not seen.
    versions : mapping
        Of emocli and the libraries.
    """

    format: Literal[1] = 1
    text: TextConfig
    train: dict[str, Any]
    classes: tuple[str, ...]
    source: str
    part: Folds | None = None
    unseen: tuple[str, ...] = ()
    versions: dict[str, str]


@dataclass(frozen=True)
class Reading:
    """Tokens of an input, and which of them are the utterance's own."""

    tokens: tuple[int, ...]
    start: int
    stop: int


class Reader:
    """Turns utterances in their dialogues into tokens."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, config: TextConfig) -> None:
        self.tokenizer, self.config = tokenizer, config

    def __call__(self, dialogue: Sequence[Clip], turn: int) -> Reading:
        """Read one utterance of a dialogue.

        ``<s> turns before </s></s> utterance </s></s> turns after </s>``; without context only
        ``<s> utterance </s>``.
        """
        own = self._said(dialogue[turn])
        room = self.config.tokens - 2
        start, end = [self._id("cls_token")], [self._id("sep_token")]
        own = own[:room]
        before, after = self._around(dialogue, turn, room - len(own))
        gap = 2 * end
        head = [*start, *before, *gap] if before else start
        tail = [*gap, *after, *end] if after else end
        return Reading((*head, *own, *tail), len(head), len(head) + len(own))

    def _around(
        self, dialogue: Sequence[Clip], turn: int, room: int
    ) -> tuple[list[int], list[int]]:
        """Take turns before and after while they fit, one of each in turn."""
        before: list[int] = []
        after: list[int] = []
        earlier, later = dialogue[:turn][::-1], dialogue[turn + 1 :]
        if self.config.context == "none":
            return before, after
        if self.config.context == "window":
            earlier, later = earlier[: self.config.past], later[: self.config.future]
        for distance in range(max(len(earlier), len(later))):
            for side in (earlier, later):
                if distance >= len(side):
                    continue
                said = self._said(side[distance])
                separators = 2 * (
                    (side is earlier or bool(before)) + (side is later or bool(after))
                )
                if len(before) + len(after) + len(said) + separators > room:
                    return before, after
                if side is earlier:
                    before = said + before
                else:
                    after = after + said
        return before, after

    def _said(self, clip: Clip) -> list[int]:
        name = f"{clip.speaker.upper()}: " if self.config.names and clip.speaker else ""
        found: list[int] = self.tokenizer.encode(
            f"{name}{clip.text.strip()}", add_special_tokens=False
        )
        return found

    def _id(self, name: str) -> int:
        found = getattr(self.tokenizer, f"{name}_id")
        return int(found if found is not None else self.tokenizer.eos_token_id or 0)


class TextNetwork(nn.Module):
    """A backbone, and a head of two layers on the vector of an utterance."""

    def __init__(self, backbone: PreTrainedModel, outputs: int, pool: str, dropout: float) -> None:
        super().__init__()
        if getattr(backbone, "pooler", None) is not None:
            backbone.register_module("pooler", None)  # its parameters would not be learned
        self.backbone, self.pool = backbone, pool
        width = int(backbone.config.hidden_size)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.Tanh(),
            nn.Dropout(dropout),
            nn.Linear(width, outputs),
        )

    def forward(self, tokens: Tensor, mask: Tensor, own: Tensor) -> Tensor:
        """Classify utterances: tokens, mask of tokens, mask of their own tokens, all (n, L)."""
        logits: Tensor = self.head(self.vectors(tokens, mask, own))
        return logits

    def vectors(self, tokens: Tensor, mask: Tensor, own: Tensor) -> Tensor:
        """Return the vectors of utterances, (n, D)."""
        states: Tensor = self.backbone(input_ids=tokens, attention_mask=mask).last_hidden_state
        if self.pool == "cls":
            return states[:, 0]
        weight = own[..., None].to(states)
        return (states * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


def collate(readings: Sequence[Reading], pad: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pad readings: tokens, mask, and mask of the utterances' own tokens, each (n, L)."""
    longest = max(len(reading.tokens) for reading in readings)
    tokens = torch.full((len(readings), longest), pad)
    mask = torch.zeros(len(readings), longest, dtype=torch.int64)
    own = torch.zeros(len(readings), longest, dtype=torch.bool)
    for row, reading in enumerate(readings):
        tokens[row, : len(reading.tokens)] = torch.tensor(reading.tokens)
        mask[row, : len(reading.tokens)] = 1
        own[row, reading.start : reading.stop] = True
    return tokens, mask, own


def read_clips(reader: Reader, clips: Iterable[Clip]) -> dict[str, Reading]:
    """Read every clip that has a text, each inside its own dialogue."""
    said = (clip for clip in clips if clip.text.strip())
    return {
        clip.id: reader(dialogue, turn)
        for dialogue in by_dialogue(said).values()
        for turn, clip in enumerate(dialogue)
    }


def describe(
    network: TextNetwork, readings: Sequence[Reading], pad: int, batch: int = 16
) -> NDArray[np.float32]:
    """Return the vectors of utterances, shape (n, D)."""
    network.eval()
    device = next(network.parameters()).device
    parts = []
    with torch.inference_mode():
        for start in range(0, len(readings), batch):
            inputs = collate(readings[start : start + batch], pad)
            vectors = network.vectors(*(tensor.to(device) for tensor in inputs))
            parts.append(vectors.float().cpu().numpy())
    return np.concatenate(parts)


def make_backbone(
    config: TextConfig, texts: Iterable[str]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a published backbone, or make a small one with a vocabulary of the texts.

    Raises
    ------
    ConfigError
        If it cannot be had, or reads fewer tokens than asked for.
    """
    if config.backbone == SCRATCH:
        return _scratch(config, texts)
    backbone, tokenizer = _published(config.backbone)
    most = _longest(backbone)
    if most is not None and config.tokens > most:
        raise ConfigError(
            f"text encoder '{config.backbone}' reads at most {most} tokens, not {config.tokens}",
            hint=f"set tokens={most}",
        )
    return backbone, tokenizer


def _longest(backbone: PreTrainedModel) -> int | None:
    """Return how many tokens a backbone reads at most; None if it does not say."""
    stated: int | None = getattr(backbone.config, "max_position_embeddings", None)
    for name, part in backbone.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
            # RoBERTa and its kin count from behind the number of padding, others from 0.
            first = 0 if part.padding_idx is None else part.padding_idx + 1
            return part.num_embeddings - first
    return stated


def read_run(run: Path) -> TextRun:
    """Read the ``config.json`` of a text encoder.

    Raises
    ------
    RunError
        If there is none, or it is damaged or that of something else.
    """
    path = run / CONFIG
    if not path.is_file():
        raise RunError(
            "there is no trained text encoder", where=run, hint="train one: emocli fit-text"
        )
    return read_as(TextRun, path, "a text encoder")


def load(run: Path) -> tuple[TextNetwork, Reader, TextRun]:
    """Read a trained text encoder.

    Raises
    ------
    RunError
        If it is absent, unfinished or damaged.
    """
    network, reader, config = _built(run)
    try:
        network.load_state_dict(read_parameters(run / MODEL))
    except (RuntimeError, TypeError, ValueError) as error:
        raise _unlike(run, error) from None
    return network.eval(), reader, config


def outline(run: Path) -> tuple[TextNetwork, Reader, TextRun]:
    """Read what a trained text encoder is: its parameters have shapes, but no values.

    Raises
    ------
    RunError
        If it is absent, unfinished or damaged.
    """
    with torch.device("meta"):
        return _built(run)


def _built(run: Path) -> tuple[TextNetwork, Reader, TextRun]:
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    config = read_run(run)
    require_finished(run)
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        shape = AutoConfig.from_pretrained(run / BACKBONE, **local)
        tokenizer = AutoTokenizer.from_pretrained(run / BACKBONE, **local)
        with sized_by(run / MODEL), torch.device("meta"):
            AutoModel.from_config(shape)  # type: ignore[no-untyped-call]
        backbone = AutoModel.from_config(shape)  # type: ignore[no-untyped-call]
        network = TextNetwork(backbone, len(config.classes), config.text.pool, 0.0)
    except Exception as error:  # what the library says of what it was given comes in any type
        raise _unlike(run, error) from None
    return network, Reader(tokenizer, config.text), config


def _unlike(run: Path, error: Exception) -> RunError:
    what = f"does not hold what {CONFIG} speaks of ({reason(error)})"
    return RunError(what, where=run, hint=RESTORE)


def _published(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    from transformers import AutoModel, AutoTokenizer

    # Where a folder brings code of its own it is neither run nor asked about.
    how: dict[str, Any] = {"local_files_only": only_cached(name), "trust_remote_code": False}
    try:
        backbone = AutoModel.from_pretrained(name, use_safetensors=True, **how)
        return backbone, AutoTokenizer.from_pretrained(name, **how)
    except Exception as error:  # as of a run's own
        raise ConfigError(
            f"text encoder '{name}' cannot be had: {reason(error)}",
            hint="give one of the Hugging Face hub by name, or a folder that holds one",
        ) from None


def _scratch(
    config: TextConfig, texts: Iterable[str]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    if config.width % config.heads:
        raise ConfigError(
            f"setting 'text.heads' = {config.heads} does not divide text.width = {config.width}",
            hint=f"set text.width={-(-config.width // config.heads) * config.heads}",
        )
    pieces = ByteLevelBPETokenizer()
    pieces.train_from_iterator(
        sorted(set(texts)),
        vocab_size=config.vocabulary,
        min_frequency=2,
        special_tokens=list(SPECIAL),
        show_progress=False,
    )
    names: Mapping[str, str] = dict(
        zip(
            ("cls_token", "pad_token", "sep_token", "unk_token", "mask_token"), SPECIAL, strict=True
        )
    )
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=pieces._tokenizer, bos_token="<s>", eos_token="</s>", **names
    )
    shape = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=4 * config.width,
        max_position_embeddings=config.tokens + 2,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        type_vocab_size=1,
    )
    outlined(lambda: RobertaModel(shape, add_pooling_layer=False))
    return RobertaModel(shape, add_pooling_layer=False), tokenizer
