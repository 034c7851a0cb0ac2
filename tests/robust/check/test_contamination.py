from __future__ import annotations

import numpy as np
import pytest

from emocli.data.batch import Padded
from emocli.errors import EmocliWarning, UnfittableError
from emocli.robust.check.contamination import (
    Mixture,
    ModalityScreen,
    deal,
    screened,
)
from emocli.robust.check.io import load_check, save_check
from emocli.robust.check.model import ModalityCheck
from emocli.robust.check.settings import configure
from emocli.robust.representation import Flags, Representation, present
from tests.robust.latent import DIMS, Rows, clips, corrupted, padded

TRAIN, VALID, TEST = clips(240, 1), clips(90, 2), clips(150, 3)


def contaminated(rows: Rows, shares: dict[str, float], **noise: object) -> tuple[Rows, Flags]:
    """Put a share of each modality under noise; tell which clips, shape (n,) by modality."""
    rng = np.random.default_rng(9)
    n = len(next(iter(rows.values())))
    bad = {m: rng.permutation(n) < share * n for m, share in shares.items()}
    mixed = dict(rows)
    for m, flags in bad.items():
        noisy = corrupted(rows, m, **noise)[m]  # type: ignore[arg-type]
        mixed[m] = [noisy[k] if flags[k] else rows[m][k] for k in range(n)]
    return mixed, bad


def fit(train: Rows, valid: Rows, **settings: object) -> ModalityCheck:
    config = configure("plus", {"check": {"fit_on": "as_given", **settings}})
    return ModalityCheck.fit(padded(train), padded(valid), config)


def inliers(train: Rows, valid: Rows) -> tuple[dict[str, Flags], dict[str, Flags]]:
    views = padded(train), padded(valid)
    lengths = {m: view.lengths.numpy() for m, view in views[0].items()}
    representation = Representation.of(lengths)
    rows, held = (representation(v) for v in views)
    return screened(rows, held, representation, 100)


def not_trusted(check: ModalityCheck, rows: Rows) -> dict[str, float]:
    return {m: float(1 - kept.mean()) for m, kept in check.effective(padded(rows)).items()}


# -- the screening


@pytest.mark.parametrize("share", [0.1, 0.3, 0.45])
def test_what_is_noisy_in_a_minority_of_one_modality_does_not_pass(share: float) -> None:
    train, bad = contaminated(TRAIN, {"audio": share})
    valid, held = contaminated(VALID, {"audio": share})
    for flags, truth in zip(inliers(train, valid), (bad, held), strict=True):
        assert not flags["audio"][truth["audio"]].any()
        assert flags["audio"][~truth["audio"]].mean() >= 0.9
        assert min(flags["text"].mean(), flags["visual"].mean()) >= 0.95


@pytest.mark.parametrize("share", [0.0, 0.45, 0.55, 0.75, 0.95])
def test_noise_in_a_majority_is_detected(share: float) -> None:
    train, _ = contaminated(TRAIN, {"audio": share})
    view = padded(train)["audio"]
    representation = Representation.of({"audio": view.lengths.numpy()})
    rows = representation({"audio": view})
    splits = deal(rows, representation), np.zeros(0, np.int64)
    screen = ModalityScreen.of(rows["audio"], rows["audio"][:0], splits, representation, 100)
    assert screen.inverted == (share > 0.5)


def test_it_says_so() -> None:
    train, _ = contaminated(TRAIN, {"audio": 0.75})
    with pytest.warns(EmocliWarning, match="the audio of more than half of the training clips"):
        inliers(train, VALID)


def test_of_clean_clips_few_are_left_out() -> None:
    for flags in inliers(TRAIN, VALID):
        assert min(kept.mean() for kept in flags.values()) >= 0.9


def test_dead_sensors_do_not_pass_either() -> None:
    dead = {k: np.zeros_like(row) for k, row in enumerate(TRAIN["audio"]) if k % 4 == 0}
    train = {**TRAIN, "audio": [dead.get(k, row) for k, row in enumerate(TRAIN["audio"])]}
    flags, _ = inliers(train, VALID)
    assert not flags["audio"][::4].any()
    assert flags["audio"].sum() >= 0.9 * (len(TRAIN["audio"]) - len(dead))


def test_the_order_of_clips_has_no_part_in_it() -> None:
    train, _ = contaminated(TRAIN, {"audio": 0.3, "text": 0.2})
    order = np.random.default_rng(0).permutation(len(TRAIN["text"]))
    first, _ = inliers(train, VALID)
    again, _ = inliers(train, VALID)
    turned, _ = inliers({m: [rows[k] for k in order] for m, rows in train.items()}, VALID)
    for m in DIMS:
        assert np.array_equal(first[m], again[m])
        assert np.array_equal(first[m][order], turned[m])


def test_missing_modalities_do_not_pass_and_few_clips_all_do() -> None:
    few = {m: rows[:12] for m, rows in TRAIN.items()}
    few["audio"] = [few["audio"][0][:0], *few["audio"][1:]]
    flags, held = inliers(few, VALID)
    assert not flags["audio"][0]
    assert sum(int(kept.sum()) for kept in flags.values()) == 3 * 12 - 1
    assert all(kept.all() for kept in held.values())


def test_a_check_of_few_clips_says_that_it_screened_none() -> None:
    few, held = ({m: rows[:15] for m, rows in split.items()} for split in (TRAIN, VALID))
    check = fit(few, held)
    assert (
        check.fit_warnings()[0] == "15 training clips do not tell which are corrupted: all are used"
    )
    ignoring = fit(few, held, contamination="ignore")
    assert check.limits == ignoring.limits
    assert check.fit_warnings()[1:] == ignoring.fit_warnings()


# -- the mixture


def test_one_group_is_not_parted_and_two_are_at_their_border() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(3, 0.5, 400)
    low, high = Mixture.fit(one).usual_range(one)
    assert low < np.quantile(one, 0.005)
    assert high > np.quantile(one, 0.995)
    both = np.concatenate([one, rng.normal(8, 0.3, 250)])
    low, high = Mixture.fit(both).usual_range(both)
    assert 4.5 < high < 7.5
    assert low < 2
    above = Mixture.fit(-both).usual_range(-both)
    assert above[0] == pytest.approx(-high, abs=0.01)


def test_a_mixture_is_that_of_its_groups() -> None:
    rng = np.random.default_rng(0)
    mixture = Mixture.fit(np.concatenate([rng.normal(0, 1, 700), rng.normal(10, 2, 300)]))
    order = mixture.mean.argsort()
    np.testing.assert_allclose(mixture.share[order], [0.7, 0.3], atol=0.02)
    np.testing.assert_allclose(mixture.mean[order], [0, 10], atol=0.3)
    np.testing.assert_allclose(mixture.std[order], [1, 2], atol=0.2)


# -- the check that comes of it


@pytest.mark.parametrize("share", [0.3, 0.45])
def test_thresholds_stay_near_those_of_a_clean_fit(share: float) -> None:
    clean = ModalityCheck.fit(padded(TRAIN), padded(VALID), configure("plus", {}))
    train, bad = contaminated(TRAIN, {"audio": share})
    valid, _ = contaminated(VALID, {"audio": share})
    robust = fit(train, valid)
    ignoring = fit(train, valid, contamination="ignore")
    for m in DIMS:
        assert robust.limits[m] == pytest.approx(clean.limits[m], rel=0.5)
    noisy = corrupted(TEST, "audio")
    result, unscreened = not_trusted(robust, noisy), not_trusted(ignoring, noisy)
    assert result["audio"] >= 0.95
    assert max(result["text"], result["visual"]) <= 0.05
    assert max(not_trusted(robust, TEST).values()) <= 0.05
    assert sum(not_trusted(ignoring, TEST).values()) + 1 - unscreened["audio"] > 0.2
    assert robust.left_out["audio"] == pytest.approx(bad["audio"].sum(), abs=12)


def test_without_contamination_it_agrees_with_a_clean_fit() -> None:
    clean = ModalityCheck.fit(padded(TRAIN), padded(VALID), configure("plus", {}))
    robust = fit(TRAIN, VALID)
    for rows in (TEST, corrupted(TEST, "text")):
        before, after = clean.effective(padded(rows)), robust.effective(padded(rows))
        assert np.mean([before[m] != after[m] for m in DIMS]) <= 0.02


def test_a_fit_on_clean_clips_screens_nothing() -> None:
    settings = [{"contamination": c} for c in ("ignore", "screen")]
    checks = [
        ModalityCheck.fit(padded(TRAIN), padded(VALID), configure("plus", {"check": each}))
        for each in settings
    ]
    assert checks[0].limits == checks[1].limits
    assert checks[0].left_out == checks[1].left_out == {}


def test_steps_are_screened_by_clip() -> None:
    train, _ = contaminated(TRAIN, {"audio": 0.3})
    valid, _ = contaminated(VALID, {"audio": 0.3})
    check = fit(train, valid, representation="step")
    assert not_trusted(check, corrupted(TEST, "audio"))["audio"] >= 0.95
    assert max(not_trusted(check, TEST).values()) <= 0.05


def test_what_was_left_out_comes_along(tmp_path) -> None:
    train, _ = contaminated(TRAIN, {"audio": 0.3})
    check = fit(train, VALID)
    save_check(check, tmp_path / "check.h5")
    loaded = load_check(tmp_path / "check.h5")
    assert loaded.left_out == check.left_out
    assert loaded.config == check.config
    assert loaded.config.screens


def test_only_what_is_given_is_kept() -> None:
    view = Padded.from_rows(TRAIN["audio"][:4])
    representation = Representation.of({"audio": view.lengths.numpy()})
    rows = representation({"audio": view})["audio"]
    kept = representation.kept(rows, np.array([True, False, True, False]))
    assert present(kept).tolist() == [True, False, True, False]
    np.testing.assert_array_equal(kept[::2], rows[::2])


def test_a_majority_of_dead_sensors_is_not_usual() -> None:
    """What most clips hold is nothing: the check is fitted on the others, and says how many."""
    dead = [k % 3 > 0 for k in range(len(TRAIN["audio"]))]
    shown = list(zip(TRAIN["audio"], dead, strict=True))
    check, lacking = (
        fit({**TRAIN, "audio": audio}, VALID)
        for audio in (
            [np.full_like(row, 0.7) if bad else row for row, bad in shown],
            [row[:0] if bad else row for row, bad in shown],
        )
    )
    assert check.left_out["audio"] == lacking.left_out.get("audio", 0) + sum(dead)
    assert check.limits == lacking.limits
    assert np.array_equal(check.reductions["audio"].mean, lacking.reductions["audio"].mean)


def test_where_no_clip_that_passes_varies_it_says_so() -> None:
    constant = [np.full_like(row[:1], 0.7) for row in TRAIN["audio"]]
    with pytest.raises(UnfittableError, match="same in every training clip that passes the screen"):
        fit({**TRAIN, "audio": constant}, VALID)
