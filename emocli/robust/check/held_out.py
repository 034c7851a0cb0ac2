"""Held-out clips, and their copies under noise, by which the thresholds of a check are chosen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from emocli import plugins
from emocli.data.batch import Padded
from emocli.data.track import Rows
from emocli.robust.representation import Flags, Representation


@dataclass(frozen=True)
class HeldOut:
    """The vectors of a batch of held-out clips.

    Attributes
    ----------
    vectors : mapping
        Modality to the rows of the clips (`Representation`).
    noisy : mapping
        Modality to those of copies under noise (SNR 0.01); empty where none are needed.
    """

    vectors: Mapping[str, Rows]
    noisy: Mapping[str, Rows]

    @classmethod
    def of(cls, views: Mapping[str, Padded], representation: Representation, noisy: bool) -> Self:
        """Take the vectors of clips, and if ``noisy`` those of their copies under noise."""
        copies = dict(_under_noise(views, representation)) if noisy else {}
        return cls(representation(views), copies)

    def without(self, flags: Mapping[str, Flags], representation: Representation) -> Self:
        """Leave out modalities of clips whose flag, shape (B,), is not set."""
        parts = ({m: representation.kept(x, flags[m]) for m, x in rows.items()} for rows in self)
        return type(self)(*parts)

    def __iter__(self) -> Iterator[Mapping[str, Rows]]:
        """Yield both."""
        yield from (self.vectors, self.noisy)


def _under_noise(
    views: Mapping[str, Padded], representation: Representation
) -> Iterator[tuple[str, Rows]]:
    noise = plugins.load("corruptions", "gaussian").Config(snr=0.01)
    for index, modality in enumerate(sorted(views)):
        rows = views[modality].rows()
        corrupted = Padded.from_rows([noise(row, _seeded(index, row), ()) for row in rows])
        yield modality, representation({modality: corrupted})[modality]


def _seeded(index: int, row: NDArray[Any]) -> np.random.Generator:
    """Draw the noise of a clip from what it holds: the order of the clips must not matter."""
    held = hashlib.blake2b(np.ascontiguousarray(row).tobytes(), digest_size=16).digest()
    return np.random.default_rng((index, int.from_bytes(held, "big")))


def inliers(
    held: Sequence[HeldOut], flags: Mapping[str, Flags], representation: Representation
) -> Iterator[HeldOut]:
    """Remove outliers from each batch; ``flags`` tells the inliers of all batches."""
    start = 0
    for batch in held:
        n = len(representation.shown(next(iter(batch.vectors.values()))))
        own = {m: flag[start : start + n] for m, flag in flags.items()}
        yield batch.without(own, representation)
        start += n
