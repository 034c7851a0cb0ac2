"""Samples: the labelled clips of a split with their features and targets, and their batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from emocli.data.batch import Batch, Padded
from emocli.data.clip import Clip, Split, by_dialogue
from emocli.data.manifest import Manifest
from emocli.data.store import StoredFeature
from emocli.errors import StoreError

Transform = Callable[[str, str, NDArray[np.float32]], NDArray[np.float32]]
"""(clip id, modality, array of shape (T, D)) -> array; pure."""

Level = Literal["clip", "dialogue"]


class Condenser(Protocol):
    """A network as its samples see it."""

    condenses: ClassVar[bool]

    def condense(
        self, clip_id: str, modality: str, values: NDArray[np.float32], /
    ) -> NDArray[np.float32]:
        """Do to an array (T, D) what can be done once and for all."""
        ...


BUCKET = 16
"""Batches that are shuffled together before being sorted by length."""


@dataclass(frozen=True)
class Samples:
    """The clips of one split, their features by modality, and their targets.

    Attributes
    ----------
    stores : mapping
        Modality to the open store of its feature.
    transforms : tuple of callables
        Applied in this order to every array as it is read.
    condensed : bool
        Whether a network's ``condense`` is one of them.
    """

    manifest: Manifest
    clips: tuple[Clip, ...]
    stores: Mapping[str, StoredFeature]
    transforms: tuple[Transform, ...] = ()
    condensed: bool = False

    @classmethod
    def of(cls, manifest: Manifest, split: Split, stores: Mapping[str, StoredFeature]) -> Samples:
        """Take a split's labelled clips.

        Raises
        ------
        StoreError
            If the split is empty, or no clip of it has any of the features.
        """
        clips = tuple(clip for clip in manifest.split(split) if manifest.is_labelled(clip))
        if not clips:
            raise StoreError(
                f"split '{split}' has no labelled clip",
                where=manifest.path or manifest.dataset,
                hint="see its columns split and label",
            )
        if not any(clip.id in store for clip in clips for store in stores.values()):
            names = ", ".join(store.name for store in stores.values())
            raise StoreError(
                f"no clip of split '{split}' has any of the features {names}",
                hint="extract or import them, or choose others with -f",
            )
        return cls(manifest, clips, stores)

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def dims(self) -> dict[str, int]:
        """Modality to the width of its feature."""
        return {modality: store.dim for modality, store in self.stores.items()}

    def then(self, transform: Transform) -> Samples:
        """Add a transform."""
        return replace(self, transforms=(*self.transforms, transform))

    def condensed_by(self, network: Condenser) -> Samples:
        """Apply what a network does to sequences without learning once, and not in every epoch."""
        if not network.condenses:
            return self
        return replace(self.then(network.condense), condensed=True)

    def array(self, clip_id: str, modality: str) -> NDArray[np.float32]:
        """Return one clip's array, shape (T, D); T = 0 where the clip lacks the feature."""
        store = self.stores[modality]
        there = clip_id in store
        values = np.asarray(store[clip_id] if there else np.zeros((0, store.dim)), np.float32)
        for transform in self.transforms:
            values = transform(clip_id, modality, values)
        return values

    def missing(self) -> dict[str, int]:
        """Modality to the number of clips that lack it, or have no step of it."""
        return {
            modality: sum(not store.length(clip.id) for clip in self.clips)
            for modality, store in self.stores.items()
        }

    def length(self, clip: Clip) -> int:
        """Return the steps of the clip's longest view."""
        return max(store.length(clip.id) for store in self.stores.values())

    def batch(self, clips: Sequence[Clip]) -> Batch:
        """Put clips together."""
        ids = tuple(clip.id for clip in clips)
        views = {m: Padded.from_rows([self.array(i, m) for i in ids]) for m in self.stores}
        return Batch(ids, views, self._targets(clips), condensed=self.condensed)

    def dialogue_batch(self, dialogues: Sequence[Sequence[Clip]]) -> Batch:
        """Put whole dialogues together."""
        whole = self.batch([clip for dialogue in dialogues for clip in dialogue])
        turns = torch.tensor([len(dialogue) for dialogue in dialogues])
        speakers = [number for dialogue in dialogues for number in _speakers(dialogue)]
        return replace(whole, turns=turns, speakers=torch.tensor(speakers))

    def batches(
        self, size: int, level: Level = "clip", order: np.random.Generator | None = None
    ) -> Iterator[Batch]:
        """Visit every clip once.

        With ``order`` clips of similar length are batched together and the batches shuffled;
        without it the order is the manifest's.
        """
        if level == "dialogue":
            dialogues = self.dialogues()
            picks = (
                np.arange(len(dialogues)) if order is None else order.permutation(len(dialogues))
            )
            for part in _parts(picks, size):
                yield self.dialogue_batch([dialogues[i] for i in part])
            return
        for part in self._clip_order(size, order):
            yield self.batch([self.clips[i] for i in part])

    def dialogues(self) -> list[tuple[Clip, ...]]:
        """Return the labelled clips by dialogue, each in the order of its turns."""
        return list(by_dialogue(self.clips).values())

    def _clip_order(self, size: int, order: np.random.Generator | None) -> list[NDArray[np.int64]]:
        indices = np.arange(len(self.clips))
        if order is None:
            return _parts(indices, size)
        order.shuffle(indices)
        lengths = np.array([self.length(clip) for clip in self.clips])
        groups: list[NDArray[np.int64]] = []
        for bucket in _parts(indices, size * BUCKET):
            by_length = bucket[np.argsort(lengths[bucket], kind="stable")]
            groups.extend(_parts(by_length, size))
        return [groups[i] for i in order.permutation(len(groups))]

    def _targets(self, clips: Sequence[Clip]) -> torch.Tensor | None:
        if not all(map(self.manifest.is_labelled, clips)):
            return None
        return torch.from_numpy(self.manifest.targets(clips))


def _speakers(dialogue: Sequence[Clip]) -> list[int]:
    """Count speakers by appearance; a clip without one has a speaker of its own."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(clip.speaker or clip.id, len(numbers)) for clip in dialogue]


def _parts(indices: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [indices[start : start + size] for start in range(0, len(indices), size)]
