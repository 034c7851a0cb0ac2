"""A small corpus with features that networks can learn from: no media, made in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from emocli import plugins
from emocli.analysis import Analysis, analyse
from emocli.data.clip import Clip, Split
from emocli.data.manifest import Manifest, Task
from emocli.data.store import FeatureStore, FeatureWriter, Recipe
from emocli.data.track import Array, Track
from emocli.plugin.robustness import RobustOptions

if TYPE_CHECKING:
    from emocli.training.train import TrainRequest

CLASSES = ("anger", "joy", "sadness")
FEATURES = {"mel": ("audio", 5, 9), "glove": ("text", 4, 4), "face_hog": ("visual", 3, 6)}
"""Feature to modality, width and usual length."""
SIZES: Mapping[Split, int] = {"train": 24, "valid": 12, "test": 15}

QUICK = {
    "network": {"hidden": 6, "dropout": 0.1},
    "train": {
        "epochs": 4,
        "patience": 4,
        "lr": 0.01,
        "batch_size": 8,
        "accelerator": "cpu",
        "refit": False,
        "functionals": "none",
    },
}
"""Settings for a training of a fraction of a second: one fit of the network alone."""


@dataclass(frozen=True)
class Toy:
    """A manifest and its store."""

    folder: Path
    manifest: Manifest

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def request(self, run: str | Path, fusion: str = "late", **options: Any) -> TrainRequest:
        """Ask for a training, a quick one if no settings are given."""
        from emocli.training.train import TrainRequest

        options = {"settings": QUICK, "baselines": False, **options}
        where = {"manifest": self.manifest, "store": self.store, "run": self.folder / run}
        return TrainRequest(**where, fusion=fusion, **options)  # type: ignore[arg-type]

    def with_test_labels(self, label: str | None, name: str = "other.csv") -> Toy:
        """Write a manifest whose test clips all have one label, or their own; return it."""
        clips = tuple(
            replace(clip, label=label or clip.label) if clip.split == "test" else clip
            for clip in self.manifest.clips
        )
        replace(self.manifest, clips=clips).write(self.folder / name)
        return Toy(self.folder, Manifest.read(self.folder / name))

    def trained(
        self,
        run: str | Path = "run",
        fusion: str = "late",
        robust: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Path:
        """Train a network, quickly if no settings are given; return its run."""
        from emocli.training.train import train

        robustly = RobustOptions(**(robust or {}))
        options = {"settings": QUICK, "robust": robustly, "baselines": False, **options}
        where = self.folder / run
        return train(self.manifest, self.store, fusion=fusion, run=where, **options).run


def build(
    folder: Path,
    task: Task = "single",
    sizes: Mapping[Split, int] = SIZES,
    noise: float = 0.6,
    seed: int = 0,
) -> Toy:
    """Write manifest and store; every modality shows the class, none of them perfectly."""
    rng = np.random.default_rng(seed)
    clips = [clip for split, count in sizes.items() for clip in _clips(split, count, task, rng)]
    manifest = Manifest(
        clips=tuple(clips),
        classes=CLASSES,
        task=task,
        dataset="toy",
        root=folder,
        citation="Nobody 2025",
        licence="CC0",
        path=folder / "toy.csv",
    )
    folder.mkdir(parents=True, exist_ok=True)
    manifest.write(folder / "toy.csv")
    strengths = {clip.id: _strengths(clip) for clip in clips}
    for name, (modality, width, length) in FEATURES.items():
        directions = rng.normal(size=(len(CLASSES), width))
        arrays = {
            i: s @ directions
            + noise * rng.normal(size=(1, width))
            + rng.normal(size=(length + int(rng.integers(-2, 3)), width))
            for i, s in strengths.items()
        }
        write_feature(folder / "store", name, modality, manifest, arrays)
    return Toy(folder, Manifest.read(folder / "toy.csv"))


def fixture(**options: Any) -> Any:
    """Return a fixture ``corpus`` for a module's tests, none of which writes to it; see `build`."""

    @pytest.fixture(scope="module", name="corpus")
    def corpus(tmp_path_factory: pytest.TempPathFactory) -> Toy:
        return build(tmp_path_factory.mktemp("toy"), **options)

    return corpus


def write_feature(
    store: Path, name: str, modality: str, manifest: Manifest, arrays: Mapping[str, Array]
) -> None:
    """Write a feature; clips without an array are missing from it."""
    tracks = {i: Track(np.asarray(values, np.float32)) for i, values in arrays.items()}
    write_tracks(store, name, modality, manifest, tracks)


def write_tracks(
    store: Path,
    name: str,
    modality: str,
    manifest: Manifest,
    tracks: Mapping[str, Track],
    rate: float | None = None,
    names: Sequence[str] = (),
    **settings: object,
) -> FeatureStore:
    """Write a feature of tracks, made with some settings; return its store, open."""
    recipe = Recipe(name, modality, manifest.fingerprint, settings)
    order = [clip.id for clip in manifest.clips]
    with FeatureWriter(store, recipe, order, overwrite=True) as writer:
        return writer.complete(list(tracks), tracks.__getitem__, names, rate)


def _clips(split: Split, count: int, task: Task, rng: np.random.Generator) -> Sequence[Clip]:
    for k in range(count):
        place = {
            "id": f"{split}{k:02d}",
            "split": split,
            "speaker": f"{split}-{k % 4}",
            "dialogue": f"{split}-{k // 3}",
            "turn": k % 3,
        }
        if task == "single":
            yield Clip(**place, label=CLASSES[k % 3])
        else:
            levels = rng.integers(0, 2 if task == "multi" else 4, len(CLASSES))
            yield Clip(**place, labels=dict(zip(CLASSES, map(float, levels), strict=True)))


def _strengths(clip: Clip) -> Array:
    if clip.label is not None:
        return np.array([clip.label == name for name in CLASSES], float)
    return np.array([clip.labels[name] for name in CLASSES])


def analysis(name: str) -> Callable[..., Any]:
    """Return an analysis as a function of a run (or store) and its options."""

    def analysed(place: Path, **options: Any) -> Analysis:
        return analyse(name, plugins.load("analyses", name).Options(place, **options))

    return analysed
