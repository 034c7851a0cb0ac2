from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from emocli.data.batch import Padded
from emocli.errors import StoreError
from emocli.robust.check.io import save_check
from emocli.robust.check.model import ModalityCheck
from emocli.robust.check.settings import CheckConfig, configure
from emocli.robust.discard import discard
from tests.robust.check.fitted import LLR, TEST, TRAIN, VALID, fit, flagged, replace_
from tests.robust.latent import DIMS, Rows, clips, corrupted, padded

# -- what it finds


@pytest.mark.parametrize("modality", DIMS)
@pytest.mark.parametrize("tau", ["quantile", "youden"])
def test_one_noisy_modality_of_three_is_detected_and_the_others_are_trusted(
    modality: str, tau: str
) -> None:
    shares = flagged(fit(replace_(LLR, tau=tau)), corrupted(TEST, modality))
    assert shares.pop(modality) >= 0.9
    assert max(shares.values()) <= 0.1


@pytest.mark.parametrize("modality", DIMS)
def test_the_paper_s_score_trusts_the_noisy_modality_less_than_the_others(
    paper: ModalityCheck, modality: str
) -> None:
    shares = flagged(paper, corrupted(TEST, modality))
    assert shares.pop(modality) >= 0.4
    assert max(shares.values()) <= 0.1


@pytest.mark.parametrize("modality", DIMS)
def test_steps_that_are_compared_one_by_one_find_it_too(step: ModalityCheck, modality: str) -> None:
    shares = flagged(step, corrupted(TEST, modality))
    assert shares.pop(modality) >= 0.9
    assert max(shares.values()) <= 0.1
    assert max(flagged(step, TEST).values()) <= 0.1


def test_few_clean_clips_are_flagged(llr: ModalityCheck, paper: ModalityCheck) -> None:
    for check in (llr, paper):
        assert max(flagged(check, TEST).values()) <= 0.05


def test_modalities_of_other_rates_are_compared_too() -> None:
    train, valid, test = (clips(n, k, aligned=False) for k, n in enumerate((500, 200, 300)))
    check = fit(LLR, train, valid)
    assert not check.representation.padded
    shares = flagged(check, corrupted(test, "audio"))
    assert shares.pop("audio") >= 0.9
    assert max(shares.values()) <= 0.1


def test_a_shuffled_modality_has_ordinary_values_yet_is_found(llr: ModalityCheck) -> None:
    moved = {**TEST, "text": [*TEST["text"][1:], TEST["text"][0]]}
    shares = flagged(llr, moved)
    assert shares.pop("text") >= 0.9
    assert max(shares.values()) <= 0.1


@pytest.mark.parametrize("score", ["pearson", "cosine"])
def test_independent_content_of_shared_lengths_does_not_correlate(score: str) -> None:
    """Padding is common to all modalities; it must not look like agreement."""
    drawn = [clips(n, k, shared=0) for k, n in enumerate((1500, 200, 300))]
    raw = [{m: [row + 5 for row in rows] for m, rows in part.items()} for part in drawn]
    known = {m: np.concatenate(rows) for m, rows in raw[0].items()}
    usual = {m: (rows.mean(0), rows.std(0)) for m, rows in known.items()}
    standard = [
        {m: [(row - usual[m][0]) / usual[m][1] for row in rows] for m, rows in part.items()}
        for part in raw
    ]
    config = CheckConfig(score=score)
    for rho in fit(config, standard[0], standard[1]).scores(padded(standard[2])).values():
        assert abs(rho.mean()) < 3 / np.sqrt(len(rho) * 20)
    # The trap itself, so that the assertion above is known to be able to fail.
    for rho in fit(config, raw[0], raw[1]).scores(padded(raw[2])).values():
        assert rho.mean() > 0.1


def test_rho_is_the_correlation_of_the_projected_vectors(paper: ModalityCheck) -> None:
    views = padded({m: rows[:5] for m, rows in TEST.items()})
    rho = paper.scores(views)["audio", "text"]
    cca = paper.pairs["audio", "text"].cca
    rows = paper.representation(views)
    for k in range(5):
        z = cca.transform_x(paper.reductions["audio"].scores(rows["audio"][k : k + 1]))[0]
        w = cca.transform_y(paper.reductions["text"].scores(rows["text"][k : k + 1]))[0]
        assert rho[k] == pytest.approx(np.corrcoef(z, w)[0, 1])


def test_the_score_of_a_clip_is_the_mean_over_its_steps(step: ModalityCheck) -> None:
    whole = {m: rows[:6] for m, rows in TEST.items()}
    scores = step.scores(padded(whole))["audio", "text"]
    unusual = step.anomaly(padded(whole))
    for k in range(6):
        steps = {m: [row[None] for row in rows[k]] for m, rows in whole.items()}
        alone = step.scores(padded(steps))["audio", "text"]
        assert len(alone) == len(whole["text"][k])
        assert scores[k] == pytest.approx(alone.mean())
    assert all(len(result) == 6 for result in unusual.values())
    pairs = step.pairs.values()
    assert {(pair.n_train, pair.n_valid) for pair in pairs} == {(500, 200)}


# -- what is unusual by itself

PLUS = configure("plus", {})


@pytest.mark.parametrize("modality", DIMS)
def test_noise_that_agreement_alone_would_miss_is_unusual(modality: str) -> None:
    """Too few clips to learn what agrees: the improved check still finds strong noise."""
    train, valid = clips(40, 1), clips(20, 2)
    shares = flagged(fit(PLUS, train, valid), corrupted(TEST, modality))
    assert shares.pop(modality) >= 0.9
    assert max(shares.values()) <= 0.1
    alone = flagged(fit(replace_(PLUS, outliers="none"), train, valid), corrupted(TEST, modality))
    assert alone != {modality: 1.0, **dict.fromkeys(shares, 0.0)}


def test_a_dead_sensor_is_unusual() -> None:
    dead = {**TEST, "audio": [np.zeros_like(row) for row in TEST["audio"]]}
    assert flagged(fit(PLUS), dead)["audio"] >= 0.9


@pytest.mark.parametrize("n", [40, 500])
def test_the_clips_it_was_fitted_on_are_not_unusual(n: int) -> None:
    """Of few clips the components explain everything: nothing is left over in any of them."""
    train = clips(n, 1)
    check = fit(PLUS, train, clips(30, 2))
    assert max(flagged(check, train).values()) <= 0.1
    shares = flagged(check, corrupted(train, "audio"))
    assert shares.pop("audio") >= 0.9
    assert max(shares.values()) <= 0.1


def test_few_clean_clips_are_unusual() -> None:
    for kind in ("quantile", "youden"):
        check = fit(replace_(PLUS, outliers=kind))
        assert max(flagged(check, TEST).values()) <= 0.1
        limits = check.limits
        unusual = check.anomaly(padded(VALID))
        share = {m: float((x > limits[m]).mean()) for m, x in unusual.items()}
        assert max(share.values()) == pytest.approx(0.05 if kind == "quantile" else 0, abs=0.006)


def test_what_is_unusual_has_no_say_and_the_two_others_are_believed() -> None:
    check = fit(PLUS)
    moved = {**TEST, "text": [*TEST["text"][1:], TEST["text"][0]]}
    flags = check.effective(padded(corrupted(moved, "audio")))
    assert not flags["audio"].any()
    assert flags["text"].all()  # who of the two is wrong cannot be told
    assert flags["visual"].all()
    dims = {**DIMS, "touch": 15}
    four = [clips(n, k, dims) for n, k in ((500, 1), (200, 2), (200, 3))]
    wrong = {**four[2], "text": [*four[2]["text"][1:], four[2]["text"][0]]}
    shares = flagged(fit(PLUS, four[0], four[1]), corrupted(wrong, "audio"))
    assert min(shares["audio"], shares["text"]) >= 0.75  # three can outvote one
    assert max(shares["visual"], shares["touch"]) <= 0.1


# -- when everything is flagged


@pytest.mark.parametrize("modality", ["audio", "text"])
@pytest.mark.parametrize("name", ["gaussian", "zero"])
def test_of_two_that_disagree_the_less_unusual_is_kept(modality: str, name: str) -> None:
    two = [{m: rows[m] for m in ("audio", "text")} for rows in (TRAIN, VALID, TEST)]
    shares = flagged(fit(LLR, two[0], two[1]), corrupted(two[2], modality, name))
    assert shares.pop(modality) >= 0.9
    assert max(shares.values()) <= 0.1


def test_the_choices_when_everything_is_flagged() -> None:
    strict = CheckConfig(tau="fixed", threshold=1.0)
    kept = {
        choice: fit(replace_(strict, all_flagged=choice)).effective(padded(TEST))
        for choice in ("keep_best", "keep_all", "zero_all")
    }
    counts = {choice: np.sum(list(flags.values()), axis=0) for choice, flags in kept.items()}
    assert (counts["keep_best"] == 1).all()
    assert (counts["keep_all"] == 3).all()
    assert not counts["zero_all"].any()


def test_keep_best_takes_the_least_unusual() -> None:
    check = fit(CheckConfig(tau="fixed", threshold=1.0))
    views = padded(TEST)
    unusual = check.anomaly(views)
    least = np.stack(list(unusual.values())).argmin(axis=0)
    for index, modality in enumerate(unusual):
        np.testing.assert_array_equal(check.effective(views)[modality], least == index)


# -- what does not matter


def test_the_batch_a_clip_is_in_does_not_matter(llr: ModalityCheck) -> None:
    whole = llr.scores(padded(TEST))
    for k in range(20):
        alone = llr.scores(padded({m: rows[k : k + 1] for m, rows in TEST.items()}))
        for pair, rho in alone.items():
            assert rho[0] == pytest.approx(whole[pair][k], rel=1e-9)


def test_fitting_in_batches_is_fitting_at_once(llr: ModalityCheck) -> None:
    def parts(rows: Rows) -> list[dict[str, Padded]]:
        n = len(next(iter(rows.values())))
        return [padded({m: r[k : k + 64] for m, r in rows.items()}) for k in range(0, n, 64)]

    lengths = {m: np.array([len(row) for row in rows]) for m, rows in TRAIN.items()}
    batched = ModalityCheck.fit_batches(parts(TRAIN), parts(VALID), lengths, LLR)
    for pair, known in llr.pairs.items():
        assert batched.pairs[pair].tau == pytest.approx(known.tau, rel=1e-5)
        assert (batched.pairs[pair].n_train, batched.pairs[pair].n_valid) == (500, 200)
    for modality, kept in llr.effective(padded(TEST)).items():
        np.testing.assert_array_equal(batched.effective(padded(TEST))[modality], kept)


@pytest.mark.parametrize("tau", ["quantile", "youden"])
def test_the_order_of_the_clips_does_not_matter(tau: str) -> None:
    config = replace_(LLR, tau=tau, outliers="youden", components=5)
    order = np.random.default_rng(0).permutation(60)
    first, second = (
        fit(config, TRAIN, {m: [rows[i] for i in chosen] for m, rows in VALID.items()})
        for chosen in (range(60), order)
    )
    assert first.limits == pytest.approx(second.limits, rel=1e-9)
    taus = [[pair.tau for pair in check.pairs.values()] for check in (first, second)]
    assert taus[0] == pytest.approx(taus[1], rel=1e-6)


def test_the_order_of_the_modalities_does_not_matter(llr: ModalityCheck) -> None:
    turned = {m: TEST[m] for m in reversed(TEST)}
    first, second = llr.effective(padded(TEST)), llr.effective(padded(turned))
    assert all((first[m] == second[m]).all() for m in first)


def test_the_fit_can_be_repeated_to_the_bit(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        save_check(fit(configure("plus", {})), tmp_path / name)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_clips_that_lack_a_modality_help_where_they_can() -> None:
    gaps = {m: list(rows) for m, rows in TRAIN.items()}
    for k in range(0, 500, 4):
        gaps["visual"][k] = gaps["visual"][k][:0]
    check = fit(LLR, gaps)
    assert [pair.n_train for pair in check.pairs.values()] == [500, 375, 375]
    assert flagged(check, corrupted(TEST, "visual"))["visual"] >= 0.9


def test_any_number_of_modalities() -> None:
    dims = {**DIMS, "touch": 15, "gaze": 12}
    check = fit(LLR, clips(500, 1, dims), clips(200, 2, dims))
    assert len(check.pairs) == 10
    assert ("gaze", "touch") in check.pairs
    shares = flagged(check, corrupted(clips(200, 3, dims), "gaze"))
    assert shares.pop("gaze") >= 0.9
    assert max(shares.values()) <= 0.1
    fewer = {m: rows for m, rows in clips(200, 3, dims).items() if m in ("gaze", "text", "touch")}
    assert set(check.effective(padded(fewer))) == {"gaze", "text", "touch"}


# -- eq. 1 applied


def test_what_is_ineffective_is_zeroed_and_the_rest_stays_to_the_bit() -> None:
    views = padded({m: rows[:4] for m, rows in TEST.items()})
    kept = {m: np.ones(4, bool) for m in views}
    kept["audio"][1] = kept["audio"][3] = False
    after = discard(views, kept)
    assert after["text"] is views["text"]
    assert not after["audio"].values[[1, 3]].any()
    assert torch.equal(after["audio"].values[[0, 2]], views["audio"].values[[0, 2]])
    assert torch.equal(after["audio"].mask, views["audio"].mask)
    assert views["audio"].values[1].any()


def test_what_is_not_a_number_is_zeroed_too() -> None:
    views = {"text": Padded.from_rows([np.full((2, 3), np.nan)])}
    assert not discard(views, {"text": np.array([False])})["text"].values.any()


# -- mistakes


def test_what_cannot_be_fitted_is_refused() -> None:
    def refused(train: Rows, message: str, valid: Rows = VALID) -> None:
        with pytest.raises(StoreError, match=message):
            fit(CheckConfig(), train, valid)

    refused({"text": TRAIN["text"]}, "needs two modalities, there is text")
    refused({m: rows[:3] for m, rows in TRAIN.items()}, "3 training clips have modality 'audio'")
    refused({**TRAIN, "text": [0 * row for row in TRAIN["text"]]}, "'text' is the same in every")
    apart = {m: list(rows) for m, rows in TRAIN.items()}
    for k in range(500):
        gone = "text" if k % 2 else "visual"
        apart[gone][k] = apart[gone][k][:0]
    refused(apart, "0 training clips have both 'text' and 'visual'")
    none = {**VALID, "text": [row[:0] for row in VALID["text"]]}
    refused(TRAIN, "no validation clip has both 'audio' and 'text'", none)


def test_other_features_are_refused(llr: ModalityCheck) -> None:
    with pytest.raises(StoreError, match="knows audio, text, visual, not 'smell'"):
        llr.effective(padded({"smell": TEST["text"]}))
    wider = {**TEST, "text": [np.hstack([row, row]) for row in TEST["text"]]}
    with pytest.raises(StoreError, match="text vectors of 320 numbers, not 640"):
        llr.effective(padded(wider))


def test_doubts_are_spoken_out(llr: ModalityCheck) -> None:
    assert llr.fit_warnings() == ()
    two = fit(LLR, *({m: rows[m][:9] for m in ("audio", "text")} for rows in (TRAIN, VALID)))
    assert [line.split(":")[0] for line in two.fit_warnings()] == [
        "two modalities that disagree do not tell which of them is bad",
        "audio and text",
        "audio and text",
    ]


# -- real features


def mosi(folder: Path) -> list[Rows]:
    """CMU-MOSI's vectors, standardised: train, and the valid fold in two halves."""
    import csv

    with (folder / "labels.csv").open(encoding="utf-8") as file:
        table = [(row["id"], row["split"]) for row in csv.DictReader(file)]
    train = [clip for clip, split in table if split == "train"]
    valid = [clip for clip, split in table if split == "valid"]
    parts: list[dict[str, list[np.ndarray]]] = [{}, {}, {}]
    for modality in ("text", "audio", "visual"):
        with np.load(folder / f"{modality}.npz", allow_pickle=False) as archive:
            ids, at, values = archive["ids"], archive["offsets"], archive["values"]
        values = np.nan_to_num(values)
        arrays = {str(i): values[at[k] : at[k + 1]] for k, i in enumerate(ids)}
        known = np.concatenate([arrays[i] for i in train])
        spread = np.where(known.std(0) > 0, known.std(0), 1)
        for part, chosen in zip(parts, (train, valid[::2], valid[1::2]), strict=True):
            part[modality] = [(arrays[i] - known.mean(0)) / spread for i in chosen]
    return list(parts)


@pytest.mark.parametrize("tau", ["quantile", "youden"])
def test_on_real_vectors_the_likelihood_ratio_finds_the_noise(shared_data: Path, tau: str) -> None:
    train, valid, test = mosi(shared_data / "mosi")
    check = fit(replace_(LLR, tau=tau), train, valid)
    assert max(flagged(check, test).values()) <= 0.1
    for modality in test:
        shares = flagged(check, corrupted(test, modality))
        assert shares.pop(modality) >= 0.9
        assert max(shares.values()) <= 0.1
