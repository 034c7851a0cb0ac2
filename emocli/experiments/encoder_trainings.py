"""The trainings of encoders on the way to the features of an experiment, by kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from emocli.config import Tree
from emocli.data.manifest import Manifest
from emocli.display import number_of
from emocli.plugin.encoder import PICTURE_KINDS, EncoderKind, PictureKind
from emocli.training.encoders.fit_encoder import fit_encoder
from emocli.training.encoders.fit_text import fit_text, resolve
from emocli.training.encoders.plan import EncoderPlan


@dataclass(frozen=True)
class FitOptions:
    """How an encoder is trained: its preset, what deviates from it, and whether it is replaced."""

    preset: str
    settings: Tree
    overwrite: bool = False


class EncoderTraining(ABC):
    """The training of an encoder of some kind."""

    @abstractmethod
    def check(self, options: FitOptions) -> None:
        """Refuse settings before hours have been spent.

        Raises
        ------
        ConfigError
            If one is none.
        """

    @abstractmethod
    def fit(self, manifest: Manifest, store: Path, run: Path, options: FitOptions) -> str:
        """Train an encoder, or what is left of it; say how it does.

        Raises
        ------
        EmocliError
            If something cannot be used, or was made with other settings.
        """


@dataclass(frozen=True)
class PictureTraining(EncoderTraining):
    """The training of an encoder that looks at pictures of some kind."""

    kind: PictureKind

    def check(self, options: FitOptions) -> None:
        """Resolve them."""
        EncoderPlan.of(options.preset, options.settings, self.kind)

    def fit(self, manifest: Manifest, store: Path, run: Path, options: FitOptions) -> str:
        """Train it on the pictures of the clips."""
        done = fit_encoder(self.kind, manifest, run, store=store, **vars(options))
        nearest = f"nearest neighbour {done.accuracy:.3f} on the valid split"
        left_out = "".join(
            f", {number_of(n, f'clips {why}')} left out" for why, n in done.skipped.items()
        )
        return f"{self.kind} encoder, {done.state}: {nearest}{left_out}"


@dataclass(frozen=True)
class TextTraining(EncoderTraining):
    """The training of an encoder of text."""

    def check(self, options: FitOptions) -> None:
        """Resolve them."""
        resolve(options.preset, options.settings)

    def fit(self, manifest: Manifest, store: Path, run: Path, options: FitOptions) -> str:
        """Train it on the texts of the clips."""
        done = fit_text(manifest, run, **vars(options))
        scores = ", ".join(f"{name} {value:.3f}" for name, value in done.metrics.items())
        return f"text encoder, {done.state}: {scores} on the valid split"


TRAININGS: Mapping[EncoderKind, EncoderTraining] = MappingProxyType(
    {**{kind: PictureTraining(kind) for kind in PICTURE_KINDS}, "text": TextTraining()}
)
"""Kind to the training of its encoders."""
