"""The input of a text encoder: an utterance with turns before and after it, as tokens.

Source: Kim & Vossen 2021 (EmoBERTa: speakers' names, turns before and after).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from emocli.config import Settings
from emocli.data.clip import Clip, by_dialogue
from emocli.quantities import Depth, Size, Tokens, Turns

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class TextConfig(Settings):
    """Settings of a text encoder: its backbone and its input.

    Attributes
    ----------
    backbone : str
        An encoder of the Hugging Face hub by name (``roberta-large``), a local folder in its layout
        (safetensors only), or ``scratch``: a small one with random parameters, and a vocabulary
        learned from the train split.
    context : {'none', 'window', 'emoberta'}
        Only the utterance; with ``past`` turns before and ``future`` turns after it; or with as
        many as fit, one before and one after in turn.
    past : int
        Turns before the utterance that are read, for ``context = window``.
    future : int
        Turns after the utterance that are read, for ``context = window``.
    tokens : int
        Most tokens of an input; context is left out before the utterance is cut.
    names : bool
        Whether each turn starts with its speaker's name in capitals.
    pool : {'cls', 'mean'}
        The vector of an utterance: the state of the first token, or the mean over its own tokens.
    layers : int
        Layers of the encoder ``scratch``.
    width : int
        Units of a token's state in the encoder ``scratch``.
    heads : int
        Attention heads of the encoder ``scratch``.
    vocabulary : int
        Tokens that the encoder ``scratch`` knows, at most.
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


@dataclass(frozen=True)
class Reading:
    """Tokens of an input, and which of them are the utterance's own."""

    tokens: tuple[int, ...]
    start: int
    stop: int


class UtteranceReader:
    """Tokenizer of utterances in their dialogues."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, config: TextConfig) -> None:
        self.tokenizer, self.config = tokenizer, config

    def __call__(self, dialogue: Sequence[Clip], turn: int) -> Reading:
        """Read one utterance of a dialogue.

        ``<s> turns before </s></s> utterance </s></s> turns after </s>``; without context only
        ``<s> utterance </s>``.
        """
        own = self._tokens(dialogue[turn])
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
                turn_tokens = self._tokens(side[distance])
                separators = 2 * (
                    (side is earlier or bool(before)) + (side is later or bool(after))
                )
                if len(before) + len(after) + len(turn_tokens) + separators > room:
                    return before, after
                if side is earlier:
                    before = turn_tokens + before
                else:
                    after = after + turn_tokens
        return before, after

    def _tokens(self, clip: Clip) -> list[int]:
        name = f"{clip.speaker.upper()}: " if self.config.names and clip.speaker else ""
        tokens: list[int] = self.tokenizer.encode(
            f"{name}{clip.text.strip()}", add_special_tokens=False
        )
        return tokens

    def _id(self, name: str) -> int:
        token = getattr(self.tokenizer, f"{name}_id")
        return int(token if token is not None else self.tokenizer.eos_token_id or 0)


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


def read_clips(reader: UtteranceReader, clips: Iterable[Clip]) -> dict[str, Reading]:
    """Read every clip that has a text, each inside its own dialogue."""
    with_text = (clip for clip in clips if clip.text.strip())
    return {
        clip.id: reader(dialogue, turn)
        for dialogue in by_dialogue(with_text).values()
        for turn, clip in enumerate(dialogue)
    }
