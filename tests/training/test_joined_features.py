"""Networks that are given two features of one modality, as ``-f a+b``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import emocli
from emocli import plugins
from emocli.cli.app import run as run_command
from emocli.config import merge
from emocli.data.standardise import Standardiser
from emocli.data.store import open_joined
from emocli.data.track import Track
from emocli.errors import StoreError
from emocli.evaluation.cross_validation import open_evaluator
from emocli.evaluation.evaluate import evaluate
from emocli.experiments.runner import reproduce
from emocli.interchange.export import export
from emocli.interchange.import_features import import_features
from emocli.interchange.npz import Ragged, write_ragged
from emocli.models import rundir
from emocli.training.fit_cca import fit_cca
from tests import toy

JOINED = "hog+units"
HAND = "hand"
TRAIN = {"train": {**toy.QUICK["train"], "epochs": 1, "threads": 1}}
"""For networks of any settings of their own."""
REPAIRED = {"corrupt": ("visual:gaussian@0.01",), "check": True, "proxy": "ridge"}
LACKING = ("train01", "valid02", "test03")
"""Clips without the faster feature."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.Toy:
    """A corpus with two visual features of different rates, and both put together by hand."""
    corpus = toy.build(tmp_path_factory.mktemp("toy"))
    rng = np.random.default_rng(5)
    fast, slow = {}, {}
    for clip in corpus.manifest.clips:
        count = int(rng.integers(3, 6))
        level = toy.CLASSES.index(clip.label or "")
        slow[clip.id] = Track(level + rng.normal(size=(count, 2)), np.arange(count) / 10)
        fast[clip.id] = Track(
            level + rng.normal(size=(2 * count, 3)), np.arange(2 * count) / 20 - 0.025
        )
    fast = {clip_id: track for clip_id, track in fast.items() if clip_id not in LACKING}
    manifest, store = corpus.manifest, corpus.store
    toy.write_tracks(store, "hog", "visual", manifest, fast, 20.0)
    toy.write_tracks(store, "units", "visual", manifest, slow, 10.0)
    arrays = [by_hand(fast.get(i), slow[i]) for i in slow]
    offsets = np.cumsum([0, *map(len, arrays)])
    file = corpus.folder / "hand.npz"
    write_ragged(file, Ragged(tuple(slow), offsets, np.concatenate(arrays)))
    import_features(file, HAND, "visual", manifest, store)
    return corpus


def by_hand(fast: Track | None, slow: Track) -> np.ndarray:
    """Two rows of the fast one for each of the slow one; zeros where there is none."""
    if fast is None:
        rows = [np.zeros((len(slow), 3)), slow.values]
    else:
        rows = [fast.values, np.repeat(slow.values, 2, axis=0)]
    return np.concatenate(rows, axis=1).astype(np.float32)


def features(visual: str) -> list[str]:
    return ["mel", visual, "glove"]


def weights(run: Path) -> dict[str, np.ndarray]:
    loaded = rundir.load(run)
    state = {name: value.numpy() for name, value in loaded.network.state_dict().items()}
    return {**state, **loaded.standardiser.tensors()}


def assert_equal(a: Path, b: Path) -> None:
    one, other = weights(a), weights(b)
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("fusion", plugins.names("fusion"))
def test_every_network_becomes_that_of_the_concatenated_feature(
    corpus: toy.Toy, fusion: str
) -> None:
    alone = fusion == "unimodal"
    runs = [
        corpus.trained(
            f"{fusion}-{name}",
            fusion,
            features=[visual] if alone else features(visual),
            settings=TRAIN,
        )
        for name, visual in (("joined", JOINED), ("hand", HAND))
    ]
    assert_equal(*runs)
    reports = [evaluate(run, figures=False).data for run in runs]
    assert reports[0]["clean"] == reports[1]["clean"]


def test_a_run_remembers_what_it_joined_and_predicts_with_it(corpus: toy.Toy) -> None:
    runs = [corpus.trained(f"remembered-{v}", features=features(v)) for v in (JOINED, HAND)]
    view = json.loads((runs[0] / "config.json").read_text())["features"]["visual"]
    assert (view["feature"], view["dim"]) == (JOINED, 5)
    assert view["settings"] == {"hog": {}, "units": {}}
    values = [emocli.load_run(run).predict(corpus.folder / "toy.csv").values for run in runs]
    assert np.array_equal(*values)
    card = (runs[0] / "README.md").read_text()
    assert "hog+units" in card


def test_a_clip_that_lacks_one_of_them_has_the_modality(corpus: toy.Toy) -> None:
    planned = corpus.request("never", features=features(JOINED)).plan()
    none = {"audio": 0, "text": 0, "visual": 0}
    assert planned.missing == {"train": none, "valid": none}
    notes = [note for note in planned.notes if "lack" in note]
    assert notes == [
        "1 clip (train) of hog+units lacks hog, which is read as 0",
        "1 clip (valid) of hog+units lacks hog, which is read as 0",
    ]
    run = corpus.trained("noted", features=features(JOINED))
    assert notes[0] in (run / "README.md").read_text()
    report = evaluate(run, figures=False).data
    assert report["missing"]["visual"] == 0
    assert "1 clip (test) of hog+units lacks hog, which is read as 0" in report["remarks"]


def test_check_and_proxies_are_those_of_the_concatenated_feature(corpus: toy.Toy) -> None:
    runs = []
    for visual in (JOINED, HAND):
        fit_cca(corpus.manifest, corpus.store, features(visual))
        run = corpus.trained(
            f"repaired-{visual}", robust=REPAIRED, features=features(visual), settings=toy.QUICK
        )
        runs.append(run)
        (corpus.store / "check.h5").rename(corpus.folder / f"{visual}.h5")
        if visual == JOINED:
            (corpus.folder / f"{visual}.h5").rename(corpus.store / "check.h5")
            report = evaluate(run, corrupt=["visual"], figures=False).data
            assert report["flagged"]["visual"]["clips"] == report["n"]
    assert_equal(*runs)


def test_folds_are_those_of_the_concatenated_feature(corpus: toy.Toy) -> None:
    runs = []
    for visual in (JOINED, HAND):
        run = corpus.folder / f"folds-{visual}"
        options = {"features": features(visual), "settings": merge(toy.QUICK, TRAIN)}
        corpus.request(run, **options).cross_validate(3)
        runs.append(run)
    for fold in range(3):
        assert_equal(*(run / f"fold-{fold}" for run in runs))
    predicted = [open_evaluator(run, "test", None, None).predict((), 0).values for run in runs]
    assert np.array_equal(*predicted)


def test_an_experiment_takes_it(corpus: toy.Toy) -> None:
    tables = []
    for visual in (JOINED, HAND):
        asked = {"seeds": 1, "features": [visual, "mel"], "only": ["v", "svm-on-functionals"]}
        settings = {**TRAIN, "reproduce": {**asked, "folds": 0}}
        out = corpus.folder / f"table-{visual}"
        result = reproduce("rrnn-t1", corpus.manifest, corpus.store, out, settings=settings)
        rows = {row.slug: row for row in result.report.rows}
        assert rows["v"].features == (visual,)
        conditions = [rows[slug].conditions for slug in ("v", "svm-on-functionals")]
        tables.append([each.data() for row in conditions for each in row])
    assert tables[0] == tables[1]


def test_the_store_has_changed(corpus: toy.Toy) -> None:
    other = toy.build(corpus.folder / "other")
    for name in ("hog", "units"):
        values = np.random.default_rng(1).normal(size=(3, 2))
        clips = {c.id: Track(values, np.arange(3) / 10) for c in other.manifest.clips}
        toy.write_tracks(other.store, name, "visual", other.manifest, clips, 10.0)
    run = other.trained(features=features(JOINED))
    clips = {i: Track(track.values + 1, track.times) for i, track in clips.items()}
    toy.write_tracks(other.store, "units", "visual", other.manifest, clips, 10.0)
    with pytest.raises(StoreError, match="no longer what the run was trained on") as raised:
        evaluate(run)
    assert JOINED in str(raised.value)


def test_statistics_are_of_rows_as_they_are_read(corpus: toy.Toy) -> None:
    """The standard deviation of every joined column is that of the joined rows."""
    from emocli.data.samples import Samples

    joined = open_joined(corpus.store, JOINED, corpus.manifest)
    samples = Samples.of(corpus.manifest, "train", {"visual": joined})
    rows = np.concatenate([joined[clip.id] for clip in samples.clips])
    fitted = Standardiser.fit(samples, 0)
    assert fitted.mean["visual"] == pytest.approx(rows.mean(axis=0), abs=1e-5)
    assert fitted.std["visual"] == pytest.approx(rows.std(axis=0), abs=1e-5)


def test_an_export_of_several_modalities_takes_it_and_one_feature_does_not(
    corpus: toy.Toy,
) -> None:
    told = {}
    for visual in (JOINED, HAND):
        file = corpus.folder / f"{visual}.pkl"
        told[visual] = export(file, corpus.manifest, corpus.store, features(visual)).warnings
    splits = ("train", "valid", "test")
    lines = [f"1 clip ({s}) of hog+units lacks hog, which is read as 0" for s in splits]
    assert told == {JOINED: tuple(lines), HAND: ()}
    files = [(corpus.folder / f"{visual}.pkl").read_bytes() for visual in (JOINED, HAND)]
    assert files[0] == files[1]
    with pytest.raises(StoreError, match="name one feature"):
        export(corpus.folder / "x.npz", corpus.manifest, corpus.store, [JOINED])


NONSENSE = {
    "hog+hog": "names 'hog' twice",
    "+hog": "names a feature that has no name",
    "hog+mel": "'hog' is visual and 'mel' is audio",
    "hog+nose": "has no feature 'nose'",
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_one_line(
    corpus: toy.Toy, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(corpus.folder / "toy.csv"), "--store", str(corpus.store), "-f", name]
    words += ["--fusion", "late", "--run", str(corpus.folder / "never")]
    assert run_command(words) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert NONSENSE[name] in message
    assert not (corpus.folder / "never").exists()
    assert run_command([*words, "--dry-run"]) == 2
    assert NONSENSE[name] in " ".join(capsys.readouterr().err.split())


def test_a_name_with_a_plus_is_no_features(corpus: toy.Toy) -> None:
    with pytest.raises(StoreError, match="has a \\+, which joins features"):
        import_features(corpus.folder / "hand.npz", "a+b", "visual", corpus.manifest, corpus.store)
