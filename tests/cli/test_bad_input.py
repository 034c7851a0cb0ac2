"""Bad input gets one clear line and exit 2, or a row of failures and exit 3; nothing is harmed."""

from __future__ import annotations

import json
import re
import shutil
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from emocli.cli.app import run
from tests import media_factory, toy
from tests.conftest import Refused

SIDECAR = 'dataset = "own"\nclasses = ["a", "b"]\ntask = "single"\n'
HEADER = "id,split,speaker,label,media.audio,media.video,start,end\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def manifest(folder: Path, rows: Sequence[str], header: str = HEADER) -> Path:
    (folder / "own.toml").write_text(SIDECAR)
    path = folder / "own.csv"
    path.write_text(header + "".join(f"{row}\n" for row in rows))
    return path


def extracted(path: Path, feature: str = "mel") -> tuple[int, dict[str, str]]:
    """Exit code of an extraction, and its failures: clip to message."""
    code = run(["extract", str(path), "-f", feature, "--store", "store"])
    failures = path.parent / "store" / "failures.jsonl"
    rows = (
        [json.loads(row) for row in failures.read_text().splitlines()] if failures.exists() else []
    )
    return code, {row["id"]: row["message"] for row in rows}


def sound(path: Path, width: int = 2, rate: int = 16000, channels: int = 1) -> Path:
    """A tone as PCM wav."""
    samples = np.sin(np.arange(rate) * 2 * np.pi * 200 / rate) * 0.5 * (2 ** (8 * width - 1) - 1)
    integers = np.repeat(samples.astype("<i4"), channels)
    data = integers.view("u1").reshape(-1, 4)[:, :width].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (HEADER, "no clip"),
        (HEADER + "x,train,s,a,,,,\nx,train,s,a,,,,\n", "row 3.*'x' is already"),
        (HEADER + "x,eval,s,a,,,,\n", "row 2.*split.*eval"),
        (HEADER + "x,train,s,c,,,,\n", "row 2.*label.*'c'"),
        (HEADER + "x,train,s,a,../x.wav,,,\n", "row 2.*media.audio.*root"),
        (HEADER + "x,train,s,a,/x.wav,,,\n", "row 2.*media.audio"),
        (HEADER + "x,train,s,a,,,1,zz\n", "row 2.*end.*zz"),
        (HEADER + "x,train,s,a,,,,\ny,test,s,b,,,,\n", "speaker.*'s'"),
        ("id,split,colour\nx,train,red\n", "colour"),
    ],
)
def test_a_manifest_that_breaks_a_rule(
    here: Path, refused: Refused, text: str, message: str
) -> None:
    manifest(here, []).write_text(text)
    line = refused("extract", "own.csv", "-f", "mel", "--store", "store")
    assert "own.csv" in line
    assert re.search(message, line), line
    assert not (here / "store").exists()


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_a_manifest_in_another_encoding_is_read_and_told(
    here: Path, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest(here, []).write_bytes((HEADER + "é,train,s,a,,,,\n").encode(encoding))
    assert run(["inspect", "own.csv"]) == 0
    (told,) = [line for line in capsys.readouterr().err.splitlines() if "own.csv" in line]
    assert told.startswith("warning: own.csv: ")
    assert told.endswith("; if letters come out wrong, save it as UTF-8")


def test_media_that_cannot_be_used_are_listed_and_the_rest_is_complete(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    media_factory.video(here / "good.mp4")
    whole = (here / "good.mp4").read_bytes()
    (here / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (here / "empty.mp4").write_bytes(b"")
    (here / "text.mp4").write_text("this is not a film")
    media_factory.video(here / "silent.mp4", with_sound=False)
    names = ("good", "cut", "empty", "text", "silent", "missing")
    rows = [f"{name},train,,a,,{name}.mp4,," for name in names]
    path = manifest(here, [*rows, "late,train,,a,,good.mp4,7,8"])
    code, failures = extracted(path)
    assert code == 3
    assert failures.keys() == {"cut", "empty", "text", "silent", "missing", "late"}
    assert "no sound" in failures["silent"]
    assert all("\n" not in message for message in failures.values())
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.endswith(f"/failures.jsonl; the first: {failures['cut']}")
    (here / "cut.mp4").write_bytes(whole)
    code, failures = extracted(path)
    assert code == 3
    assert "cut" not in failures


def test_sound_without_pictures_and_pictures_without_a_face(here: Path) -> None:
    media_factory.video(here / "square.mp4")
    sound(here / "tone.mp4.wav")
    path = manifest(here, ["a,train,,a,,square.mp4,,", "b,train,,a,,tone.mp4.wav,,"])
    code, failures = extracted(path, "faces")
    assert code == 3
    assert failures.keys() == {"b"}


@pytest.mark.parametrize(
    ("width", "rate", "channels"), [(2, 8000, 1), (2, 16000, 2), (3, 44100, 2)]
)
def test_sounds_of_any_kind_are_read(here: Path, width: int, rate: int, channels: int) -> None:
    sound(here / "a.wav", width, rate, channels)
    path = manifest(here, ["a,train,,a,a.wav,,,"])
    assert extracted(path) == (0, {})


def test_silence_stays_finite(here: Path) -> None:
    with wave.open(str(here / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(32000))
    path = manifest(here, ["a,train,,a,a.wav,,,"])
    assert extracted(path) == (0, {})


def arrays() -> dict[str, np.ndarray]:
    return {
        "ids": np.array(["a", "b"]),
        "offsets": np.array([0, 2, 5]),
        "values": np.ones((5, 3), np.float32),
    }


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("offsets", np.array([0, 2, 9]), "offsets"),
        ("offsets", np.array([0, 4, 2]), "offsets"),
        ("values", np.array([{"a": 1}] * 5, dtype=object), "objects, which are not unpickled"),
        ("ids", np.array(["a", "a"]), "2 times"),
        ("ids", np.array(["y", "z"]), "no clip|none"),
    ],
)
def test_an_npz_that_breaks_a_rule(
    here: Path, refused: Refused, key: str, value: np.ndarray, message: str
) -> None:
    manifest(here, ["a,train,,a,,,,", "b,train,,b,,,,"])
    np.savez(here / "x.npz", **{**arrays(), key: value})
    line = refused(
        *("import", "x.npz", "--as", "x", "--modality", "visual", "--manifest", "own.csv")
    )
    assert re.search(message, line), line


def test_nan_in_an_npz_is_counted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest(here, ["a,train,,a,,,,", "b,train,,b,,,,"])
    values = np.ones((5, 3), np.float32)
    values[1, 2] = np.nan
    np.savez(here / "x.npz", **{**arrays(), "values": values})
    command = ["import", "x.npz", "--as", "x", "--modality", "visual", "--manifest", "own.csv"]
    assert run([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["non_finite"] == 1


def test_a_store_of_another_manifest_and_a_feature_that_is_not_there(
    here: Path, refused: Refused
) -> None:
    manifest(here, ["a,train,,a,,,,", "b,valid,,b,,,,"])
    np.savez(here / "x.npz", **arrays())
    command = ["import", "x.npz", "--as", "x", "--modality", "visual", "--manifest", "own.csv"]
    assert run(command) == 0
    before = (here / "store" / "x.h5").read_bytes()
    train = ("train", "own.csv", "--fusion", "rrnn", "--run", "run", "--store", "store")
    assert "'y'" in refused(*train, "-f", "y")
    assert "x" in refused(*train, "-f", "y")
    manifest(here, ["a,train,,a,,,,", "c,valid,,b,,,,"])
    assert "another manifest" in refused(*train, "-f", "x")
    assert "another manifest" in refused(*command)
    assert (here / "store" / "x.h5").read_bytes() == before
    assert not (here / "run").exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a,train,,a,,,,", "b,valid,,a,,,,"], "class"),
        (["a,train,,a,,,,", "b,train,,b,,,,"], "valid"),
        (["a,valid,,a,,,,", "b,valid,,b,,,,"], "train"),
    ],
)
def test_training_on_one_class_or_an_empty_split(
    here: Path, refused: Refused, rows: list[str], message: str
) -> None:
    manifest(here, rows)
    np.savez(here / "x.npz", **arrays())
    command = ["import", "x.npz", "--as", "x", "--modality", "visual", "--manifest", "own.csv"]
    assert run(command) == 0
    line = refused("train", "own.csv", "--fusion", "rrnn", "--run", "run", "--store", "store")
    assert message in line


def test_options_that_do_not_exist(here: Path, refused: Refused) -> None:
    manifest(here, ["a,train,,a,,,,"])
    assert "rrnn" in refused("train", "own.csv", "--fusion", "rnn", "--run", "r", "--store", "s")
    assert "--fusion" in refused("train", "own.csv", "--fusio", "rrnn")
    assert "bands" in refused("extract", "own.csv", "-f", "mel", "--set", "mel.band=3")
    other = refused("extract", "own.csv", "-f", "mel", "--set", "glove.vectors=x")
    assert "settings of 'glove', which is not extracted; add -f glove" in other
    for setting, message in {
        "mle.bands=3": "--set: no feature is called 'mle'; did you mean 'mel'?",
        "bands=3": "of which feature it is a setting; give FEATURE.KEY=VALUE, such as mel.bands=",
        "network.x=3": "--set: no feature is called 'network'; there are: covarep",
    }.items():
        assert message in refused("extract", "own.csv", "-f", "mel", "--set", setting)
    (here / "all.toml").write_text("[glove]\nvectors = 'x'\n[covarep]\nhob_ms = 3\n")
    unknown = refused("extract", "own.csv", "-f", "mel", "--config", "all.toml")
    assert "unknown setting 'covarep.hob_ms'" in unknown
    assert "run" in refused("evaluate", "nowhere")
    assert "own.csv: is not a run (it is no folder); name a" in refused("evaluate", "own.csv")
    assert "'rrnn' is not 'settings'; of its settings: emocli info settings rrnn" in refused(
        "info", "rrnn"
    )
    assert "there is no such file" in refused("inspect", "nowhere.csv")


# -- places that cannot be used, and runs that are damaged


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus and a run, which nobody writes to."""
    folder = tmp_path_factory.mktemp("toy")
    corpus = toy.build(folder)
    corpus.trained()
    return folder


@pytest.fixture
def trained(here: Path, beside: Path) -> Path:
    """A copy of the run, beside its corpus."""
    shutil.copytree(beside, here, dirs_exist_ok=True)
    return here / "run"


SOUND = ["a,train,,a,a.wav,,,"]
"""A clip with sound, as far as its manifest says; the toy corpus has features alone."""

TRAIN = ("train", "toy.csv", "--fusion", "late", "--store")


def test_a_file_where_a_folder_belongs(trained: Path, refused: Refused) -> None:
    (trained.parent / "file").write_text("something else")
    assert "file/run: cannot be written" in refused(*TRAIN, "store", "--run", "file/run")
    line = refused("reproduce", "rrnn-t1", "toy.csv", "--store", "store", "--out", "file")
    assert line.startswith("error: file: cannot be written")
    assert "file: there is no such folder" in refused(*TRAIN, "file", "--run", "other")
    manifest(trained.parent, SOUND)
    assert "file: cannot be written" in refused(
        "extract", "own.csv", "-f", "mel", "--store", "file"
    )
    shutil.rmtree(trained / "reports", ignore_errors=True)
    (trained / "reports").write_text("something else")
    assert "reports: cannot be written" in refused("evaluate", trained, "--no-figures")
    assert "reports: cannot be written" in refused("analyze", "confusion", trained, "--no-figures")
    assert (trained.parent / "file").read_text() == "something else"


@pytest.fixture(params=["file/x", "/proc/x", "/sys/x"])
def nowhere(trained: Path, request: pytest.FixtureRequest) -> str:
    """A place below a file, or where the system lets nobody make a folder."""
    place = Path(request.param)
    if place.is_absolute() and not place.parent.is_dir():
        pytest.skip(f"there is no {place.parent} here")
    (trained.parent / "file").write_text("something else")
    manifest(trained.parent, SOUND)
    return request.param


FIT_ENCODER = ("fit-encoder", "audio", "toy.csv", "--set", "augment.noise_in=spectrogram")
"""The toy corpus has spectrograms, but no recordings to add noise to."""

OUTPUTS = (
    ("demo", "--dir", "{}"),
    ("manifest", "table", "films", "-o", "{}/own.csv"),
    ("extract", "own.csv", "-f", "mel", "--store", "{}"),
    (*TRAIN, "store", "--run", "{}"),
    (*TRAIN, "store", "--seeds", "2", "--run", "{}"),
    (*TRAIN, "store", "--folds", "3", "--run", "{}"),
    (*FIT_ENCODER, "--store", "store", "--run", "{}"),
    ("fit-text", "told.csv", "--set", "text.backbone=scratch", "--run", "{}"),
    ("reproduce", "rrnn-t1", "toy.csv", "--store", "store", "--out", "{}"),
    ("import", "x.npz", "--as", "x", "--modality", "a", "--manifest", "toy.csv", "--store", "{}"),
    ("export", "{}/mel.npz", "--manifest", "toy.csv", "-f", "mel"),
    ("export", "{}/mel.csd", "--manifest", "toy.csv", "-f", "mel"),
    ("export", "{}/toy.pkl", "--manifest", "toy.csv"),
)
"""Commands that make a folder or a file."""


@pytest.mark.parametrize("command", OUTPUTS, ids=lambda words: words[0])
def test_a_place_where_nothing_can_be_made(
    command: tuple[str, ...], nowhere: str, trained: Path, refused: Refused
) -> None:
    here = trained.parent
    np.savez(here / "x.npz", **{**arrays(), "ids": np.array(["train00", "train01"])})
    (here / "films").mkdir()
    (here / "films" / "a.mp4").write_text("no film")
    (here / "films" / "labels.csv").write_text("id,split,label\na,train,joy\n")
    (here / "told.toml").write_text(SIDECAR)
    rows = ("a,train,a,yes", "b,train,b,no", "c,valid,a,yes", "d,valid,b,no")
    (here / "told.csv").write_text("\n".join(["id,split,label,text", *rows, ""]))
    line = refused(*(word.format(nowhere) for word in command))
    assert line.startswith(f"error: {nowhere}")
    assert "cannot be written (" in line
    assert line.endswith("; make it writable, or choose another place\n")


def test_a_store_or_run_that_is_not_there(trained: Path, refused: Refused) -> None:
    assert "nowhere: there is no such folder" in refused(*TRAIN, "nowhere", "--run", "other")
    assert "nowhere: there is no such run" in refused("analyze", "proxies", "nowhere")
    assert "nowhere: there is no such run" in refused("analyze", "gates", "nowhere")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b'{"format": 1,'),
        ("config.json", b"[1]"),
        ("config.json", b"\xff\xfe"),
        ("model.safetensors", b""),
        ("model.safetensors", b"\x10\0\0\0\0\0\0\0{}"),
    ],
)
def test_a_damaged_run(trained: Path, refused: Refused, name: str, content: bytes) -> None:
    (trained / name).write_bytes(content)
    line = refused("evaluate", trained, "--no-figures")
    assert f"{name}: is damaged" in line
    assert line.endswith("; restore it, or train again with --overwrite\n")


def test_a_damaged_feature(trained: Path, refused: Refused) -> None:
    path = trained.parent / "store" / "mel.h5"
    path.write_bytes(path.read_bytes()[:-100])
    for command in (("inspect", "store"), (*TRAIN, "store", "--run", "other")):
        line = refused(*command)
        assert "mel.h5: is damaged" in line
        assert line.endswith("; extract or import it again with --overwrite\n")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_what_this_machine_cannot_do_leaves_no_run(trained: Path, refused: Refused) -> None:
    line = refused(*TRAIN, "store", "--run", "other", "--set", "train.accelerator=cuda")
    assert "there is no GPU here; choose train.accelerator=cpu" in line
    assert not (trained.parent / "other").exists()


def test_options_that_contradict_each_other_or_have_no_such_value(
    trained: Path, refused: Refused
) -> None:
    command = ("extract", "toy.csv", "-f", "mel", "--store", "store", "--overwrite", "--update")
    assert "--overwrite and --update; choose one of them" in refused(*command)
    line = refused("evaluate", trained, "--split", "dev")
    assert "Invalid value for '--split': 'dev' is not one of" in line


@pytest.mark.parametrize("setting", ["nope=1", "network.nope=1", "train.lr=fast"])
def test_the_demo_refuses_a_setting_before_it_starts(
    setting: str, here: Path, refused: Refused
) -> None:
    assert setting.split("=")[0] in refused("demo", "--dir", "demo", "--set", setting)
    assert not (here / "demo").exists()
