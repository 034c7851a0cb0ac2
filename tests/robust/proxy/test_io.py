"""The file of a generator of proxies: the same generator again, or refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from emocli.data.batch import Padded
from emocli.errors import EmocliError
from emocli.robust.proxy.generator import ProxyGenerator
from emocli.robust.proxy.io import HEADER, load_generator, save_generator
from emocli.robust.proxy.settings import ProxyConfig


def views(seed: int, clips: int = 12) -> dict[str, Padded]:
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(clips, 1, 2))
    shapes = {"audio": (7, 3), "text": (4, 5)}
    arrays = {
        m: (shared @ rng.normal(size=(2, width)) + rng.normal(size=(clips, steps, width)) * 0.1)
        for m, (steps, width) in shapes.items()
    }
    rows = {m: [each.astype(np.float32) for each in array] for m, array in arrays.items()}
    rows["text"][0] = rows["text"][0][:0]  # a clip that lacks one
    return {m: Padded.from_rows(each) for m, each in rows.items()}


@pytest.fixture
def generator() -> ProxyGenerator:
    return ProxyGenerator.fit(views(0), ProxyConfig(mode="ridge", components=3))


def test_it_regenerates_the_same(generator: ProxyGenerator, tmp_path: Path) -> None:
    save_generator(generator, tmp_path / "bank")
    loaded = load_generator(tmp_path / "bank")
    new = views(1)
    effective = {"audio": np.ones(12, bool), "text": np.zeros(12, bool)}
    for mine, its in zip(
        generator.fill(new, effective).values(), loaded.fill(new, effective).values(), strict=True
    ):
        assert torch.equal(mine.values, its.values)
        assert torch.equal(mine.lengths, its.lengths)
    assert not torch.equal(loaded.fill(new, effective)["text"].values, new["text"].values)


def test_equal_generators_are_equal_files(generator: ProxyGenerator, tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_generator(generator, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def narrow(tensors: dict[str, torch.Tensor]) -> None:
    tensors["bank.0"] = tensors["bank.0"][:, :-1]


def infinite(tensors: dict[str, torch.Tensor]) -> None:
    tensors["bank.1"][1, 0] = float("inf")


def fewer(tensors: dict[str, torch.Tensor]) -> None:
    tensors["bank.1"] = tensors["bank.1"][:-1]


def lost(tensors: dict[str, torch.Tensor]) -> None:
    del tensors["valid"]


@pytest.mark.parametrize("damage", [narrow, infinite, fewer, lost])
def test_arrays_that_do_not_fit_are_refused(
    damage: Callable[[dict[str, torch.Tensor]], None], generator: ProxyGenerator, tmp_path: Path
) -> None:
    from safetensors import safe_open

    save_generator(generator, tmp_path / "bank")
    with safe_open(tmp_path / "bank", "pt") as file:
        header = file.metadata()
    tensors = load_file(tmp_path / "bank")
    damage(tensors)
    save_file({k: v.contiguous() for k, v in tensors.items()}, tmp_path / "bank", header)
    with pytest.raises(EmocliError, match="holds no proxies this version understands"):
        load_generator(tmp_path / "bank")


@pytest.mark.parametrize(
    "header", ["{}", "[]", '{"config": {}, "padded": true, "modalities": []}', "{" * 99]
)
def test_headers_that_are_none_are_refused(
    header: str, generator: ProxyGenerator, tmp_path: Path
) -> None:
    save_generator(generator, tmp_path / "bank")
    save_file(load_file(tmp_path / "bank"), tmp_path / "bank", {HEADER: header})
    with pytest.raises(EmocliError, match="holds no proxies this version understands"):
        load_generator(tmp_path / "bank")
    (tmp_path / "bank").write_bytes(b"nothing")
    with pytest.raises(EmocliError, match="damaged or not safetensors"):
        load_generator(tmp_path / "bank")
