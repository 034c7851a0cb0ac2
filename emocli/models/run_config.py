"""Contents of the ``config.json`` of a run, and the differences between two of them."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from emocli.config import Plain, Settings, Tree, leaves
from emocli.data.folds import Fold
from emocli.data.manifest import Task
from emocli.data.store.imported import imported_parts
from emocli.limits import MOST_SEEDS
from emocli.models.settings import TrainConfig
from emocli.quantities import Seed, Width

PRIVATE = frozenset({"seed", "cache_mb"})
"""Settings of a training that do not make two runs different: seeds are compared by themselves."""

SETTABLE = ("network.", "train.")
"""Beginnings of the names of settings that a run has as they are typed after ``--set``."""


class Source(Settings):
    """A file or folder that a run was trained on.

    Attributes
    ----------
    path : str
        Relative to the run's folder, so that both can be moved together.
    absolute : str
        Where it was; empty in a packed run, which does without.
    fingerprint : str
        Of its content; empty for a store, whose features have their own.
    """

    path: str
    absolute: str
    fingerprint: str = ""

    @classmethod
    def of(cls, path: Path, run: Path, fingerprint: str = "") -> Source:
        """Note where a source lies, seen from a run."""
        absolute = path.resolve()
        return cls(
            path=Path(os.path.relpath(absolute, run.resolve())).as_posix(),
            absolute=absolute.as_posix(),
            fingerprint=fingerprint,
        )

    def locate(self, run: Path) -> Path:
        """Find it beside the run, else where it was."""
        next_to_run = (run / self.path).resolve()
        return next_to_run if next_to_run.exists() or not self.absolute else Path(self.absolute)

    def packed(self, name: str) -> Source:
        """Return what a packed run says of it: its fingerprint, and not where it was."""
        return Source(path=name, absolute="", fingerprint=self.fingerprint)


LayerCount = Annotated[int, Field(ge=1, le=2**24)]


class Layers(Settings):
    """Layers of an encoder, of equal width, that make so many columns side by side."""

    count: LayerCount = 1
    dim: Width


class View(Settings):
    """The feature a modality is seen through: its name, width, origin and content.

    ``upstream`` are the settings of the features it was computed from, by their names; ``layers``
    how many layers of an encoder stand side by side in it, or in each feature of joined ones;
    ``columns`` the names of its columns, where they have any and it was imported: what was computed
    has those of its settings.
    """

    feature: str
    dim: Width
    settings: Tree
    fingerprint: str
    upstream: dict[str, Tree] = Field(default_factory=dict)
    layers: LayerCount | tuple[Layers, ...] = 1
    columns: tuple[str, ...] = ()

    @property
    def imported(self) -> bool:
        """Whether it, or a feature that it joins, was imported."""
        return bool(imported_parts(self.settings))

    @property
    def layered(self) -> tuple[Layers, ...]:
        """The layers of each of its features."""
        if isinstance(self.layers, int):
            return (Layers(count=self.layers, dim=self.dim),)
        return self.layers


class RunConfig(Settings):
    """Contents of ``config.json``: all that is needed to use, check and repeat a run.

    Attributes
    ----------
    format : int
        Version of the layout.
    fusion, preset : str
        The network's plug-in, and the preset its settings started from.
    network : mapping
        The network's settings, resolved.
    train : TrainConfig
        The training's.
    robust : mapping
        What was corrupted in training and what was done about it, as far as anything was.
    check : str
        Fingerprint of the modality check it was trained with; empty without one.
    seeds : tuple of int
        One, or those of the folders beneath.
    dataset, task, classes, citation, licence
        From the manifest.
    labels : str
        Fingerprint of the labels and splits of the training and validation clips.
    fold : Fold, optional
        Which fold it is to be tested on, in a cross-validation; else the splits are the manifest's.
    tuned : bool
        Whether its settings were chosen by a search on its own train and valid split: folds of one
        cross-validation then need not have the same.
    manifest, store : Source
        What it was trained on.
    features : mapping
        Modality to its view.
    versions : mapping
        Of emocli and the libraries.
    """

    format: Literal[1] = 1
    fusion: str
    preset: str
    network: Tree
    train: TrainConfig
    robust: Tree = Field(default_factory=dict)
    check: str = ""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MOST_SEEDS)]
    dataset: str
    task: Task
    classes: tuple[str, ...]
    citation: str
    licence: str
    labels: str
    fold: Fold | None = None
    tuned: bool = False
    manifest: Source
    store: Source
    features: Annotated[dict[str, View], Field(min_length=1)]
    versions: dict[str, str]

    @property
    def dims(self) -> dict[str, int]:
        """Modality to the width of its feature."""
        return {modality: view.dim for modality, view in self.features.items()}

    @property
    def logit_task(self) -> Task:
        """The task of the network's logits."""
        return self.train.logit_task(self.task)

    def differs(self, other: RunConfig) -> str | None:
        """Name the first setting or input in which another run would give another network."""
        for key, mine, its in self._differences(other):
            return f"{key} = {mine!r} and not {its!r}"
        for modality, view in self.features.items():
            if view.fingerprint != other.features[modality].fingerprint:
                return f"another version of feature '{view.feature}'"
        if self.manifest.fingerprint != other.manifest.fingerprint:
            return "another manifest"
        return None if self.labels == other.labels else "other labels or splits"

    def as_sets(self, other: RunConfig) -> str:
        """Write the settings in which another run differs as ``--set`` that makes them this one's.

        Empty where something else differs, too, or a value that cannot be typed.
        """
        differences = self._differences(other)
        if not all(key.startswith(SETTABLE) and mine is not None for key, mine, _ in differences):
            return ""
        values = leaves({key: mine for key, mine, _ in differences})
        pairs = (f"{key}={v if isinstance(v, str) else json.dumps(v)}" for key, v in values)
        return " ".join(f"--set {shlex.quote(pair)}" for pair in pairs)

    def _differences(self, other: RunConfig) -> list[tuple[str, Plain, Plain]]:
        mine, its = self._choices(), other._choices()
        pairs = ((key, mine.get(key), its.get(key)) for key in sorted({**mine, **its}))
        return [(key, own, another) for key, own, another in pairs if own != another]

    def _choices(self) -> Tree:
        return {
            "fusion": self.fusion,
            "task": self.task,
            "classes": self.classes,
            "fold": self.fold and f"{self.fold.index} of {self.fold.count}",
            **{f"network.{key}": value for key, value in self.network.items()},
            **{f"train.{k}": value for k, value in self.train if k not in PRIVATE},
            **{f"robust.{key}": value for key, value in self.robust.items()},
            "the modality check": self.check[:16],
            **{f"{modality} feature": view.feature for modality, view in self.features.items()},
        }
