"""Files in the layout of the CMU Multimodal SDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

Row = Sequence[float]


def labels(path: Path, videos: Mapping[str, Sequence[tuple[float, float, Row]]]) -> Path:
    """Write a file of labels: video to its (start, end, scores)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for video, segments in videos.items():
            group = file.create_group(f"All Labels/data/{video}")
            group["features"] = np.array([row for *_, row in segments], np.float32)
            group["intervals"] = np.array([span for *span, _ in segments], np.float32)
    return path


def words(path: Path, videos: Mapping[str, Sequence[tuple[float, float, str]]]) -> Path:
    """Write a file of words: video to its (start, end, word)."""
    with h5py.File(path, "w") as file:
        for video, said in videos.items():
            group = file.create_group(f"words/data/{video}")
            group["features"] = np.array([[word] for *_, word in said], "S12")
            group["intervals"] = np.array([span for *span, _ in said])
    return path


def folds(path: Path, train: Sequence[str], valid: Sequence[str], test: Sequence[str]) -> Path:
    """Write a file of standard folds; it would leave a mark if it were run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"standard_train_fold={list(train)}\nstandard_valid_fold={list(valid)}\n"
        f"standard_test_fold={list(test)}\nopen({str(path.parent / 'mark')!r}, 'w')\n"
    )
    return path
