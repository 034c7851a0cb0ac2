"""Settings of the training of an encoder of sound, faces or scenes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from emocli.config import Plain, Settings, Tree, build, merge
from emocli.data.manifest import Manifest
from emocli.errors import ConfigError
from emocli.models.encoder import EncoderConfig, EncoderRun
from emocli.models.settings import Accelerator
from emocli.plugin.encoder import PictureKind
from emocli.quantities import Decay, Epochs, LearningRate, Seed, Threads
from emocli.training.encoders import triplet
from emocli.training.encoders.augment import AugmentConfig
from emocli.training.encoders.picture_source import CorpusInputs, PictureSource, picture_source
from emocli.training.encoders.pictures import LabelledPictures, Teach, of_folder, of_manifest
from emocli.training.encoders.triplet import TripletConfig
from emocli.training.schedule import Criterion, Schedule
from emocli.version import versions

NEIGHBOUR = "valid_1nn"
"""The metric by which the best epoch is chosen."""

LIBRARIES = ("torch", "transformers", "numpy")

MOST_CLASSES = 16
"""Of a batch, unless set."""

MOST_PICTURES = 20_000
"""Of a batch."""

PerBatch = Annotated[int, Field(ge=2, le=10_000)]


class EncoderFitConfig(Settings):
    """Settings of the training of an encoder.

    Attributes
    ----------
    teach : {'label', 'speaker'}
        Which classes of a manifest: its labels, or who it is (of the train split; one clip in ten
        is then for validation).
    loss : {'triplet', 'cross_entropy'}
        The paper's loss, with the settings ``loss.KEY``; or that of a linear classifier on top,
        which is thrown away.
    lr : float
        Learning rate of Adam.
    weight_decay : float
        Weight decay of Adam, as a part of the gradient.
    epochs : int, optional
        Most epochs that are trained; if not given 60 for sound, 100 for pictures.
    patience : int
        Epochs in a row without one better than the best, after which training ends.
    classes : int, optional
        Classes of which a batch holds pictures; if not given all, at most 16.
    per_class : int
        Pictures of each of these classes in a batch.
    precision : {'32-true', 'bf16-mixed'}
        Arithmetic of the encoder; parameters, loss and validation keep 32 bits.
    accelerator : {'auto', 'cpu', 'cuda'}
        Where to train: on the CPU, on a CUDA GPU, or on a GPU if there is one.
    threads : int
        CPU threads of PyTorch; 0 leaves the choice to it.
    seed : int
        Seed of the parameters' first values, the batches and the augmentation.
    """

    teach: Teach = "label"
    loss: Literal["triplet", "cross_entropy"] = "triplet"
    lr: LearningRate = 1e-4
    weight_decay: Decay = 1e-6
    epochs: Epochs | None = None
    patience: Epochs = 10
    classes: PerBatch | None = None
    per_class: PerBatch = 8
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    accelerator: Accelerator = "auto"
    threads: Threads = 0
    seed: Seed = 0

    @model_validator(mode="after")
    def _batch_fits(self) -> EncoderFitConfig:
        if (self.classes or MOST_CLASSES) * self.per_class > MOST_PICTURES:
            raise ValueError(f"classes times per_class are more than {MOST_PICTURES} pictures")
        return self


SECTIONS = ("encoder", "train", "loss", "augment")
"""Sections of settings."""

HEARD: Tree = {"augment": {"noise_in": "waveform"}}

PRESETS: Mapping[str, Tree] = {
    "literal": {**HEARD, "loss": triplet.PRESETS["literal"]},
    "paper": {**HEARD, "loss": triplet.PRESETS["paper"]},
    "plus": {"encoder": {"colour": "repeat"}, "loss": triplet.PRESETS["plus"]},
}


@dataclass(frozen=True)
class EncoderPlan:
    """All settings of the training of an encoder, resolved."""

    source: PictureSource
    encoder: EncoderConfig
    train: EncoderFitConfig
    loss: TripletConfig
    augment: AugmentConfig

    @classmethod
    def of(cls, preset: str, settings: Mapping[str, Plain], kind: PictureKind) -> EncoderPlan:
        """Lay settings over the preset.

        Raises
        ------
        ConfigError
            If there is no such preset, section or setting.
        """
        if preset not in PRESETS:
            raise ConfigError(
                f"there is no preset '{preset}'", hint=f"there are: {', '.join(PRESETS)}"
            )
        tree = merge(PRESETS[preset], settings)
        for section in tree:
            if section not in SECTIONS:
                raise ConfigError(
                    f"unknown setting '{section}'", hint=f"there are: {', '.join(SECTIONS)}"
                )
        encoder = build(EncoderConfig, tree.get("encoder", {}), "encoder")
        train = build(EncoderFitConfig, tree.get("train", {}), "train")
        source = picture_source(kind)
        return cls(
            source,
            encoder,
            train.model_copy(update={"epochs": train.epochs or source.epochs}),
            build(TripletConfig, tree.get("loss", {}), "loss"),
            build(AugmentConfig, tree.get("augment", {}), "augment"),
        )

    @property
    def schedule(self) -> Schedule:
        """The highest accuracy is best, the first of equals."""
        epochs = self.train.epochs or self.source.epochs
        return Schedule(Criterion(NEIGHBOUR), self.train.lr, epochs, self.train.patience)

    def clip_pictures(self, manifest: Manifest, store: Path, cache: Path) -> LabelledPictures:
        """Return what to learn from: the clips of a manifest."""
        inputs = CorpusInputs(manifest, store, self.encoder.side, cache)
        return of_manifest(self.source, inputs, self.train.teach)

    def folder_pictures(self, folder: Path) -> LabelledPictures:
        """Return what to learn from: a folder that holds one folder of files per class."""
        return of_folder(self.source, folder)

    def config(self, pictures: LabelledPictures) -> EncoderRun:
        """Write down what the encoder is."""
        parts = {"train": self.train, "loss": self.loss, "augment": self.augment}
        return EncoderRun(
            kind=self.source.kind,
            encoder=self.encoder,
            resnet={},
            settings={name: part.model_dump(mode="json") for name, part in parts.items()},
            classes=pictures.classes,
            source=pictures.fingerprint,
            versions=versions(LIBRARIES),
        )
