from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emocli.config import merge
from emocli.data.manifest import Manifest
from emocli.data.samples import Samples
from emocli.data.store import FeatureStore, open_features
from emocli.errors import ConfigError, ManifestError, StoreError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.plugin.robustness import on, read
from emocli.robust.check import file as container
from emocli.robust.check.io import load_check
from emocli.robust.check.settings import configure
from emocli.robust.corrupt import Corrupter
from emocli.training.fit_cca import CheckSummary, fit_cca
from tests import toy

SIZES = {"train": 60, "valid": 30, "test": 30}


corpus = toy.fixture(sizes=SIZES)


@pytest.fixture(scope="module")
def summary(corpus: toy.Toy) -> CheckSummary:
    return fit_cca(corpus.manifest, corpus.store, preset="paper")


def test_it_writes_a_check_and_says_what_is_in_it(corpus: toy.Toy, summary: CheckSummary) -> None:
    assert summary.path == corpus.store / "check.h5"
    check = load_check(summary.path)
    assert (summary.score, summary.limits) == ("pearson", {})
    assert [pair.modalities for pair in summary.pairs] == [
        ("audio", "text"),
        ("audio", "visual"),
        ("text", "visual"),
    ]
    for pair in summary.pairs:
        known = check.pairs[pair.modalities]
        assert pair.tau == known.tau
        assert list(pair.correlations) == known.cca.correlations.tolist()
        assert 1 >= pair.correlations[0] > 0.5
        assert (pair.n_train, pair.n_valid) == (60, 30)


def test_the_check_knows_where_it_comes_from(corpus: toy.Toy, summary: CheckSummary) -> None:
    check = load_check(summary.path)
    assert check.provenance is not None
    assert check.provenance.features == {"audio": "mel", "text": "glove", "visual": "face_hog"}
    assert check.provenance.manifest == corpus.manifest.fingerprint
    assert check.provenance.ids == tuple(clip.id for clip in corpus.manifest.split("train"))
    check.provenance.require(open_features(corpus.store, None, corpus.manifest))


def test_the_threshold_flags_the_stated_share_of_validation_clips(
    corpus: toy.Toy, summary: CheckSummary
) -> None:
    check = load_check(summary.path)
    assert check.provenance is not None
    stores = open_features(corpus.store, None, corpus.manifest)
    valid = Samples.of(corpus.manifest, "valid", stores).then(check.provenance.standardiser)
    for pair, rho in check.scores(valid.batch(valid.clips).views).items():
        assert (rho < check.pairs[pair].tau).sum() == 2  # 5 % of 30 clips, and one more


def test_test_clips_are_never_read(corpus: toy.Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = {clip.id for clip in corpus.manifest.split("test")}
    read: set[str] = set()
    original = FeatureStore.__getitem__

    def watched(store: FeatureStore, clip_id: str) -> np.ndarray:
        assert clip_id not in sealed
        read.add(clip_id)
        return original(store, clip_id)

    before = fit_cca(corpus.manifest, corpus.store, preset="paper").path.read_bytes()
    monkeypatch.setattr(FeatureStore, "__getitem__", watched)
    after = fit_cca(corpus.manifest, corpus.store, preset="paper").path.read_bytes()
    assert read == {clip.id for clip in corpus.manifest.clips} - sealed
    assert after == before


def test_the_valid_split_moves_the_threshold_only(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, sizes=SIZES)
    fit_cca(corpus.manifest, corpus.store, preset="paper")
    before = load_check(corpus.store / "check.h5")
    clips = tuple(
        replace(clip, split="test", speaker="test-0", dialogue="") if clip.id == "valid00" else clip
        for clip in corpus.manifest.clips
    )
    fit_cca(replace(corpus.manifest, clips=clips), corpus.store, preset="paper")
    after = load_check(corpus.store / "check.h5")
    for pair, known in before.pairs.items():
        np.testing.assert_array_equal(after.pairs[pair].cca.projection_x, known.cca.projection_x)
        assert after.pairs[pair].n_valid == known.n_valid - 1
    assert any(after.pairs[pair].tau != known.tau for pair, known in before.pairs.items())


def test_presets_and_settings_reach_the_check(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, sizes=SIZES)
    fit_cca(corpus.manifest, corpus.store, None, "plus", {"check": {"components": 3}})
    check = load_check(corpus.store / "check.h5")
    assert (check.config.score, check.config.tau, check.config.components) == ("llr", "youden", 3)
    assert max(len(pair.cca.correlations) for pair in check.pairs.values()) == 3
    with pytest.raises(ConfigError, match=r"did you mean 'check\.components'"):
        fit_cca(corpus.manifest, corpus.store, settings={"check": {"component": 3}})


def test_features_can_be_chosen(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, sizes=SIZES)
    summary = fit_cca(corpus.manifest, corpus.store, ["mel", "glove"])
    assert [pair.modalities for pair in summary.pairs] == [("audio", "text")]
    assert summary.warnings[0].startswith("two modalities that disagree")


def test_progress_counts_train_and_valid_clips(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, sizes=SIZES)
    calls: list[tuple[int, int]] = []
    fit_cca(corpus.manifest, corpus.store, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (90, 90)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_missing_clips_are_counted_and_spoken_out(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, sizes=SIZES)
    some = {
        c.id: np.random.default_rng(k).normal(size=(4, 3))
        for k, c in enumerate(corpus.manifest.clips)
    }
    del some["train00"], some["train07"], some["valid03"]
    toy.write_feature(corpus.store, "face_hog", "visual", corpus.manifest, some)
    summary = fit_cca(corpus.manifest, corpus.store)
    counts = {pair.modalities: (pair.n_train, pair.n_valid) for pair in summary.pairs}
    assert counts["audio", "text"] == (60, 30)
    assert counts["text", "visual"] == (58, 29)
    assert "2 of 60 train clips have no visual feature" in summary.warnings
    assert "1 of 30 valid clips has no visual feature" in summary.warnings


def test_numbers_that_are_none_or_absurd_are_counted(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, sizes=SIZES)
    rng = np.random.default_rng(0)
    rows = {c.id: rng.normal(size=(4, 3)) for c in corpus.manifest.clips}
    rows["train00"][1], rows["train01"][0, 0], rows["valid00"][2, 1] = np.nan, 1e6, -1e6
    toy.write_feature(corpus.store, "face_hog", "visual", corpus.manifest, rows)
    odd = {line for line in fit_cca(corpus.manifest, corpus.store).warnings if "face_hog" in line}
    limit = "is beyond 20 robust standard deviations and was clipped"
    none = "3 values of face_hog are not finite and read as 0"
    assert odd == {
        none,
        f"1 value of face_hog (train) {limit}",
        f"1 value of face_hog (valid) {limit}",
    }
    unclipped = {"check": {"clip_outliers": 0}}
    warnings = fit_cca(corpus.manifest, corpus.store, settings=unclipped).warnings
    assert [line for line in warnings if "face_hog" in line] == [none]


def without(manifest: Manifest, *splits: str) -> Manifest:
    return replace(manifest, clips=tuple(c for c in manifest.clips if c.split not in splits))


def test_what_cannot_be_fitted_is_refused_and_the_old_check_stays(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, sizes=SIZES)
    before = fit_cca(corpus.manifest, corpus.store).path.read_bytes()
    with pytest.raises(StoreError, match="needs two modalities, there is audio"):
        fit_cca(corpus.manifest, corpus.store, ["mel"])
    with pytest.raises(StoreError, match="has no feature 'covarep'"):
        fit_cca(corpus.manifest, corpus.store, ["mel", "covarep"])
    with pytest.raises(StoreError, match="was made for another manifest"):
        fit_cca(without(corpus.manifest, "valid"), corpus.store)
    assert (corpus.store / "check.h5").read_bytes() == before


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"train": 60, "test": 3}, "split 'valid' has no labelled clip"),
        ({"valid": 60, "test": 3}, "split 'train' has no labelled clip"),
        ({"train": 3, "valid": 9}, "3 training clips have modality 'audio'"),
    ],
)
def test_too_few_clips_are_refused(tmp_path: Path, sizes: dict[str, int], message: str) -> None:
    corpus = toy.build(tmp_path, sizes=sizes)
    with pytest.raises((StoreError, ManifestError), match=message):
        fit_cca(corpus.manifest, corpus.store)
    assert not (corpus.store / "check.h5").exists()


def test_modalities_that_never_meet_are_refused(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, sizes=SIZES)
    rng = np.random.default_rng(0)
    odd = {c.id: rng.normal(size=(4, 3)) for c in corpus.manifest.clips if int(c.id[-1]) % 2}
    even = {c.id: rng.normal(size=(4, 3)) for c in corpus.manifest.clips if c.id not in odd}
    toy.write_feature(corpus.store, "face_hog", "visual", corpus.manifest, odd)
    toy.write_feature(corpus.store, "glove", "text", corpus.manifest, even)
    with pytest.raises(StoreError, match="0 training clips have both 'text' and 'visual'"):
        fit_cca(corpus.manifest, corpus.store)


def test_the_default_is_the_improved_check(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, sizes=SIZES)
    summary = fit_cca(corpus.manifest, corpus.store)
    check = load_check(summary.path)
    assert check.config == configure("plus", {})
    assert (summary.score, summary.limits) == ("llr", check.limits)
    stores = open_features(corpus.store, None, corpus.manifest)
    assert check.provenance is not None
    test = Samples.of(corpus.manifest, "test", stores).then(check.provenance.standardiser)
    for modality in stores:
        noise = Corrupter(on(read([f"{modality}@0.01"]), stores), 0, test)
        flags = check.effective(test.then(noise).batch(test.clips).views)
        flagged = {m: 1 - kept.mean() for m, kept in flags.items()}
        assert flagged.pop(modality) >= 0.9
        assert np.mean(list(flagged.values())) <= 0.1


def test_every_fold_has_a_check_of_its_own(corpus: toy.Toy, summary: CheckSummary) -> None:
    before = summary.path.read_bytes()
    paths = [fit_cca(corpus.manifest.folded(k, 3), corpus.store).path for k in range(3)]
    assert len(set(paths)) == 3
    assert summary.path.read_bytes() == before
    ids = [set(load_check(path).provenance.ids) for path in paths]  # type: ignore[union-attr]
    assert ids[0] != ids[1] != ids[2]


def test_it_can_be_fitted_on_what_the_network_is_trained_with(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, sizes=SIZES)
    settings = {"check": {"fit_on": "as_given", "contamination": "ignore"}}
    clean = load_check(fit_cca(corpus.manifest, corpus.store, settings=settings).path)
    noisy = load_check(
        fit_cca(corpus.manifest, corpus.store, settings=settings, corrupt=["m3er75"]).path
    )
    for pair, known in clean.pairs.items():
        assert noisy.pairs[pair].cca.correlations[0] < known.cca.correlations[0]
    with pytest.raises(ConfigError, match=r"choose --set check.fit_on=as_given"):
        fit_cca(corpus.manifest, corpus.store, corrupt=["m3er75"])


def test_what_is_fitted_on_clips_as_given_is_a_file_of_its_own_and_says_on_what(
    tmp_path: Path,
) -> None:
    corpus = toy.build(tmp_path, sizes=SIZES)
    clean = fit_cca(corpus.manifest, corpus.store)
    before = clean.path.read_bytes()
    settings = {"check": {"fit_on": "as_given"}}
    given = fit_cca(corpus.manifest, corpus.store, None, "plus", settings, ["m3er75"], 3)
    assert given.path == corpus.store / "check_as_given.h5"
    assert clean.path.read_bytes() == before
    check = load_check(given.path)
    assert check.provenance is not None
    assert (check.provenance.corrupt, check.provenance.corruption_seed) == (read(["m3er75"]), 3)
    assert dict(check.left_out) == given.left_out
    assert set(given.left_out) == {"audio", "text", "visual"}
    assert all(5 <= count <= 25 for count in given.left_out.values())  # of 60; 15 are noisy
    fold = fit_cca(corpus.manifest.folded(0, 3), corpus.store, settings=settings)
    assert fold.path == corpus.store / "checks" / "fold-0-of-3_as_given.h5"
    assert not open_features(corpus.store, None, corpus.manifest).keys() & {"check_as_given"}


def test_it_clips_what_its_network_clips(tmp_path: Path) -> None:
    corpus = toy.build(tmp_path, sizes=SIZES)

    def trained() -> Path:
        settings = merge(toy.QUICK, {"train": {"outliers": 0.75, "epochs": 1}})
        return corpus.trained(settings=settings, robust={"check": True})

    fit_cca(corpus.manifest, corpus.store)
    hint = r"beyond 20 robust .*the network beyond 0\.75; .*--set check\.clip_outliers=0\.75"
    with pytest.raises(StoreError, match=hint):
        trained()
    path = fit_cca(corpus.manifest, corpus.store, settings={"check": {"clip_outliers": 0.75}}).path
    assert load_check(path).config.clip_outliers == 0.75
    run = trained()
    assert RunEvaluator.open(run, "test", None, None).repair.trust == "check"
    fit_cca(corpus.manifest, corpus.store)
    with pytest.raises(StoreError, match=hint):
        RunEvaluator.open(run, "test", None, None)


def test_a_check_of_before_there_was_the_setting_has_the_default(
    summary: CheckSummary, tmp_path: Path
) -> None:
    header, arrays = container.read(summary.path)
    del header["config"]["clip_outliers"]
    container.write(tmp_path / "check.h5", header, arrays)
    check = load_check(tmp_path / "check.h5")
    assert check.provenance is not None
    assert check.config.clip_outliers == check.provenance.outliers == 20
