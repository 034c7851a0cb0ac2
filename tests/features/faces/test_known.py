"""The reading of frames whose faces are known."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from emocli.features.faces.known import frames_from
from tests.media_factory import video


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage collection but that which is asked for."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_a_decoder_ends_with_the_reading_that_nobody_needs_any_more(tmp_path: Path) -> None:
    """An hour of windows has some thousand readings, each with the threads of a decoder."""

    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        pytest.skip("threads are counted in /proc")

    def threads() -> int:
        return len(list(tasks.iterdir()))

    path = video(tmp_path / "a.mp4")
    gc.collect()
    before = threads()
    reading = frames_from(path, 0.5)
    assert next(reading).time >= 0.5
    del reading
    assert threads() == before
