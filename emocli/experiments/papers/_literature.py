"""Systems of others that the tables of M2FNet's paper quote.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", Tables 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from emocli.experiments.papers._chudasama import (
    EXTRACTED,
    METRICS,
    OTHER,
    SYNTHETIC,
    CorpusName,
    Modalities,
    Printed,
    row,
    share,
)
from emocli.plugin.experiment import Condition, Row, Table

CORPORA: tuple[CorpusName, CorpusName] = ("meld", "iemocap")

PrintedScores = Mapping[CorpusName, float]

TEXT: Mapping[str, PrintedScores] = MappingProxyType(
    {
        "BERT+MTL 2020": {"meld": 61.90},
        "Hi-Trans 2020": {"meld": 61.94, "iemocap": 64.50},
        "TRMSM-Att 2020": {"meld": 62.36, "iemocap": 65.74},
        "DialogXL 2020": {"meld": 62.41, "iemocap": 65.94},
        "COSMIC 2020": {"meld": 65.21, "iemocap": 65.28},
        "SumAggGIN 2020": {"meld": 58.45, "iemocap": 66.61},
        "DialogueGCN 2019": {"meld": 58.10, "iemocap": 66.76},
        "CESTa 2020": {"meld": 58.36, "iemocap": 67.10},
        "DialogueCRN 2021": {"meld": 58.39, "iemocap": 66.20},
        "EmoBERTa 2021": {"meld": 65.61, "iemocap": 67.42},
        "DAG-ERC 2021": {"meld": 63.65, "iemocap": 68.03},
        "TODKAT 2021": {"meld": 65.47, "iemocap": 61.33},
        "EmotionFlow 2022": {"meld": 66.50},
    }
)
"""Table 6: weighted F1 in percent of systems that read text alone."""

MULTIMODAL: Mapping[str, Mapping[CorpusName, tuple[float | None, float]]] = MappingProxyType(
    {
        "BC-LSTM-Att": {"meld": (57.50, 56.44), "iemocap": (56.32, 56.19)},
        "DialogRNN": {"meld": (59.54, 57.03), "iemocap": (63.40, 62.75)},
        "ConGCN": {"meld": (None, 57.40), "iemocap": (64.18, 64.18)},
        "Xie et al.": {"meld": (65.00, 64.00)},
        "DialogueTRM": {"meld": (65.66, 63.55), "iemocap": (68.92, 69.23)},
    }
)
"""Table 7: accuracy, where there is one, and weighted F1 in percent of multi-modal systems."""

WHOLE: Printed = MappingProxyType({"meld": (67.85, 66.71), "iemocap": (69.69, 69.86)})
"""Accuracy and weighted F1 in percent of M2FNet, last line of Tables 6 and 7."""

OWN = "M2FNet as printed"


def quoted(
    systems: Mapping[str, Mapping[CorpusName, Mapping[str, float]]], source: str
) -> Iterator[Row]:
    """Yield rows of the literature, with a column for each corpus.

    Parameters
    ----------
    systems : mapping
        System to corpus to metric to percent.
    source : str
        Where they stand.
    """
    for name, values in systems.items():
        yield Row(
            name,
            cited=source,
            conditions=tuple(Condition(corpus.upper()) for corpus in CORPORA),
            printed={
                corpus.upper(): {metric: share(value) for metric, value in values[corpus].items()}
                for corpus in CORPORA
                if corpus in values
            },
        )


def text_based() -> dict[str, dict[CorpusName, dict[str, float]]]:
    """Return Table 6 by metric, its last line included."""
    known = {name: {c: {METRICS[0]: f1} for c, f1 in own.items()} for name, own in TEXT.items()}
    return {**known, OWN: {c: {METRICS[0]: f1} for c, (_, f1) in WHOLE.items()}}


def multimodal() -> dict[str, dict[CorpusName, dict[str, float]]]:
    """Return Table 7 by metric, its last line included."""
    return {
        name: {
            corpus: {METRICS[0]: f1} if accuracy is None else {METRICS[0]: f1, METRICS[1]: accuracy}
            for corpus, (accuracy, f1) in own.items()
        }
        for name, own in {**MULTIMODAL, OWN: WHOLE}.items()
    }


def comparison(
    title: str,
    config: Modalities,
    literature: Iterable[Row],
    metrics: Sequence[str],
    notes: Sequence[str] = (),
) -> Table:
    """Return a table of M2FNet and a regression, trained and tested, and of quoted rows.

    Parameters
    ----------
    title : str
        Which comparison.
    config : Modalities
        What the network is given, and whose values are the clean ones.
    literature : iterable of Row
        What is quoted.
    metrics : sequence of str
        Metrics of the table.
    notes : sequence of str
        Further notes of the report.
    """
    own = row("M2FNet", config, WHOLE)
    ours = "ours, on the clips of this command"
    if config.corpus != OTHER:
        ours += f", in brackets what the paper prints for {config.corpus.upper()}"
    claims = {name: _only(values, metrics) for name, values in own.printed.items()}
    return Table(
        title=title,
        rows=(
            replace(own, printed=claims),
            Row("logistic regression", baseline="logistic", modalities=config.all),
            *literature,
        ),
        metrics=tuple(metrics),
        comparisons=(("M2FNet", "logistic regression"),),
        task="single",
        synthetic=SYNTHETIC,
        features=EXTRACTED,
        notes=(
            *notes,
            "MELD, IEMOCAP: values that the paper quotes, of the corpora's test splits; clean: "
            + ours,
            config.note,
        ),
    )


def _only(values: Mapping[str, float], metrics: Sequence[str]) -> dict[str, float]:
    return {metric: value for metric, value in values.items() if metric in metrics}
