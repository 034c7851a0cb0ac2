"""Word vectors from a file (GloVe, word2vec, fastText), a row per token.

Source: Pennington et al. 2014, EMNLP.

``vectors`` names the file: text (also ``.gz``) or ``.npz``; see `vectors`. Of it only the words of
the corpus are kept. Texts are split as GloVe's training text was (`tokens`). A token that the file
lacks is looked up in lower case (unless ``case`` says otherwise) and in other spellings of the same
letters, then by its parts (``well`` and ``known`` for ``well-known``); in scripts without blanks
between words the longest words that the file has are taken. It is out of vocabulary if all of that
fails.

Where a clip has ``media.words``, its tokens are those of the words spoken inside the clip, and each
row has a time; else they are those of its text. Notes: tokens (``words``) and those of them that
are out of vocabulary (``words.out_of_vocabulary``); the same of types, each counted at the first
clip that has it (``types``, ``types.out_of_vocabulary``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emocli.config import Settings
from emocli.data.words import Word, spoken
from emocli.errors import MediaError
from emocli.features.glove.tokens import Case, candidates, forms, is_spaced, parts, segments, tokens
from emocli.features.glove.vectors import Vectors, read_vectors, write_vectors
from emocli.plugin.feature import Absent, Clip, Track

MODALITY = "text"
PER_CLIP = False

UNKNOWN = -1


class Config(Settings):
    """Settings: the file of vectors, and the look-up of words.

    Attributes
    ----------
    vectors : Path
        The file of word vectors, in GloVe's or word2vec's text format.
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
class KnownWords:
    """The words that have a vector, each with its row, and the case they are looked up in."""

    rows: Mapping[str, int]
    case: Case

    def row(self, word: str) -> int | None:
        """Return the row of a word in any of its spellings."""
        return next((self.rows[form] for form in forms(word, self.case) if form in self.rows), None)

    def rows_of(self, token: str) -> list[int]:
        """Return rows of the token, or of its parts; none if it, or one of them, is unknown."""
        for pieces in ((token,), parts(token)):
            rows = [self.row(piece) for piece in pieces]
            known = [row for row in rows if row is not None]
            if len(known) == len(rows):
                return known
        return []

    def cut(self, token: str) -> tuple[str, ...]:
        """Cut a token of a script without blanks, if it is no word itself, into words."""
        if is_spaced(token) or self.rows_of(token):
            return (token,)
        return segments(token, lambda word: self.row(word) is not None)


@dataclass(frozen=True)
class Extractor:
    """The vectors of a clip's tokens.

    Attributes
    ----------
    new_types : mapping
        Clip to the types it is the first to have.
    timed : bool
        Whether rows have times: if any clip of the corpus has words; NaN for those that have not.
    """

    config: Config
    vectors: Vectors
    new_types: Mapping[str, Sequence[str]]
    timed: bool
    words: KnownWords
    names: tuple[str, ...] = ()
    rate: float | None = None

    def __call__(self, clip: Clip, upstream: Mapping[str, Track]) -> Track:
        """Return a row per token, shape (T, D)."""
        del upstream
        rows: list[int] = []
        times: list[float] = []
        timed_tokens = _tokens(clip, self.words)
        for token, time in timed_tokens:
            hits = self.words.rows_of(token) or ([] if self.config.oov == "skip" else [UNKNOWN])
            rows += hits
            times += [time] * len(hits)
        types = self.new_types.get(clip.id, ())
        return Track(
            self._values(np.array(rows, np.int64)),
            np.array(times) if self.timed else None,
            notes={
                "words": len(timed_tokens),
                "words.out_of_vocabulary": sum(
                    not self.words.rows_of(token) for token, _ in timed_tokens
                ),
                "types": len(types),
                "types.out_of_vocabulary": sum(not self.words.rows_of(token) for token in types),
            },
        )

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
    new_types = _new_types(clips)
    vectors = _vectors(config, new_types)
    words = KnownWords(vectors.rows, config.case)
    timed = any("words" in clip.media for clip in clips)
    return Extractor(config, vectors, _cut_types(new_types, words), timed, words)


def _vectors(config: Config, new_types: Mapping[str, Sequence[str]]) -> Vectors:
    """Read the vectors of every spelling in which the types are looked up; errors as `prepare`."""
    wanted = {
        form
        for types in new_types.values()
        for token in types
        for piece in (token, *parts(token), *candidates(token))
        for form in forms(piece, config.case)
    }
    words = sum(map(len, new_types.values()))
    return read_vectors(config.vectors, wanted, mean=config.oov == "mean", words=words)


@dataclass(frozen=True)
class VectorTable:
    """The file of vectors, as one that words can be taken out of."""

    setting: str = "vectors"

    def unknown(self, config: Config) -> str:
        """Say what a token out of vocabulary is."""
        kinds = {"zero": "a row of zeros", "skip": "no row", "mean": "the mean of all vectors"}
        return kinds[config.oov]

    def write(self, config: Config, clips: Sequence[Clip], path: Path) -> None:
        """Write an ``.npz`` of the words of some clips; errors as `prepare`.

        Of a clip whose words are known one by one, those of its text are there too: its points.
        """
        texts = [replace(clip, id=f"{clip.id} text", media={}) for clip in clips]
        vectors = _vectors(config, _new_types([*clips, *texts]))
        write_vectors(path, vectors, mean=config.oov == "mean")


VECTORS = VectorTable()


def _new_types(clips: Sequence[Clip]) -> dict[str, list[str]]:
    """Return the types that each clip is the first to have."""
    seen: set[str] = set()
    new_types: dict[str, list[str]] = {}
    for clip in clips:
        with suppress(Absent, MediaError):  # told when the clip's turn comes
            types = {token for token, _ in _tokens(clip)} - seen
            seen |= types
            new_types[clip.id] = sorted(types)
    return new_types


def _cut_types(new_types: Mapping[str, Sequence[str]], words: KnownWords) -> dict[str, list[str]]:
    """Return the same where types without blanks between their words are cut into those."""
    if all(is_spaced(token) for types in new_types.values() for token in types):
        return {clip_id: list(types) for clip_id, types in new_types.items()}
    seen: set[str] = set()
    cut: dict[str, list[str]] = {}
    for clip_id, types in new_types.items():
        fresh = {piece for token in types for piece in words.cut(token)} - seen
        seen |= fresh
        cut[clip_id] = sorted(fresh)
    return cut


def _tokens(clip: Clip, known: KnownWords | None = None) -> list[tuple[str, float]]:
    """Tokens and their times from the clip's start, which are NaN where they are unknown."""
    if "words" in clip.media:
        start = clip.start or 0.0
        return [
            (token, time - start)
            for word in spoken(clip)
            for token, time in _timed_tokens(word, known)
        ]
    if not clip.text.strip():
        raise Absent("the clip has neither text nor words")
    pieces = _cut(clip.text, known)
    if not pieces:
        raise Absent("the clip's text has no word")
    return [(token, math.nan) for token in pieces]


def _cut(text: str, known: KnownWords | None) -> list[str]:
    whole = tokens(text)
    return [piece for token in whole for piece in known.cut(token)] if known else whole


def _timed_tokens(word: Word, known: KnownWords | None) -> Iterator[tuple[str, float]]:
    """Spread a word's tokens evenly over its duration: the middle of each one's share."""
    pieces = _cut(word.text, known)
    step = (word.end - word.start) / max(len(pieces), 1)
    return ((token, word.start + (k + 0.5) * step) for k, token in enumerate(pieces))
