"""The public API: a run in one call, with and without labels."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import emocli
from emocli.data.manifest import Manifest
from emocli.data.store import open_features
from emocli.errors import ConfigError, EmocliError, EmocliWarning, StoreError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.pages.page import report as page
from emocli.plugin.robustness import RepairOptions, RobustOptions
from emocli.prediction.predict import PredictOptions, Predictor
from emocli.training.fit_cca import fit_cca
from emocli.training.train import TrainRequest
from tests import toy


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    return toy.build(Path(tmp_path_factory.mktemp("api")))


@pytest.fixture(scope="module")
def run(small: toy.Toy) -> Path:
    return small.trained(seeds=2)


def written(manifest: Manifest, path: Path) -> Path:
    manifest.write(path)
    return path


def test_predict_is_what_evaluate_measures(small: toy.Toy, run: Path) -> None:
    predicted = emocli.load_run(str(run)).predict(small.manifest.path, small.store)
    tested = RunEvaluator.open(run, "test", None, None).predict([], 0)
    table = predicted.table()
    for k, clip_id in enumerate(tested.ids):
        mean = np.mean([values[k] for values in tested.values], axis=0)
        assert_allclose(list(table[clip_id].values()), mean, atol=1e-6)
    assert len(predicted.ids) == len(small.manifest.clips)
    assert repr(predicted) == f"ClipPredictions({len(table)} clips, 3 classes)"
    assert_allclose(predicted.values.sum(axis=1), 1, atol=1e-6)
    assert predicted.spread.max() > 0


def test_options_act_on_clips_of_a_store_or_are_refused(small: toy.Toy, run: Path) -> None:
    fit_cca(small.manifest, small.store)
    loaded, repair = emocli.load_run(run), RepairOptions(check=True, fill="zero")
    predicted = loaded.predict(small.manifest, options=PredictOptions(repair=repair))
    tested = RunEvaluator.open(run, "test", None, None, repair).predict([], 0)
    rows = [predicted.ids.index(clip_id) for clip_id in tested.ids]
    assert_allclose(predicted.values[rows], np.mean(tested.values, axis=0), atol=1e-6)
    assert abs(predicted.values - loaded.predict(small.manifest).values).max() > 0.1
    with pytest.raises(ConfigError, match=r"only repair and device .* predict\(\[MANIFEST\]"):
        loaded.predict(small.manifest, options=PredictOptions(face="each"))


def test_a_recording_by_itself_is_no_manifest(run: Path) -> None:
    with pytest.raises(ConfigError, match=r"is no manifest .* predict\(\['a.mp4'\]\)"):
        emocli.load_run(run).predict("films/a.mp4")


def test_one_name_is_one_and_not_its_letters(
    small: toy.Toy, run: Path, tmp_path: Path, undrawn: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError, match="feature 'mel': no clip has"):
        emocli.extract(small.manifest, "mel", tmp_path / "store")
    options = {"corrupt": "visual", "sweep": "0dB", "by": "speaker"}
    report = emocli.evaluate(run, **options, figures=False).report
    assert report.corrupted is not None
    assert report.corrupted.corruption == ("visual gaussian 0 dB",)
    assert [point.level for point in report.sweep] == ["0 dB"]
    assert [group.by for group in report.by or ()] == ["speaker"]
    monkeypatch.setattr(TrainRequest, "train", lambda self, progress: self.features)
    request = {"fusion": "unimodal", "run": tmp_path / "run", "features": "mel"}
    assert emocli.train(small.manifest, small.store, **request) == ("mel",)
    assert RobustOptions(corrupt="visual").corrupt == RobustOptions(corrupt=("visual",)).corrupt
    assert PredictOptions(formats="eaf").formats == ("eaf",)
    inputs: list[Path] = []

    def predicted(paths: list[Path], *others: object) -> None:
        inputs.extend(paths)
        raise ConfigError("not now")

    monkeypatch.setattr(Predictor, "open", lambda *options: SimpleNamespace(predict=predicted))
    for path in ("a.mp4", Path("a.mp4")):
        with pytest.raises(ConfigError, match="not now"):
            emocli.predict(run, path, tmp_path / "out")
    assert inputs == [Path("a.mp4")] * 2
    with pytest.raises(EmocliError, match=r"run/x"):
        page(tmp_path / "run/x", tmp_path / "page.html")


def test_clips_need_no_label(small: toy.Toy, run: Path) -> None:
    labelled = emocli.load_run(run).predict(small.manifest.path, small.store)
    clips = tuple(replace(clip, label=None) for clip in small.manifest.clips)
    path = written(replace(small.manifest, clips=clips, path=None), small.folder / "bare.csv")
    bare = emocli.load_run(run).predict(path, small.store)
    assert bare.ids == labelled.ids
    assert_array_equal(bare.values, labelled.values)
    assert set(bare.labels) <= set(small.manifest.classes)


def test_folds_are_averaged(small: toy.Toy, tmp_path: Path) -> None:
    run, where = tmp_path / "folds", {"manifest": small.manifest, "store": small.store}
    TrainRequest(
        **where, fusion="late", run=run, settings=toy.QUICK, baselines=False
    ).cross_validate(3)
    loaded = emocli.load_run(run)
    whole = loaded.predict(small.manifest.path, small.store).values
    parts = [
        emocli.load_run(run / f"fold-{k}").predict(small.manifest.path, small.store)
        for k in range(3)
    ]
    assert_allclose(whole, np.mean([part.values for part in parts], axis=0))


def test_imported_features_of_another_corpus_are_taken_where_they_are_alike(tmp_path: Path) -> None:
    mine = toy.build(tmp_path / "mine").manifest
    clips = (replace(mine.clips[0], id="new"), *mine.clips[1:])
    other = Manifest.read(written(replace(mine, clips=clips, path=None), tmp_path / "other.csv"))
    rng = np.random.default_rng(0)
    stores = {"a": mine, "b": other, "columns": other, "width": other}
    for name, manifest in stores.items():
        columns = ("z", *"xyv") if name == "columns" else tuple("xyzvw"[: 4 + (name == "width")])
        arrays = {clip.id: rng.normal(size=(3, len(columns))) for clip in manifest.clips}
        emocli.store_arrays(manifest, tmp_path / name, "gaze", "visual", arrays, names=columns)
    run = tmp_path / "run"
    emocli.train(mine, tmp_path / "a", fusion="late", run=run, settings=toy.QUICK, baselines=False)
    emocli.pack(run, tmp_path / "pack")
    for each in (run, tmp_path / "pack"):
        loaded = emocli.load_run(each)
        with pytest.warns(EmocliWarning, match="gaze was imported"):
            predicted = loaded.predict(tmp_path / "other.csv", tmp_path / "b")
        assert predicted.ids == tuple(clip.id for clip in other.clips)
        with pytest.raises(EmocliError, match="has other columns"):
            loaded.predict(tmp_path / "other.csv", tmp_path / "columns")
        with pytest.raises(EmocliError, match=r"other settings .*import it again"):
            loaded.predict(tmp_path / "other.csv", tmp_path / "width")
    where = {"manifest": tmp_path / "other.csv", "store": tmp_path / "b"}
    elsewhere = emocli.evaluate(run, **where, figures=False).report
    assert [line for line in elsewhere.remarks if "gaze was imported" in line]
    assert not emocli.evaluate(run, figures=False).report.remarks


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(EmocliError):
            emocli.load_run(path)


def test_nothing_heavy_loads_with_the_package() -> None:
    code = (
        "import sys, emocli; dir(emocli); emocli.__version__; "
        "print([m for m in ('torch', 'numpy', 'h5py', 'pydantic') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    for name in dir(emocli):
        assert getattr(emocli, name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = emocli.nothing


def test_arrays_are_predicted_as_clips_of_a_store(small: toy.Toy, run: Path) -> None:
    loaded = emocli.load_run(run)
    known = loaded.predict(small.manifest.path, small.store)
    stores = open_features(small.store, None, small.manifest)
    clips = known.ids[:5]
    arrays = {m: [store[clip_id] for clip_id in clips] for m, store in stores.items()}
    predicted = loaded.predict_arrays(arrays)
    assert predicted.ids == ("0", "1", "2", "3", "4")
    assert_allclose(predicted.values, known.values[:5], atol=1e-6)
    one = loaded.predict_arrays({m: rows[0] for m, rows in arrays.items()})
    assert_allclose(one.values[0], known.values[0], atol=1e-6)


def test_an_array_may_be_missing_but_not_of_another_width(small: toy.Toy, run: Path) -> None:
    loaded = emocli.load_run(run)
    rng = np.random.default_rng(0)
    audio, text = rng.normal(size=(7, 5)), rng.normal(size=(3, 4))
    alone = loaded.predict_arrays({"audio": audio}).values
    beside = loaded.predict_arrays({"audio": audio, "text": text}).values
    none = loaded.predict_arrays({"audio": audio, "text": text[:0]}).values
    assert_allclose(alone, none, atol=1e-6)
    assert abs(alone - beside).max() > 1e-3
    bad = {
        "does not know modality 'sound'": {"sound": audio},
        r"an array of shape \(7, 5\), not \(T, 4\)": {"text": audio},
        "not finite": {"audio": audio * np.nan},
        r"audio of clip 0: is no array of numbers \(str\)": {"audio": "x"},
        "2 of audio, 1 of text": {"audio": [audio, audio], "text": [text]},
    }
    for message, arrays in bad.items():
        with pytest.raises(EmocliError, match=message):
            loaded.predict_arrays(arrays)


def test_arrays_are_predicted_by_all_folds(small: toy.Toy, tmp_path: Path) -> None:
    run, where = tmp_path / "folds", {"manifest": small.manifest, "store": small.store}
    TrainRequest(
        **where, fusion="late", run=run, settings=toy.QUICK, baselines=False
    ).cross_validate(3)
    audio = {"audio": np.random.default_rng(0).normal(size=(7, 5))}
    parts = [emocli.load_run(run / f"fold-{k}").predict_arrays(audio).values for k in range(3)]
    whole = emocli.load_run(run).predict_arrays(audio)
    assert_allclose(whole.values, np.mean(parts, axis=0))
    assert_allclose(whole.spread, np.std(parts, axis=0))
