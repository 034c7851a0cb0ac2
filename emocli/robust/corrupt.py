"""Spoiling features on purpose: which modality, how, how much.

A corruption is written ``modality[:name[@level]]``: ``visual``, ``visual:gaussian@0.01``,
``visual:gaussian@-10dB``, ``audio:zero``, ``text:dropout@0.5``. Without a name it is Gaussian noise
at 0 dB, as strong as the features themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from emocli import plugins
from emocli.errors import ConfigError, choice

if TYPE_CHECKING:
    from emocli.data.samples import Samples

Array = NDArray[np.float32]

DEFAULT = "gaussian"


@dataclass(frozen=True)
class Corruption:
    """What happens to one modality.

    Attributes
    ----------
    modality : str
        Which.
    name : str
        The corruption's plug-in.
    config : callable settings
        ``(values (T, D), rng, others) -> values``.
    label : str
        As a table shows it: ``visual gaussian 0 dB``.
    """

    modality: str
    name: str
    config: Callable[[Array, np.random.Generator, Sequence[Array]], Array]
    label: str


def parse(spec: str, modalities: Collection[str]) -> Corruption:
    """Read one corruption.

    Raises
    ------
    ConfigError
        For an unknown modality or corruption (the nearest is suggested), or an impossible level.
    """
    modality, colon, rest = spec.strip().partition(":")
    name, at, level = rest.partition("@")
    if not modality or (colon and not name) or (at and not level):
        raise ConfigError("is not of the form modality:name@level", where=f"corruption '{spec}'")
    if modality not in modalities:
        mend = choice(modality, list(modalities))
        raise ConfigError(
            f"there is no modality '{modality}'", where=f"corruption '{spec}'", mend=mend
        )
    name = name or DEFAULT
    try:
        config = plugins.load("corruptions", name).Config.parse(level or None)
    except ConfigError as error:
        raise ConfigError(error.what, where=f"corruption '{spec}'", mend=error.mend) from None
    return Corruption(modality, name, config, f"{modality} {name} {config.describe()}".strip())


def parse_all(specs: Iterable[str], modalities: Collection[str]) -> tuple[Corruption, ...]:
    """Read several corruptions; one text may hold several, separated by commas."""
    parts = (part for spec in specs for part in spec.split(","))
    return tuple(parse(part, modalities) for part in parts)


def at_levels(spec: str, levels: Iterable[str]) -> list[str]:
    """Write a corruption once per level: ``visual`` -> ``visual:gaussian@0.01``, ..."""
    modality, _, rest = spec.partition(":")
    name = rest.partition("@")[0] or DEFAULT
    return [f"{modality}:{name}@{level}" for level in levels]


@dataclass(frozen=True)
class Corrupter:
    """Spoils the features of a split; a transform of its samples.

    What happens to a clip depends on the seed, the clip and the modality alone: not on the order
    in which clips are read, nor on the process that reads them. Several corruptions of one modality
    follow each other.

    Attributes
    ----------
    corruptions : tuple of Corruption
        What happens.
    seed : int
        Another seed, other noise.
    samples : Samples
        The same split, not corrupted: where another clip's features come from.
    """

    corruptions: tuple[Corruption, ...]
    seed: int
    samples: Samples

    def __call__(self, clip_id: str, modality: str, values: Array) -> Array:
        """Spoil one array, shape (T, D); other modalities pass as they are."""
        chosen = [c.config for c in self.corruptions if c.modality == modality]
        if not chosen:
            return values
        rng = generator(self.seed, clip_id, modality)
        others = Others(self.samples, clip_id, modality, self._having[modality])
        for config in chosen:
            values = config(values, rng, others)
        return values

    @cached_property
    def _having(self) -> dict[str, tuple[str, ...]]:
        stores, clips = self.samples.stores, self.samples.clips
        return {m: tuple(c.id for c in clips if s.length(c.id)) for m, s in stores.items()}


@dataclass(frozen=True)
class Others(Sequence[Array]):
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
