"""Ways to cut by themselves, and names of recordings."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emocli import plugins
from emocli.config import build
from emocli.data.media.length import Length
from emocli.errors import ConfigError, MediaError
from emocli.plugin.segmentation import Recording
from emocli.prediction.segmentation.recordings import names, recordings
from emocli.prediction.segmentation.segmenter import Segmenter, SegmentOptions


@given(st.floats(0.2, 100), st.floats(0.1, 20), st.floats(0.05, 1))
def test_windows_of_any_length(seconds: float, window: float, share: float) -> None:
    way = plugins.load("ways", "windows")
    config = build(way.Config, {"window": window, "hop": max(0.05, share * window)}, "windows")
    lines = way.cut(Recording(Path("a.wav"), Length(seconds, None)), config).lines
    assert lines[0].start == 0
    assert lines[-1].end == pytest.approx(seconds)
    assert all(a.start < b.start <= a.end + 1e-9 for a, b in itertools.pairwise(lines))
    *lengths, last = (line.end - line.start for line in lines)
    assert lengths == pytest.approx([window] * len(lengths))
    assert min(window, seconds) - 1e-6 <= last <= window + config.hop / 2 + 1e-6


def test_names_of_recordings(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a/x.wav", "a/x.mp4", "b/x.wav")]
    assert list(names(paths).values()) == ["a/x.wav", "a/x.mp4", "b/x"]
    with pytest.raises(MediaError, match="no recording was given"):
        recordings([])


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ConfigError, match="no way is called 'wole'; did you mean 'whole'"):
        Segmenter([], SegmentOptions(way="wole"))


def test_settings_of_another_way_are_refused_but_for_those_of_subtitles() -> None:
    settings = {"subtitles": {"overlap": "keep"}, "windows": {"hop": 1}}
    Segmenter([], SegmentOptions(way="auto", settings=settings))
    with pytest.raises(ConfigError, match="settings of 'windows' have no use with the way 'whole'"):
        Segmenter([], SegmentOptions(way="whole", settings=settings))


def test_subtitles_that_are_not_there_are_no_plan(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"none.srt: there is no such file"):
        Segmenter([tmp_path / "a.wav"], SegmentOptions(subtitles=tmp_path / "none.srt"))


def test_options_that_are_none_are_refused() -> None:
    options: Any = {"way": "whole"}
    with pytest.raises(ConfigError, match="options are SegmentOptions, not dict"):
        Segmenter([], options)
