"""Values of Mittal et al. 2020, typed from the paper, not from the experiments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emocli.metrics.metrics import score
from emocli.plugin.robustness import texts
from tests.experiments.printed import printed, printed_by_class, row, table

# Table 2, columns "Overall": F1, MA of IEMOCAP; F1, MA of CMU-MOSEI
M3ER = """
    original loss          |clean|0.751 76.6|0.878 82.3
    M3ER                   |clean|0.824 82.7|0.902 89.0
    noisy                  |noisy|0.706 71.6|0.764 75.6
    noisy, check           |noisy|0.741 75.1|0.783 80.9
    noisy, check and proxy |noisy|0.761 78.2|0.856 85.0
"""


@pytest.mark.parametrize("corpus", ["iemocap", "mosei"])
def test_overall_values_of_mittal_are_means_of_binary_ones(corpus: str) -> None:
    expected = {}
    for line in M3ER.strip().splitlines():
        name, condition, *pairs = (part.strip() for part in line.split("|"))
        f1, accuracy = pairs[corpus == "mosei"].split()
        expected[name, condition, "binary_f1"] = pytest.approx(float(f1))
        expected[name, condition, "binary_accuracy"] = pytest.approx(float(accuracy) / 100)
    experiment = table("m3er_t2", printed=corpus)
    assert printed(experiment) == expected
    assert set(experiment.metrics) >= {"binary_f1", "binary_accuracy"}


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


@pytest.mark.parametrize("corpus", ["iemocap", "mosei"])
def test_values_of_each_emotion_of_mittal(corpus: str) -> None:
    head, *lines = EMOTIONS[corpus].strip().splitlines()
    expected, overall = {}, {}
    for line in lines:
        name, *pairs = (part.strip() for part in line.split("|"))
        for emotion, pair in zip(head.split(), pairs, strict=True):
            f1, accuracy = map(float, pair.split())
            expected[name, "weighted_f1", emotion] = pytest.approx(f1)
            expected[name, "accuracy", emotion] = pytest.approx(accuracy / 100)
        overall[name] = np.mean([list(map(float, pair.split())) for pair in pairs], axis=0)
    experiment = table("m3er_t2", printed=corpus)
    assert printed_by_class(experiment) == expected
    # papers: "Overall" is the plain mean of the row; so each value is in the right row.
    for (name, _, metric), value in printed(experiment).items():
        mean = overall[name][0] if metric == "binary_f1" else overall[name][1] / 100
        assert value == pytest.approx(mean, abs=0.005)
    assert set(experiment.by_class) >= {"weighted_f1", "accuracy"}


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
    experiment = table("m3er_t1", corpus=corpus)
    assert printed(experiment) == {**expected, **ours}
    assert {r.name for r in experiment.rows if r.cited} == {n for n, *_ in expected}
    assert row(experiment, "M3ER").fusion == "m3er"


@pytest.mark.parametrize("corpus", ["iemocap", "mosei", "other"])
def test_the_network_of_the_figures_has_the_clean_values_and_no_others(corpus: str) -> None:
    experiment = table("m3er_figures", corpus=corpus)
    if corpus == "other":
        assert not printed(experiment)
        assert not printed_by_class(experiment)
        return
    whole = table("m3er_t1", corpus=corpus)
    ours = {key: value for key, value in printed(whole).items() if key[0] == "M3ER"}
    assert printed(experiment) == ours
    emotions = table("m3er_t2", printed=corpus)
    known = {key: v for key, v in printed_by_class(emotions).items() if key[0] == "M3ER"}
    assert printed_by_class(experiment) == known


# Section 5.3: "more than 73% of the samples per class were correctly classified"; "the average
# weight for the face modality dropped by 12%"; section 5.4: "around 0.01% of the L2 norm". They are
# of no metric of a row, and stand in the notes.
def test_what_the_text_says_of_the_figures_is_in_the_notes() -> None:
    notes = " ".join(table("m3er_figures").notes)
    for phrase in ("more than 73%", "dropped by 12%", "around 0.01% of the L2 norm"):
        assert phrase in notes
    assert texts(table("m3er_figures").rows[0].conditions[1].corrupt) == ["visual:gaussian@0.01"]


def test_the_mean_of_binary_accuracies_is_not_the_accuracy() -> None:
    """Table 2's "Overall" MA is the mean of its row: (80.6 + 76.9 + 68.0 + 80.8) / 4 = 76.6."""
    assert np.mean([80.6, 76.9, 68.0, 80.8]) == pytest.approx(76.6, abs=0.05)
    rng = np.random.default_rng(3)
    targets = rng.integers(0, 4, 200)
    chosen = np.where(rng.random(200) < 0.675, targets, rng.integers(0, 4, 200))
    result = score("single", targets, np.eye(4)[chosen], "abcd").overall
    accuracies, scores = [], []
    for k in range(4):
        here, said = targets == k, chosen == k
        accuracies.append((here == said).mean())
        f1 = [2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in ((here, said), (~here, ~said))]
        scores.append((here.sum() * f1[0] + (~here).sum() * f1[1]) / 200)
    assert result["binary_accuracy"] == pytest.approx(np.mean(accuracies))
    assert result["binary_f1"] == pytest.approx(np.mean(scores))
    # Each wrong clip is an error of two classes.
    assert result["binary_accuracy"] == pytest.approx(1 - 2 * (1 - result["accuracy"]) / 4)
    assert result["binary_accuracy"] > result["accuracy"]


@pytest.mark.parametrize("task", ["multi", "intensity"])
def test_of_several_classes_at_once_binary_accuracy_is_the_accuracy(task: Any) -> None:
    rng = np.random.default_rng(0)
    targets, said = rng.integers(0, 2, (30, 3)), rng.random((30, 3))
    scores = score(task, targets, said, "abc").overall
    assert scores["binary_accuracy"] == pytest.approx(scores["accuracy"])
    assert scores["binary_f1"] == pytest.approx(scores["weighted_f1"])
