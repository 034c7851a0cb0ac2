"""The benchmark of a GPU, where there is none: it runs, compares and tells, in small."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from emocli import plugins

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "gpu.py"
SOME = ("m2fnet", "m3er", "rrnn")
"""A network of dialogues, one with derivatives of its own, one with PyTorch's LSTMs."""


@pytest.fixture(scope="module")
def gpu() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPT.parent)
        spec.loader.exec_module(module)
    return module


def bench() -> ModuleType:
    """Return what the script imports from beside it."""
    return sys.modules["gpu_bench"]


SECTIONS = (
    "face cascade",
    "picture extractor",
    "face embeddings",
    "mel embeddings",
    "scene embeddings",
    "text encoder",
)


def run(gpu: ModuleType, folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    place = ["--folder", str(folder / "work"), "--json", str(folder / "gpu.json")]
    code = gpu.main(["--device", "cpu", "--small", *place, *more])
    return code, json.loads((folder / "gpu.json").read_text())


def check(gpu: ModuleType, found: dict[str, Any], networks: tuple[str, ...]) -> None:
    assert not found["skipped"]
    assert not found["failures"]
    rates = {(rate["what"], rate["precision"]): rate for rate in found["rates"]}
    for network in networks:
        for precision in ("32-true", "bf16-mixed"):
            rate = rates[network, precision]
            assert rate["device"] > 0
            assert rate["cpu"] > 0
            assert rate["share"] == pytest.approx(
                rate["teraflops"] / found["bound_teraflops"][precision]
            )
    assert ("picture extractor", "bf16-mixed") in rates
    assert {what.partition(",")[0] for what, _ in rates} >= {
        "face cascade",
        "picture extractor",
        "face embeddings",
        "mel embeddings",
        "scene embeddings",
        "text encoder and its set-up",
    }
    assert {c["kind"] for c in found["comparisons"]} == set(bench().BOUNDS)
    for comparison in found["comparisons"]:
        assert comparison["within"]
        rounded = "bf16" in comparison["kind"]
        assert (comparison["difference"] > 0) == rounded, comparison  # the same machine twice


def test_it_runs_small_on_a_cpu(gpu: ModuleType, tmp_path: Path, capsys: Any) -> None:
    code, result = run(gpu, tmp_path, *(part for name in SOME for part in ("--network", name)))
    assert code == 0
    check(gpu, result, SOME)
    shown = capsys.readouterr().out
    assert "worst differences from the CPU" in shown
    assert all(f"{name}, bf16-mixed (clips)" in shown for name in SOME)


@pytest.mark.slow
def test_it_trains_every_network(gpu: ModuleType, tmp_path: Path) -> None:
    code, result = run(gpu, tmp_path)
    assert code == 0
    check(gpu, result, tuple(plugins.names("fusion")))


def test_what_there_is_no_time_for_is_named(gpu: ModuleType, tmp_path: Path) -> None:
    code, result = run(gpu, tmp_path, "--seconds", "0", "--network", "late")
    assert code == 0
    assert result["skipped"] == [*SECTIONS, "network late"]
    assert not result["rates"]


def test_what_fails_is_told_and_the_rest_goes_on(
    gpu: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def broken(bench: Any) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(gpu, "cascade", broken)
    for name in ("extractor", "embeddings", "texts"):
        monkeypatch.setattr(gpu, name, lambda bench, **named: None)
    code, result = run(gpu, tmp_path, "--network", "late")
    assert code == 1
    assert "out of memory" in result["failures"]["face cascade"]
    assert {rate["what"] for rate in result["rates"]} == {"late"}
    assert "FAILED: face cascade" in capsys.readouterr().out


def test_it_stops_in_time_and_leaves_what_it_has(
    gpu: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(bench: Any) -> None:
        bench.rate("face cascade", "32-true", "frames", 2.0, 1.0)

    def endless(bench: Any) -> None:
        there = json.loads((tmp_path / "gpu.json").read_text())
        assert [rate["what"] for rate in there["rates"]] == ["face cascade"]
        time.sleep(60)

    monkeypatch.setattr(gpu, "cascade", measured)
    monkeypatch.setattr(gpu, "extractor", endless)
    code, result = run(gpu, tmp_path, "--seconds", "2", "--network", "late")
    assert code == 0
    assert not result["failures"]
    assert result["skipped"] == [*SECTIONS[1:], "network late"]
    assert result["seconds"] < 20


def test_differences_are_of_the_largest_number(gpu: ModuleType) -> None:
    assert (
        bench().relative(torch.tensor([1.0, -3.0]).numpy(), torch.tensor([1.0, -4.0]).numpy())
        == 0.25
    )


def test_a_difference_beyond_its_bound_is_one(
    gpu: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def measured(*options: Any) -> Any:
        built = bench().Bench("cpu", bench().SMALL, tmp_path, 1.0)
        built.compare("rrnn", "probabilities", bench().BOUNDS["probabilities"] * 2)
        built.compare("gca", "probabilities", 0.0)
        return built

    monkeypatch.setattr(gpu, "measure", measured)
    code, result = run(gpu, tmp_path)
    assert code == 1
    assert [c["within"] for c in result["comparisons"]] == [False, True]
    (line,) = (x for x in capsys.readouterr().out.splitlines() if x.startswith("probabilities"))
    assert line.endswith("(rrnn)  BEYOND")
    assert not bench().Comparison("x", "probabilities", math.nan, 1.0).within


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(gpu: ModuleType) -> None:
    with pytest.raises(SystemExit, match="there is no GPU here"):
        gpu.main([])


def test_operations_are_those_of_the_products(gpu: ModuleType) -> None:
    """The count sees inside an LSTM: 8 H (D + H) operations a step, twice that going back."""
    lstm = torch.nn.LSTM(5, 7, batch_first=True)
    with gpu.FlopCounterMode(display=False) as counter, torch.backends.mkldnn.flags(enabled=False):
        lstm(torch.randn(2, 3, 5))[0].sum().backward()
    forward = 2 * 3 * 8 * 7 * (5 + 7)
    assert forward * 2 < counter.get_total_flops() <= forward * 3
