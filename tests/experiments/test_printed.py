"""Every figure of a paper stands beside the system, the condition and the metric it is printed for.

The figures here are typed from the papers, not from the experiments.
"""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from emocli import plugins
from emocli.config import build
from emocli.data.manifest import Task
from emocli.experiments.config import CORPUS, read_table
from emocli.metrics.metrics import DEFINITIONS, score
from emocli.plugin.experiment import Row, Table
from emocli.plugin.robustness import texts


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


@pytest.mark.parametrize(("name", "figures"), [("rrnn_t1", {**T1, **HUMAN}), ("rrnn_t2", T2)])
def test_accuracies_of_beard_are_of_attention_without_gates(
    name: str, figures: dict[str, tuple[str, float]]
) -> None:
    made = table(name, corpus={"rrnn_t1": "cremad", "rrnn_t2": "ravdess"}[name])
    assert printed(made) == {
        (row, "clean", "accuracy"): pytest.approx(percent / 100)
        for row, (_, percent) in figures.items()
    }
    assert all(row(made, each).fusion == fusion for each, (fusion, _) in figures.items())
    assert any(r.fusion == "rrnn" and not r.printed for r in made.rows)
    assert made.task == "single"


def test_human_performance_is_quoted_and_no_system() -> None:
    made = table("rrnn_t1", corpus="cremad")
    assert {r.name for r in made.rows if r.cited} == {*HUMAN}
    assert not {n for pair in made.comparisons for n in pair} & {*HUMAN}


def test_errors_and_weighted_accuracies_of_beard() -> None:
    made, expected = table("rrnn_t3", corpus="mosei"), {}
    for line in T3.strip().splitlines():
        name, fusion, condition, *values = (part.strip() for part in line.split("|"))
        assert row(made, name).fusion == fusion
        for metric, value in zip(("mse_sum", "mae_sum", "uar"), values, strict=True):
            expected[name, condition, metric] = float(value)
    assert printed(made) == expected
    assert made.task == "intensity"
    noisy = row(made, "GCA").conditions[1]
    assert [spec.subject for spec in noisy.corrupt] == ["visual"]


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
@pytest.mark.parametrize("name", ["rrnn_hops", "rrnn_fig4", "m3er_sweep", "m2f_extractor"])
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
    assert set(made.metrics) >= {"binary_f1", "binary_accuracy"}


# Table 2 (a): Angry, Happy, Neutral, Sad; (b): Angry, Disgust, Fear, Happy, Sad, Surprise. F1, MA.
EMOTIONS = {
    "iemocap": """angry happy neutral sad
        original loss          |0.794 80.6|0.750 76.9|0.695 68.0|0.762 80.8
        M3ER                   |0.862 86.8|0.862 81.6|0.745 74.4|0.828 88.1
        noisy                  |0.704 71.6|0.712 70.4|0.673 64.7|0.736 79.8
        noisy, check           |0.742 75.7|0.745 73.7|0.697 66.9|0.778 84.0
        noisy, check and proxy |0.799 82.2|0.743 76.7|0.727 67.5|0.775 86.3
    """,
    "mosei": """anger disgust fear happy sad surprise
original loss          |0.889 79.9|0.945 89.6|0.963 93.1|0.587 55.8|0.926 85.3|0.949 90.0
M3ER                   |0.919 86.3|0.927 92.1|0.904 88.9|0.836 82.1|0.899 89.8|0.952 95.0
noisy                  |0.788 73.3|0.794 80.0|0.843 85.0|0.546 55.7|0.832 79.5|0.795 80.1
noisy, check           |0.785 77.8|0.799 83.2|0.734 77.5|0.740 77.1|0.840 86.0|0.781 83.5
noisy, check and proxy |0.816 81.3|0.844 86.8|0.918 89.4|0.780 75.7|0.873 86.1|0.932 91.3
    """,
}


def printed_by_class(made: Table) -> dict[tuple[str, str, str], float]:
    """Row, metric and class to the figure that is shown in brackets."""
    return {
        (row.name, metric, name): value
        for row in made.rows
        for metric, classes in row.printed_by_class.items()
        for name, value in classes.items()
    }


@pytest.mark.parametrize("corpus", ["iemocap", "mosei"])
def test_figures_of_each_emotion_of_mittal(corpus: str) -> None:
    head, *lines = EMOTIONS[corpus].strip().splitlines()
    expected, overall = {}, {}
    for line in lines:
        name, *pairs = (part.strip() for part in line.split("|"))
        for emotion, pair in zip(head.split(), pairs, strict=True):
            f1, accuracy = map(float, pair.split())
            expected[name, "weighted_f1", emotion] = pytest.approx(f1)
            expected[name, "accuracy", emotion] = pytest.approx(accuracy / 100)
        overall[name] = np.mean([list(map(float, pair.split())) for pair in pairs], axis=0)
    made = table("m3er_t2", printed=corpus)
    assert printed_by_class(made) == expected
    # papers: "Overall" is the plain mean of the row; so each figure stands in the right row.
    for (name, _, metric), value in printed(made).items():
        mean = overall[name][0] if metric == "binary_f1" else overall[name][1] / 100
        assert value == pytest.approx(mean, abs=0.005)
    assert set(made.by_class) >= {"weighted_f1", "accuracy"}


# Table 1, columns Dataset, Method, F1, MA; "Numbers not reported ... are marked with '-'".
LITERATURE = """
    IEMOCAP   |Kim et al. 2013      |-    |72.8
    IEMOCAP   |Majumder et al. 2018 |-    |76.5
    IEMOCAP   |Yoon et al. 2019     |-    |77.6
    IEMOCAP   |M3ER as printed      |0.824|82.7
    CMU-MOSEI |Sahay et al. 2018    |0.668|-
    CMU-MOSEI |Zadeh et al. 2018    |0.763|-
    CMU-MOSEI |Choi et al. 2018     |0.895|-
    CMU-MOSEI |M3ER as printed      |0.902|89.0
"""


@pytest.mark.parametrize("corpus", ["iemocap", "mosei"])
def test_the_literature_beside_mittal(corpus: str) -> None:
    expected = {}
    for line in LITERATURE.strip().splitlines():
        of, name, f1, accuracy = (part.strip() for part in line.split("|"))
        for metric, text, unit in (("binary_f1", f1, 1), ("binary_accuracy", accuracy, 100)):
            if text != "-":
                expected[name, of, metric] = pytest.approx(float(text) / unit)
    own = "IEMOCAP" if corpus == "iemocap" else "CMU-MOSEI"
    metrics = ("binary_f1", "binary_accuracy")
    ours = {("M3ER", "clean", m): expected["M3ER as printed", own, m] for m in metrics}
    made = table("m3er_t1", corpus=corpus)
    assert printed(made) == {**expected, **ours}
    assert {r.name for r in made.rows if r.cited} == {n for n, *_ in expected}
    assert row(made, "M3ER").fusion == "m3er"


@pytest.mark.parametrize("corpus", ["iemocap", "mosei", "other"])
def test_the_network_of_the_figures_has_the_clean_figures_and_no_others(corpus: str) -> None:
    made = table("m3er_figures", corpus=corpus)
    if corpus == "other":
        assert not printed(made)
        assert not printed_by_class(made)
        return
    whole = table("m3er_t1", corpus=corpus)
    ours = {key: value for key, value in printed(whole).items() if key[0] == "M3ER"}
    assert printed(made) == ours
    emotions = table("m3er_t2", printed=corpus)
    known = {key: v for key, v in printed_by_class(emotions).items() if key[0] == "M3ER"}
    assert printed_by_class(made) == known


# Section 5.3: "more than 73% of the samples per class were correctly classified"; "the average
# weight for the face modality dropped by 12%"; section 5.4: "around 0.01% of the L2 norm". They are
# of no metric of a row, and stand in the notes.
def test_what_the_text_says_of_the_figures_is_in_the_notes() -> None:
    notes = " ".join(table("m3er_figures").notes)
    for figure in ("more than 73%", "dropped by 12%", "around 0.01% of the L2 norm"):
        assert figure in notes
    assert texts(table("m3er_figures").rows[0].conditions[1].corrupt) == ["visual:gaussian@0.01"]


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


# Table 6: MELD, IEMOCAP, weighted average F1; a dash where there is none.
T6 = """
    BERT+MTL 2020     |61.90|-    ; Hi-Trans 2020    |61.94|64.50; TRMSM-Att 2020   |62.36|65.74
    DialogXL 2020     |62.41|65.94; COSMIC 2020      |65.21|65.28; SumAggGIN 2020   |58.45|66.61
    DialogueGCN 2019  |58.10|66.76; CESTa 2020       |58.36|67.10; DialogueCRN 2021 |58.39|66.20
    EmoBERTa 2021     |65.61|67.42; DAG-ERC 2021     |63.65|68.03; TODKAT 2021      |65.47|61.33
    EmotionFlow 2022  |66.50|-    ; M2FNet as printed|66.71|69.86
"""

# Table 7: MELD accuracy, weighted average F1; IEMOCAP accuracy, weighted average F1.
T7 = """
    BC-LSTM-Att       |57.50|56.44|56.32|56.19
    DialogRNN         |59.54|57.03|63.40|62.75
    ConGCN            |-    |57.40|64.18|64.18
    Xie et al.        |65.00|64.00|-    |-
    DialogueTRM       |65.66|63.55|68.92|69.23
    M2FNet as printed |67.85|66.71|69.69|69.86
"""


def typed(lines: str, columns: list[tuple[str, str]]) -> dict[Any, Any]:
    """Row, corpus and metric to the typed figure."""
    expected = {}
    for line in lines.strip().replace(";", "\n").splitlines():
        name, *texts = (part.strip() for part in line.split("|"))
        for (of, metric), text in zip(columns, texts, strict=True):
            if text != "-":
                expected[name, of.upper(), metric] = pytest.approx(float(text) / 100)
    return expected


T6_COLUMNS = [("meld", "weighted_f1"), ("iemocap", "weighted_f1")]
T7_COLUMNS = [(of, m) for of in ("meld", "iemocap") for m in ("accuracy", "weighted_f1")]


@pytest.mark.parametrize("corpus", ["iemocap", "meld"])
def test_the_literature_beside_chudasama(corpus: str) -> None:
    sixth, seventh = typed(T6, T6_COLUMNS), typed(T7, T7_COLUMNS)
    f1 = {key: value for key, value in {**sixth, **seventh}.items() if key[2] == "weighted_f1"}
    both = {name for name, of, _ in f1 if of == "MELD"}
    both &= {name for name, of, _ in f1 if of == "IEMOCAP"}
    second = {key: value for key, value in f1.items() if key[0] in both}
    for name, expected in (("m2f_t6", sixth), ("m2f_t7", seventh), ("m2f_fig2", second)):
        made = table(name, corpus=corpus)
        ours = {
            ("M2FNet", "clean", key[2]): value
            for key, value in expected.items()
            if key[:2] == ("M2FNet as printed", corpus.upper())
        }
        assert printed(made) == {**expected, **ours}, name
        assert {r.name for r in made.rows if r.cited} == {n for n, *_ in expected}
        assert row(made, "M2FNet").fusion == "m2fnet"
    assert len(both) == 11 + 4 + 1


# Section 4.4: "the highest F1 score of 82.11% for the Sad emotion of the IEMOCAP dataset".
def test_of_single_emotions_chudasama_prints_one_figure() -> None:
    found = printed_by_class(table("m2f_fig5", corpus="iemocap"))
    assert found == {("M2FNet", "f1", "sad"): pytest.approx(0.8211)}
    assert not printed_by_class(table("m2f_fig5", corpus="meld"))


# -- all of them


def of_corpora(name: str) -> list[Table]:
    """Return the tables of an experiment, beside each corpus that it knows."""
    fields = plugins.load("experiments", name).Config.model_fields
    key = next((key for key in CORPUS if key in fields), "")
    known = get_args(fields[key].annotation) if key else ()
    return [table(name, **{key: corpus}) for corpus in known] or [table(name)]


@pytest.mark.parametrize("name", plugins.names("experiments"))
def test_no_figure_stands_beside_another_corpus(name: str) -> None:
    """Nor by default; what is quoted has columns of its own."""
    for made in (table(name), read_table(name.replace("_", "-"), {}, "toy", "single")):
        ours = {c.name for r in made.rows if not r.cited for c in r.conditions}
        assert not {(r, c) for r, c, _ in printed(made) if c in ours}
        assert not printed_by_class(made)
    for task in get_args(Task):
        assert not printed(read_table("m3er-t2", {}, "toy", task))


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        *(("m3er-t1", of) for of in ("mosei", "iemocap")),
        *(("m3er-t2", of) for of in ("mosei", "iemocap")),
        *(("m2f-t2", of) for of in ("meld", "iemocap")),
        *(("rrnn-t1", "cremad"), ("rrnn-t2", "ravdess"), ("rrnn-t3", "mosei")),
    ],
)
def test_the_figures_of_the_clips_own_corpus_stand_beside(name: str, dataset: str) -> None:
    key = "printed" if name == "m3er-t2" else "corpus"
    found = printed(read_table(name, {}, dataset))
    assert found
    assert found == printed(table(name.replace("-", "_"), **{key: dataset}))


def test_figures_of_iemocap_s_classes_are_beside_no_other_task() -> None:
    """Its valence, arousal and dominance are intensities."""
    assert not printed(read_table("m3er-t2", {}, "iemocap", "intensity"))
    assert printed(read_table("m3er-t2", {}, "iemocap", "single"))


# Section 6: "we currently perform binary classification per class for human emotions".
@pytest.mark.parametrize("name", ["m3er_t1", "m3er_t2", "m3er_figures"])
def test_of_iemocap_figures_stand_beside_networks_that_are_asked_each_class(name: str) -> None:
    made = table(name, **{"printed" if name == "m3er_t2" else "corpus": "iemocap"})
    beside = [r for r in made.rows if r.printed and r.fusion]
    assert beside
    for each in beside:
        assert each.settings["train"]["target"] == "one_vs_rest"
    softmax = {r.name: r for r in made.rows if r.name.endswith(", softmax")}
    wanted = set() if name == "m3er_figures" else {f"{r.name}, softmax" for r in beside}
    assert {*softmax} == wanted
    assert not any(r.printed or "train" in r.settings for r in softmax.values())


@pytest.mark.parametrize("name", ["m3er-t1", "m3er-t2"])
@pytest.mark.parametrize("task", get_args(Task))
def test_one_class_against_the_rest_is_asked_of_any_corpus_of_one_class(
    name: str, task: Task
) -> None:
    rows = {r.name: r for r in read_table(name, {}, "toy", task).rows}
    extra = rows.get("M3ER, one class against the rest")
    assert (extra is not None) == (task == "single")
    assert extra is None or extra.settings == {"train": {"target": "one_vs_rest"}}
    assert not rows["M3ER"].settings


@pytest.mark.parametrize("name", plugins.names("experiments"))
def test_what_is_quoted_is_neither_compared_nor_shown_class_by_class(name: str) -> None:
    for made in of_corpora(name):
        quoted = {r.name for r in made.rows if r.cited}
        compared = (*made.comparisons, *made.recoveries, made.alternatives)
        assert not quoted & {name for names in compared for name in names}
        assert not quoted & {analysis.row for analysis in made.analyses}
        for each in made.rows:
            assert set(each.printed_by_class) <= set(made.by_class)
            assert not each.cited or (each.printed and not each.printed_by_class)


@pytest.mark.parametrize("name", plugins.names("experiments"))
def test_a_row_with_figures_is_named_in_the_docstring_or_told_by_number(name: str) -> None:
    """The docstring says which line of the paper each row is from."""
    text = " ".join((plugins.load("experiments", name).__doc__ or "").split())
    numbered = name in {"m2f_t2", "m2f_t4", "m2f_t5"}  # the first and the last of a series
    for made in of_corpora(name):
        own = [r.name for r in made.rows if r.printed and not r.cited]
        for row_ in (own[0], own[-1]) if numbered and own else own:
            assert f"'{row_}'" in text, row_
        if any(r.cited for r in made.rows):
            assert "quote" in text or "literature" in text


@pytest.mark.parametrize("name", plugins.names("experiments"))
def test_what_is_printed_is_a_metric_of_the_task_and_a_condition_of_the_row(name: str) -> None:
    for made in of_corpora(name):
        tasks = [made.task] if made.task else list(DEFINITIONS)
        for row_, condition, metric in printed(made):
            assert metric in made.metrics
            assert all(metric in DEFINITIONS[task] for task in tasks)
            assert condition in {c.name for c in row(made, row_).conditions}
