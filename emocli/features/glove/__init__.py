"""Word vectors from a file (GloVe, word2vec, fastText), a row per token.

Source: Pennington et al. 2014, EMNLP.

``vectors`` names the file: text (also ``.gz``) or ``.npz``; see `vectors`. Of it only the words of
the corpus are kept. Texts are split as GloVe's training text was (`tokens`). A token that the file
lacks is looked up in lower case (unless ``case`` says otherwise), then by its parts (``well`` and
``known`` for ``well-known``), and is out of vocabulary if that fails, too.

Where a clip has ``media.words``, its tokens are those of the words spoken inside the clip, and each
row has a time; else they are those of its text. Notes: tokens (``words``) and those of them that
are out of vocabulary (``words.out_of_vocabulary``); the same of types, each counted at the first
clip that has it (``types``, ``types.out_of_vocabulary``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emocli.config import Settings
from emocli.data.clip import Clip
from emocli.data.track import Absent, Track
from emocli.data.words import Word, read_words
from emocli.errors import MediaError
from emocli.features.glove.tokens import parts, tokens
from emocli.features.glove.vectors import Vectors, read_vectors

MODALITY = "text"
REQUIRES: tuple[str, ...] = ()

Case = Literal["both", "keep", "lower"]
UNKNOWN = -1


class Config(Settings):
    """Where the vectors are from, and how words are looked up.

    Attributes
    ----------
    vectors : Path
        The file.
    case : {'both', 'keep', 'lower'}
        Look a token up as it is written and then in lower case; only as written; only in lower
        case. ``both`` suits cased and uncased files.
    oov : {'zero', 'skip', 'mean'}
        A token out of vocabulary is a row of zeros, no row, or the mean of all vectors of the file.
    """

    vectors: Path
    case: Case = "both"
    oov: Literal["zero", "skip", "mean"] = "zero"


@dataclass(frozen=True)
class Extractor:
    """Looks up the tokens of a clip.

    Attributes
    ----------
    config : Config
        How.
    vectors : Vectors
        Those of the corpus's words.
    new_types : mapping
        Clip to the types it is the first to have.
    timed : bool
        Whether rows have times: if any clip of the corpus has words; NaN for those that have not.
    """

    config: Config
    vectors: Vectors
    new_types: Mapping[str, Sequence[str]]
    timed: bool
    names: tuple[str, ...] = ()
    rate: float | None = None

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per token, shape (T, D)."""
        del upstream
        rows: list[int] = []
        times: list[float] = []
        found = _tokens(clip)
        for token, time in found:
            hits = self._rows(token) or ([] if self.config.oov == "skip" else [UNKNOWN])
            rows += hits
            times += [time] * len(hits)
        types = self.new_types.get(clip.id, ())
        return Track(
            self._values(np.array(rows, np.int64)),
            np.array(times) if self.timed else None,
            notes={
                "words": len(found),
                "words.out_of_vocabulary": sum(not self._rows(token) for token, _ in found),
                "types": len(types),
                "types.out_of_vocabulary": sum(not self._rows(token) for token in types),
            },
        )

    def _rows(self, token: str) -> list[int]:
        """Rows of the token, or of its parts; none if it, or one of them, is unknown."""
        for pieces in ((token,), parts(token)):
            rows = [self._row(piece) for piece in pieces]
            known = [row for row in rows if row is not None]
            if len(known) == len(rows):
                return known
        return []

    def _row(self, word: str) -> int | None:
        rows = self.vectors.rows
        return next((rows[form] for form in _forms(word, self.config.case) if form in rows), None)

    def _values(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        values = np.tile(self.vectors.mean, (len(rows), 1))
        known = rows != UNKNOWN
        values[known] = self.vectors.values[rows[known]]
        return values


def prepare(config: Config, clips: Sequence[Clip]) -> Extractor:
    """Collect the words of the corpus and read their vectors.

    Raises
    ------
    ConfigError, StoreError
        If the file is absent or cannot be read (see `vectors.read_vectors`).
    """
    seen: set[str] = set()
    new_types: dict[str, list[str]] = {}
    for clip in clips:
        with suppress(Absent, MediaError):  # told when the clip's turn comes
            types = {token for token, _ in _tokens(clip)} - seen
            seen |= types
            new_types[clip.id] = sorted(types)
    wanted = {
        form
        for token in seen
        for piece in (token, *parts(token))
        for form in _forms(piece, config.case)
    }
    vectors = read_vectors(config.vectors, wanted, mean=config.oov == "mean")
    return Extractor(config, vectors, new_types, any("words" in clip.media for clip in clips))


def _forms(word: str, case: Case) -> tuple[str, ...]:
    if case == "keep":
        return (word,)
    return (word.lower(),) if case == "lower" else (word, word.lower())


def _tokens(clip: Clip) -> list[tuple[str, float]]:
    """Tokens and their times from the clip's start, which are NaN where they are unknown."""
    if "words" in clip.media:
        start = clip.start or 0.0
        end = math.inf if clip.end is None else clip.end
        words = read_words(clip.media["words"])
        spoken = [word for word in words if start <= (word.start + word.end) / 2 < end]
        return [(token, time - start) for word in spoken for token, time in _spread(word)]
    if not clip.text.strip():
        raise Absent("the clip has neither text nor words")
    return [(token, math.nan) for token in tokens(clip.text)]


def _spread(word: Word) -> Iterator[tuple[str, float]]:
    """Spread a word's tokens evenly over its duration: the middle of each one's share."""
    found = tokens(word.text)
    step = (word.end - word.start) / len(found)
    return ((token, word.start + (k + 0.5) * step) for k, token in enumerate(found))
