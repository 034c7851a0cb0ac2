from __future__ import annotations

import importlib.util
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from emocli import config, plugins
from emocli.cli.app import run
from emocli.data.clip import Clip
from emocli.data.durable import digest
from emocli.data.manifest import Manifest
from emocli.data.media.content import frames
from emocli.errors import ConfigError
from emocli.features._onnx import OnnxModel
from emocli.features._onnx_pictures import OnnxPictures
from emocli.prediction.recompute import recipe_of
from tests import onnx_file
from tests.conftest import Fixture
from tests.features.face_track import faces

needs_runtime = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None, reason="needs emocli[onnx]"
)


def corpus_settings(fixture: Fixture) -> dict[str, dict[str, Any]]:
    root = fixture("tmp_path_factory").mktemp("onnx")
    pictures, _ = onnx_file.pictures(root / "pictures.onnx")
    sound, _ = onnx_file.sound(root / "sound.onnx", 1600)
    return {
        "onnx_face": {"model": str(pictures)},
        "onnx_frame": {"model": str(pictures)},
        "onnx_sound": {"model": str(sound)},
    }


def extractor(name: str, **settings: Any) -> Any:
    module = plugins.load("features", name)
    return module.prepare(config.build(module.Config, settings, name), ())


@needs_runtime
def test_faces(tmp_path: Path) -> None:
    path, weights = onnx_file.pictures(tmp_path / "m.onnx")
    shown = faces(4)
    instance = extractor("onnx_face", model=str(path))
    track = instance(Clip("a"), {"faces": shown})
    pixels = shown.values[[0, 4]] / 255
    normed = (pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    scores = normed.transpose(0, 3, 1, 2).reshape(2, 48) @ weights
    assert_allclose(track.values, scores, rtol=1e-4, atol=1e-4)
    assert_allclose(track.times, [0, 0.3])
    assert track.notes == {"frames": 4, "frames.without_face": 2}
    assert instance.names == tuple(f"out{k:03d}" for k in range(5))
    again = pickle.loads(pickle.dumps(instance))(Clip("a"), {"faces": shown})
    assert_allclose(again.values, track.values)
    less = extractor("onnx_face", model=str(path), output="less")
    assert_allclose(less(Clip("a"), {"faces": shown}).values, -track.values)
    soft = extractor("onnx_face", model=str(path), softmax=True)(Clip("a"), {"faces": shown})
    assert_allclose(soft.values, np.exp(scores) / np.exp(scores).sum(1, keepdims=True), rtol=1e-3)
    plain = {"mean": [0.0], "std": [1.0], "scale": 1.0, "colours": "bgr"}
    bgr = extractor("onnx_face", model=str(path), **plain)(Clip("a"), {"faces": shown})
    turned = shown.values[[0, 4]][..., ::-1].transpose(0, 3, 1, 2).reshape(2, 48)
    assert_allclose(bgr.values, turned @ weights, rtol=1e-4)
    grey = plugins.load("features", "onnx_face").Config(model=path, colours="grey", side=8)
    white = np.full((9, 9, 3), 255, np.uint8)
    read = OnnxPictures(grey, OnnxModel(grey, "onnx_face")).as_input(white)
    assert_allclose(read, np.full((1, 8, 8), (1 - 0.449) / 0.226), rtol=1e-5)


@needs_runtime
def test_a_file_for_one_picture_at_a_time_and_of_no_size(tmp_path: Path) -> None:
    free, _ = onnx_file.pictures(tmp_path / "free.onnx", "side")
    one, _ = onnx_file.pictures(tmp_path / "one.onnx", 4, 1)
    with pytest.raises(ConfigError, match=r"does not say how large pictures are.*onnx_face.side"):
        extractor("onnx_face", model=str(free))
    with pytest.raises(ConfigError, match=r"'scores' has shape \[4, 5\] for 1 inputs"):
        extractor("onnx_face", model=str(free), side=8)  # 3 x 8 x 8 are four rows of 48
    free_track = extractor("onnx_face", model=str(one))(Clip("a"), {"faces": faces(4)})
    both, _ = onnx_file.pictures(tmp_path / "both.onnx")
    expected = extractor("onnx_face", model=str(both))(Clip("a"), {"faces": faces(4)})
    assert_allclose(free_track.values, expected.values, rtol=1e-5)


@needs_runtime
def test_frames(tmp_path: Path, corpus: Manifest) -> None:
    path, weights = onnx_file.pictures(tmp_path / "m.onnx")
    settings = {"mean": [0.0], "std": [1.0], "rate": 5, "batch": 2}
    track = extractor("onnx_frame", model=str(path), **settings)(corpus.clips[0], {})
    first = next(frames(corpus.clips[0])).image
    blocks = first.reshape(4, 24, 4, 24, 3).mean(axis=(1, 3)) / 255
    assert_allclose(track.values[0], blocks.transpose(2, 0, 1).reshape(48) @ weights, atol=0.05)
    assert_allclose(np.diff(track.times), 0.2, atol=0.08)


@needs_runtime
def test_sound(tmp_path: Path) -> None:
    path, weights = onnx_file.sound(tmp_path / "m.onnx")
    samples = np.random.default_rng(0).normal(size=2000).astype(np.float32)
    rows, times = extractor("onnx_sound", model=str(path), sampling=1000).outputs(samples)
    assert_allclose(rows, samples.reshape(20, 100) @ weights, rtol=1e-4, atol=1e-5)
    assert_allclose(times, np.arange(20) * 0.1 + 0.05)
    windows = extractor("onnx_sound", model=str(path), sampling=1000, window=0.5)
    again, moments = windows.outputs(samples)
    assert_allclose(again, rows, rtol=1e-5)
    assert_allclose(moments, times)
    loud = extractor("onnx_sound", model=str(path), sampling=1000, normalise=True)
    assert_allclose(loud.outputs(samples * 9)[0], loud.outputs(samples)[0], rtol=1e-3, atol=1e-4)
    fixed, _ = onnx_file.sound(tmp_path / "fixed.onnx", 300)
    padded, _ = extractor("onnx_sound", model=str(fixed), sampling=1000).outputs(samples)
    assert_allclose(padded[:20], rows, rtol=1e-5)
    assert_allclose(padded[20:], 0)  # the last window is filled up with silence


@needs_runtime
def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    path, _ = onnx_file.pictures(tmp_path / "m.onnx")
    with pytest.raises(ConfigError, match="has no output 'scpres'; there are: scores, less"):
        extractor("onnx_face", model=str(path), output="scpres")
    with pytest.raises(ConfigError, match=r"takes \['n', 3, 4, 4\], not sound"):
        extractor("onnx_sound", model=str(path))
    with pytest.raises(ConfigError, match=r"takes \['n', 3, 4, 4\], not \[1, 3, 9, 9\]"):
        extractor("onnx_face", model=str(path), side=9)
    (tmp_path / "text.onnx").write_text("no")
    with pytest.raises(ConfigError, match="is no ONNX file that can be used"):
        extractor("onnx_face", model=str(tmp_path / "text.onnx"))
    with pytest.raises(ConfigError, match=r"absent\.onnx: there is no such file"):
        extractor("onnx_face", model=str(tmp_path / "absent.onnx"))
    with pytest.raises(ConfigError, match="there is no GPU"):
        extractor("onnx_face", model=str(path), device="cuda")


def test_without_the_package_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = onnx_file.pictures(tmp_path / "m.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"'onnxruntime' is not installed; pip install .*onnx"):
        extractor("onnx_face", model=str(path))


def test_another_file_is_another_feature(tmp_path: Path) -> None:
    module = plugins.load("features", "onnx_face")
    one, _ = onnx_file.pictures(tmp_path / "one.onnx")
    other, _ = onnx_file.pictures(tmp_path / "other.onnx", "side")
    assert len({module.Config(model=path).digest for path in (one, other)} - {""}) == 2


def test_other_parameters_beside_the_file_are_another_feature(tmp_path: Path) -> None:
    path, module = tmp_path / "m.onnx", plugins.load("features", "onnx_face")
    onnx_file.product(path, ("n", 3, 4, 4), (-1, 48), np.zeros((48, 5), np.float32), "w.bin")
    before = module.Config(model=path).digest
    assert before[:64] == digest(path)
    (tmp_path / "w.bin").write_bytes(b"\1" * 960)
    after = module.Config(model=path).digest
    assert (after[:64], len(after)) == (before[:64], 128)
    assert after != before
    with pytest.raises(ConfigError, match=r"that is: --set onnx_face\.model="):
        recipe_of(tmp_path, "onnx_face", {"model": str(path), "digest": before})
    (tmp_path / "w.bin").unlink()
    path.write_bytes(b"")
    assert module.Config(model=path).digest == digest(path)


@needs_runtime
def test_extract_train_evaluate(
    corpus: Manifest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "onnx_frame": onnx_file.pictures(tmp_path / "p.onnx")[0],
        "onnx_sound": onnx_file.sound(tmp_path / "s.onnx", 1600)[0],
    }
    store, manifest = ["--store", str(tmp_path / "store")], str(corpus.path)
    features = [part for name in files for part in ("-f", name)]
    sets = [part for name, path in files.items() for part in ("--set", f"{name}.model={path}")]
    assert run(["extract", manifest, *features, *sets, *store]) == 0
    quick = [p for s in ("train.epochs=2", "train.batch_size=4") for p in ("--set", s)]
    trained = ["--run", str(tmp_path / "run"), "--fusion", "late", *quick]
    assert run(["train", manifest, *features, *store, *trained]) == 0
    capsys.readouterr()
    assert run(["evaluate", str(tmp_path / "run"), "--no-figures", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 4


@pytest.mark.parametrize("name", ["mean", "std"])
@pytest.mark.parametrize("values", [[], [1, 2], [1, 2, 3, 4]])
def test_numbers_of_colours_are_one_or_three(name: str, values: list[float]) -> None:
    with pytest.raises(ConfigError, match=f"{name} is one number or one per colour"):
        config.build(
            plugins.load("features", "onnx_face").Config,
            {"model": "m.onnx", name: values},
            "onnx_face",
        )
