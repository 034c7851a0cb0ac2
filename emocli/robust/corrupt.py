"""Corruptions of features: which modality, how, how much.

A corruption is written ``modality[:name][@level]``: ``visual``, ``visual@0.01``,
``visual:gaussian@-10dB``, ``audio:zero``, ``text:dropout@0.5``. Without a name it is Gaussian
noise, without a level at 0 dB, as strong as the features themselves. A protocol, which says itself
which modalities of which clips it corrupts, is written ``name[@level]``: ``m3er75``, ``face100``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from emocli import plugins
from emocli.errors import ConfigError, choice
from emocli.robust.corruption import Array, Corruption

if TYPE_CHECKING:
    from emocli.data.samples import Samples

DEFAULT = "gaussian"


@dataclass(frozen=True)
class CorruptionSpec:
    """What happens to clips.

    Attributes
    ----------
    subject : str
        The modality it happens to; of a protocol, which draws them, its name.
    name : str
        The plug-in.
    config : settings
        Of a corruption: ``(values (T, D), rng, others) -> values``; of a protocol: ``draw``.
    drawn : bool
        Whether it is a protocol.
    """

    subject: str
    name: str
    config: Any
    drawn: bool = False

    @property
    def level(self) -> str:
        """How much, as a table shows it; empty where there is nothing to say."""
        return str(self.config.describe())

    @property
    def label(self) -> str:
        """All of it, as a table shows it: ``visual gaussian 0 dB``, ``m3er75 one SNR 0.01``."""
        return " ".join(filter(None, dict.fromkeys([self.subject, self.name, self.level])))

    @property
    def ratio(self) -> float | None:
        """The signal-to-noise ratio, linear; None where there is none."""
        noise = self.config.corruption if self.drawn else self.config
        return getattr(noise, "ratio", None)

    def draw(self, present: Sequence[str], rng: np.random.Generator) -> Mapping[str, Corruption]:
        """Return what happens to a clip that has these modalities, by modality."""
        if self.drawn:
            drawn: Mapping[str, Corruption] = self.config.draw(present, rng)
            return drawn
        return {self.subject: self.config} if self.subject in present else {}


def parse(spec: str, modalities: Collection[str]) -> CorruptionSpec:
    """Read one corruption.

    Raises
    ------
    ConfigError
        For an unknown modality, corruption or protocol (the nearest is suggested), or an impossible
        level.
    """
    try:
        return _parse(spec, modalities)
    except ConfigError as error:
        raise ConfigError(error.what, where=f"corruption '{spec}'", hint=error.hint) from None


def parse_all(specs: Iterable[str], modalities: Collection[str]) -> tuple[CorruptionSpec, ...]:
    """Read several corruptions; one text may hold several, separated by commas."""
    parts = (part for spec in specs for part in spec.split(","))
    return tuple(parse(part, modalities) for part in parts)


def at_levels(spec: str, levels: Iterable[str]) -> list[str]:
    """Write a corruption once per level: ``visual`` -> ``visual@0.01``, ..."""
    subject, colon, rest = spec.partition(":")
    what = (rest if colon else subject).partition("@")[0]
    place = f"{subject}:{what}" if colon else what
    return [f"{place}@{level}" for level in levels]


def _parse(spec: str, modalities: Collection[str]) -> CorruptionSpec:
    subject, colon, rest = spec.strip().partition(":")
    name, at, level = (rest if colon else subject).partition("@")
    modality = subject if colon else name
    if not modality or (colon and not name) or (at and not level):
        raise ConfigError("is not of the form modality:name@level or protocol@level")
    if not colon and modality not in modalities and name in plugins.names("protocols"):
        config = plugins.load("protocols", name).Config.parse(level or None)
        config.require(modalities)
        return CorruptionSpec(name, name, config, drawn=True)
    if modality not in modalities:
        known = [*modalities, *([] if colon else plugins.names("protocols"))]
        raise ConfigError(f"there is no modality '{modality}'", hint=choice(modality, known))
    name = name if colon else DEFAULT
    return CorruptionSpec(
        modality, name, plugins.load("corruptions", name).Config.parse(level or None)
    )


@dataclass(frozen=True)
class Corrupter:
    """Corrupts the features of a split; a transform of its samples.

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
        chosen = [drawn[modality] for drawn in self._drawn(clip_id) if modality in drawn]
        if not chosen:
            return values
        rng = generator(self.seed, clip_id, modality)
        others = Others(self.samples, clip_id, modality, self._having[modality])
        for corruption in chosen:
            values = corruption(values, rng, others)
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
