"""Real recordings: times against another decoder, people, and what is missing."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from emocli.data.media.length import length_of
from emocli.plugin.writer import SegmentPrediction
from emocli.prediction.predict import PredictOptions, predict
from emocli.prediction.segmentation.segmenter import SegmentOptions

WINDOW, HOP = 1.0, 0.5


def windows(run: Path, path: Path, out: Path, face: str = "main") -> tuple[SegmentPrediction, ...]:
    cut = SegmentOptions(way="windows", settings={"windows": {"window": WINDOW, "hop": HOP}})
    small = {"faces": {"min_share": 0.05}}
    options = PredictOptions(segments=cut, face=face, settings=small)
    return predict(run, [path], out, options=options).segments


def shown(path: Path) -> list[float]:
    """When each picture of a video is shown, as ffprobe tells, from the start of its file."""
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", "frame=pts_time"]
    command += ["-show_entries", "format=start_time", "-select_streams", "v:0", str(path)]
    data = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    start = float(data["format"]["start_time"])
    return [float(frame["pts_time"]) - start for frame in data["frames"]]


@pytest.mark.slow
def test_a_face_that_leaves_is_missing_from_then_on(
    trained: Path, shared_data: Path, tmp_path: Path
) -> None:
    """The last of its 72 frames with a face against ffprobe's times."""
    path = shared_data / "media" / "face_noface.mov"
    left = shown(path)[72]
    segments = windows(trained, path, tmp_path)
    gone = [s for s in segments if s.modalities["visual"].missing]
    assert gone[0].start == pytest.approx(left, abs=WINDOW)
    assert gone[-1].end == pytest.approx(length_of(path).seconds, abs=2e-3)
    assert [s.person for s in segments] == ["1"] * (len(segments) - len(gone)) + [""] * len(gone)


@pytest.mark.slow
def test_nobody_is_seen_where_nobody_is(trained: Path, shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "media" / "no_face.mp4"
    segments = windows(trained, path, tmp_path)
    assert all(s.modalities["visual"].missing and not s.person for s in segments)
    assert segments[-1].end == pytest.approx(shown(path)[-1], abs=0.1)  # its begin, not its end


@pytest.mark.slow
def test_several_people_of_a_crowd(trained: Path, shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "media" / "examples_video.mp4"
    segments = windows(trained, path, tmp_path, "each")
    people = {segment.person for segment in segments}
    assert 5 <= len(people) <= 9
    for segment in segments:
        assert np.isnan(segment.person_score) == segment.modalities["visual"].missing


@pytest.mark.slow
def test_one_person_of_several_recordings(trained: Path, shared_data: Path, tmp_path: Path) -> None:
    videos = sorted((shared_data / "ravdess" / "video").glob("*.mp4"))[:2]
    videos += sorted((shared_data / "cremad" / "VideoFlash").glob("*.flv"))[:2]
    for number, path in enumerate(videos):
        segments = windows(trained, path, tmp_path / str(number))
        assert {segment.person for segment in segments} == {"1"}
        assert not any(s.modalities["audio"].missing for s in segments)


def test_sound_alone_has_no_face(trained: Path, shared_data: Path, tmp_path: Path) -> None:
    segments = windows(trained, shared_data / "speech" / "jfk.flac", tmp_path)
    assert all(s.modalities["visual"].missing and not s.person for s in segments)
    assert segments[-1].end == pytest.approx(11, abs=2e-3)
