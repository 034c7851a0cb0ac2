"""The common part of features of ONNX files that read pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from emocli.errors import ConfigError
from emocli.features._onnx import Array, OnnxConfig, OnnxModel
from emocli.features._picture_rows import PictureNetwork
from emocli.quantities import Probability, Side


class OnnxPicturesConfig(OnnxConfig):
    """Settings: the file, and the pictures it reads.

    Attributes
    ----------
    side : int, optional
        Pixels of a side; as the file says if not given.
    colours : {'rgb', 'bgr', 'grey'}
        Order of the colours, or none.
    axes : {'chw', 'hwc'}
        Whether colours come first or last.
    scale : float
        What pixels, 0 to 255, are multiplied by.
    mean : tuple of float
        What is taken off the scaled pixels; one number or one per colour.
    std : tuple of float
        What they are divided by after that; one number or one per colour.
    """

    side: Side | None = None
    colours: Literal["rgb", "bgr", "grey"] = "rgb"
    axes: Literal["chw", "hwc"] = "chw"
    scale: Annotated[float, Field(gt=0, le=1000)] = 1 / 255
    mean: tuple[Annotated[float, Field(ge=-1000, le=1000)], ...] = (0.485, 0.456, 0.406)
    std: tuple[Annotated[float, Field(gt=0, le=1000)], ...] = (0.229, 0.224, 0.225)

    @model_validator(mode="after")
    def _one_or_one_per_colour(self) -> OnnxPicturesConfig:
        for name in ("mean", "std"):
            if len(getattr(self, name)) not in (1, 3):
                raise ValueError(f"{name} is one number or one per colour: 1 or 3 of them")
        return self


class FacesConfig(OnnxPicturesConfig):
    """Settings: the file, and the faces it sees.

    Attributes
    ----------
    min_confidence : float
        Faces with a lower confidence of the detector are left out.
    """

    min_confidence: Probability = 0.9


@dataclass(frozen=True)
class OnnxPictures(PictureNetwork):
    """An ONNX file of pictures."""

    config: OnnxPicturesConfig
    model: OnnxModel

    def rows(self, pictures: Sequence[NDArray[np.uint8]]) -> Array:
        """Return a row per picture."""
        values = self.model(list(map(self.as_input, pictures)))
        return values.reshape(len(values), -1)

    def as_input(self, picture: NDArray[np.uint8]) -> Array:
        """Return a picture as the file reads it."""
        import cv2

        config = self.config
        grey = config.colours == "grey"
        ordered = picture[:, :, ::-1] if config.colours == "bgr" else picture
        shown = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if grey else ordered
        side = self.side
        resized = cv2.resize(shown, (side, side), interpolation=cv2.INTER_AREA)
        pixels = np.asarray(resized, np.float32).reshape(side, side, -1) * config.scale
        # Grey pictures have the mean of what the colours have.
        mean, std = (np.array(numbers, np.float32) for numbers in (config.mean, config.std))
        if grey:
            mean, std = mean.mean(keepdims=True), std.mean(keepdims=True)
        normed = (pixels - mean) / std
        return normed.transpose(2, 0, 1) if config.axes == "chw" else normed

    @cached_property
    def side(self) -> int:
        """Pixels of a side of the pictures.

        Raises
        ------
        ConfigError
            If neither the file nor a setting says it.
        """
        if self.config.side is not None:
            return self.config.side
        shape = self.model.shape
        side = shape[2 if self.config.axes == "chw" else 1] if len(shape) == 4 else None
        if not isinstance(side, int):
            what = f"takes {list(shape)}, which does not say how large pictures are"
            hint = f"set {self.model.feature}.side"
            raise ConfigError(what, where=self.config.model, hint=hint)
        return side

    def names(self) -> tuple[str, ...]:
        """Name the columns; errors as of `side` and of `OnnxModel`."""
        width = self([np.zeros((self.side, self.side, 3), np.uint8)]).shape[1]
        return tuple(f"out{column:03d}" for column in range(width))
