"""The recording: what is said when, who is in the picture, and where there is no sound."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from emocli.data.media.content import read_frames, read_sound
from emocli.datasets.demo import Config, Talk
from emocli.datasets.demo.corpus import EMOTIONS, plan
from emocli.prediction.segmentation.reading import read_transcript, transcript_path

SMALL = Config(size=64, seconds=(1.2, 1.3))


@pytest.fixture(scope="module")
def talk() -> Talk:
    return Talk.plan(SMALL, "talk", 9.0, away=(2.0, 4.0), silent=(5.0, 6.0))


@pytest.fixture(scope="module")
def recording(talk: Talk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("talk") / "talk.mp4"
    talk.write(path)
    return path


def test_two_people_who_are_in_no_split_take_turns(talk: Talk, recording: Path) -> None:
    clips = talk.clips(recording)
    assert [clip.speaker for clip in clips] == ["Ines", "Jonas", "Ines", "Jonas"]
    assert not {"Ines", "Jonas"} & {utterance.speaker.name for utterance in plan(SMALL)}
    assert {clip.label for clip in clips} <= set(EMOTIONS)
    assert all((a.end or 0) + 0.5 < (b.start or 0) for a, b in pairwise(clips))
    assert (clips[-1].end or 0) < talk.seconds


def test_the_words_beside_it_become_a_line_per_utterance(talk: Talk, recording: Path) -> None:
    path = transcript_path(recording)
    assert path is not None
    lines = read_transcript(path).lines
    clips = talk.clips(recording)
    assert [line.speaker for line in lines] == [clip.speaker for clip in clips]
    for line, clip in zip(lines, clips, strict=True):
        assert line.text == clip.text.lower().rstrip(".")
        assert (clip.start or 0) <= line.start < line.end <= (clip.end or 0)


def test_the_second_person_leaves_and_comes_back(recording: Path) -> None:
    frames = list(read_frames(recording))
    assert len(frames) == 9 * 12.5 // 1
    assert frames[0].image.shape == (64, 128, 3)
    spread = {f.time: f.image[40:60, 64:].astype(float).std(axis=(0, 1)).max() for f in frames}
    away = {time: 2.0 <= time < 3.99 for time in spread}
    assert max(s for t, s in spread.items() if away[t]) < 12
    assert min(s for t, s in spread.items() if not away[t]) > 20


def test_the_sound_fails_for_a_while(recording: Path) -> None:
    sound = read_sound(recording, SMALL.rate)
    level = np.array([np.abs(part).max() for part in np.split(sound[: 9 * SMALL.rate], 36)])
    assert level[21:23].max() < 1e-3
    assert np.delete(level, slice(19, 25)).min() > 1e-3


def test_equal_talks_are_equal_files(talk: Talk, recording: Path, tmp_path: Path) -> None:
    again = Talk.plan(SMALL, "talk", 9.0, away=(2.0, 4.0), silent=(5.0, 6.0))
    again.write(tmp_path / "talk.mp4")
    assert (tmp_path / "talk.mp4").read_bytes() == recording.read_bytes()
    other = Talk.plan(SMALL, "other", 9.0)
    assert [turn.utterance.text for turn in other.turns] != [t.utterance.text for t in talk.turns]
