from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.media.content import chosen_frames, read_frames
from emocli.data.media.picture import orientation
from emocli.errors import MediaError
from tests.data.colours import BARS, bars, frame_of, seen

Image = NDArray[np.uint8]

CORNERS = np.array([[[250, 20, 20], [20, 250, 20]], [[20, 20, 250], [240, 240, 240]]], np.uint8)
PLAIN = np.repeat(np.repeat(CORNERS, 32, axis=0), 48, axis=1)

TURNED = {
    1: PLAIN,
    2: PLAIN[:, ::-1],
    3: PLAIN[::-1, ::-1],
    4: PLAIN[::-1],
    5: PLAIN.transpose(1, 0, 2),
    6: np.rot90(PLAIN, -1),
    7: PLAIN.transpose(1, 0, 2)[::-1, ::-1],
    8: np.rot90(PLAIN),
}
"""What is seen of a picture that is stored upright, by EXIF's number of its orientation."""

MATRICES = {
    1: [[1, 0], [0, 1]],
    2: [[-1, 0], [0, 1]],
    3: [[-1, 0], [0, -1]],
    4: [[1, 0], [0, -1]],
    5: [[0, 1], [1, 0]],
    6: [[0, 1], [-1, 0]],
    7: [[0, -1], [-1, 0]],
    8: [[0, -1], [1, 0]],
}
"""The same as QuickTime has it: (x, y) is shown at (x, y) @ matrix."""


def matrix_of(quarter: Sequence[Sequence[float]]) -> list[int]:
    (a, b), (c, d) = quarter
    return [round(v * 65536) for v in (a, b, 0, c, d, 0, 0, 0)] + [1 << 30]


def write(
    path: Path,
    images: Sequence[Image],
    matrix: list[int] | None = None,
    aspect: Fraction | None = None,
    codec: str = "libx264",
    pixels: str = "yuv420p",
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pixels
        if matrix:
            stream.set_display_matrix(matrix)
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        for image in images:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def first(path: Path) -> Image:
    return next(iter(read_frames(path))).image


def close(image: Image, wanted: Image) -> bool:
    return image.shape == wanted.shape and bool(np.abs(image.astype(int) - wanted).mean() < 4)


@pytest.mark.parametrize("number", TURNED)
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_display_matrix_turns_and_mirrors(tmp_path: Path, number: int, suffix: str) -> None:
    path = write(tmp_path / f"a{suffix}", [PLAIN] * 3, matrix_of(MATRICES[number]))
    assert close(first(path), TURNED[number])
    (chosen,) = chosen_frames(Clip("a", media={"video": path}), lambda count: [count - 1])
    assert close(chosen.image, TURNED[number])
    assert chosen.notes == (("turned",) if number > 1 else ())


@pytest.mark.parametrize("number", TURNED)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_exif_turns_and_mirrors_still_images(tmp_path: Path, number: int, suffix: str) -> None:
    from PIL import Image as Pillow

    path, exif = tmp_path / f"a{suffix}", Pillow.Exif()
    exif[0x0112] = number
    Pillow.fromarray(PLAIN).save(path, exif=exif, quality=95)
    assert close(first(path), TURNED[number])


@pytest.mark.parametrize(
    ("name", "matrix"),
    {
        "45 degrees": matrix_of([[0.7071, 0.7071], [-0.7071, 0.7071]]),
        "5 degrees": matrix_of([[0.9962, 0.0872], [-0.0872, 0.9962]]),
        "shear": matrix_of([[1, 0.5], [0, 1]]),
        "collapsed": matrix_of([[1, 0], [0, 0]]),
        "perspective": [65536, 0, 1 << 28, 0, 65536, 0, 0, 0, 1 << 30],
    }.items(),
)
def test_what_is_no_quarter_turn_is_refused(tmp_path: Path, name: str, matrix: list[int]) -> None:
    path = write(tmp_path / "a.mp4", [PLAIN], matrix)
    with pytest.raises(MediaError, match="no quarter turn; convert it"):
        first(path)


def test_scales_and_places_do_not_turn() -> None:
    path = Path("a.mp4")
    for scaled in ([[2, 0], [0, 2]], [[0.5, 0.001], [-0.001, 0.5]], [[0, 0], [0, 0]]):
        matrix = np.array(matrix_of(scaled)).reshape(3, 3)
        matrix[2] = 640 << 16, 480 << 16, 1 << 30
        assert orientation(matrix, path) == orientation(None, path)
    turned = orientation(np.array(matrix_of([[0, 3], [-3, 0.01]])).reshape(3, 3), path)
    np.testing.assert_array_equal(turned(PLAIN), TURNED[6])


@pytest.mark.parametrize(
    ("aspect", "size"),
    [("16/15", (64, 102)), ("64/45", (64, 137)), ("2", (64, 192)), ("1/2", (128, 96))],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts"])
def test_pixels_are_made_square(
    tmp_path: Path, name: str, aspect: str, size: tuple[int, int]
) -> None:
    path = write(tmp_path / name, [PLAIN] * 50, aspect=Fraction(aspect))
    frame = next(iter(read_frames(path)))
    assert frame.image.shape[:2] == size
    assert frame.notes == ("stretched",)
    wanted = cv2.resize(PLAIN, size[::-1], interpolation=cv2.INTER_LINEAR)
    assert np.median(np.abs(frame.image.astype(int) - wanted)) < 4


def test_pixels_are_made_square_before_they_are_turned(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", [PLAIN], matrix_of(MATRICES[6]), Fraction(2))
    frame = next(iter(read_frames(path)))
    assert frame.image.shape[:2] == (192, 64)
    assert frame.notes == ("turned", "stretched")


def test_absurd_pixels_are_not_believed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", [PLAIN], aspect=Fraction(50))
    frame = next(iter(read_frames(path)))
    assert frame.image.shape == PLAIN.shape
    assert frame.notes == ("of_absurd_aspect",)


MATRIX = {"bt709": 1, "unspecified": 2, "fcc": 4, "bt470bg": 5, "smpte170m": 6, "bt2020": 9}


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuva420p"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", MATRIX)
def test_range_and_matrix_of_colours(tmp_path: Path, pixels: str, full: bool, name: str) -> None:
    frame = frame_of(bars(), pixels, MATRIX[name], full)
    path = encoded(tmp_path / "a.mkv", frame)
    assert np.abs(seen(first(path)) - BARS).max() <= 3


@pytest.mark.parametrize("pixels", ["gray", "gray10le"])
@pytest.mark.parametrize("full", [False, True])
def test_range_of_greys(tmp_path: Path, pixels: str, full: bool) -> None:
    frame = frame_of(bars(), pixels, MATRIX["bt709"], full)
    grey = BARS @ [0.2126, 0.7152, 0.0722]
    result = seen(first(encoded(tmp_path / "a.mkv", frame)))
    assert np.abs(result - grey[:, None]).max() <= 1.5


@pytest.mark.parametrize(
    ("codec", "pixels", "name"),
    [
        *(
            (codec, each, name)
            for codec, pixels, name in (
                ("rawvideo", "rgb24 bgr24 argb rgb48be nv12 uyvy422", "a.nut"),
                ("ffv1", "gbrp10le bgra", "a.mkv"),
            )
            for each in pixels.split()
        ),
        *[("rawvideo", "bgra", "a.avi"), ("libx264rgb", "rgb24", "a.mkv")],
        *[("mjpeg", "yuvj420p", "a.avi"), ("mjpeg", "yuvj444p", "a.mov")],
        *[("png", "rgba", "a.mov"), ("gif", "rgb8", "a.gif")],
    ],
)
def test_orders_of_colours(tmp_path: Path, codec: str, pixels: str, name: str) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"PyAV was built without {codec}")
    path = tmp_path / name
    write(path, [bars()] * 3, codec=codec, pixels=pixels)
    bound = 60 if pixels == "rgb8" else 8
    assert np.abs(seen(first(path)) - BARS).max() <= bound


def test_colours_that_cannot_be_converted_are_refused(tmp_path: Path) -> None:
    path = encoded(tmp_path / "a.mkv", frame_of(bars(), "yuv444p", 8, False))
    with pytest.raises(MediaError, match="its colours as YCgCo"):
        first(path)


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_is_noted(tmp_path: Path, transfer: int) -> None:
    frame = frame_of(bars(), "yuv420p10le", 9, False)
    frame.color_trc, frame.color_primaries = transfer, 9
    path = encoded(tmp_path / "a.mkv", frame)
    assert next(iter(read_frames(path))).notes == ("of_high_dynamic_range",)


def encoded(path: Path, frame: av.VideoFrame) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, frame.format.name
        context = stream.codec_context
        context.colorspace, context.color_range = frame.colorspace, frame.color_range
        context.color_trc, context.color_primaries = frame.color_trc, frame.color_primaries
        frame.pts = 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path


def test_size_and_shape_of_pixels_may_change_midway(tmp_path: Path) -> None:
    parts = [
        write(tmp_path / "a.h264", [PLAIN] * 3).read_bytes(),
        write(tmp_path / "b.h264", [PLAIN[:32, :48]] * 3).read_bytes(),
        write(tmp_path / "c.h264", [PLAIN] * 3, aspect=Fraction(2)).read_bytes(),
    ]
    joined = tmp_path / "joined.h264"
    joined.write_bytes(b"".join(parts))
    path = tmp_path / "a.ts"
    with av.open(str(joined)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(p for p in source.demux() if p.size):
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            target.mux(packet)
    shown = list(read_frames(path))
    assert [frame.image.shape[0] for frame in shown] == [64] * 3 + [32] * 3 + [64] * 3
    assert shown[0].image.shape == PLAIN.shape
    assert shown[-1].image.shape[1] == 2 * PLAIN.shape[1]


def test_cover_art_and_secondary_pictures_are_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    dark = np.zeros_like(PLAIN)
    with av.open(str(path), "w") as container:
        streams = []
        for image in (dark, PLAIN):
            stream = container.add_stream("ffv1", rate=25)
            stream.height, stream.width = image.shape[:2]
            stream.disposition = Disposition.default if image is PLAIN else Disposition(0)
            streams.append((stream, image))
        for stream, image in streams:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)
    assert close(first(path), PLAIN)


@pytest.mark.slow
def test_pictures_are_those_of_ffmpeg(tmp_path: Path) -> None:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("there is no ffmpeg")
    paths = [
        write(tmp_path / f"{number}.mp4", [PLAIN] * 3, matrix_of(matrix))
        for number, matrix in MATRICES.items()
    ]
    for pixels in ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le"):
        for name, code in MATRIX.items():
            for full in (False, True):
                path = tmp_path / f"{pixels}-{name}-{full}.mkv"
                paths.append(encoded(path, frame_of(bars(), pixels, code, full)))
    for path in paths:
        mine = first(path)
        command = [ffmpeg, "-v", "error", "-i", str(path), "-frames:v", "1", "-f", "rawvideo"]
        raw = subprocess.run([*command, "-pix_fmt", "rgb24", "-"], capture_output=True, check=True)
        theirs = np.frombuffer(raw.stdout, np.uint8).reshape(mine.shape)
        assert np.abs(mine.astype(int) - theirs).max() <= 2, path.name
