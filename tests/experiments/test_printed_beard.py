"""Values of Beard et al. 2018, typed from the paper, not from the experiments."""

from __future__ import annotations

import pytest

from tests.experiments.printed import printed, row, table

# Table 1, CREMA-D: "COVAREP Features + LSTM Decoder, Audio, 41.5"; "OpenFace Features + LSTM
# Decoder, Vision, 52.5"; "(OpenFace features + LSTM) + (COVAREP Features + LSTM) + Dual Attention,
# Vision+Audio, 65.0". Section 4: gating was compared "with the GCA system on CMU-MOSEI data".
# "Human performance": Audio 40.9, Vision 58.2, Vision+Audio 63.6.
T1 = {"A": ("unimodal", 41.5), "V": ("unimodal", 52.5), "A + V, GCA": ("gca", 65.0)}
HUMAN = {"human, A": ("", 40.9), "human, V": ("", 58.2), "human, A + V": ("", 63.6)}


# Table 2, RAVDESS, columns Modality, Feature, Encoder, Attention, Accuracy: "Audio COVAREP LSTM Nil
# 41.25"; "Vision OpenFace LSTM Nil 52.08"; "Audio + Vision COVAREP, OpenFace LSTM GCA 58.33".
T2 = {"audio": ("unimodal", 41.25), "vision": ("unimodal", 52.08), "GCA": ("gca", 58.33)}


# Table 3, CMU-MOSEI, columns Modality, Attention/Fusion, Corruption, MSE, MAE, WA. Section 4:
# errors "summing across 6 classes", "an acceptance threshold 0.1 ... and weighted accuracy".
T3 = """
T           |unimodal|clean|0.6326|0.9830|0.5485
A           |unimodal|clean|0.6049|1.0562|0.5249
V           |unimodal|clean|0.5026|0.9909|0.5476
early       |early   |clean|0.5319|0.7694|0.5188
late        |late    |clean|0.5047|0.9825|0.5889
GCA         |gca     |clean|0.4696|0.9412|0.6163
GCA         |gca     |noise|0.5034|0.9920|0.6068
GCA + gating|rrnn    |clean|0.4691|0.8705|0.5765
GCA + gating|rrnn    |noise|0.4742|0.8857|0.5688
"""


@pytest.mark.parametrize(("name", "expected"), [("rrnn_t1", {**T1, **HUMAN}), ("rrnn_t2", T2)])
def test_accuracies_of_beard_are_of_attention_without_gates(
    name: str, expected: dict[str, tuple[str, float]]
) -> None:
    experiment = table(name, corpus={"rrnn_t1": "cremad", "rrnn_t2": "ravdess"}[name])
    assert printed(experiment) == {
        (row, "clean", "accuracy"): pytest.approx(percent / 100)
        for row, (_, percent) in expected.items()
    }
    assert all(row(experiment, each).fusion == fusion for each, (fusion, _) in expected.items())
    assert any(r.fusion == "rrnn" and not r.printed for r in experiment.rows)
    assert experiment.task == "single"


def test_human_performance_is_quoted_and_no_system() -> None:
    experiment = table("rrnn_t1", corpus="cremad")
    assert {r.name for r in experiment.rows if r.cited} == {*HUMAN}
    assert not {n for pair in experiment.comparisons for n in pair} & {*HUMAN}


def test_errors_and_weighted_accuracies_of_beard() -> None:
    result, expected = table("rrnn_t3", corpus="mosei"), {}
    for line in T3.strip().splitlines():
        name, fusion, condition, *values = (part.strip() for part in line.split("|"))
        assert row(result, name).fusion == fusion
        for metric, value in zip(("mse_sum", "mae_sum", "uar"), values, strict=True):
            expected[name, condition, metric] = float(value)
    assert printed(result) == expected
    assert result.task == "intensity"
    noisy = row(result, "GCA").conditions[1]
    assert [spec.subject for spec in noisy.corrupt] == ["visual"]


# Section 4: "we evaluated a naive classifier predicting the test-set empirical mean intensities
# (with MSE loss function)"; "for other loss functions by training a model with just one parameter
# per output dimension on that loss, where the model has an access to the training labels". No table
# has values of them.
@pytest.mark.parametrize(
    ("name", "constants"),
    [
        ("rrnn_t1", {"prior": "prior", "test-label prior": "test_prior"}),
        ("rrnn_t2", {"prior": "prior", "test-label prior": "test_prior"}),
        (
            "rrnn_t3",
            {"mean": "prior", "median": "median", "test-label mean": "test_prior"},
        ),
    ],
)
def test_constants_of_beard_have_no_printed_values_and_what_sees_test_labels_is_no_rival(
    name: str, constants: dict[str, str]
) -> None:
    experiment = table(name)
    rows = {r.name: r for r in experiment.rows}
    assert {n: rows[n].baseline for n in constants} == constants
    assert not any(rows[n].printed for n in constants)
    (peeking,) = (n for n, r in rows.items() if r.baseline == "test_prior")
    assert peeking not in {n for pair in experiment.comparisons for n in pair}
    assert any(note.startswith("test-label mean or prior: ") for note in experiment.notes)
