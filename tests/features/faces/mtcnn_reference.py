"""What the mtcnn package finds in the real recordings, and how boxes are compared with it.

``recorded.json`` holds what it found under TensorFlow 2.21, called image by image (in a batch it
breaks ties between equal scores in another order, and does not agree with itself). A picture's
name is its path and the index of its frame; a row is x1, y1, x2, y2, confidence, five x, five y.
``python mtcnn_reference.py SHARED_DATA`` records it anew, with EMOCLI_TENSORFLOW_PYTHON set.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emocli.data.media.content import read_frames

RECORDED = Path(__file__).with_name("recorded.json")
SCRIPT = Path(__file__).parents[3] / "benchmarks" / "mtcnn_tensorflow.py"
SURE = 0.95
ALIKE = 0.9

Rows = NDArray[np.float64]


def recorded() -> dict[str, Rows]:
    stored = json.loads(RECORDED.read_text())
    return {name: np.array(rows).reshape(-1, 15) for name, rows in stored.items()}


def read_pictures(folder: Path, names: list[str]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield the named pictures, reading each file once."""
    wanted: dict[str, set[int]] = {}
    for name in names:
        path, _, index = name.rpartition("#")
        wanted.setdefault(path, set()).add(int(index))
    for path, indices in wanted.items():
        for index, frame in enumerate(read_frames(folder / path)):
            if index in indices:
                yield f"{path}#{index}", frame.image
            if index == max(indices):
                break


def ask_package(pictures: Mapping[str, NDArray[np.uint8]]) -> dict[str, Rows]:
    """Run the package in the interpreter that has TensorFlow."""
    with tempfile.TemporaryDirectory() as folder:
        batches, answer = Path(folder) / "batches.npz", Path(folder) / "answer.json"
        np.savez(batches, **{name: image[None] for name, image in pictures.items()})
        python = os.environ["EMOCLI_TENSORFLOW_PYTHON"]
        subprocess.run([python, SCRIPT, batches, answer], check=True, capture_output=True)
        data = json.loads(answer.read_text())
    return {name: np.array(data[name]["faces"][0]).reshape(-1, 15) for name in pictures}


def unmatched(first: Rows, second: Rows) -> list[list[float]]:
    """Return the sure boxes of the first that the second does not have."""
    return [
        row.tolist()
        for row in first
        if row[4] >= SURE and max((likeness(row, other) for other in second), default=0) < ALIKE
    ]


def likeness(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    common = max(width, 0) * max(height, 0)
    both = sum((row[2] - row[0]) * (row[3] - row[1]) for row in (first, second))
    return float(common / (both - common))


def record(folder: Path, frames: int = 3) -> None:
    videos = ("media/*.mp4", "media/*.mov", "ravdess/video/*.mp4", "cremad/VideoFlash/*.flv")
    pictures = {
        f"{path.relative_to(folder)}#0": next(read_frames(path)).image
        for path in sorted(folder.glob("media/*.jpg"))
    }
    for path in sorted(path for pattern in videos for path in folder.glob(pattern)):
        images = [frame.image for frame in read_frames(path)]
        for index in np.linspace(0, len(images) - 1, frames + 2).round().astype(int)[1:-1]:
            pictures[f"{path.relative_to(folder)}#{index}"] = images[index]
    rows = {name: found.round(3).tolist() for name, found in ask_package(pictures).items()}
    lines = [f"{json.dumps(name)}: {json.dumps(found)}" for name, found in rows.items()]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    record(Path(sys.argv[1]))
