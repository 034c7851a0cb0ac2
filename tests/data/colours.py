"""Colour bars in RGB, and as an encoder has them by the equations of ITU-R BT.601, 709 and 2020."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray

BARS = np.array(
    [
        *([255, 255, 255], [255, 255, 0], [0, 255, 255], [0, 255, 0], [255, 0, 255], [255, 0, 0]),
        *([0, 0, 255], [0, 0, 0], [128, 128, 128], [200, 150, 120], [90, 60, 40], [230, 120, 40]),
    ]
)
WIDTH, HEIGHT = 16, 64

SHARES = {1: (0.2126, 0.0722), 4: (0.3, 0.11), 9: (0.2627, 0.0593)}
"""Of red and blue in luma, by libav's number of the matrix; any other is BT.601's."""


def bars() -> NDArray[np.uint8]:
    """The bars beside each other, shape (HEIGHT, len(BARS) * WIDTH, 3)."""
    return np.repeat(np.repeat(BARS[None], HEIGHT, axis=0), WIDTH, axis=1).astype(np.uint8)


def seen(image: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Colours in the middle of the bars, shape (len(BARS), 3)."""
    return image[HEIGHT // 2, WIDTH // 2 :: WIDTH].astype(np.int64)


def frame_of(image: NDArray[np.uint8], pixels: str, matrix: int, full: bool) -> av.VideoFrame:
    """Convert a picture by the equations, and label it."""
    bits = 10 if "10" in pixels else 8
    planes = components(image / 255, *SHARES.get(matrix, (0.299, 0.114)), full, bits)
    frame = av.VideoFrame(image.shape[1], image.shape[0], pixels)
    across, down = 1 + ("420" in pixels or "422" in pixels), 1 + ("420" in pixels)
    whole = np.full(image.shape[:2], 2**bits - 1)
    for number, plane in enumerate(frame.planes):
        values = [*planes, whole][number]
        values = values[::down, ::across] if number in (1, 2) else values
        buffer = np.zeros((plane.height, plane.line_size), np.uint8)
        room = buffer.view(np.uint16 if bits > 8 else np.uint8)
        room[:, : values.shape[1]] = values
        plane.update(buffer.tobytes())
    frame.colorspace, frame.color_range = matrix, 2 if full else 1
    return frame


def components(
    rgb: NDArray[np.float64], red: float, blue: float, full: bool, bits: int
) -> list[NDArray[np.float64]]:
    """Luma and the two differences, as the codes of so many bits."""
    luma = rgb @ [red, 1 - red - blue, blue]
    differences = [
        (rgb[..., 2] - luma) / (2 - 2 * blue),
        (rgb[..., 0] - luma) / (2 - 2 * red),
    ]
    top, middle, step = 2**bits - 1, 2 ** (bits - 1), 2 ** (bits - 8)
    if full:
        codes = [luma * top, *(d * top + middle for d in differences)]
    else:
        codes = [(16 + 219 * luma) * step, *((128 + 224 * d) * step for d in differences)]
    return [np.rint(code).clip(0, top) for code in codes]
