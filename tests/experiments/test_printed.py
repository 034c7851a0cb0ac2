"""Every figure of a paper stands beside the system, the condition and the metric it is printed for.

The figures here are typed from the papers, not from the experiments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emocli import plugins
from emocli.config import build
from emocli.metrics.metrics import DEFINITIONS, score
from emocli.plugin.experiment import Row, Table


def table(name: str, **settings: Any) -> Table:
    module = plugins.load("experiments", name)
    made: Table = module.table(build(module.Config, settings, "experiment"))
    return made


def printed(made: Table) -> dict[tuple[str, str, str], float]:
    """Row, condition and metric to the figure that is shown in brackets."""
    return {
        (row.name, condition, metric): value
        for row in made.rows
        for condition, metrics in row.printed.items()
        for metric, value in metrics.items()
    }


def row(made: Table, name: str) -> Row:
    return next(each for each in made.rows if each.name == name)


# -- Beard et al. 2018

# Table 1, CREMA-D: "COVAREP Features + LSTM Decoder, Audio, 41.5"; "OpenFace Features + LSTM
# Decoder, Vision, 52.5"; "(OpenFace features + LSTM) + (COVAREP Features + LSTM) + Dual Attention,
# Vision+Audio, 65.0". Section 4: gating was compared "with the GCA system on CMU-MOSEI data".
T1 = {"A": ("unimodal", 41.5), "V": ("unimodal", 52.5), "A + V, GCA": ("gca", 65.0)}

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


@pytest.mark.parametrize(("name", "figures"), [("rrnn_t1", T1), ("rrnn_t2", T2)])
def test_accuracies_of_beard_are_of_attention_without_gates(
    name: str, figures: dict[str, tuple[str, float]]
) -> None:
    made = table(name)
    assert printed(made) == {
        (row, "clean", "accuracy"): pytest.approx(percent / 100)
        for row, (_, percent) in figures.items()
    }
    assert all(row(made, each).fusion == fusion for each, (fusion, _) in figures.items())
    assert any(r.fusion == "rrnn" and not r.printed for r in made.rows)
    assert made.task == "single"


def test_errors_and_weighted_accuracies_of_beard() -> None:
    made, expected = table("rrnn_t3"), {}
    for line in T3.strip().splitlines():
        name, fusion, condition, *values = (part.strip() for part in line.split("|"))
        assert row(made, name).fusion == fusion
        for metric, value in zip(("mse_sum", "mae_sum", "uar"), values, strict=True):
            expected[name, condition, metric] = float(value)
    assert printed(made) == expected
    assert made.task == "intensity"
    noisy = row(made, "GCA").conditions[1]
    assert [spec.partition(":")[0] for spec in noisy.corrupt] == ["visual"]


# Section 4: "we evaluated a naive classifier predicting the test-set empirical mean intensities
# (with MSE loss function)"; "for other loss functions by training a model with just one parameter
# per output dimension on that loss, where the model has an access to the training labels". No table
# has figures of them.
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
def test_constants_of_beard_have_no_figures_and_what_sees_test_labels_is_no_rival(
    name: str, constants: dict[str, str]
) -> None:
    made = table(name)
    rows = {r.name: r for r in made.rows}
    assert {n: rows[n].baseline for n in constants} == constants
    assert not any(rows[n].printed for n in constants)
    (peeking,) = (n for n, r in rows.items() if r.baseline == "test_prior")
    assert peeking not in {n for pair in made.comparisons for n in pair}
    assert any(note.startswith("test-label mean or prior: ") for note in made.notes)


# Section 3.4: "increasing tau yields meaningful performance gains (up to tau = 3)"; section 3.2:
# "similar results were also obtained with the concatenative approach": no figures. Figure 4 has an
# axis without numbers. Of beta, tau, the fused vector and the gradient Mittal et al. print none.
@pytest.mark.parametrize("name", ["rrnn_hops", "rrnn_fig4", "m3er_sweep"])
def test_what_no_paper_prints_is_in_no_bracket(name: str) -> None:
    assert not printed(table(name))
    assert plugins.describe("experiments", name).source


# -- Mittal et al. 2020, Table 2, columns "Overall": F1, MA of IEMOCAP; F1, MA of CMU-MOSEI

M3ER = """
    original loss          |clean|0.751 76.6|0.878 82.3
    M3ER                   |clean|0.824 82.7|0.902 89.0
    noisy                  |noisy|0.706 71.6|0.764 75.6
    noisy, check           |noisy|0.741 75.1|0.783 80.9
    noisy, check and proxy |noisy|0.761 78.2|0.856 85.0
"""


@pytest.mark.parametrize("corpus", ["iemocap", "mosei"])
def test_overall_figures_of_mittal_are_means_of_binary_ones(corpus: str) -> None:
    expected = {}
    for line in M3ER.strip().splitlines():
        name, condition, *pairs = (part.strip() for part in line.split("|"))
        f1, accuracy = pairs[corpus == "mosei"].split()
        expected[name, condition, "binary_f1"] = pytest.approx(float(f1))
        expected[name, condition, "binary_accuracy"] = pytest.approx(float(accuracy) / 100)
    made = table("m3er_t2", printed=corpus)
    assert printed(made) == expected
    assert set(made.figures) >= {"binary_f1", "binary_accuracy"}


def test_the_mean_of_binary_accuracies_is_not_the_accuracy() -> None:
    """Table 2's "Overall" MA is the mean of its row: (80.6 + 76.9 + 68.0 + 80.8) / 4 = 76.6."""
    assert np.mean([80.6, 76.9, 68.0, 80.8]) == pytest.approx(76.6, abs=0.05)
    rng = np.random.default_rng(3)
    targets = rng.integers(0, 4, 200)
    chosen = np.where(rng.random(200) < 0.675, targets, rng.integers(0, 4, 200))
    found = score("single", targets, np.eye(4)[chosen], "abcd").overall
    accuracies, scores = [], []
    for k in range(4):
        here, said = targets == k, chosen == k
        accuracies.append((here == said).mean())
        f1 = [2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in ((here, said), (~here, ~said))]
        scores.append((here.sum() * f1[0] + (~here).sum() * f1[1]) / 200)
    assert found["binary_accuracy"] == pytest.approx(np.mean(accuracies))
    assert found["binary_f1"] == pytest.approx(np.mean(scores))
    # Each wrong clip is an error of two classes.
    assert found["binary_accuracy"] == pytest.approx(1 - 2 * (1 - found["accuracy"]) / 4)
    assert found["binary_accuracy"] > found["accuracy"]


@pytest.mark.parametrize("task", ["multi", "intensity"])
def test_of_several_classes_at_once_binary_accuracy_is_the_accuracy(task: Any) -> None:
    rng = np.random.default_rng(0)
    targets, said = rng.integers(0, 2, (30, 3)), rng.random((30, 3))
    found = score(task, targets, said, "abc").overall
    assert found["binary_accuracy"] == pytest.approx(found["accuracy"])
    assert found["binary_f1"] == pytest.approx(found["weighted_f1"])


# -- Chudasama et al. 2022: IEMOCAP accuracy, weighted F1; MELD accuracy, weighted F1

M2F = {
    "m2f_t2": """
        A                 |26.56 21.79|49.04 39.63
        V                 |20.39 13.10|45.63 32.44
        V + A, concat     |35.12 31.35|48.35 35.74
        T                 |66.30 66.20|67.24 66.23
        T + A, concat     |66.52 66.48|67.80 66.32
        T + V, concat     |66.64 66.67|67.81 66.35
        T + V + A, concat |67.16 67.12|67.28 66.81
        T + V + A, fusion |69.69 69.86|67.85 66.71
    """,
    "m2f_t3": """
        scene                    |67.65 67.70|65.23 64.23
        weighted faces           |67.32 67.28|66.37 65.67
        scene and weighted faces |69.69 69.86|67.85 66.71
    """,
    "m2f_t4": """
        N = 1 |69.32 69.36|67.85 66.71; N = 2 |69.07 69.21|67.16 65.82
        N = 3 |69.32 69.44|66.86 66.06; N = 4 |69.13 69.22|67.20 66.06
        N = 5 |69.69 69.86|67.47 66.38; N = 6 |69.13 69.26|67.24 65.48
    """,
    "m2f_t5": """
        m = 1 |67.22 67.34|66.63 66.11; m = 2 |68.08 68.19|67.47 66.50
        m = 3 |69.13 69.25|67.47 66.65; m = 4 |69.01 68.95|67.59 66.51
        m = 5 |69.69 69.86|67.85 66.71; m = 6 |68.95 69.08|66.82 65.32
    """,
    # Section 4.4 and Table 7: the figures of the whole network.
    "m2f_fig5": "M2FNet |69.69 69.86|67.85 66.71",
}


@pytest.mark.parametrize("corpus", ["iemocap", "meld"])
@pytest.mark.parametrize("name", list(M2F))
def test_accuracies_and_weighted_f1_of_chudasama(name: str, corpus: str) -> None:
    expected = {}
    for line in M2F[name].strip().replace(";", "\n").splitlines():
        row, *pairs = (part.strip() for part in line.split("|"))
        accuracy, f1 = pairs[corpus == "meld"].split()
        expected[row, "clean", "accuracy"] = pytest.approx(float(accuracy) / 100)
        expected[row, "clean", "weighted_f1"] = pytest.approx(float(f1) / 100)
    made = table(name, corpus=corpus)
    assert printed(made) == expected
    assert made.task == "single"


@pytest.mark.parametrize(("corpus", "layers"), [("iemocap", 5), ("meld", 1)])
@pytest.mark.parametrize("name", list(M2F))
def test_figures_of_chudasama_are_of_as_many_encoders(name: str, corpus: str, layers: int) -> None:
    """Section 4.2: N is "set to 1 and 5 for MELD and IEMOCAP", m to 5."""
    for each in (r for r in table(name, corpus=corpus).rows if r.fusion):
        network = each.settings["network"]
        wanted = int(each.name.removeprefix("N = ")) if name == "m2f_t4" else layers
        assert network.get("layers", 1) == wanted
        assert network.get("fusion_layers", 5) == (
            int(each.name.removeprefix("m = ")) if name == "m2f_t5" else 5
        )
    chosen = table(name, corpus=corpus, layers=3)
    if name != "m2f_t4":
        assert all(r.settings["network"]["layers"] == 3 for r in chosen.rows if r.fusion)


# -- all of them


@pytest.mark.parametrize("name", plugins.names("experiments"))
def test_what_is_printed_is_a_metric_of_the_task_and_a_condition_of_the_row(name: str) -> None:
    module = plugins.load("experiments", name)
    made = module.table(module.Config())
    tasks = [made.task] if made.task else list(DEFINITIONS)
    for row_, condition, metric in printed(made):
        assert metric in made.figures
        assert all(metric in DEFINITIONS[task] for task in tasks)
        assert condition in {c.name for c in row(made, row_).conditions}
