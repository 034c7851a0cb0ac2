"""The transformer of a text encoder: a published one, or a small RoBERTa of the corpus's own.

Source: Liu et al. 2019 (RoBERTa).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from torch import nn

from emocli.config import Tree
from emocli.errors import ConfigError
from emocli.models.hub_encoder import obtained
from emocli.models.outline import outline
from emocli.models.text_reader import TextConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SCRATCH = "scratch"
"""Name of the small backbone with random parameters and a vocabulary of the corpus's own."""

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def make_backbone(
    config: TextConfig, texts: Iterable[str], revision: str | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a published backbone, or make a small one with a vocabulary of the texts.

    ``revision`` is a branch, tag or commit on the hub.

    Raises
    ------
    ConfigError
        If it cannot be had, or reads fewer tokens than asked for.
    """
    if config.backbone == SCRATCH:
        return _scratch(config, texts)
    backbone, tokenizer = _published(config.backbone, revision)
    most = longest(backbone)
    if most is not None and config.tokens > most:
        raise ConfigError(
            f"text encoder '{config.backbone}' reads at most {most} tokens, not {config.tokens}",
            hint=f"set tokens={most}",
        )
    return backbone, tokenizer


def longest(backbone: PreTrainedModel) -> int | None:
    """Return how many tokens a backbone reads at most; None if it does not say."""
    stated: int | None = getattr(backbone.config, "max_position_embeddings", None)
    for name, part in backbone.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
            # RoBERTa and its kin count from behind the number of padding, others from 0.
            first = 0 if part.padding_idx is None else part.padding_idx + 1
            return part.num_embeddings - first
    return stated


def _published(name: str, revision: str | None) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    from transformers import AutoModel, AutoTokenizer

    def load(how: Tree) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        backbone = AutoModel.from_pretrained(name, use_safetensors=True, **how)
        return backbone, AutoTokenizer.from_pretrained(name, **how)

    return obtained("text", name, load, revision)


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
    outline(lambda: RobertaModel(shape, add_pooling_layer=False))
    return RobertaModel(shape, add_pooling_layer=False), tokenizer
