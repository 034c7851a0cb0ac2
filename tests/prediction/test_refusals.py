"""What cannot be predicted is refused in one line, before any work."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emocli.prediction.segmentation import silero
from emocli.training.train import TrainRequest
from tests import media_factory, toy
from tests.prediction.conftest import emocli

corpus = toy.fixture()


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "talk.wav", media_factory.tone(3), 16_000)
    return tmp_path / "talk.wav"


def refusal(capsys: pytest.CaptureFixture[str], run: Path, talk: Path, *arguments: object) -> str:
    """Run the command, which has to be refused in one line and to leave nothing behind."""
    capsys.readouterr()
    out = talk.parent / "out"
    assert emocli("predict", run, talk, "-o", out, *arguments) == 2
    printed, said = capsys.readouterr()
    assert (printed, said.count("\n")) == ("", 1)
    assert not out.exists()
    return said


def imported(corpus: toy.Toy, folder: Path, name: str) -> Path:
    """Train on a feature as an import leaves it: no plug-in has its name, or its settings."""
    store, rng = folder / "store", np.random.default_rng(0)
    arrays = {clip.id: rng.normal(size=(4, 3)) for clip in corpus.manifest.clips}
    tracks = {i: toy.Track(np.asarray(each, np.float32)) for i, each in arrays.items()}
    toy.write_tracks(store, name, "visual", corpus.manifest, tracks, source="somewhere")
    return toy.Toy(folder, corpus.manifest).trained(fusion="unimodal", features=[name])


@pytest.mark.parametrize("name", ["openface", "face_hog"])
def test_an_imported_feature_is_named_with_what_to_import(
    corpus: toy.Toy, talk: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    message = refusal(capsys, imported(corpus, talk.parent, name), talk)
    assert f"its feature '{name}' was imported" in message
    assert f"import '{name}' of your clips" in message


def test_folds_that_know_other_classes(
    corpus: toy.Toy, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folds = talk.parent / "folds"
    what = {
        "manifest": corpus.manifest,
        "store": corpus.store,
        "settings": toy.QUICK,
        "baselines": False,
    }
    TrainRequest(**what, fusion="unimodal", features=["mel"], run=folds).cross_validate(3)
    path = folds / "fold-1" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"classes": [*config["classes"][:2], "boredom"]}))
    message = refusal(capsys, folds, talk)
    assert "fold-1: knows anger, joy, boredom, other folds anger, joy, sadness" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--way", "speech"], "no speech was found"),
        (["--transcribe", "nowhere"], "no such folder of a model"),
        (["--transcribe", "."], "is no model"),
        (["--language", "xx"], "add --transcribe"),
        (["--subtitles", "reversed.srt"], "row 2: ends at 1 s, before its start, 2 s"),
        (["--subtitles", "outside.srt"], "row 2: 7 s to 8 s is outside 'talk.wav'"),
        (["--subtitles", "overlap.srt"], "row 6: begins at 1 s, before the line ends"),
        (["--format", "srtt"], "did you mean 'srt'"),
        (["--face", "each"], "--face each: the run looks at no faces; leave --face out"),
        (["--face", "99"], "--face 99: the run looks at no faces"),
        (["--face", "best"], "no face is chosen by 'best'"),
        (["--way", "whole", "--hop", "1"], "--hop has no use with --way whole"),
    ],
)
def test_recordings_that_cannot_be_cut(
    corpus: toy.Toy,
    talk: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(talk.parent)
    monkeypatch.setattr(silero, "probabilities", lambda blocks: [np.zeros(9) for _ in blocks])
    line = "1\n0:00:0{},0 --> 0:00:0{},0\nx\n\n"
    Path("reversed.srt").write_text(line.format(2, 1))
    Path("outside.srt").write_text(line.format(7, 8))
    Path("overlap.srt").write_text(line.format(0, 2) + line.format(1, 3))
    run = corpus.trained("run", "unimodal", features=["mel"])
    assert message in refusal(capsys, run, talk, *arguments)


def test_a_manifest_whose_media_are_elsewhere(
    corpus: toy.Toy, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run, path = corpus.trained("run", "unimodal", features=["mel"]), tmp_path / "clips.csv"
    path.write_text("id,split,media.audio\none,test,sound/one.wav\n")
    assert emocli("predict", run, path, "-o", tmp_path / "out") == 2
    captured = capsys.readouterr().err
    assert captured.count("\n") == 1
    assert (
        "none of the media is there: paths are relative to the manifest's folder, or to the"
        in captured
    )


@pytest.mark.parametrize(
    "option", [["--way", "whole"], ["--hop", "1"], ["--transcribe"], ["--set", "windows.hop=1"]]
)
def test_options_of_cutting_for_a_manifest(
    corpus: toy.Toy, talk: Path, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    path = talk.parent / "clips.csv"
    path.write_text("id,split,media.audio\none,test,talk.wav\n")
    run = corpus.trained("run", "unimodal", features=["mel"])
    assert "clips.csv: its clips are not cut" in refusal(capsys, run, path, *option)
    (talk.parent / "all.toml").write_text("[windows]\nhop = 1\n")
    shared = ("--config", talk.parent / "all.toml", "--set", "mel.bands=5")
    assert emocli("predict", run, path, "-o", talk.parent / "out", *shared) == 0


def test_a_folder_that_is_no_run(
    talk: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    assert "run" in refusal(capsys, tmp_path / "run", talk)
    assert "is not a run (it is no folder)" in refusal(capsys, talk, talk)
