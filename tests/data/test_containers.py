"""Times of every container beside those of an independent decoder; see `containers`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data import containers


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    absent = containers.missing()
    if absent:
        pytest.skip(f"{' and '.join(absent)} not on PATH (Debian: apt install ffmpeg)")
    return containers.source(tmp_path_factory.mktemp("source"))


@pytest.mark.slow
@pytest.mark.parametrize("row", containers.ROWS, ids=lambda row: row.name)
def test_times_are_those_of_ffmpeg(row: containers.Row, original: Path, tmp_path: Path) -> None:
    error = containers.compare(row, containers.write(row, original, tmp_path))
    assert error.worst <= containers.BOUND, error


def test_the_page_has_a_line_for_every_row() -> None:
    lines = containers.PAGE.read_text().splitlines()
    named = {line.split("`")[1] for line in lines if line.startswith("| `")}
    assert named == {row.name for row in containers.ROWS}
