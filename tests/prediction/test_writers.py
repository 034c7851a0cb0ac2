"""The files of a prediction: what is in them, and that other programs' formats are read back."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from emocli import plugins
from emocli.errors import ConfigError
from emocli.prediction.segmentation.reading import read_transcript
from emocli.prediction.timeline import FailedInput, PredictionReport
from emocli.prediction.writers import write_all
from emocli.prediction.writers.formats import require_formats, write_formats
from emocli.prediction.writers.table import csv_text
from tests.prediction.examples import report


def test_the_table_has_a_row_per_segment() -> None:
    text = csv_text(report())
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["label"] for row in rows] == ["joy", "<anger> & co", "", "joy"]
    assert rows[1]["distrusted"] == rows[1]["regenerated"] == "audio"
    assert rows[2]["missing"] == "audio visual"
    assert rows[2]["p.joy"] == rows[2]["confidence"] == rows[2]["anomaly.audio"] == ""
    assert float(rows[0]["p.joy"]) == 0.9
    assert rows[0]["spread.joy"] == "0.1"
    assert rows[3]["text"] == "'=1+1"  # no spreadsheet computes it


@pytest.mark.parametrize("message", ["is no recording", "c.mp4: is no recording"])
def test_a_failure_names_its_file_once(message: str) -> None:
    assert FailedInput(file="c.mp4", message=message).description == "c.mp4: is no recording"


def test_all_is_read_back(tmp_path: Path) -> None:
    write_all(report(), tmp_path)
    again = PredictionReport.read(tmp_path / "predictions.json")
    assert again.data() == report().data()
    assert (tmp_path / "failures.jsonl").read_text().count("\n") == 1


@pytest.mark.parametrize("name", plugins.names("writers"))
def test_every_format_is_read_back_with_its_times(tmp_path: Path, name: str) -> None:
    paths = write_formats(report(), tmp_path, [name])
    assert [path.stem for path in paths] == ["a", "b"]
    tiers = ("emotion",) if name in ("eaf", "textgrid") else ()
    lines = read_transcript(paths[0], tiers).lines
    assert [(line.start, line.end) for line in lines] == [(0, 2), (2, 4)]  # the windows overlap
    assert lines[0].text.startswith(("joy", "[joy 90%]"))
    if not tiers:
        assert 'so "it" is' in lines[0].text


def test_tiers_hold_words_and_trust(tmp_path: Path) -> None:
    path, _ = write_formats(report(), tmp_path, ["eaf"])
    document = ElementTree.parse(path)
    tiers = {
        tier.attrib["TIER_ID"]: [value.text for value in tier.iter("ANNOTATION_VALUE")]
        for tier in document.iter("TIER")
    }
    assert tiers["emotion"] == ["joy", "<anger> & co"]
    assert tiers["distrusted"] == ["audio"]
    assert tiers["missing"] == ["audio visual"]
    assert tiers["words"][:2] == ["so", '"it"']
    assert tiers["confidence"] == ["0.900", "0.700"]


def test_an_elan_file_says_what_it_is_and_annotations_have_times_of_their_own(
    tmp_path: Path,
) -> None:
    """Without its schema pympi refuses a file; ELAN moves all that shares a slot of time."""
    said = replace(report().segments[0], text="10\u00a0% \u0000 of\ufffe it")
    path, _ = write_formats(
        replace(report(), segments=(said, *report().segments[1:])), tmp_path, ["eaf"]
    )
    root = ElementTree.parse(path).getroot()
    xsi = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"
    assert root.attrib[xsi].endswith("EAFv3.0.xsd")
    times = [int(slot.attrib["TIME_VALUE"]) for slot in root.iter("TIME_SLOT")]
    assert times == sorted(times)
    parts = [*root.iter("ALIGNABLE_ANNOTATION")]
    used = [each.attrib[f"TIME_SLOT_REF{k}"] for each in parts for k in (1, 2)]
    assert len(set(used)) == len(used) == len(times)
    texts = [value.text for value in root.iter("ANNOTATION_VALUE")]
    assert "10\u00a0%  of it" in texts


@pytest.mark.parametrize("name", plugins.names("writers"))
def test_intensities_are_written_with_the_label(tmp_path: Path, name: str) -> None:
    segments = tuple(
        replace(each, confidence=float("nan"), values={"joy": 1.234, "<anger> & co": -0.2})
        for each in report().segments
    )
    path, _ = write_formats(replace(report(), segments=segments), tmp_path, [name])
    text = path.read_text("utf-8")
    assert ("1.234" if name in ("eaf", "textgrid") else "[joy 1.23] Ada:") in text
    assert "nan" not in text


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ConfigError, match="no format is called 'stl'"):
        require_formats(["stl"])
