"""Hidden states of a published text encoder: a row per word, or one per utterance.

Source: Vaswani et al. 2017 (Transformer); Devlin et al. 2019 (BERT).

A word is what stands between blanks; its row is the mean of its tokens. Where a clip has
``media.words`` its words are those spoken inside the clip, and each row has a time. Text longer
than ``tokens`` is read in pieces that overlap; each token's state comes from the piece in which it
is farther from an edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from emocli.data.words import spoken
from emocli.features._hidden import HiddenConfig, hidden_states
from emocli.models.word_reader import WordReader
from emocli.plugin.feature import Absent, Clip, ReloadingExtractor, Track
from emocli.quantities import Tokens

MODALITY = "text"
PER_CLIP = False
HUB = ("encoder",)
LIBRARIES = ("torch", "transformers", "tokenizers")

PROBE = ("so",)
"""A text by which the number of columns is told."""


class Config(HiddenConfig):
    """Settings: the encoder, and what becomes of its rows.

    Attributes
    ----------
    pool : {'words', 'mean', 'cls'}
        A row per word; or one per utterance, the mean of its tokens (those that begin and end it
        left out) or the state of the first token.
    tokens : int, optional
        Tokens that are read at a time; as many as the encoder reads if not given.
    overlap : int
        Tokens by which pieces of longer texts overlap.
    """

    pool: Literal["words", "mean", "cls"] = "words"
    tokens: Tokens | None = None
    overlap: Tokens = 32


@dataclass(frozen=True)
class Extractor(ReloadingExtractor[Config]):
    """A text encoder, which each process loads for itself.

    Attributes
    ----------
    timed : bool
        Whether words have times: if any clip of the corpus has them; NaN in those that have not.
    """

    timed: bool = False

    @cached_property
    def reader(self) -> WordReader:
        """The encoder, and how it is fed."""
        config = self.config
        states = hidden_states(config, "text", "text_model")
        named = config.encoder, config.loaded_revision
        return WordReader.of(*named, states, config.tokens, config.overlap, config.batch)

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per word, shape (T, D), or one per utterance."""
        del upstream
        timed = spoken(clip) if "words" in clip.media else ()
        words = [word.text for word in timed] or clip.text.split()
        if not words:
            raise Absent("the clip has no text")
        read = self.reader.read(words)
        notes = {"tokens": read.tokens, "words": len(words)}
        if self.config.pool != "words":
            row = read.first if self.config.pool == "cls" else read.mean
            return Track(row[None], notes=notes)
        start = clip.start or 0.0
        moments = [(word.start + word.end) / 2 - start for word in timed]
        times = np.array(moments or [np.nan] * len(words))
        return Track(read.words, times if self.timed else None, notes=notes)


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Load the encoder.

    Raises
    ------
    ConfigError
        If it cannot be had, lacks a layer, reads fewer tokens, or its tokenizer does not say where
        tokens are.
    """
    reader = Extractor(config).reader
    width = len(reader.read(PROBE).first)
    timed = any("words" in clip.media for clip in clips)
    return Extractor(config, reader.states.names(width), timed=timed)
