"""The training data of an encoder: pictures with classes, from a corpus or from a folder."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from emocli import plugins
from emocli.config import Tree
from emocli.data.clip import Clip
from emocli.data.durable import make_folder
from emocli.data.manifest import Manifest
from emocli.data.media.content import AUDIO, STILLS, VIDEO, chosen_frames, read_frames
from emocli.data.store import FeatureStore, open_feature
from emocli.data.track import Absent
from emocli.errors import ConfigError, ManifestError, MediaError, StoreError
from emocli.models.encoder import PictureKind, PixelArray
from emocli.models.tensors import read_tensors, write_tensors
from emocli.training.augment import Bands

Teach = Literal["label", "speaker"]

FEATURES: dict[PictureKind, str] = {"audio": "mel", "face": "faces"}
"""The feature an encoder looks at; scenes are read from the recordings."""

HELD_OUT = 10
"""One in so many pictures of each class is for validation, where nothing else decides it."""

SECOND = 2

Draw = Callable[[int, np.random.Generator | None], PixelArray]
"""(index, rng) -> picture; without rng the same one every time."""


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
    draw : callable
        Reads one; a clip with several gives any of them.
    fingerprint : str
        Of names, labels and splits, and of the feature.
    skipped : mapping
        Reason to the number of clips that cannot be used.
    bands : Bands
        Of the spectrograms, if they are some.
    recordings : tuple of Clip
        What the spectrograms are of.
    mel : mapping
        Settings the spectrograms were computed with.
    """

    classes: tuple[str, ...]
    ids: tuple[str, ...]
    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    labels: NDArray[np.int64]
    draw: Draw
    fingerprint: str
    skipped: dict[str, int]
    bands: Bands = field(default_factory=Bands)
    recordings: tuple[Clip, ...] = ()
    mel: Tree = field(default_factory=dict)


def of_manifest(
    kind: PictureKind, manifest: Manifest, store: Path, teach: Teach, side: int, folder: Path
) -> LabelledPictures:
    """Take the clips of the train and valid split; the test split stays sealed.

    Pictures of scenes are kept in a file in ``folder``, so that each video is decoded once.

    Raises
    ------
    EmocliError
        If they have no class each, or the feature is not there.
    """
    mel: Tree = {}
    clips = [clip for clip in manifest.clips if clip.split != "test"]
    named = [(clip, _class(clip, manifest, teach)) for clip in clips]
    usable = [(clip, name) for clip, name in named if name]
    skipped = {f"without a {teach}": len(named) - len(usable)}
    if kind == "scene":
        draw, kept, source = _scenes(usable, side, folder)
        skipped["without a video"] = len(usable) - len(kept)
    else:
        feature = open_feature(store, FEATURES[kind], manifest)
        mel = dict(feature.header.settings)
        if kind == "face" and "extra/main" not in feature.columns:
            raise StoreError("holds no faces", where=feature.path, hint="emocli extract -f faces")
        kept = [(clip, name) for clip, name in usable if _has(feature, clip, kind)]
        skipped[f"without {feature.name}"] = len(usable) - len(kept)
        ids = [clip.id for clip, _ in kept]
        draw, source = (_sounds if kind == "audio" else _faces)(feature, ids), feature.fingerprint
    names = [name for _, name in kept]
    splits = [clip.split for clip, _ in kept] if teach == "label" else _held_out(names)
    order = manifest.classes if teach == "label" else tuple(sorted(set(names)))
    ids = [clip.id for clip, _ in kept]
    pictures = _pictures(order, ids, names, splits, draw, source, skipped)
    recordings = tuple(clip for clip, _ in kept)
    return replace(pictures, bands=Bands.of(mel), recordings=recordings, mel=mel)


def of_folder(kind: PictureKind, folder: Path) -> LabelledPictures:
    """Take a folder that holds one folder of files per class.

    Raises
    ------
    ConfigError
        If it has fewer than two classes.
    """
    suffixes = AUDIO | VIDEO if kind == "audio" else STILLS
    files = sorted(p for p in folder.glob("*/*") if p.suffix.lower() in suffixes)
    names = [path.parent.name for path in files]
    classes = tuple(sorted(set(names)))
    if len(classes) < 2:
        raise ConfigError(
            f"has {len(classes)} folders with files of kind '{kind}'",
            where=folder,
            hint="give a manifest, or a folder that holds one folder of files per class",
        )
    draw = _heard(files) if kind == "audio" else _seen(files)
    ids = [f"{path.parent.name}/{path.name}" for path in files]
    pictures = _pictures(classes, ids, names, _held_out(names), draw, "", {})
    return replace(pictures, recordings=tuple(map(_recording, files)))


def _pictures(
    classes: Sequence[str],
    ids: Sequence[str],
    names: Sequence[str],
    splits: Sequence[str],
    draw: Draw,
    source: str,
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
    rows = json.dumps([source, *zip(ids, names, splits, strict=True)])
    fingerprint = hashlib.sha256(rows.encode()).hexdigest()
    lacking = {reason: count for reason, count in skipped.items() if count}
    return LabelledPictures(
        classes=tuple(classes),
        ids=tuple(ids),
        train=which["train"],
        valid=which["valid"],
        labels=labels,
        draw=draw,
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


def _has(feature: FeatureStore, clip: Clip, kind: PictureKind) -> bool:
    if clip.id not in feature or not feature.length(clip.id):
        return False
    return kind == "audio" or bool(feature.track(clip.id).extra["main"].any())


def _sounds(feature: FeatureStore, ids: Sequence[str]) -> Draw:
    return lambda index, rng: feature[ids[index]]


def _faces(feature: FeatureStore, ids: Sequence[str]) -> Draw:
    """Draw a main face of the clip; the middle one of them without rng."""

    def draw(index: int, rng: np.random.Generator | None) -> PixelArray:
        track = feature.track(ids[index])
        main = np.flatnonzero(track.extra["main"])
        row = main[len(main) // 2] if rng is None else rng.choice(main)
        picture: PixelArray = track.values[row]
        return picture

    return draw


def _scenes(
    clips: Sequence[tuple[Clip, str]], side: int, folder: Path
) -> tuple[Draw, list[tuple[Clip, str]], str]:
    """Draw the middle picture of a clip; those of all clips are read when the first is drawn."""
    kept = [(clip, name) for clip, name in clips if clip.media.get("video")]
    listed = hashlib.sha256(json.dumps([side, *(c.id for c, _ in kept)]).encode()).hexdigest()
    path = folder / f"scenes-{listed[:12]}.safetensors"

    @cache
    def stored() -> NDArray[np.uint8]:
        if not path.is_file():
            pictures = np.stack([_middle(clip, side) for clip, _ in kept])
            make_folder(folder)
            write_tensors(path, {"pictures": torch.from_numpy(pictures)}, {})
        middles: NDArray[np.uint8] = read_tensors(path)["pictures"].numpy()
        return middles

    return lambda index, rng: stored()[index], kept, listed


def _middle(clip: Clip, side: int) -> NDArray[np.uint8]:
    import cv2

    try:
        (middle,) = chosen_frames(clip, lambda count: [count // 2])
    except Absent as error:
        raise MediaError(str(error), where=clip.id) from None
    size = (side, side)
    return np.asarray(cv2.resize(middle.image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _heard(files: Sequence[Path]) -> Draw:
    """Turn sound files into spectrograms with the settings `mel` has by default."""
    module = plugins.load("features", FEATURES["audio"])
    extractor = module.prepare(module.Config(), [])

    def draw(index: int, rng: np.random.Generator | None) -> PixelArray:
        del rng
        path = files[index]
        return extractor(_recording(path), {}).values  # type: ignore[no-any-return]

    return draw


def _recording(path: Path) -> Clip:
    return Clip(path.stem, media={"audio": path})


def _seen(files: Sequence[Path]) -> Draw:
    def draw(index: int, rng: np.random.Generator | None) -> PixelArray:
        del rng
        return next(read_frames(files[index])).image

    return draw
