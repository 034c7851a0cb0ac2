from __future__ import annotations

import json
from pathlib import Path

import pytest

from emocli.cli.app import run
from tests.datasets.empty_files import add


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def table(corpus: Path, *lines: str) -> None:
    (corpus / "labels.csv").write_text("\n".join([*lines, ""]))


def manifest(*more: str) -> int:
    return run(["manifest", "table", "own", "-o", "own.csv", *more])


def test_what_was_understood_is_said(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table(corpus, "ID;Label;Split", "a;happy;Train", "b;sad;dev", "c;sad;test")
    add(corpus, "a.wav", "deep/b.wav")
    assert manifest() == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "own.csv: 3 clips (1 train, 1 valid, 1 test); 2 with audio",
        "labels: single, 2 classes: happy, sad",
    ]
    (warning,) = captured.err.splitlines()
    assert warning.endswith("own/labels.csv: is read as separated by semicolons")


def test_only_files_that_are_there_are_counted(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(corpus, "sub/a.wav")
    table(
        corpus, "id,label,media.audio,text", "a,x,sub\\a.wav,hi", f"b,y,{'b' * 300}.wav,", "c,x,,"
    )
    assert manifest("--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["media"], said["text"], said["task"]) == ({"audio": 1}, 1, "single")
    (lost,) = [note for note in said["notes"] if "not there" in note]
    assert lost.startswith("1 clip names a file of audio that is not there, the first ")


def test_a_table_with_nothing_to_extract_is_warned_of(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table(corpus, "id,label", "a,0.5", "b,1.5", "c,2")
    assert manifest() == 0
    captured = capsys.readouterr()
    assert "labels: intensity, 1 number: label" in captured.out
    assert "no clip has a recording or a text" in captured.err
    (corpus / "labels.csv").write_bytes(b"id,label\na,x\nb,\x00\n")
    assert manifest() == 2
    assert "own/labels.csv, row 3: is not a text file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("table own -o own.csv", "labels.csv: there is no such file; write it, a row per clip"),
        ("ravdess own -o own.csv --set mel.bands=3", "there are: ravdess.channel, ravdess.folds"),
        ("ravdess own -o own.csv --set split=clip", "there are: ravdess.channel, ravdess.folds"),
        ("ravdess a.csv -o own.csv", "a.csv: is a file; name the folder of the corpus"),
    ],
)
def test_a_refusal_says_what_to_do(
    line: str, said: str, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (corpus.parent / "a.csv").touch()
    assert run(["manifest", *line.split()]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert said in error


def test_the_help_names_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["manifest", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for column in ("labels.csv", "speaker", "media.audio", "<id>.wav", "label"):
        assert column in said


def test_a_manifest_replaces_nothing_that_it_is_made_from(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table(corpus, "id,label,media.audio", "a,x,a.wav", "b,y,b.wav", "c,x,c.wav")
    other, settings = corpus / "other.csv", corpus / "labels.toml"
    other.write_text("id,name\n")
    add(corpus, "a.wav", "b.wav", "c.wav")
    for out in (corpus / "labels.csv", other):
        before = out.read_text()
        assert run(["manifest", "table", "own", "-o", str(out)]) == 2
        assert f"{out.name}: is read, and writing" in capsys.readouterr().err
        assert out.read_text() == before
    settings.write_text("[table]\nlabels = 'labels.csv'\n")
    for out in (corpus / "labels.csv", settings.with_suffix(".csv")):
        assert run(["manifest", "table", "own", "-o", str(out), "--config", str(settings)]) == 2
        assert "labels.toml: is read, and writing" in capsys.readouterr().err
    for _ in range(2):  # its own manifest of before may be replaced, wherever it is
        assert run(["manifest", "table", "own", "-o", "own/manifest.csv"]) == 0
