"""A folder of recordings to one manifest of segments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

import emocli
from emocli.cli.app import run
from emocli.errors import ManifestError
from emocli.prediction.segmentation.segmenter import SegmentOptions


def test_a_manifest_replaces_nothing_that_it_is_made_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound, words = tmp_path / "talk.wav", tmp_path / "talk.words.csv"
    rttm, settings = tmp_path / "talk.rttm", tmp_path / "cut.toml"
    wavfile.write(sound, 8000, np.zeros(24000, np.int16))
    words.write_text("start,end,text\n0,1,hello\n")
    rttm.write_text("SPEAKER talk 1 0 1 <NA> <NA> ann <NA> <NA>\n")
    settings.write_text("[windows]\nhop = 1\n")
    before = {path: path.read_bytes() for path in (sound, words, rttm, settings)}
    for path in (sound, words, rttm):
        with pytest.raises(ManifestError, match=rf"{path.name}: is read, and writing the manifest"):
            emocli.segment(sound, path, options=SegmentOptions(speakers=rttm))
    command = ["segment", str(sound), "--config", str(settings)]
    assert run([*command, "-o", str(settings.with_suffix(".csv"))]) == 2
    assert "cut.toml: is read, and writing the manifest 'cut.csv'" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before
    for _ in range(2):
        assert run([*command, "-o", str(tmp_path / "talk.csv")]) == 0
