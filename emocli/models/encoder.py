"""A ResNet that turns pictures of sound, faces or scenes into vectors, and its run folder.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", sec. 3.2 and 4.2; He et al. 2016 (ResNet).

The folder holds ``config.json`` (what the encoder is; nothing is downloaded to load it),
``model.safetensors`` (written last), ``history.csv`` and ``README.md``. Loading executes no code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from emocli.config import Settings, Tree
from emocli.errors import ConfigError, RunError, reason
from emocli.models.encoder_run import read_config, restore
from emocli.models.hub import only_cached
from emocli.models.outline import outline as outlined
from emocli.models.rundir import CONFIG, MODEL, require_finished
from emocli.models.tensors import RESTORE, sized_by
from emocli.plugin.encoder import PictureKind
from emocli.quantities import Size

if TYPE_CHECKING:
    from transformers import ResNetModel

Stages = Annotated[tuple[Size, ...], Field(min_length=1, max_length=8)]
Blocks = Annotated[
    tuple[Annotated[int, Field(ge=1, le=64)], ...], Field(min_length=1, max_length=8)
]

PixelArray = NDArray[Any]
"""Sound: a log-mel spectrogram in decibels, shape (T, bands). Faces and scenes: RGB, (h, w, 3)."""

COLOURED = 3
"""Axes of a picture that has colours; a spectrogram is given some."""

SCRATCH = "resnet18"
"""Name of the backbone that starts from random parameters."""

SHAPE = (
    "layer_type",
    "depths",
    "hidden_sizes",
    "embedding_size",
    "num_channels",
    "hidden_act",
    "downsample_in_first_stage",
    "downsample_in_bottleneck",
)
"""What rebuilds a backbone, of its configuration."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the pictures that published backbones were trained on."""


class EncoderConfig(Settings):
    """Settings of an encoder.

    Attributes
    ----------
    backbone : str
        ``resnet18`` starts from random parameters; anything else is a ResNet of the Hugging Face
        hub by name, or a local folder in its layout (safetensors only).
    depths : tuple of int
        Blocks of each stage of ``resnet18``.
    hidden_sizes : tuple of int
        Channels of each stage of ``resnet18``.
    embedding_size : int
        Channels of the stem of ``resnet18``, before its first stage.
    dim : int
        Width of the vectors, behind one linear layer (paper: 300).
    side : int
        Pixels a side that pictures are brought to.
    colour : {'viridis', 'repeat'}
        How a spectrogram becomes a picture: through a colour map (the paper's "RGB image"), or as
        three equal channels.
    top_db : float
        Decibels below a spectrogram's loudest value that its picture shows.
    """

    backbone: str = SCRATCH
    depths: Blocks = (2, 2, 2, 2)
    hidden_sizes: Stages = (64, 128, 256, 512)
    embedding_size: Size = 64
    dim: Size = 300
    side: Annotated[int, Field(ge=32, le=2048)] = 224
    colour: Literal["viridis", "repeat"] = "viridis"
    top_db: Annotated[float, Field(ge=1, le=300)] = 80.0


class EncoderRun(Settings):
    """Contents of the ``config.json`` of an encoder.

    Attributes
    ----------
    format : int
        Version of the layout.
    kind : {'audio', 'face', 'scene'}
        What it looks at.
    encoder : EncoderConfig
        What it is.
    resnet : mapping
        The backbone's own configuration, so that it can be rebuilt from here alone.
    settings : mapping
        The training's: ``train``, ``loss`` and ``augment``.
    classes : tuple of str
        What it was taught to tell apart.
    source : str
        Fingerprint of the pictures and labels it was trained on.
    versions : mapping
        Of emocli and the libraries.
    """

    format: Literal[1] = 1
    kind: PictureKind
    encoder: EncoderConfig
    resnet: Tree
    settings: Tree
    classes: tuple[str, ...]
    source: str
    versions: dict[str, str]


class ResNetEncoder(nn.Module):
    """A ResNet and one linear layer: pictures (n, 3, side, side) to vectors (n, dim)."""

    def __init__(self, backbone: ResNetModel, dim: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.project = nn.Linear(list(backbone.config.hidden_sizes or ())[-1], dim)

    @property
    def shape(self) -> Tree:
        """The configuration that rebuilds the backbone."""
        return {name: getattr(self.backbone.config, name) for name in SHAPE}

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures."""
        pooled = self.backbone(pictures).pooler_output.flatten(1)
        vectors: Tensor = self.project(pooled)
        return vectors


@dataclass(frozen=True)
class PictureTransform:
    """Conversion of pictures to the input of an encoder."""

    config: EncoderConfig

    def __call__(self, pictures: Sequence[PixelArray]) -> Tensor:
        """Return a batch, shape (n, 3, side, side), normalised."""
        shown = torch.stack([self._show(picture) for picture in pictures])
        return (shown - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]

    def _show(self, picture: PixelArray) -> Tensor:
        """Scale one picture, shape (3, side, side), values in [0, 1]."""
        if picture.ndim == COLOURED:
            pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 255
            return self._resize(pixels)
        loudness = torch.from_numpy(np.array(picture, np.float32)).T
        top = loudness.max()
        low = torch.maximum(loudness.min(), top - self.config.top_db)
        grey = self._resize(((loudness - low) / (top - low).clamp(min=1e-6)).clamp(0, 1)[None])
        if self.config.colour == "repeat":
            return grey.expand(3, -1, -1)
        return self._viridis[(grey[0] * 255).round().long()].permute(2, 0, 1)

    @cached_property
    def _viridis(self) -> Tensor:
        """Colours of matplotlib's map, shape (256, 3)."""
        from matplotlib import colormaps

        return torch.from_numpy(colormaps["viridis"](np.arange(256))[:, :3]).float()

    def _resize(self, pixels: Tensor) -> Tensor:
        size = (self.config.side, self.config.side)
        if pixels.shape[1:] == size:
            return pixels
        # Antialiased: shrinking without would show some of the pixels only.
        return functional.interpolate(
            pixels[None], size, mode="bilinear", align_corners=False, antialias=True
        )[0].clamp(0, 1)


def make_encoder(config: EncoderConfig) -> ResNetEncoder:
    """Build an encoder that has not been trained.

    Raises
    ------
    ConfigError
        If the backbone is neither known nor a ResNet, or cannot be had.
    """
    if config.backbone != SCRATCH:
        return ResNetEncoder(_published(config.backbone), config.dim)
    from transformers import ResNetConfig, ResNetModel

    if len(config.depths) != len(config.hidden_sizes):
        raise ConfigError(
            f"{len(config.depths)} depths and {len(config.hidden_sizes)} hidden sizes",
            where="encoder",
            hint="give each stage one of both",
        )
    shape = ResNetConfig(
        layer_type="basic",
        depths=list(config.depths),
        hidden_sizes=list(config.hidden_sizes),
        embedding_size=config.embedding_size,
    )

    def make() -> ResNetEncoder:
        return ResNetEncoder(ResNetModel(shape), config.dim)

    outlined(make)
    return make()


def embed(
    encoder: ResNetEncoder,
    screen: PictureTransform,
    pictures: Sequence[PixelArray],
    batch: int = 32,
) -> NDArray[np.float32]:
    """Embed pictures one batch at a time, shape (n, dim)."""
    device = next(encoder.parameters()).device
    encoder.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(pictures), batch):
            shown = screen(pictures[start : start + batch]).to(device)
            parts.append(encoder(shown).float().cpu().numpy())
    width = encoder.project.out_features
    return np.concatenate(parts) if parts else np.zeros((0, width), np.float32)


def read_run(run: Path) -> EncoderRun:
    """Read the ``config.json`` of an encoder; errors as of `read_config`."""
    return read_config(EncoderRun, run, "an encoder", "fit-encoder")


def load(run: Path, kind: PictureKind) -> tuple[ResNetEncoder, PictureTransform]:
    """Read a trained encoder.

    Raises
    ------
    RunError
        If it is absent, unfinished, damaged, or looks at something else.
    """
    encoder, config = _built(run)
    if config.kind != kind:
        what = f"is an encoder of kind '{config.kind}', not '{kind}'"
        raise RunError(what, where=run, hint=f"train one: emocli fit-encoder {kind}")
    return restore(encoder, run), PictureTransform(config.encoder)


def outline(run: Path) -> ResNetEncoder:
    """Read what a trained encoder is: its parameters have shapes, but no values.

    Raises
    ------
    RunError
        If it is absent or unfinished.
    """
    with torch.device("meta"):
        return _built(run)[0]


def _built(run: Path) -> tuple[ResNetEncoder, EncoderRun]:
    from transformers import ResNetConfig, ResNetModel

    config = read_run(run)
    require_finished(run)

    def make() -> ResNetEncoder:
        return ResNetEncoder(ResNetModel(ResNetConfig.from_dict(config.resnet)), config.encoder.dim)

    try:
        with sized_by(run / MODEL), torch.device("meta"):
            make()
        return make(), config
    except Exception as error:  # of the library, of any type
        what = f"is no description of an encoder ({reason(error)})"
        raise RunError(what, where=run / CONFIG, hint=RESTORE) from None


def _published(name: str) -> ResNetModel:
    """Load a backbone of the hub, or of a local folder.

    Raises
    ------
    ConfigError
        If it cannot be had, is not a ResNet, or holds no safetensors.
    """
    from transformers import AutoConfig, ResNetConfig, ResNetModel

    cached = only_cached(name)
    try:
        shape = AutoConfig.from_pretrained(name, local_files_only=cached, trust_remote_code=False)
        if isinstance(shape, ResNetConfig):
            return ResNetModel.from_pretrained(name, local_files_only=cached, use_safetensors=True)
        # It would be taken all the same, with random parameters and no more than a warning.
        fault = f"is a {shape.model_type}, not a ResNet"
    except Exception as error:  # as of a run's own
        fault = reason(error)
    raise ConfigError(
        f"setting 'encoder.backbone' = '{name}': {fault}",
        hint=f"give {SCRATCH}, a ResNet of the Hugging Face hub, or a folder that holds one",
    )
