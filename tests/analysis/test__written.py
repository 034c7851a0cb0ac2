"""The files an analysis leaves."""

from __future__ import annotations

from pathlib import Path

from emocli.analysis._written import titled, write


def test_names_say_what_sets_an_analysis_apart() -> None:
    assert titled("gates", "test", "", None, "audio drop") == "gates+test+audio drop"
    assert titled("gates", "test", seed=3) == "gates+test+seed 3"


def test_long_names_are_shortened_and_stay_apart(tmp_path: Path) -> None:
    found = [write(tmp_path, "clip 語/" * 40 + end, {"x": 1}, [], {}).path for end in "ab"]
    assert len(set(found)) == 2
    assert all(path.is_file() and len(path.name.encode()) < 255 for path in found)
    assert found[0].with_suffix(".csv").read_text() == "\n"
