"""Encoders: what they are shown, and the folder they are kept in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from emocli.config import build
from emocli.errors import ConfigError, RunError
from emocli.models.encoder import (
    MEAN,
    STD,
    EncoderConfig,
    PictureTransform,
    embed,
    load,
    make_encoder,
    read_run,
)

RNG = np.random.default_rng(0)


def screen(**settings: Any) -> PictureTransform:
    return PictureTransform(build(EncoderConfig, {"side": 32, **settings}, "encoder"))


def shown(picture: np.ndarray, **settings: Any) -> torch.Tensor:
    """Undo the normalisation."""
    (batch,) = screen(**settings)([picture])
    return batch * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]


def test_a_spectrogram_is_shown_from_its_loudest_down() -> None:
    loudness = np.array([[-100.0, -50.0], [-20.0, 0.0]] * 16, np.float32).repeat(16, axis=1)
    grey = shown(loudness, colour="repeat")
    assert grey.shape == (3, 32, 32)
    assert torch.allclose(grey[0], grey[1], atol=1e-6)
    assert grey.min() == pytest.approx(0, abs=1e-6)  # 80 dB below the loudest is black
    assert grey.max() == pytest.approx(1, abs=1e-6)
    assert grey[0, 0, 1] == pytest.approx(0.75, abs=1e-6)  # -20 dB: rows of time run to the right
    assert torch.allclose(shown(loudness + 30, colour="repeat"), grey, atol=1e-6)
    colours = shown(loudness)
    assert not torch.equal(colours[0], colours[1])
    assert colours[:, 0, 0].tolist() == pytest.approx([0.267, 0.005, 0.329], abs=1e-3)


def test_silence_and_one_row_can_be_shown() -> None:
    for rows in (np.full((5, 4), -100.0), np.full((1, 4), -3.0)):
        assert screen()([rows]).isfinite().all()


def test_pixels_keep_their_place_and_colour() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:32, 32:, 0] = 255
    seen = shown(picture)
    assert seen[0, 4, 28] == pytest.approx(1)
    assert seen[0, 28, 28] == pytest.approx(0)
    assert seen[1].max() == pytest.approx(0, abs=1e-6)
    exact = RNG.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert torch.allclose(shown(exact).permute(1, 2, 0) * 255, torch.tensor(exact) * 1.0, atol=1e-3)


def test_resnet18_is_that_of_the_paper() -> None:
    encoder = make_encoder(EncoderConfig())
    assert sum(p.numel() for p in encoder.backbone.parameters()) == 11_176_512
    assert encoder.project.weight.shape == (300, 512)


def test_embedding_does_not_depend_on_the_batch(encoders: Mapping[str, Path]) -> None:
    encoder, look = load(encoders["audio"], "audio")
    pictures = [RNG.normal(-50, 20, (count, 16)).astype(np.float32) for count in (9, 30, 4)]
    together = embed(encoder, look, pictures)
    alone = np.concatenate([embed(encoder, look, [picture]) for picture in pictures])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(embed(encoder, look, pictures, batch=2), together, atol=1e-5)
    assert embed(encoder, look, []).shape == (0, 6)


def test_a_folder_says_what_is_wrong_with_it(encoders: Mapping[str, Path], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no trained encoder"):
        load(tmp_path, "audio")
    with pytest.raises(RunError, match="of kind 'audio', not 'face'"):
        load(encoders["audio"], "face")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RunError, match="damaged"):
        load(tmp_path, "audio")
    (tmp_path / "config.json").write_text('{"fusion": "rrnn"}')
    with pytest.raises(RunError, match="not that of an encoder"):
        load(tmp_path, "audio")
    config = json.loads((encoders["audio"] / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match="not ended"):
        load(tmp_path, "audio")
    (tmp_path / "model.safetensors").write_bytes(b"not tensors at all")
    with pytest.raises(RunError, match="safetensors"):
        load(tmp_path, "audio")
    config["encoder"]["dim"] = 7
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = (encoders["audio"] / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(model)
    with pytest.raises(RunError, match="does not hold what"):
        load(tmp_path, "audio")


@pytest.mark.parametrize(
    "shape",
    [
        {"hidden_sizes": {}},
        {"depths": [None]},
        {"layer_type": 3},
        {"hidden_act": "no such"},
        {"embedding_size": 10**9},
        {"depths": [10**9]},
        {"hidden_sizes": [-1]},
    ],
)
def test_a_shape_that_is_none_is_one_line(
    shape: dict[str, Any], encoders: Mapping[str, Path], tmp_path: Path
) -> None:
    config = json.loads((encoders["audio"] / "config.json").read_text())
    config["resnet"] |= shape
    (tmp_path / "config.json").write_text(json.dumps(config))
    shutil.copy(encoders["audio"] / "model.safetensors", tmp_path)
    with pytest.raises(RunError, match="restore it"):
        load(tmp_path, "audio")


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_parameters_that_are_not_finite_are_damage(
    number: float, encoders: Mapping[str, Path], tmp_path: Path
) -> None:
    shutil.copy(encoders["audio"] / "config.json", tmp_path)
    state = load_file(encoders["audio"] / "model.safetensors")
    state["project.weight"][0, 0] = number
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(RunError, match=r"damaged \(parameter 'project.weight' is not finite\)"):
        load(tmp_path, "audio")


def test_the_folder_rebuilds_the_backbone_without_a_download(encoders: Mapping[str, Path]) -> None:
    assert read_run(encoders["face"]).resnet["hidden_sizes"] == [8]


def test_a_published_backbone_comes_from_a_folder(tmp_path: Path) -> None:
    small = EncoderConfig(depths=(1,), hidden_sizes=(8,), embedding_size=8, dim=6)
    torch.manual_seed(3)
    published = make_encoder(small).backbone
    published.save_pretrained(tmp_path)
    encoder = make_encoder(EncoderConfig(backbone=str(tmp_path), dim=4))
    for name, value in published.state_dict().items():
        assert torch.equal(value, encoder.backbone.state_dict()[name])
    assert encoder.project.weight.shape == (4, 8)


def test_a_backbone_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"encoder\.backbone") as error:
        make_encoder(EncoderConfig(backbone=str(tmp_path)))
    assert "\n" not in str(error.value)
    (tmp_path / "config.json").write_text('{"model_type": "roberta"}')
    with pytest.raises(ConfigError, match="is a roberta, not a ResNet"):
        make_encoder(EncoderConfig(backbone=str(tmp_path)))
    with pytest.raises(ConfigError, match=r"encoder\.depths"):
        build(EncoderConfig, {"depths": []}, "encoder")
    with pytest.raises(ConfigError, match="2 depths and 4 hidden sizes"):
        make_encoder(EncoderConfig(depths=(1, 1)))
