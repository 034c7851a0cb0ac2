"""The training data of an encoder: pictures with classes, from a corpus or from a folder."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.errors import ConfigError, ManifestError
from emocli.training.encoders.picture_source import CorpusInputs, Pictures, PictureSource

Teach = Literal["label", "speaker"]

HELD_OUT = 10
"""One in so many pictures of each class is for validation, where nothing else decides it."""

SECOND = 2


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures with classes.

    Attributes
    ----------
    classes : tuple of str
        Their names.
    ids : tuple of str
        Clip or file each one is of.
    train, valid : ndarray of int
        Which pictures to learn from, and which to choose by.
    labels : ndarray of int, shape (n,)
        Class of each.
    pictures : Pictures
        What they show.
    fingerprint : str
        Of names, labels and splits, and of the feature.
    skipped : mapping
        Reason to the number of clips that cannot be used.
    """

    classes: tuple[str, ...]
    ids: tuple[str, ...]
    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    labels: NDArray[np.int64]
    pictures: Pictures
    fingerprint: str
    skipped: dict[str, int]


def of_manifest(source: PictureSource, inputs: CorpusInputs, teach: Teach) -> LabelledPictures:
    """Take the clips of the train and valid split; the test split stays sealed.

    Raises
    ------
    EmocliError
        If they have no class each, or the feature is not there.
    """
    manifest = inputs.manifest
    clips = [clip for clip in manifest.clips if clip.split != "test"]
    classes = {clip.id: name for clip in clips if (name := _class(clip, manifest, teach))}
    pictures = source.of_clips([clip for clip in clips if clip.id in classes], inputs)
    skipped = {
        f"without a {teach}": len(clips) - len(classes),
        f"without {source.needs}": len(classes) - len(pictures.clips),
    }
    names = [classes[clip.id] for clip in pictures.clips]
    splits = [clip.split for clip in pictures.clips] if teach == "label" else _held_out(names)
    order = manifest.classes if teach == "label" else tuple(sorted(set(names)))
    ids = [clip.id for clip in pictures.clips]
    return _labelled(order, ids, names, splits, pictures, skipped)


def of_folder(source: PictureSource, folder: Path) -> LabelledPictures:
    """Take a folder that holds one folder of files per class.

    Raises
    ------
    ConfigError
        If it has fewer than two classes.
    """
    files = sorted(p for p in folder.glob("*/*") if p.suffix.lower() in source.suffixes)
    names = [path.parent.name for path in files]
    classes = tuple(sorted(set(names)))
    if len(classes) < 2:
        raise ConfigError(
            f"has {len(classes)} folders with files of kind '{source.kind}'",
            where=folder,
            hint="give a manifest, or a folder that holds one folder of files per class",
        )
    ids = [f"{path.parent.name}/{path.name}" for path in files]
    return _labelled(classes, ids, names, _held_out(names), source.of_files(files), {})


def _labelled(
    classes: Sequence[str],
    ids: Sequence[str],
    names: Sequence[str],
    splits: Sequence[str],
    pictures: Pictures,
    skipped: dict[str, int],
) -> LabelledPictures:
    numbers = {name: number for number, name in enumerate(classes)}
    labels = np.array([numbers[name] for name in names], np.int64)
    which = {split: np.flatnonzero(np.array(splits) == split) for split in ("train", "valid")}
    for split, indices in which.items():
        if len(np.unique(labels[indices])) < 2:
            raise ManifestError(
                f"pictures of split '{split}' show fewer than two classes",
                hint="an encoder learns to tell classes apart",
            )
    rows = json.dumps([pictures.fingerprint, *zip(ids, names, splits, strict=True)])
    fingerprint = hashlib.sha256(rows.encode()).hexdigest()
    lacking = {reason: count for reason, count in skipped.items() if count}
    return LabelledPictures(
        classes=tuple(classes),
        ids=tuple(ids),
        train=which["train"],
        valid=which["valid"],
        labels=labels,
        pictures=pictures,
        fingerprint=fingerprint,
        skipped=lacking,
    )


def _class(clip: Clip, manifest: Manifest, teach: Teach) -> str:
    if teach == "speaker":
        return clip.speaker if clip.split == "train" else ""
    if manifest.task != "single":
        raise ManifestError(
            f"a task of kind '{manifest.task}' has no class per clip",
            where=manifest.path or manifest.dataset,
            hint="teach an encoder to tell speakers apart: --set train.teach=speaker",
        )
    return clip.label or ""


def _held_out(names: Sequence[str]) -> list[str]:
    """Set aside the second of every `HELD_OUT` of each class, so that two of a class are enough."""
    seen: Counter[str] = Counter()
    splits = []
    for name in names:
        seen[name] += 1
        splits.append("valid" if seen[name] % HELD_OUT == SECOND else "train")
    return splits
