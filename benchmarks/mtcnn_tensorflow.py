"""Run the mtcnn package under TensorFlow; a script for an interpreter that has both.

``python mtcnn_tensorflow.py BATCHES.npz RESULT.json [REPEATS]``: every array of BATCHES.npz is a
batch of RGB images, shape (N, H, W, 3). RESULT.json maps its name to ``seconds`` (one per repeat,
the networks loaded and warm) and ``faces``: per image a list of rows ``x1, y1, x2, y2,
confidence, five x, five y``, in pixels. TensorFlow takes half a gigabyte and has its own wishes on
versions, so it lives in an environment of its own (``pip install tensorflow-cpu mtcnn==1.0.0``).
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

try:
    from mtcnn import MTCNN
except ImportError as error:
    sys.exit(f"{error}: pip install tensorflow-cpu mtcnn==1.0.0")


def detect(detector: Any, batch: np.ndarray) -> tuple[float, list[list[list[float]]]]:
    start = time.perf_counter()
    rows = detector.detect_faces(list(batch), output_type="numpy", box_format="xyxy")
    seconds = time.perf_counter() - start
    faces = [rows[rows[:, 0] == image, 1:].tolist() for image in range(len(batch))]
    return seconds, faces


def main(source: str, result: str, repeats: str = "1") -> None:
    detector = MTCNN()
    answers = {}
    with np.load(source) as batches:
        for name in batches.files:
            if int(repeats) > 1:
                detect(detector, batches[name])  # warm-up
            runs = [detect(detector, batches[name]) for _ in range(int(repeats))]
            answers[name] = {"seconds": [seconds for seconds, _ in runs], "faces": runs[-1][1]}
    Path(result).write_text(json.dumps(answers))


if __name__ == "__main__":
    if len(sys.argv) not in {3, 4}:
        sys.exit("usage: python mtcnn_tensorflow.py BATCHES.npz RESULT.json [REPEATS]")
    main(*sys.argv[1:])
