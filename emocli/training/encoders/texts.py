"""The utterances a text encoder learns from, in their dialogues."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.errors import ManifestError


@dataclass(frozen=True)
class Texts:
    """The texts that may be read in training; the test split is not in it.

    Attributes
    ----------
    classes : tuple of str
        In order.
    context : tuple of Clip
        All clips of the train and valid split: an unlabelled one is still context.
    train, valid : tuple of Clip
        Those with a text and a class.
    """

    classes: tuple[str, ...]
    context: tuple[Clip, ...]
    train: tuple[Clip, ...]
    valid: tuple[Clip, ...]

    @classmethod
    def of(cls, manifest: Manifest) -> Texts:
        """Take a corpus's texts.

        Raises
        ------
        ManifestError
            If it has no class per clip, or a split has nothing to read.
        """
        where = manifest.path or manifest.dataset
        if manifest.task != "single":
            what = f"a task of kind '{manifest.task}' has no class per clip"
            hint = "extract roberta with a published encoder, e.g. roberta.encoder=roberta-base"
            raise ManifestError(what, where=where, hint=hint)
        context = tuple(clip for clip in manifest.clips if clip.split != "test")
        usable = [clip for clip in context if clip.text.strip() and manifest.is_labelled(clip)]
        parts = {s: tuple(c for c in usable if c.split == s) for s in ("train", "valid")}
        for split, clips in parts.items():
            if not clips:
                what = f"split '{split}' has no labelled clip with a text"
                raise ManifestError(what, where=where, hint="see its columns split, text and label")
        return cls(manifest.classes, context, parts["train"], parts["valid"])

    @property
    def fingerprint(self) -> str:
        """Of everything that is read and learned."""
        rows = [
            (c.id, c.split, c.dialogue, c.turn, c.speaker, c.text, c.label) for c in self.context
        ]
        return hashlib.sha256(json.dumps([self.classes, rows]).encode()).hexdigest()

    def without(self, unseen: frozenset[str]) -> Texts:
        """Leave training clips out."""
        kept = tuple(clip for clip in self.train if clip.id not in unseen)
        return replace(self, train=kept)

    def targets(self, clips: Sequence[Clip]) -> NDArray[np.int64]:
        """Return the classes of clips as numbers."""
        numbers = {name: number for number, name in enumerate(self.classes)}
        return np.array([numbers[clip.label or ""] for clip in clips], np.int64)
