"""The input of a text encoder word by word, and the states that belong to each word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import torch

from emocli.config import Tree
from emocli.data.track import Rows
from emocli.errors import ConfigError
from emocli.models.hub_encoder import HiddenStates, obtained
from emocli.models.text_backbone import longest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


MOST = 512
"""Tokens read at a time where the encoder does not say how many it reads."""


@dataclass(frozen=True)
class ReadText:
    """A text as an encoder sees it.

    Attributes
    ----------
    words : ndarray, shape (words, D)
        The mean of each word's tokens; zeros for a word without any.
    mean, first : ndarray, shape (D,)
        The mean over the tokens of all words, and the state of the first token of all.
    tokens : int
        Tokens of the words.
    """

    words: Rows
    mean: Rows
    first: Rows
    tokens: int


@dataclass(frozen=True)
class WordReader:
    """A text encoder with its tokenizer.

    Attributes
    ----------
    tokens, overlap : int
        Tokens read at a time, and by how many two pieces overlap.
    batch : int
        Pieces at a time.
    """

    states: HiddenStates
    tokenizer: PreTrainedTokenizerBase
    tokens: int
    overlap: int
    batch: int

    @classmethod
    def of(
        cls,
        name: str,
        revision: str | None,
        states: HiddenStates,
        tokens: int | None,
        overlap: int,
        batch: int,
    ) -> WordReader:
        """Load the tokenizer of an encoder.

        Raises
        ------
        ConfigError
            If it cannot be had or does not say where tokens are, or if the encoder reads fewer
            tokens.
        """
        from transformers import AutoTokenizer

        def load(how: Tree) -> PreTrainedTokenizerBase:
            return AutoTokenizer.from_pretrained(name, **how)

        tokenizer = obtained("text", name, load, revision)
        if not tokenizer.is_fast:
            what = f"the tokenizer of '{name}' does not say which word a token belongs to"
            raise ConfigError(what, hint="give an encoder with a tokenizer.json")
        most = longest(states.network)
        if tokens is not None and most is not None and tokens > most:
            what = f"'{name}' reads at most {most} tokens, not {tokens}"
            raise ConfigError(what, where="text_model.tokens", hint=f"set it to {most}")
        wanted = tokens or min(most or MOST, MOST)
        # A piece begins and ends with tokens of its own, and has to get ahead.
        return cls(states, tokenizer, wanted, min(overlap, (wanted - 4) // 2), batch)

    def read(self, words: Sequence[str]) -> ReadText:
        """Read words, joined by blanks, of which there is at least one."""
        pieces = self.tokenizer(
            " ".join(words),
            truncation=True,
            max_length=self.tokens,
            stride=self.overlap,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        states = self._states(pieces["input_ids"])
        best: dict[int, _Token] = {}
        place = 0
        for k, rows in enumerate(states):
            own = np.flatnonzero(np.equal(pieces["special_tokens_mask"][k], 0))
            place -= self.overlap if k else 0
            for position, i in enumerate(own):
                edge = min(position, len(own) - 1 - position)
                token = _Token(edge, pieces["offset_mapping"][k][i], rows[i])
                best[place] = max(best.get(place, token), token, key=lambda each: each.edge)
                place += 1
        return _assigned(words, [best[place] for place in sorted(best)], states[0][0])

    def _states(self, pieces: Sequence[Sequence[int]]) -> list[Rows]:
        """Return the states of each piece, ``batch`` of them computed at a time."""
        rows: list[Rows] = []
        for start in range(0, len(pieces), self.batch):
            part = pieces[start : start + self.batch]
            inputs = self.tokenizer.pad({"input_ids": [list(ids) for ids in part]})
            tensors = {name: torch.tensor(inputs[name]) for name in ("input_ids", "attention_mask")}
            several = np.asarray(self.states(tensors).numpy(), np.float32)
            mask = np.asarray(inputs["attention_mask"], bool)
            rows += [own[kept] for own, kept in zip(several, mask, strict=True)]
        return rows


@dataclass(frozen=True)
class _Token:
    """A token's distance from the nearer edge of its piece, its span in the text, its state."""

    edge: int
    span: tuple[int, int]
    state: Rows


def _assigned(words: Sequence[str], tokens: Sequence[_Token], first: Rows) -> ReadText:
    """Average the tokens of each word: those whose last character is in it."""
    lengths = [len(word) + 1 for word in words]  # and the blank behind it
    starts = np.array([0, *accumulate(lengths[:-1])])
    rows = np.array([token.state for token in tokens], np.float32).reshape(len(tokens), len(first))
    last = [max(token.span[1] - 1, token.span[0]) for token in tokens]
    owner = np.searchsorted(starts, last, "right") - 1
    sums = np.zeros((len(words), len(first)))
    np.add.at(sums, owner, rows)
    counts = np.bincount(owner, minlength=len(words))[:, None]
    means = (sums / np.maximum(counts, 1)).astype(np.float32)
    mean = rows.mean(axis=0) if len(rows) else np.zeros_like(first)
    return ReadText(means, mean, first, len(tokens))
