"""Packed runs: complete without what they were made of, and nothing else than what was packed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors import safe_open

import emocli as package
from emocli.config import merge
from emocli.data.json_io import as_json
from emocli.data.manifest import Manifest
from emocli.data.store import open_feature, open_features
from emocli.errors import EmocliError
from emocli.evaluation.evaluate import evaluate
from emocli.interchange.arrays import store_arrays
from emocli.pipeline.inspect import inspect
from emocli.plugin.robustness import TRAINED, RepairOptions, RobustOptions
from emocli.prediction.networks import Ensemble
from emocli.prediction.packing import pack as module
from emocli.prediction.packing.assets import AssetOptions
from emocli.prediction.packing.folder import PACK, read_pack
from emocli.prediction.packing.pack import PackOptions, pack, require_no_place
from emocli.prediction.predict import PredictOptions, predict
from emocli.prediction.timeline import PredictionReport
from emocli.training.fit_cca import fit_cca
from emocli.training.train import TrainRequest, train
from tests import toy
from tests.prediction.conftest import FEATURES, emocli
from tests.prediction.packing.conftest import changed


def values(report: PredictionReport) -> str:
    """The segments as text: every number to its last digit, whatever the run is called."""
    return as_json(report.segments)


@contextmanager
def without(path: Path) -> Iterator[None]:
    """Take a file away for a while."""
    path.rename(path.with_suffix(".away"))
    try:
        yield
    finally:
        path.with_suffix(".away").rename(path)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_it_is_looked_into_as_what_it_is(moved: Path, trained: Path) -> None:
    assert (inspect(moved).kind, inspect(trained).kind) == ("packed run", "run")


def test_it_predicts_as_the_run_to_the_last_bit(
    trained: Path, moved: Path, corpus: Manifest, tmp_path: Path
) -> None:
    """A recording, whose text is regenerated, and a clip with its words.

    Run, store, manifest and word vectors are gone.
    """
    clip = corpus.split("test")[1]
    replace(corpus, clips=(clip,), path=None).write(corpus.root / "one.csv")
    for name, path in (("recording", clip.media["video"]), ("clip", corpus.root / "one.csv")):
        before = predict(trained, [path], tmp_path / "a" / name)
        with without(corpus.root / "vectors.txt"):
            after = predict(moved, [path], tmp_path / "b" / name)
        assert values(before) == values(after)
        assert before.calibrated
        assert after.repair == before.repair == "check, proxy knn_ls"
        card = (moved / "README.md").read_text("utf-8")
        assert (
            "\n- Repair (what is done about modalities that are not trusted): check, proxy" in card
        )
        text = [segment.modalities["text"] for segment in after.segments]
        assert all(each.regenerated == (name == "recording") for each in text)


def test_from_python(trained: Path, moved: Path, corpus: Manifest) -> None:
    """A manifest with the features of a store."""
    before, after = package.load_run(trained), package.load_run(moved)
    store = trained.parent / "store"
    known = before.predict(corpus.path or "", store)
    assert_array_equal(after.predict(corpus.path or "", store).values, known.values)
    with pytest.raises(EmocliError, match="its store is not packed with it; name the folder"):
        after.predict(corpus.path or "")


def test_nothing_in_it_tells_of_the_machine(
    trained: Path, moved: Path, corpus: Manifest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Neither the bytes of the files, nor attributes and metadata that may be written packed."""
    places = [str(tmp_path_factory.getbasetemp()), str(Path.cwd()), f"{Path.home()}/"]
    told = [content.decode("latin-1") for content in contents(moved).values()]
    with h5py.File(moved / "check.h5") as file:
        told += [str(value) for value in file.attrs.values()]
        file.visititems(lambda name, item: told.extend(map(str, item.attrs.values())))
    for path in moved.rglob("*.safetensors"):
        with safe_open(path, "pt") as tensors:
            told.append(str(tensors.metadata()))
    assert not [place for place in places for text in told if place in text]
    assert str(corpus.root) in (trained / "config.json").read_text()


def test_a_file_that_would_tell_of_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"x" * 100 + str(tmp_path).encode())
    with pytest.raises(EmocliError, match="would tell of this machine's"):
        require_no_place(tmp_path, [str(tmp_path)])
    require_no_place(tmp_path, [str(tmp_path / "other")])


def test_the_repair_is_that_of_the_packing(
    trained: Path, moved: Path, corpus: Manifest, texts: Path, tmp_path: Path
) -> None:
    """Less is possible, other proxies of the same clips too; what is not there is said."""
    seen = []
    for repair in (TRAINED, RepairOptions(check=False), RepairOptions(proxy="ridge")):
        options = PredictOptions(repair=repair)
        before = predict(trained, [texts], tmp_path / "a", options=options)
        after = predict(moved, [texts], tmp_path / "b", options=options)
        assert values(before) == values(after)
        seen.append(values(after))
    assert len(set(seen)) == 3
    bare = tmp_path / "bare"
    pack(trained, bare, options=PackOptions(repair=RepairOptions(check=False)))
    assert not (bare / "check.h5").exists()
    assert not (bare / "proxies.safetensors").exists()
    assert values(predict(bare, [texts], tmp_path / "c")) == seen[1]
    checked = PredictOptions(repair=RepairOptions(check=True))
    with pytest.raises(EmocliError, match=r"no modality check is packed; pack .* with --check"):
        predict(bare, [texts], tmp_path / "d", options=checked)
    proxied = PredictOptions(repair=RepairOptions(proxy="ridge"))
    with pytest.raises(EmocliError, match=r"no proxies are packed; pack .* with --proxy ridge"):
        predict(bare, [texts], tmp_path / "d", options=proxied)


def test_a_check_that_is_fitted_but_was_not_asked(
    trained: Path, corpus: Manifest, tmp_path: Path
) -> None:
    """It says how unusual modalities are, and can be asked, as for the run; the card says so."""
    run, out, store = tmp_path / "run", tmp_path / "packed", trained.parent / "store"
    train(corpus, store, fusion="late", run=run, features=FEATURES, settings=toy.QUICK)
    pack(run, out)
    assert "`emocli predict --check` asks it" in (out / "README.md").read_text()
    clips, stores = corpus.split("test"), open_features(store, FEATURES, corpus)
    for repair in (
        TRAINED,
        RepairOptions(check=True),
        RepairOptions(check=True, proxy="plus"),
        RepairOptions(proxy="paper"),
        RepairOptions(check=False),
    ):
        before, after = Ensemble.open(run, repair), Ensemble.open(out, repair)
        known, result = (each.predict(clips, stores) for each in (before, after))
        assert_array_equal(result.values, known.values)
        for modality, unusual in known.anomaly.items():
            assert_array_equal(result.anomaly[modality], unusual)
            assert np.isnan(unusual).all() == (repair.check is False)
        told = [line.replace(f"{store}/check.h5", f"{out}/check.h5") for line in before.remarks()]
        assert [*after.remarks()] == told
    bare = PackOptions(repair=RepairOptions(check=False))
    with pytest.raises(EmocliError, match="in another way"):
        pack(run, out, options=bare)
    pack(run, out, options=bare, overwrite=True)
    assert not (out / "check.h5").exists()
    assert not (out / "proxies.safetensors").exists()
    refused = pytest.raises(EmocliError, match=r"not asked, cannot be packed: .*--no-check")
    with without(store / "mel.h5"), refused:
        pack(run, tmp_path / "again")


def test_the_words_of_the_training_alone(
    trained: Path,
    corpus: Manifest,
    texts: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Clips of the training's corpus are predicted as they were; what others get is said."""
    out = tmp_path / "packed"
    assert emocli("pack", trained, "-o", out, "--words", "training") == 0
    assert "any other word is a row of zeros" in capsys.readouterr().out
    (vectors,) = read_pack(out).vectors
    assert (vectors.file, vectors.words) == ("vectors.txt", "training")
    with without(corpus.root / "vectors.txt"):
        after = predict(out, [texts], tmp_path / "a")
    assert values(after) == values(predict(trained, [texts], tmp_path / "c"))


def test_word_vectors_that_are_not_packed(
    trained: Path,
    corpus: Manifest,
    texts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "packed"
    pack(trained, out, options=PackOptions(assets=AssetOptions(words="none")))
    assert not (out / "assets").exists()
    with pytest.raises(EmocliError, match=r"needs vectors.txt, which is not here; .*--set glove"):
        predict(out, [texts], tmp_path / "a")
    there = PredictOptions(settings={"glove": {"vectors": str(corpus.root / "vectors.txt")}})
    assert predict(out, [texts], tmp_path / "a", options=there).segments


def test_settings_that_would_break_the_packed_run_are_refused(
    trained: Path, corpus: Manifest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "packed"
    changes = {
        "mel.bandz=3": "unknown setting 'mel.bandz'; did you mean",
        "mel.bands=3": "was 128 in the training",
    }
    for change, message in changes.items():
        assert emocli("pack", trained, "-o", out, "--set", change) == 2
        assert message in capsys.readouterr().err
        assert not out.exists()
    here = f"glove.vectors={corpus.root / 'vectors.txt'}"
    assert emocli("pack", trained, "-o", out, "--set", "mel.bands=128", "--set", here) == 0


def test_imported_features(corpus: Manifest, tmp_path: Path) -> None:
    """They are packed with what is there, and what to import is said; a store of them is taken."""
    rng = np.random.default_rng(0)
    arrays = {clip.id: rng.normal(size=(4, 3)).astype(np.float32) for clip in corpus.clips}
    store, video = tmp_path / "store", corpus.split("test")[0].media["video"]
    for name, modality in (("gaze", "visual"), ("pulse", "audio")):
        store_arrays(corpus, store, name, modality, arrays)
    run = tmp_path / "run"
    train(corpus, store, fusion="late", run=run, settings=toy.QUICK, baselines=False)
    evaluate(run, figures=False)
    out = tmp_path / "packed"
    assert pack(run, out).imported == ("pulse", "gaze")
    card = (out / "README.md").read_text()
    assert "Networks: 1 (seed 0)" in card
    assert "`gaze` is not computed by emocli: import it" in card
    assert "predict(MANIFEST, STORE)" in card
    assert "interview.mp4" not in card
    for told in ("## How to use", "## Intended use", "Art. 5(1)(f)", "high-risk", "### Validation"):
        assert told in card
    assert re.search(r"### Calibration.*expected calibration error .* before, .* after", card, re.S)
    assert re.search(r"^\|  \| accuracy .*\n\| --- \| --- .*\n\| this, clean \|", card, re.M)
    with pytest.raises(EmocliError, match=r"its feature '\w+' was imported"):
        predict(out, [video], tmp_path / "out")
    before = package.load_run(run).predict(corpus.path or "", store).values
    assert_array_equal(package.load_run(out).predict(corpus.path or "", store).values, before)


def own_store(small: toy.Toy, store: Path) -> Path:
    """The features of a corpus under names that no feature of emocli's has."""
    for name, (modality, _, _) in toy.FEATURES.items():
        with open_feature(small.store, name, small.manifest) as feature:
            arrays = {clip.id: feature[clip.id] for clip in small.manifest.clips}
        toy.write_feature(store, f"own_{name}", modality, small.manifest, arrays)
    return store


def test_statistics_of_speakers(tmp_path: Path) -> None:
    """Those of the population are packed; without them features would be others."""
    small = toy.build(tmp_path / "toy")
    manifest, store, run = small.manifest, own_store(small, tmp_path / "store"), tmp_path / "run"
    settings = merge(toy.QUICK, {"train": {"normalise": "speaker"}})
    train(manifest, store, fusion="late", run=run, settings=settings, baselines=False)
    pack(run, tmp_path / "packed")
    before, after = Ensemble.open(run), Ensemble.open(tmp_path / "packed")
    stores = open_features(store, [v.feature for v in before.config.features.values()], manifest)
    clips = manifest.split("test")
    assert_array_equal(after.predict(clips, stores).values, before.predict(clips, stores).values)
    assert not any(
        clip.speaker.encode() in (tmp_path / "packed" / "speakers.safetensors").read_bytes()
        for clip in manifest.clips
    )


def test_a_cross_validation(tmp_path: Path) -> None:
    """Every fold repairs with its own check and proxies; without them it would be another one."""
    small = toy.build(tmp_path / "toy", sizes={"train": 24, "valid": 12, "test": 12})
    manifest, store = small.manifest, own_store(small, tmp_path / "store")
    for index in range(3):
        fit_cca(manifest.folded(index, 3), store)
    robust = RobustOptions(check=True, proxy="ridge")
    run = tmp_path / "run"
    TrainRequest(
        manifest=manifest,
        store=store,
        fusion="late",
        run=run,
        settings=toy.QUICK,
        robust=robust,
        baselines=False,
    ).cross_validate(3)
    out = tmp_path / "packed"
    assert pack(run, out).folds.keys() == {"fold-0", "fold-1", "fold-2"}
    card = (out / "README.md").read_text("utf-8")
    assert "Networks: 3 (seed 0; 3 folds)" in card
    headings = [f"### {name}, fold-{k}" for k in range(3) for name in ("Validation", "Calibration")]
    assert [line for line in card.splitlines() if line.startswith("### ")] == headings
    after, before = package.load_run(out), package.load_run(run)
    known = before.predict(manifest.path or "", store).values
    assert_array_equal(after.predict(manifest.path or "", store).values, known)
    shutil.copytree(out, tmp_path / "mixed")
    for name in ("proxies.safetensors", "check.h5"):
        shutil.copy(out / "fold-1" / name, tmp_path / "mixed" / "fold-0" / name)
    changed(tmp_path / "mixed", lambda tree: tree.update(files=_listed(tmp_path / "mixed")))
    mixed = package.load_run(tmp_path / "mixed").predict(manifest.path or "", store).values
    assert not np.array_equal(mixed, known)


def _listed(folder: Path) -> dict[str, object]:
    return {name: file.data() for name, file in module._listed(folder) if name != PACK}


def test_a_killed_packing_goes_on(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    pack(trained, whole)
    real, calls = module.copy, []

    def killed(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(module, "copy", killed)
    with pytest.raises(KeyboardInterrupt):
        pack(trained, out)
    with pytest.raises(EmocliError, match=r"its packing has not ended; repeat the packing command"):
        package.load_run(out)
    with pytest.raises(
        EmocliError, match="another run is packed there, or this one in another way"
    ):
        pack(trained, out, options=PackOptions(repair=RepairOptions(check=False)))
    pack(trained, out)
    assert contents(out) == contents(whole)


def test_another_run_is_replaced_only_if_that_is_said(trained: Path, tmp_path: Path) -> None:
    bare = PackOptions(repair=RepairOptions(check=False))
    first = pack(trained, tmp_path / "out")
    (tmp_path / "out" / "README.md").write_text("my own card")
    assert pack(trained, tmp_path / "out") == first
    assert (tmp_path / "out" / "README.md").read_text() == "my own card"
    with pytest.raises(EmocliError, match="replace it with --overwrite"):
        pack(trained, tmp_path / "out", options=bare)
    pack(trained, tmp_path / "out", options=bare, overwrite=True)
    pack(trained, tmp_path / "new", options=bare)
    assert contents(tmp_path / "out") == contents(tmp_path / "new")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").touch()
    with pytest.raises(EmocliError, match="is there already and is not a packed run"):
        pack(trained, tmp_path / "own", overwrite=True)
    with pytest.raises(EmocliError, match="is packed already"):
        pack(tmp_path / "out", tmp_path / "twice")
