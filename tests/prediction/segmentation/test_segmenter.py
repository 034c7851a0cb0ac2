"""Recordings to manifests: ways, words, speakers, what is refused, and what later stages read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import emocli
from emocli.cli.app import run
from emocli.data.manifest import Manifest
from emocli.data.words import Word, read_words
from emocli.plugin.transcript import Line, Transcript
from emocli.prediction.segmentation import silero
from emocli.prediction.segmentation.journal import Journal
from emocli.prediction.segmentation.manifest import write_manifest
from emocli.prediction.segmentation.recognised import RecognisedChunks
from emocli.prediction.segmentation.segmenter import (
    Heard,
    SegmentedRecording,
    Segmenter,
    SegmentOptions,
)
from emocli.prediction.segmentation.transcriber import Sound
from tests import media_factory

SPEECH = Path(__file__).parents[3] / "shared" / "data" / "speech"
SRT = "1\n0:00:00,2 --> 0:00:01,0\nWell, hello\n\n2\n0:00:01,2 --> 0:00:02,5\nand goodbye\n"
RTTM = "SPEAKER x 1 0 1.1 <NA> <NA> anna <NA> <NA>\nSPEAKER x 1 1.1 1.9 <NA> <NA> ben <NA> <NA>\n"


@dataclass(frozen=True)
class Saying:
    """A stand-in for a recogniser, which always hears the same."""

    lines: tuple[Line, ...] = (
        Line(0.3, 2.0, "well done", words=(Word("well", 0.3, 0.9), Word("done", 1.3, 2.0))),
    )

    fingerprint: str = ""

    def transcribe(
        self, sound: Sound, heard: Callable[[float], None], kept: RecognisedChunks
    ) -> Transcript:
        heard(sum(map(len, sound())) / 16_000)
        return Transcript(self.lines, "en")


def sound(path: Path, seconds: float = 3.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, media_factory.tone(seconds), 16_000)
    return path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return sound(tmp_path / "talk.wav")


@pytest.fixture
def half_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that hears speech in the first two seconds of every three."""
    steps = round(1 / silero.STEP)
    heard = np.r_[np.full(2 * steps, 0.9), np.zeros(steps)].astype(np.float32)
    monkeypatch.setattr(silero, "probabilities", lambda blocks: [heard for _ in blocks])


def times(manifest: Manifest) -> list[tuple[float | None, float | None]]:
    return [(clip.start, clip.end) for clip in manifest.clips]


def segments(recording: Path, *arguments: object) -> Manifest:
    """Run the command; read its manifest."""
    output = recording.parent / "out" / "segments.csv"
    command = ["segment", str(recording), "-o", str(output), *map(str, arguments)]
    assert run(command) == 0
    return Manifest.read(output)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run the command, which has to be refused in one line."""
    capsys.readouterr()
    assert run(["segment", *map(str, arguments), "-o", "refused.csv"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert not Path("refused.csv").exists()
    return err


def test_from_python(recording: Path, tmp_path: Path) -> None:
    recording.with_suffix(".srt").write_text(SRT)
    (tmp_path / "texts").mkdir()
    recording.with_suffix(".srt").rename(tmp_path / "texts" / f"{recording.stem}.srt")
    folder: Any = str(tmp_path / "texts")
    options = emocli.SegmentOptions(way="subtitles", subtitles=folder)
    result = emocli.segment(str(recording), str(tmp_path / "cut.csv"), options=options)
    assert (result.recordings, result.segments, result.ways) == (1, 2, {"subtitles": 1})
    assert len(Manifest.read(result.path).clips) == 2


def test_windows_cover_the_recording(recording: Path) -> None:
    manifest = segments(recording, "--window", 1.25, "--hop", 1)
    assert times(manifest) == [(0, 1.25), (1, 2.25), (1.75, 3)]
    assert {clip.split for clip in manifest.clips} == {"test"}
    assert [clip.id for clip in manifest.clips] == ["talk_0000", "talk_0001", "talk_0002"]
    assert [clip.turn for clip in manifest.clips] == [0, 1, 2]
    assert manifest.clips[0].media == {"audio": recording}
    assert times(segments(recording)) == [(0, 3)]
    assert times(segments(recording, "--way", "whole")) == [(0, 3)]


def test_subtitles_beside_a_recording_are_taken_by_themselves(recording: Path) -> None:
    recording.with_suffix(".srt").write_text(SRT)
    manifest = segments(recording)
    assert times(manifest) == [(0.2, 1.0), (1.2, 2.5)]
    assert [clip.text for clip in manifest.clips] == ["Well, hello", "and goodbye"]
    windows = segments(recording, "--way", "windows", "--window", 1, "--hop", 1)
    assert [clip.text for clip in windows.clips] == ["Well, hello", "and", "goodbye"]


def test_subtitles_by_name_and_in_a_folder(recording: Path, tmp_path: Path) -> None:
    other = tmp_path / "subs" / "talk.srt"
    other.parent.mkdir()
    other.write_text(SRT)
    for named in (other, other.parent):
        assert len(segments(recording, "--subtitles", named).clips) == 2


def test_speakers_of_rttm(recording: Path, tmp_path: Path) -> None:
    rttm = tmp_path / "who.rttm"
    rttm.write_text(RTTM)
    recording.with_suffix(".srt").write_text(SRT)
    assert [c.speaker for c in segments(recording, "--speakers", rttm).clips] == ["anna", "ben"]


def test_speakers_of_tiers_also_name_windows(recording: Path) -> None:
    vtt = "WEBVTT\n\n00:00.000 --> 00:01.400\n<v Anna>so\n\n00:01.600 --> 00:03.000\n<v Ben>no\n"
    recording.with_suffix(".vtt").write_text(vtt)
    manifest = segments(recording, "--way", "windows", "--window", 1.5, "--hop", 1.5)
    assert [clip.speaker for clip in manifest.clips] == ["Anna", "Ben"]


def test_words_are_files_that_glove_reads(recording: Path) -> None:
    words = "start,end,word,speaker\n0.1,0.5,so,A\n0.6,1.0,it,A\n0.9,1.5,no,B\n"
    recording.with_name("talk.words.csv").write_text(words)
    manifest = segments(recording)
    first, second = manifest.clips
    assert (first.speaker, first.text, second.speaker, second.text) == ("A", "so it", "B", "no")
    assert read_words(first.media["words"]) == [Word("so", 0.1, 0.5), Word("it", 0.6, 1.0)]
    assert read_words(second.media["words"]) == [Word("no", 0.9, 1.5)]


def test_recognised_words_take_the_place_of_subtitles(recording: Path) -> None:
    recording.with_suffix(".srt").write_text(SRT)
    segmenter = Segmenter([recording], SegmentOptions(transcribe="stand-in"), Saying())
    done = segmenter.segment(recording)
    assert (done.way, done.language) == ("subtitles", "en")
    assert [s.text for s in done.segments] == ["well", "done"]
    assert done.segments[1].words == (Word("done", 1.3, 2.0),)
    without = Segmenter([recording], SegmentOptions()).segment(recording)
    assert [s.text for s in without.segments] == ["Well, hello", "and goodbye"]


def test_words_in_no_segment_are_counted(recording: Path) -> None:
    recording.with_suffix(".srt").write_text("1\n0:00:00,0 --> 0:00:01,0\nx\n")
    done = Segmenter([recording], SegmentOptions(transcribe="x"), Saying()).segment(recording)
    assert done.notes == ("1 word is in no segment",)
    silent = Segmenter([recording], SegmentOptions(transcribe="x"), Saying(())).segment(recording)
    assert silent.notes == ("no words were recognised",)


@pytest.mark.usefixtures("half_speech")
def test_speech_is_split_by_speakers(recording: Path, tmp_path: Path) -> None:
    rttm = tmp_path / "who.rttm"
    rttm.write_text(RTTM)
    one = segments(recording, "--way", "speech", "--set", "speech.margin=0")
    assert len(one.clips) == 1
    two = segments(recording, "--way", "speech", "--speakers", rttm)
    assert next((c.speaker, c.end) for c in two.clips) == ("anna", 1.1)
    assert [c.speaker for c in two.clips] == ["anna", "ben"]


@pytest.mark.usefixtures("half_speech")
def test_what_is_transcribed_is_cut_by_speech(recording: Path, tmp_path: Path) -> None:
    done = Segmenter([recording], SegmentOptions(transcribe="x"), Saying()).segment(recording)
    assert (done.way, [s.text for s in done.segments]) == ("speech", ["well done"])
    silent = media_factory.video(tmp_path / "silent.mp4", 1.0, with_sound=False)
    mute = Segmenter([silent], SegmentOptions(transcribe="x"), Saying()).segment(silent)
    assert (mute.way, mute.segments[0].text) == ("windows", "")
    assert mute.notes == ("no words were recognised",)


def test_no_speech_is_one_line(
    recording: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recording.parent)
    monkeypatch.setattr(silero, "probabilities", lambda blocks: [np.zeros(9) for _ in blocks])
    assert "no speech was found" in refusal(capsys, recording, "--way", "speech")


@pytest.mark.parametrize(
    ("subtitles", "message"),
    [
        ("1\n0:00:02,0 --> 0:00:01,0\nx\n", "row 2: ends at 1 s, before its start, 2 s"),
        ("1\n0:00:07,0 --> 0:00:08,0\nx\n", "row 2: 7 s to 8 s is outside 'talk.wav'"),
        (SRT.replace("0:00:01,2", "0:00:00,5"), "row 6: begins at 0.5 s, before the line ends"),
    ],
)
def test_impossible_subtitles_are_one_line(
    recording: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    subtitles: str,
    message: str,
) -> None:
    monkeypatch.chdir(recording.parent)
    recording.with_suffix(".srt").write_text(subtitles)
    assert message in refusal(capsys, recording)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["empty"], "empty: holds no recording"),
        (["none.wav"], "no such file or folder"),
        (["photo.png"], "is an image"),
        (["talk.wav", "--way", "wholes"], "did you mean 'whole'"),
        (["talk.wav", "--way", "subtitles"], "has no subtitles beside it"),
        (["talk.wav", "--language", "en"], "add --transcribe"),
        (["talk.wav", "--transcribe", "empty"], "is no model"),
        (["talk.wav", "--transcribe", "nowhere"], "no such folder of a model"),
        (["talk.wav", "--window", "1", "--hop", "2"], "leave gaps"),
        (["talk.wav", "--way", "whole", "--window", "1"], "--window has no use with --way whole"),
        (["talk.wav", "--way", "subtitles", "--hop", "1"], "it is for windows: leave it out"),
        (["talk.wav", "--way", "whole", "--set", "windows.hop=9"], "with the way 'whole'"),
        (["talk.wav", "--set", "windows.size=3"], "unknown setting 'windows.size'"),
        (["talk.wav", "--set", "wind.hop=3"], "unknown setting 'wind'"),
        (["talk.wav", "--speakers", "none.rttm"], "none.rttm: there is no such file"),
        (["talk.wav", "--subtitles", "none.srt"], "none.srt: there is no such file"),
        (["talk.wav", "talk.wav", "damaged.wav", "--subtitles", "a.srt"], "several recordings"),
        (["damaged.wav", "worse.wav"], "none of 2 recordings can be cut"),
    ],
)
def test_bad_input_is_one_line(
    recording: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(recording.parent)
    Path("empty").mkdir()
    Path("damaged.wav").write_text("no sound")
    Path("worse.wav").write_text("")
    Path("photo.png").touch()
    assert message in refusal(capsys, *arguments)


def test_a_folder_in_which_one_recording_is_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a/talk.wav", "b/talk.wav", "b/deep/other.wav"):
        sound(tmp_path / name)
    (tmp_path / "b" / "bad.wav").write_text("no sound")
    (tmp_path / "a" / "talk.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:02.000\n<v Anna>hi\n")
    assert run(["segment", str(tmp_path), "-o", str(tmp_path / "all.csv"), "--json"]) == 3
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert [Path(each["recording"]).name for each in result["failures"]] == ["bad.wav"]
    assert "1 of 4 recordings could not be cut" in err
    manifest = Manifest.read(tmp_path / "all.csv")
    assert [clip.id for clip in manifest.clips] == [
        "a/talk_0000", "b/deep/other_0000", "b/talk_0000",
    ]  # fmt: skip
    assert manifest.clips[0].speaker == "a/talk:Anna"  # another Anna may be in another file


def test_a_dry_run_writes_nothing(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording.with_suffix(".srt").write_text(SRT)
    output = recording.parent / "x.csv"
    command = ["segment", str(recording), "-o", str(output), "--dry-run", "--json"]
    assert run(command) == 0
    (plan,) = json.loads(capsys.readouterr().out)
    assert (plan["way"], plan["seconds"]) == ("subtitles", 3.0)
    assert not output.exists()


def test_what_is_written_can_be_extracted(recording: Path, tmp_path: Path) -> None:
    """Features of a whole recording are those of its only segment, to the last sample."""
    segments(recording, "--way", "whole")
    manifest = tmp_path / "out" / "segments.csv"
    store = tmp_path / "store"
    assert run(["extract", str(manifest), "-f", "mel", "--store", str(store)]) == 0
    lines = ["id,split,media.audio", "talk_0000,test,talk.wav"]
    (tmp_path / "own.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "own.toml").write_text('dataset = "own"\nclasses = []\n')
    assert run(["extract", str(tmp_path / "own.csv"), "-f", "mel", "--store", f"{store}2"]) == 0
    from emocli.data.store import FeatureStore

    rows = [FeatureStore(path / "mel.h5")["talk_0000"] for path in (store, tmp_path / "store2")]
    np.testing.assert_array_equal(*rows)


def test_an_interrupted_command_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [sound(tmp_path / f"{name}.wav") for name in "abc"]
    cut: list[str] = []
    usual = Segmenter.segment

    def interrupted(
        self: Segmenter, recording: Path, heard: Heard, kept: RecognisedChunks
    ) -> SegmentedRecording:
        if len(cut) == 2:
            raise KeyboardInterrupt
        cut.append(recording.stem)
        return usual(self, recording, heard, kept)

    monkeypatch.setattr(Segmenter, "segment", interrupted)
    output = tmp_path / "all.csv"
    assert run(["segment", str(tmp_path), "-o", str(output)]) == 130
    assert cut == ["a", "b"]
    assert not output.exists()
    cut.clear()
    sound(paths[0], 5.0)  # it has changed meanwhile
    assert run(["segment", str(tmp_path), "-o", str(output)]) == 0
    assert cut == ["a", "c"]
    resumed = output.read_text()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    cut.clear()
    monkeypatch.setattr(Segmenter, "segment", usual)
    assert run(["segment", str(tmp_path), "-o", str(output)]) == 0
    assert output.read_text() == resumed


def test_a_name_that_no_manifest_can_hold_fails_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = sound(tmp_path / "media" / "usual.wav")
    usual.with_name(os.fsdecode(b"a\xff.wav")).write_bytes(usual.read_bytes())
    assert run(["segment", str(usual.parent), "-o", str(tmp_path / "all.csv")]) == 3
    assert "its name is not UTF-8; give it another name" in capsys.readouterr().err
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 2


def test_what_was_kept_is_exactly_what_was_cut(recording: Path) -> None:
    recording.with_suffix(".srt").write_text(SRT)
    options = SegmentOptions(transcribe="x", settings={"windows": {"hop": 1}})
    segmenter = Segmenter([recording], options, Saying())
    done = segmenter.segment(recording)
    journal = Journal(recording.with_suffix(".csv"), options, segmenter)
    assert journal.recall(recording) is None
    journal.keep(done)
    assert journal.recall(recording) == done
    other = Journal(recording.with_suffix(".csv"), replace(options, language="en"), segmenter)
    assert other.recall(recording) is None
    segmenter = Segmenter([recording], options, Saying(fingerprint="another model"))
    assert Journal(recording.with_suffix(".csv"), options, segmenter).recall(recording) is None
    (kept,) = (recording.parent / ".talk.segments").iterdir()
    kept.write_text("{")
    assert journal.recall(recording) is None
    journal.close()
    assert not kept.parent.exists()


def test_words_of_a_speaker_in_overlapping_windows(recording: Path, tmp_path: Path) -> None:
    options = SegmentOptions(way="windows", settings={"windows": {"window": 2, "hop": 1}})
    segmenter = Segmenter([recording], options, Saying())
    manifest = write_manifest([segmenter.segment(recording)], tmp_path / "o.csv")
    assert [clip.text for clip in manifest.clips] == ["well done", "done"]
    assert len(read_words(manifest.clips[1].media["words"])) == 2


@pytest.mark.skipif(not SPEECH.is_dir(), reason="real recordings are not at hand")
def test_real_speakers(tmp_path: Path) -> None:
    """Every second of each segment's speaker is his in the reference, which overlaps in places."""
    rttm = SPEECH / "pyannote_sample.rttm"
    recording = tmp_path / "pyannote_sample.wav"
    recording.write_bytes((SPEECH / "pyannote_sample.wav").read_bytes())
    manifest = segments(recording, "--speakers", rttm, "--window", 0.5, "--hop", 0.5)
    reference = [line.split() for line in rttm.read_text().splitlines()]
    turns = [(float(r[3]), float(r[3]) + float(r[4]), r[7]) for r in reference]
    named = [clip for clip in manifest.clips if clip.speaker]
    assert len(named) > 40
    for clip in named:
        middle = [
            name
            for start, end, name in turns
            if start < (clip.end or 0) and end > (clip.start or 0)
        ]
        assert clip.speaker in middle
    assert not any(clip.speaker for clip in manifest.clips if (clip.end or 0) <= 6.69)
