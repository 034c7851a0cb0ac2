from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.media.channels import mixing_weights
from emocli.data.media.content import first_channel, mixed_down, read_sound
from emocli.errors import MediaError
from tests import media_factory as factory
from tests.media_factory import lag

RATE = 48000
PIECE = 4000


def hum(seconds: float = 0.5) -> NDArray[np.float32]:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.4 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def write(path: Path, planes: NDArray[np.float32], layout: str, codec: str = "pcm_f32le") -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, layout=layout)
        for start in range(0, planes.shape[1], PIECE):
            piece = planes[:, start : start + PIECE].T.reshape(1, -1)
            packed = np.ascontiguousarray(piece, np.float32)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate, frame.pts = RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def placed(layout: str, name: str, noise: float = 0.01) -> NDArray[np.float32]:
    """Speech in one channel, and some noise in all of them."""
    names = [channel.name for channel in av.AudioLayout(layout).channels]
    planes = noise * np.random.default_rng(0).standard_normal((len(names), len(hum())))
    planes[names.index(name)] += hum()
    return planes.astype(np.float32)


def gain(samples: NDArray[np.float32]) -> float:
    return float(samples @ hum() / (hum() @ hum()))


def clip(path: Path) -> Clip:
    return Clip("a", media={"audio": path})


CODINGS = {
    "pcm_u8": 2**-7,
    "pcm_s16le": 2**-15,
    "pcm_s24le": 2**-23,
    "pcm_s32le": 2**-23,
    "pcm_s64le": 2**-23,
    "pcm_f32le": 2**-23,
    "pcm_f64le": 2**-23,
    "pcm_alaw": 2**-5,
    "pcm_mulaw": 2**-5,
}
OTHERS = {
    "a.aiff": ["pcm_s8", "pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_f32be", "pcm_f64be"],
    "a.au": ["pcm_s8", "pcm_s16be", "pcm_s32be", "pcm_f64be", "pcm_alaw", "pcm_mulaw"],
    "a.caf": ["pcm_s16le", "pcm_s24be", "pcm_s32le", "pcm_f32be"],
    "a.nut": ["pcm_s16le_planar", "pcm_s24le_planar", "pcm_u16be", "pcm_u24le", "pcm_u32be"],
    "a.w64": ["pcm_s16le", "pcm_f32le"],
    "a.mov": ["pcm_s16be", "pcm_s24le", "pcm_f64be"],
    "a.mkv": ["pcm_s16be", "pcm_f32le", "flac"],
    "a.ogg": ["flac"],
}


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.wav", codec) for codec in CODINGS]
    + [(n, c) for n, names in OTHERS.items() for c in names],
)
def test_full_scale_is_one_in_every_byte_order(tmp_path: Path, name: str, codec: str) -> None:
    wanted = np.stack([hum(), -0.5 * hum()])
    path = write(tmp_path / name, wanted, "stereo", codec)
    heard = first_channel(clip(path)).samples
    np.testing.assert_allclose(heard[: len(hum())], wanted[0], atol=2 * tolerance(codec))


def tolerance(codec: str) -> float:
    bits = [int(part) for part in ("8", "16", "24", "32", "64") if part in codec]
    known = {"pcm_alaw": 2**-5, "pcm_mulaw": 2**-5, "flac": 2**-15}
    return known.get(codec) or 2.0 ** (1 - min(bits[0], 24))


@pytest.mark.parametrize(
    ("layout", "centre", "front", "surround"),
    [
        ("3.0", 0.414, 0.293, None),
        ("5.0", 0.293, 0.207, "BL"),
        ("5.1", 0.293, 0.207, "BL"),
        ("5.1(side)", 0.293, 0.207, "SR"),
        ("7.1", 0.227, 0.160, "SL"),
    ],
)
def test_channels_are_weighed_by_their_places(
    tmp_path: Path, layout: str, centre: float, front: float, surround: str | None
) -> None:
    path = tmp_path / "a.wav"
    for name, weight in {"FC": centre, "FR": front, surround: front * 0.5**0.5}.items():
        if name:
            write(path, placed(layout, name), layout)
            assert gain(read_sound(path, RATE)) == pytest.approx(weight, abs=0.002)
            weights = mixing_weights(av.AudioLayout(layout))
            assert weights.sum() == pytest.approx(1)
    write(path, np.ones((len(weights), RATE), np.float32) * np.hanning(RATE), layout)
    assert read_sound(path, RATE).max() <= 1.0001


def test_low_frequency_effects_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", placed("5.1", "LFE", noise=0), "5.1")
    assert not read_sound(path, RATE).any()


@pytest.mark.parametrize(
    ("layout", "codec"),
    [
        *((layout, "pcm_f32le") for layout in ("3.0", "5.0", "5.1", "7.1", "5.1(side)")),
        *((layout, "aac") for layout in ("3.0", "5.0", "5.1", "7.1")),
    ],
)
def test_speech_in_the_centre_is_the_channel_as_recorded(
    tmp_path: Path, layout: str, codec: str
) -> None:
    name = "a.wav" if codec == "pcm_f32le" else "a.m4a"
    path = write(tmp_path / name, placed(layout, "FC"), layout, codec)
    channel = first_channel(clip(path))
    assert lag(channel.samples, hum())[1] > 0.99
    assert gain(channel.samples[: len(hum())]) > 0.95
    assert channel.notes() == {"clips": 1, "clips.of_several_channels": 1, "clips.of_the_centre": 1}


def test_channels_that_do_not_say_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for count in (3, 6, 12):
        planes = 0.01 * np.random.default_rng(0).standard_normal((count, len(hum())))
        planes[2 if count == 6 else 0] += hum()
        soundfile.write(path, planes.T, RATE, subtype="FLOAT")
        assert gain(read_sound(path, RATE)) == pytest.approx(1 / count, abs=0.002)
        channel = first_channel(clip(path))
        assert gain(channel.samples) == pytest.approx(1, abs=0.01)
        assert channel.centre == (count == 6)


def test_a_silent_channel_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for silence in (np.zeros(len(hum())), np.full(len(hum()), 0.1), 1e-4 * hum()):
        soundfile.write(path, np.stack([silence, hum()], 1), RATE, subtype="FLOAT")
        channel = first_channel(clip(path))
        np.testing.assert_allclose(channel.samples, hum(), atol=1e-6)
        assert channel.strongest == 1
        assert channel.notes()["clips.of_the_strongest_channel"] == 1
    soundfile.write(path, np.stack([0.1 * hum(), hum()], 1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(first_channel(clip(path)).samples, 0.1 * hum(), atol=1e-6)
    soundfile.write(path, np.zeros((RATE, 2)), RATE)
    assert first_channel(clip(path)).strongest is None


def test_channels_that_cancel_are_not_mixed(tmp_path: Path) -> None:
    path, noise = tmp_path / "a.wav", np.random.default_rng(0).standard_normal((2, len(hum())))
    for planes in (
        np.stack([0.8 * hum(), -hum()]),
        np.stack([0.8 * hum(), -hum()]) + 0.02 * noise,
        np.stack([0.8 * hum() + 0.3, -hum() - 0.3]),
    ):
        soundfile.write(path, planes.T, RATE, subtype="FLOAT")
        mixed = mixed_down(clip(path), RATE)
        assert mixed.strongest == 1
        np.testing.assert_allclose(mixed.samples, planes[1], atol=1e-6)
    for planes in (
        np.stack([hum(), hum()]),
        np.stack([hum(), np.zeros_like(hum())]),
        0.1 * noise,
        np.zeros((2, RATE)),
        np.stack([hum() + 0.3, hum() - 0.3]),
    ):
        soundfile.write(path, planes.T, RATE, subtype="FLOAT")
        assert mixed_down(clip(path), RATE).strongest is None


def test_more_planes_than_libav_keeps_in_a_frame(tmp_path: Path) -> None:
    """Eight planes and more ended the process."""
    path = write(tmp_path / "a.m4a", placed("7.1", "FC", noise=0), "7.1", "aac")
    assert gain(read_sound(path, RATE)[: len(hum())]) == pytest.approx(0.227, abs=0.01)
    layout = "hexadecagonal"
    path = write(tmp_path / "a.nut", placed(layout, "FC", noise=0), layout, "pcm_s16le_planar")
    channel = first_channel(clip(path))
    assert channel.channels == 16
    assert gain(channel.samples) == pytest.approx(1, abs=0.01)


def test_a_layout_may_change_midway(tmp_path: Path) -> None:
    """As radio does: adts frames say themselves how many channels they have."""
    parts = []
    for layout, planes in {"mono": hum()[None], "stereo": np.stack([hum(), hum()])}.items():
        parts.append(write(tmp_path / f"{layout}.aac", planes, layout, "aac").read_bytes())
    path = tmp_path / "a.aac"
    path.write_bytes(parts[0] + parts[1])
    heard = read_sound(path, RATE)
    assert len(heard) == pytest.approx(len(hum()) * 2, abs=6000)
    for part in (heard[4000:20000], heard[30000:44000]):
        assert np.sqrt(2 * (part**2).mean()) == pytest.approx(0.4, abs=0.02)


def test_rates_and_channels_no_recording_has(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for rate, channels, told in [
        (1, 1, "sampling rate of 1 Hz; 1000 to 768000 Hz can be read"),
        (2_000_000_000, 1, "sampling rate of 2000000000 Hz"),
        (16000, 1000, "channels of sound; 1 to 64"),
        (16000, 100, "100 channels of sound; 1 to 64"),
        (16000, 0, "channels of sound; 1 to 64"),
    ]:
        soundfile.write(path, np.zeros(50_000), 16000)
        data = bytearray(path.read_bytes())
        data[22:24], data[24:28] = channels.to_bytes(2, "little"), rate.to_bytes(4, "little")
        data[28:32] = (rate * channels * 2 % 2**32).to_bytes(4, "little")
        data[32:34] = (channels * 2).to_bytes(2, "little")
        path.write_bytes(data)
        with pytest.raises(MediaError, match=told):
            read_sound(path, 16000)
    for rate in (1000, 768_000):
        soundfile.write(path, factory.tone(0.2, rate), rate)
        assert len(read_sound(path, 16000)) == pytest.approx(3200, abs=1)
