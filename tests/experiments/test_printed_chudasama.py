"""Values of Chudasama et al. 2022, typed from the paper, not from the experiments."""

from __future__ import annotations

from typing import Any

import pytest

from tests.experiments.printed import printed, printed_by_class, row, table

# IEMOCAP accuracy, weighted F1; MELD accuracy, weighted F1
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
    # Section 4.4 and Table 7: the values of the whole network.
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
    experiment = table(name, corpus=corpus)
    assert printed(experiment) == expected
    assert experiment.task == "single"


@pytest.mark.parametrize(("corpus", "layers"), [("iemocap", 5), ("meld", 1)])
@pytest.mark.parametrize("name", list(M2F))
def test_values_of_chudasama_are_of_as_many_encoders(name: str, corpus: str, layers: int) -> None:
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
    """Row, corpus and metric to the typed value."""
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
        experiment = table(name, corpus=corpus)
        ours = {
            ("M2FNet", "clean", key[2]): value
            for key, value in expected.items()
            if key[:2] == ("M2FNet as printed", corpus.upper())
        }
        assert printed(experiment) == {**expected, **ours}, name
        assert {r.name for r in experiment.rows if r.cited} == {n for n, *_ in expected}
        assert row(experiment, "M2FNet").fusion == "m2fnet"
    assert len(both) == 11 + 4 + 1


# Section 4.4: "the highest F1 score of 82.11% for the Sad emotion of the IEMOCAP dataset".
def test_of_single_emotions_chudasama_prints_one_value() -> None:
    result = printed_by_class(table("m2f_fig5", corpus="iemocap"))
    assert result == {("M2FNet", "f1", "sad"): pytest.approx(0.8211)}
    assert not printed_by_class(table("m2f_fig5", corpus="meld"))
