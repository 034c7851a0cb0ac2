"""Pictures as a viewer sees them: upright, with square pixels, in RGB.

From a video: libav's conversion, which knows the range and the matrix of the colours; then pixels
that are not square are stretched to square ones (never made fewer), and the display matrix is
applied, which turns a picture by quarters and mirrors it. From a still image: OpenCV's, which
applies the orientation that EXIF tells. Transparency is dropped. Colours of a high dynamic range
(PQ, HLG) are left as they are coded and interlaced pictures as they are woven; both are noted.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emocli.data.media.container import MOST_PIXELS, check_picture, media_errors
from emocli.errors import MediaError

if TYPE_CHECKING:
    from av.stream import Stream
    from av.video.frame import VideoFrame

Image = NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""

MOST_STILL_PIXELS = 2**27
"""Pixels of the largest still image, 11 585 x 11 585."""

STILL_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000")
"""Pillow's names of the still images that are read."""

STRETCHED = Fraction(1, 16)
"""The narrowest pixel that is believed, and its inverse the widest."""

UNIT = 1 / 64
"""Share of its largest entry below which an entry of a display matrix is 0: about one degree."""

LIMITED, FULL = 1, 2
NO_MATRIX = {8: "YCgCo", 10: "BT.2020 with constant luminance", 14: "ICtCp", 15: "IPT"}
"""libav's numbers of ranges, and of colour spaces that are no matrix of RGB in its conversion."""

HDR = {16, 18}
"""libav's numbers of the transfer functions PQ and HLG."""

BLACK, WHITE = 16, 235
"""Of a limited range."""


@dataclass(frozen=True)
class Orientation:
    """The orientation of a stored picture: transposed first, then mirrored, then flipped.

    ``mirrored`` exchanges left and right, ``flipped`` top and bottom.
    """

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False

    def __call__(self, image: Image) -> Image:
        """Return the picture as it is to be seen."""
        if self.transposed:
            image = image.transpose(1, 0, 2)
        if self.mirrored:
            image = image[:, ::-1]
        if self.flipped:
            image = image[::-1]
        return np.ascontiguousarray(image)


@dataclass(frozen=True)
class DecodedPicture:
    """A decoded picture of a video and the shape of its pixels.

    Attributes
    ----------
    frame : av.VideoFrame
        As it was decoded.
    aspect : Fraction, optional
        Width of a pixel, where its height is 1, as the file has it.
    """

    frame: VideoFrame
    aspect: Fraction | None = None

    @property
    def pts(self) -> int | None:
        """Its time stamp."""
        return self.frame.pts

    def image(self, path: Path) -> Image:
        """Return it as it is to be seen.

        Raises
        ------
        MediaError
            If it is turned by something else than quarters, or its colours cannot be converted.
        """
        from av.video.reformatter import VideoReformatter

        frame = self.frame
        _check_colours(frame, path)
        upright = orientation(_matrix(frame), path)
        width, height = _square(frame.width, frame.height, self.aspect)
        check_picture(width, height, MOST_PIXELS, path)
        with media_errors(path):
            # One that ends here: the frame would keep that of `VideoFrame.reformat`, with threads.
            converted = VideoReformatter().reformat(frame, width, height, "rgb24")
            image = np.asarray(converted.to_ndarray(), np.uint8)
            if frame.format.name.startswith(("gray", "ya")) and frame.color_range == LIMITED:
                image = _full_range(image)
            return upright(image)

    def notes(self) -> tuple[str, ...]:
        """Tell what is worth knowing of it."""
        size = (self.frame.width, self.frame.height)
        facts = {
            "turned": _matrix(self.frame) is not None,
            "stretched": _square(*size, self.aspect) != size,
            "of_absurd_aspect": self.aspect is not None and not _believed(self.aspect),
            "interlaced": self.frame.interlaced_frame,
            "of_high_dynamic_range": self.frame.color_trc in HDR,
        }
        return tuple(name for name, so in facts.items() if so)


def picture_of(frame: VideoFrame, stream: Stream) -> DecodedPicture:
    """Put a decoded picture together with what only its stream knows."""
    return DecodedPicture(frame, _aspect(stream))


def orientation(matrix: NDArray[np.int64] | None, path: Path) -> Orientation:
    """Return what a display matrix does to a picture.

    Parameters
    ----------
    matrix : ndarray, shape (3, 3), optional
        As libav has it: a pixel (x, y) is shown at (x, y, 1) @ matrix, and its last column and row
        stand for perspective and place.

    Raises
    ------
    MediaError
        If it is no multiple of a quarter turn, mirrored or not.
    """
    if matrix is None or not matrix[:2, :2].any():
        return Orientation()
    turn = np.sign(np.where(abs(matrix) < UNIT * abs(matrix[:2, :2]).max(), 0, matrix))[:2]
    (a, b, u), (c, d, v) = turn.tolist()
    straight, across = a and d and not (b or c), b and c and not (a or d)
    if u or v or not (straight or across):
        raise MediaError(
            f"is shown through the matrix {matrix[:2].tolist()}, no quarter turn",
            where=path,
            hint="convert it: ffmpeg -i FILE OUT.mp4",
        )
    return Orientation(bool(b), a < 0 or c < 0, d < 0 or b < 0)


def still(path: Path) -> Image:
    """Read a still image; of several the first.

    Raises
    ------
    MediaError
        If it is none, damaged, or larger than any.
    """
    import cv2

    with media_errors(path):
        _check_still(path)
        log = cv2.utils.logging
        level = log.setLogLevel(log.LOG_LEVEL_SILENT)  # what is wrong is told by the error
        try:
            image: Any = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error as fault:
            raise MediaError(f"cannot be decoded ({fault.err})", where=path) from None
        finally:
            log.setLogLevel(level)
        if image is None:
            raise MediaError("is not an image that can be read", where=path)
        return np.ascontiguousarray(image[..., ::-1])


def _check_still(path: Path) -> None:
    """Look at the header of a still image before anything is decoded."""
    import warnings

    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes; they are checked here
        try:
            with Pillow.open(path, formats=STILL_FORMATS) as header:
                check_picture(*header.size, MOST_STILL_PIXELS, path)
                header.verify()  # of a png: whether all of it is there
        except UnidentifiedImageError:
            raise MediaError("is not an image that can be read", where=path) from None
        except SyntaxError:
            raise MediaError("is truncated or damaged", where=path) from None
        except Pillow.DecompressionBombError:
            what = "is an image of far more pixels than can be read"
            hint = f"at most {MOST_STILL_PIXELS:,} pixels can be read"
            raise MediaError(what, where=path, hint=hint) from None


def _matrix(frame: VideoFrame) -> NDArray[np.int64] | None:
    from av.sidedata.sidedata import SideDataContainer

    try:
        # One of our own: `VideoFrame.side_data` is kept by the frame and keeps it, so that each
        # picture's memory would wait for garbage to be collected.
        container: Any = SideDataContainer
        side = container(frame).get("DISPLAYMATRIX")
    except ValueError:  # PyAV does not know some other data beside the frame, and gives none then
        return _rotation(frame.rotation)
    if side is None:
        return None
    matrix: NDArray[np.int64] = np.frombuffer(side, np.int32, 9).astype(np.int64)
    return matrix.reshape(3, 3)


def _rotation(degrees: int) -> NDArray[np.int64] | None:
    if not degrees:
        return None
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1 << 14]]) * (1 << 16)
    return np.asarray(np.rint(matrix).astype(np.int64))


def _aspect(stream: Any) -> Fraction | None:
    # The container's word counts, and else the coding's, which may change midway.
    aspect: Fraction | None = stream.sample_aspect_ratio
    return aspect or stream.codec_context.sample_aspect_ratio


def _believed(aspect: Fraction) -> bool:
    return STRETCHED <= aspect <= 1 / STRETCHED


def _square(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    if not aspect or not _believed(aspect):
        return width, height
    if aspect >= 1:
        return round(width * aspect), height
    return width, round(height / aspect)


def _check_colours(frame: VideoFrame, path: Path) -> None:
    name = NO_MATRIX.get(frame.colorspace)
    if name:
        raise MediaError(
            f"has its colours as {name}, which cannot be converted",
            where=path,
            hint="convert it: ffmpeg -i FILE -pix_fmt yuv420p OUT.mp4",
        )


def _full_range(image: Image) -> Image:
    levels = (np.arange(256) - BLACK) * 255 / (WHITE - BLACK)
    return np.asarray(np.rint(levels.clip(0, 255)).astype(np.uint8)[image])
