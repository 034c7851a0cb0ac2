"""Units that were predicted before are kept, until something else is asked or known."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from emocli.data.manifest import Manifest
from emocli.plugin.robustness import RepairOptions
from emocli.prediction.networks import Ensemble, FoldNetworks
from emocli.prediction.predict import predict
from emocli.robust.check.io import load_check, save_check
from emocli.robust.repair_factory import RepairFactory
from tests import media_factory
from tests.prediction.conftest import emocli
from tests.prediction.examples import rows


def interrupted_at(call: int, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Interrupt that extraction of a unit's features; return the clips of each so far."""
    from emocli.prediction import predict as module

    real, calls = module.extracted, list[object]()

    def counted(*args: object, **options: object) -> object:
        calls.append(args[0])
        if len(calls) == call:
            raise KeyboardInterrupt
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "extracted", counted)
    return calls


def test_finished_units_are_kept(
    trained: Path, corpus: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emocli.prediction import clips

    monkeypatch.setattr(clips, "UNIT", 1)
    calls = interrupted_at(3, monkeypatch)
    files = [clip.media["video"] for clip in corpus.clips[:3]]
    with pytest.raises(KeyboardInterrupt):
        predict(trained, files, tmp_path)
    report = predict(trained, files, tmp_path)
    assert len(calls) == 4
    assert [Path(s.file) for s in report.segments] == files


@pytest.mark.slow
def test_five_hundred_files_of_which_one_is_broken(
    heard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is interrupted after three units of 64, and goes on with the fourth."""
    folder, out = tmp_path / "media", tmp_path / "out"
    folder.mkdir()
    for number in range(499):
        tone = media_factory.tone(0.4, seed=number)
        soundfile.write(folder / f"{number:03d}.wav", tone, 16_000)
    (folder / "250-broken.wav").write_bytes(b"no sound")
    calls = interrupted_at(4, monkeypatch)
    command = ("predict", heard, folder, "-o", out, "--json")
    assert emocli(*command) == 130
    calls.append(())
    capsys.readouterr()
    assert emocli(*command) == 3
    printed = capsys.readouterr()
    assert len(calls) == 5 + 5  # of the eight units, those that were not done
    assert len(json.loads(printed.out)["segments"]) == len(rows(out)) == 499
    assert [Path(row["file"]).stem for row in rows(out)] == [f"{k:03d}" for k in range(499)]
    (failure,) = (out / "failures.jsonl").read_text().splitlines()
    assert Path(json.loads(failure)["file"]).name == "250-broken.wav"
    assert printed.err.count("250-broken.wav") == 1
    assert "Traceback" not in printed.err


def test_another_temperature_or_check_makes_another_prediction(
    trained: Path, tmp_path: Path
) -> None:
    """What was predicted by others is not gone on with, nor taken for done."""

    def known(folder: str) -> str:
        return Ensemble.open(tmp_path / folder / "run").fingerprint

    for folder in ("a", "b", "c"):
        shutil.copytree(trained.parent, tmp_path / folder)
    file = tmp_path / "b" / "run" / "seed-0" / "calibration.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"temperature": 9.5}))
    path = tmp_path / "c" / "store" / "check.h5"
    check = load_check(path)
    save_check(replace(check, limits={m: 2 * v for m, v in check.limits.items()}), path)
    assert known("a") == Ensemble.open(trained).fingerprint
    assert known("a") != known("b") != known("c") != known("a")


def test_other_training_clips_make_another_prediction_where_proxies_are_made_of_them(
    trained: Path,
) -> None:
    (fold,) = Ensemble.open(trained).folds
    assert isinstance(fold.factory, RepairFactory)
    train = fold.factory.train
    fewer = replace(fold.factory, train=replace(train, clips=train.clips[1:]), _generators={})
    bare = replace(fold, repair=fold.repair.with_options(RepairOptions(proxy=None, fill="discard")))

    def marks(fold: FoldNetworks) -> list[str]:
        return list(fold.marks())

    assert marks(replace(fold, factory=fewer)) != marks(fold) == marks(replace(fold))
    assert marks(replace(bare, factory=fewer)) == marks(bare)
