"""The settings of the feature ``faces``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from emocli.config import Settings
from emocli.plugin.feature import Device
from emocli.quantities import PicturesAtOnce, PicturesPerSecond, Probability, Side


class Config(Settings):
    """Settings: the search for faces, and their crops.

    Attributes
    ----------
    size : int
        Side of the faces' crops in pixels.
    align : str
        ``landmarks``: eyes, nose and mouth turned, scaled and moved to fixed places; ``plain``: the
        square around the box.
    margin : float
        Room on each side of a plain crop, as a share of the box's longer side.
    min_face : float
        Height of the smallest face searched, in pixels.
    min_share : float
        Height of the smallest face searched, as a share of the frame's shorter side; the larger of
        this and ``min_face`` holds. 0.05 is 36 pixels in a 720p video: smaller faces show no
        expression, and take most of the time.
    factor : float
        Ratio of one size at which a frame is searched to the next.
    thresholds : three floats
        Least probability of a face after each of the three networks.
    search : str
        ``every``: every frame is searched with all three networks. ``track``: between searches the
        last boxes go straight to the second and third network; what is searched anew is every
        ``key``-th frame, and frames in which much has changed, a face is lost or a score falls.
        Faster, at nearly the same boxes (docs/speed.md).
    key : int
        With ``track``, how often all of a frame is searched: every so many frames.
    rate : float, optional
        Frames per second that are looked at; all if not given.
    batch : int
        Frames held in memory at a time.
    device : str
        Where to compute; ``auto`` is a GPU if there is one.
    """

    size: Side = 112
    align: Literal["landmarks", "plain"] = "landmarks"
    margin: Annotated[float, Field(ge=0, le=10)] = 0.1
    min_face: Annotated[float, Field(ge=12, le=10_000)] = 20
    min_share: Probability = 0.05
    factor: Annotated[float, Field(gt=0.1, le=0.99)] = 0.709
    thresholds: tuple[Probability, Probability, Probability] = (0.6, 0.7, 0.8)
    search: Literal["every", "track"] = "every"
    key: Annotated[int, Field(ge=1, le=1000)] = 10
    rate: PicturesPerSecond | None = None
    batch: PicturesAtOnce = 16
    device: Device = "auto"
