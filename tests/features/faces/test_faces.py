"""The feature: from a video to rows."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from emocli import config
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.media.content import frames
from emocli.data.media.writing import write_video
from emocli.data.track import Absent, Track
from emocli.errors import ConfigError
from emocli.features import faces

Image = NDArray[np.uint8]
FPS = 10


@pytest.fixture(scope="module")
def drawn(corpus: Manifest) -> list[Image]:
    return [next(frames(clip)).image for clip in corpus.clips[::4]]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, drawn: list[Image]) -> Clip:
    """Eight pictures: a face, nothing, a large and a small face, and so on."""
    alone = np.pad(drawn[0], ((0, 0), (0, 128), (0, 0)), mode="edge")
    nothing = np.full_like(alone, 90)
    pair = alone.copy()
    pair[:128, 256:] = drawn[1][::2, ::2]
    path = tmp_path_factory.mktemp("faces") / "clip.mp4"
    write_video(path, [alone, nothing, pair, pair] * 2, FPS, None, 16000)
    return Clip("clip", media={"video": path})


def extract(clip: Clip, **settings: Any) -> Track:
    result = faces.prepare(config.build(faces.Config, settings, "faces"), [clip])
    return result(clip, {})


@pytest.fixture(scope="module")
def track(clip: Clip) -> Track:
    return extract(clip)


def test_every_face_is_a_row_and_so_is_a_frame_without_one(track: Track) -> None:
    assert track.extra["frame"].tolist() == [0, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 7]
    assert track.times is not None
    np.testing.assert_allclose(track.times, track.extra["frame"] / FPS, atol=1e-6)
    assert track.extra["found"].tolist() == [f not in (1, 5) for f in track.extra["frame"]]
    assert track.notes == {"frames": 8, "frames.without_face": 2, "faces": 10}


def test_a_row_without_a_face_is_zero(track: Track) -> None:
    nobody = ~track.extra["found"]
    assert not track.extra["main"][nobody].any()
    for array in (track.values, *(track.extra[n] for n in ("box", "landmarks", "confidence"))):
        assert not array[nobody].any()
        assert all(row.any() for row in array[~nobody])


def test_the_largest_face_of_a_frame_is_the_main_one(track: Track) -> None:
    x, area = track.extra["box"][:, 0], track.extra["area"]
    np.testing.assert_allclose(area, track.extra["box"][:, 2] * track.extra["box"][:, 3])
    for frame in (2, 3, 6, 7):
        rows = np.flatnonzero(track.extra["frame"] == frame)
        main = rows[track.extra["main"][rows]]
        assert len(main) == 1
        assert area[main] == area[rows].max()
        assert x[main] < 200 < x[rows].max()


def test_crops_are_aligned(track: Track) -> None:
    assert track.values.shape == (12, 112, 112, 3)
    assert track.values.dtype == np.uint8
    large, small = track.values[2].astype(int), track.values[3].astype(int)
    eyes = (slice(44, 60), slice(25, 87))
    for face in (large, small):  # eyes are darker than the cheeks below
        assert face[eyes].min(axis=2).min() + 60 < face[66:76, 30:80].mean()


def test_settings_reach_what_they_name(clip: Clip, track: Track) -> None:
    plain = extract(clip, align="plain")
    np.testing.assert_array_equal(plain.extra["box"], track.extra["box"])
    assert (plain.values != track.values).any()
    assert (extract(clip, align="plain", margin=0.5).values != plain.values).any()
    assert extract(clip, size=48).values.shape[1:] == (48, 48, 3)
    only_large = extract(clip, min_share=0.5)
    assert len(only_large) == 8
    assert only_large.notes["faces"] == 6
    assert extract(clip, min_face=128).notes == only_large.notes
    assert extract(clip, thresholds=[0.6, 0.7, 1.0]).notes["faces"] == 0


def test_a_rate_takes_fewer_frames(clip: Clip) -> None:
    slow = extract(clip, rate=5)
    assert slow.notes["frames"] == 4
    assert slow.times is not None
    np.testing.assert_allclose(np.unique(slow.times), [0, 0.2, 0.4, 0.6], atol=1e-6)


@pytest.mark.parametrize("batch", [1, 3])
def test_the_batch_changes_nothing(clip: Clip, track: Track, batch: int) -> None:
    other = extract(clip, batch=batch)
    np.testing.assert_allclose(other.extra["box"], track.extra["box"], atol=0.01)
    assert np.abs(other.values.astype(int) - track.values.astype(int)).max() <= 2


def test_a_used_extractor_travels_without_its_networks(clip: Clip, track: Track) -> None:
    result = faces.prepare(faces.Config(), [clip])
    result(clip, {})
    packed = pickle.dumps(result)
    assert len(packed) < 2000
    np.testing.assert_array_equal(pickle.loads(packed)(clip, {}).values, track.values)


def test_part_of_a_recording(clip: Clip, track: Track) -> None:
    part = extract(Clip("part", start=0.2, end=0.4, media=clip.media))
    assert part.notes["frames"] == 2
    assert part.times is not None
    assert part.times[0] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(part.extra["box"], track.extra["box"][2:6], atol=0.01)


def test_a_clip_without_pictures_is_absent(tmp_path: Path) -> None:
    with pytest.raises(Absent):
        extract(Clip("silent", media={"audio": tmp_path / "a.wav"}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"thresholds": [0.6, 0.7]}, r"faces\.thresholds"),
        ({"min_face": 5}, r"faces\.min_face"),
        ({"align": "eyes"}, r"faces\.align"),
        ({"factor": 1}, r"faces\.factor"),
    ],
)
def test_impossible_settings_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.build(faces.Config, settings, "faces")


def test_a_gpu_that_is_not_there_is_said_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ConfigError, match="no GPU"):
        faces.prepare(faces.Config(device="cuda"), [])


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_faces_are_found_however_the_camera_was_held(
    tmp_path: Path, drawn: list[Image], degrees: int, mirrored: bool
) -> None:
    """Front cameras mirror: a matrix that does is no rotation."""
    clip = Clip("a", media={"video": tmp_path / "a.mp4"})
    write_turned(clip.media["video"], [drawn[0]] * 4, degrees, mirrored)
    result = extract(clip)
    assert result.extra["found"].tolist() == [True] * 4
    turned = bool(degrees or mirrored)
    assert result.notes == {
        **{"frames": 4, "frames.without_face": 0, "faces": 4},
        **({"frames.turned": 4} if turned else {}),
    }
    eyes = result.extra["landmarks"][0]
    assert eyes[:2, 1].max() < eyes[3:, 1].min()


def write_turned(path: Path, upright: list[Image], degrees: int, mirrored: bool) -> None:
    """Store pictures turned, and how they are to be shown."""
    stored = [np.rot90(image[:, ::-1] if mirrored else image, -degrees // 90) for image in upright]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "10"})
        stream.height, stream.width = stored[0].shape[:2]
        stream.set_display_rotation(degrees, hflip=mirrored)
        for image in stored:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
