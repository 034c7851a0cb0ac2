"""The transform of samples that corrupts them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, overload

import numpy as np
from pydantic import GetPydanticSchema
from pydantic_core import CoreSchema, core_schema

from emocli import plugins
from emocli.errors import ConfigError
from emocli.plugin.corruption import Array, Corruption
from emocli.plugin.robustness import CorruptionSpec, read, texts

if TYPE_CHECKING:
    from emocli.data.samples import Samples


def _as_texts(kind: Any, handler: Any) -> CoreSchema:
    return core_schema.no_info_after_validator_function(
        read,
        handler(tuple[str, ...]),
        serialization=core_schema.plain_serializer_function_ser_schema(texts),
    )


Corruptions = Annotated[tuple[CorruptionSpec, ...], GetPydanticSchema(_as_texts)]
"""A setting, or an entry of a file, that lists corruptions as texts."""


@dataclass(frozen=True)
class Corrupter:
    """The corruption of a split's features, as a transform of its samples.

    What happens to a clip depends on the seed, the clip and the modality alone: not on the order
    in which clips are read, nor on the process that reads them. Several corruptions of one modality
    follow each other.

    Attributes
    ----------
    corruptions : tuple of CorruptionSpec
        What happens.
    seed : int
        Another seed, other noise.
    samples : Samples
        The same split, not corrupted: where another clip's features come from.
    """

    corruptions: tuple[CorruptionSpec, ...]
    seed: int
    samples: Samples

    def __call__(self, clip_id: str, modality: str, values: Array) -> Array:
        """Corrupt one array, shape (T, D); other modalities pass as they are."""
        drawn = zip(self.corruptions, self._drawn(clip_id), strict=True)
        chosen = [(spec.name, each[modality]) for spec, each in drawn if modality in each]
        if not chosen:
            return values
        rng = generator(self.seed, clip_id, modality)
        others = OtherClips(self.samples, clip_id, modality, self._having[modality])
        for name, corruption in chosen:
            before, values = values, corruption(values, rng, others)
            _require_usable(name, corruption, before, values)
        return values

    def corrupted(self, clip_id: str) -> frozenset[str]:
        """Tell which modalities of a clip are corrupted: the truth a check is judged by."""
        return frozenset(modality for drawn in self._drawn(clip_id) for modality in drawn)

    @property
    def clips(self) -> dict[str, frozenset[str]]:
        """Modality to the clips of the split in which it is corrupted."""
        corrupted = {clip.id: self.corrupted(clip.id) for clip in self.samples.clips}
        return {
            m: frozenset(i for i, names in corrupted.items() if m in names)
            for m in self.samples.stores
        }

    def _drawn(self, clip_id: str) -> list[Mapping[str, Corruption]]:
        stores = self.samples.stores
        present = sorted(m for m, store in stores.items() if store.length(clip_id))
        return [
            corruption.draw(present, generator(self.seed, clip_id, f"protocol {corruption.name}"))
            for corruption in self.corruptions
        ]

    @cached_property
    def _having(self) -> dict[str, tuple[str, ...]]:
        stores, clips = self.samples.stores, self.samples.clips
        return {m: tuple(c.id for c in clips if s.length(c.id)) for m, s in stores.items()}


def _require_usable(name: str, corruption: Corruption, before: Array, after: Array) -> None:
    """Refuse what a plug-in made of an array (T, D) if it is none of that width, or not finite."""
    where = type(corruption).__module__
    if np.ndim(after) != 2 or np.shape(after)[1] != before.shape[1]:
        what = f"plug-in '{name}' makes an array of shape {np.shape(after)} of one of"
        hint = "a corruption may change T of (T, D), but not D"
        raise ConfigError(f"{what} {before.shape}", where=where, hint=hint)
    if not np.isfinite(after).all():
        what = f"plug-in '{name}' makes numbers that are not finite"
        raise ConfigError(what, where=where, hint=plugins.REPAIR)


@dataclass(frozen=True)
class OtherClips(Sequence[Array]):
    """The arrays of all other clips that have the modality, read when asked for."""

    samples: Samples
    clip_id: str
    modality: str
    having: tuple[str, ...]

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Whose arrays these are."""
        return tuple(clip_id for clip_id in self.having if clip_id != self.clip_id)

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Array: ...
    @overload
    def __getitem__(self, index: slice) -> list[Array]: ...
    def __getitem__(self, index: int | slice) -> Array | list[Array]:
        """Read the array of one other clip, or of several."""
        if isinstance(index, slice):
            return [self.samples.array(clip_id, self.modality) for clip_id in self.ids[index]]
        return self.samples.array(self.ids[index], self.modality)


def generator(seed: int, clip_id: str, modality: str) -> np.random.Generator:
    """Make the source of randomness of one array."""
    digest = hashlib.sha256("\0".join((str(seed), clip_id, modality)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest))
