"""Finding faces: the cascade against the mtcnn package under TensorFlow.

    EMOCLI_TENSORFLOW_PYTHON=.venv-tensorflow/bin/python python benchmarks/faces.py
        [--video FILE] [--frames 15] [--rounds 3] [--repeats 5]

Both are given the same batch of 640 x 360 frames and search it with the package's settings. They
take turns, each with all cores to itself; networks are loaded and warm before the clock starts.
Without --video, frames come from a generated clip.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from options import make_parser

from emocli import config, plugins
from emocli.data.manifest import Manifest
from emocli.data.media.content import read_frames
from emocli.features.faces.boxes import Faces, overlap
from emocli.features.faces.cascade import Cascade

SCRIPT = Path(__file__).with_name("mtcnn_tensorflow.py")
WIDTH, HEIGHT = 640, 360


def main() -> None:
    parser = make_parser(__doc__, frames=15, rounds=3, repeats=5)
    parser.add_argument("--video", type=Path)
    options = parser.parse_args()
    python = os.environ.get("EMOCLI_TENSORFLOW_PYTHON")
    if python is None:
        sys.exit("set EMOCLI_TENSORFLOW_PYTHON to a python with tensorflow-cpu and mtcnn==1.0.0")
    torch.set_num_threads(os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as folder:
        video = options.video or generated(Path(folder))
        batch = np.stack([fitted(f.image) for f in islice(read_frames(video), options.frames)])
        print(
            f"{len(batch)} frames of {WIDTH} x {HEIGHT} from {video.name}, {os.cpu_count()} cores"
        )
        compare(batch, Path(folder), python, options.rounds, options.repeats)


def compare(batch: NDArray[np.uint8], folder: Path, python: str, rounds: int, repeats: int) -> None:
    np.savez(folder / "batches.npz", batch=batch)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        seconds, faces = cascade(batch, repeats)
        ours += seconds
        slow, rows = package(folder, python, repeats)
        theirs += slow
    show("mtcnn under TensorFlow", theirs, len(batch))
    show("cascade in torch", ours, len(batch))
    print(f"ratio: {statistics.median(theirs) / statistics.median(ours):.1f} times as fast")
    print(f"least overlap of a box with the package's: {agreement(faces, rows):.3f}")


def cascade(batch: NDArray[np.uint8], repeats: int) -> tuple[list[float], list[Faces]]:
    find = Cascade()
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        faces = find(batch)
        seconds.append(time.perf_counter() - start)
    return seconds[1:], faces


def package(folder: Path, python: str, repeats: int) -> tuple[list[float], list[list[list[float]]]]:
    """Return seconds per search and, of each image, the rows of its faces."""
    source, result = folder / "batches.npz", folder / "result.json"
    command = [python, str(SCRIPT), str(source), str(result), str(max(repeats, 2))]
    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        *_, why = done.stderr.splitlines() or [f"exit status {done.returncode}"]
        sys.exit(f"{python}: {why}")
    found = json.loads(result.read_text())["batch"]
    return found["seconds"], found["faces"]


def agreement(ours: list[Faces], theirs: list[list[list[float]]]) -> float:
    least = 1.0
    for faces, rows in zip(ours, theirs, strict=True):
        shares = overlap(faces.boxes, np.array(rows).reshape(-1, 15)[:, :4])
        best = [*shares.max(axis=0, initial=0), *shares.max(axis=1, initial=0)]
        least = min([least, *best])
    return float(least)


def show(name: str, seconds: list[float], frames: int) -> None:
    rates = sorted(frames / each for each in seconds)
    print(
        f"{name:23} {statistics.median(rates):6.1f} frames/s"
        f"  ({rates[0]:.1f} to {rates[-1]:.1f}, {len(rates)} batches)"
    )


def fitted(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = min(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    canvas = np.full((HEIGHT, WIDTH, 3), 127, np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return canvas


def generated(folder: Path) -> Path:
    demo = plugins.load("datasets", "demo")
    settings = {"dialogues": {"train": 1, "valid": 1, "test": 1}, "turns": 1}
    manifest: Manifest = demo.build(folder / "demo", config.build(demo.Config, settings, "demo"))
    return manifest.clips[0].media["video"]


if __name__ == "__main__":
    main()
