"""M3ER beside what others had published.

Table 1: for each corpus three methods and M3ER, with "F1 scores and the mean classification
accuracies (MA)"; "Numbers not reported by prior methods are marked with '-'", and have none here
either. The rows of the literature are quoted: what they are is in section 5.2. 'M3ER' is the row
of Table 1 that is trained and tested here; logistic regression is ours, for the size of things.

Source: Mittal et al. 2020, Table 1 and section 5.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from emocli.config import Settings
from emocli.experiments.papers._mittal import METRICS, Corpus, overall
from emocli.plugin.experiment import CLEAN, Row, Table

SOURCE = "Mittal et al. 2020, Table 1"

LITERATURE: Mapping[Corpus, Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "iemocap": {
            "Kim et al. 2013": {"binary_accuracy": 0.728},
            "Majumder et al. 2018": {"binary_accuracy": 0.765},
            "Yoon et al. 2019": {"binary_accuracy": 0.776},
        },
        "mosei": {
            "Sahay et al. 2018": {"binary_f1": 0.668},
            "Zadeh et al. 2018": {"binary_f1": 0.763},
            "Choi et al. 2018": {"binary_f1": 0.895},
        },
    }
)
"""Corpus to method to the one of its two figures that is known."""


class Config(Settings):
    """Whose table it is.

    Attributes
    ----------
    corpus : {'mosei', 'iemocap'}
        By default the corpus that the clips are of.
    """

    corpus: Corpus = "mosei"


def table(config: Config) -> Table:
    """Return the table of one corpus."""
    quoted = [
        Row(name, cited=SOURCE, printed={CLEAN.name: figures})
        for name, figures in LITERATURE[config.corpus].items()
    ]
    ours = overall("M3ER", config.corpus)
    return Table(
        title="M3ER and the literature",
        rows=(
            *quoted,
            Row("M3ER", fusion="m3er", printed={CLEAN.name: ours}),
            Row("logistic regression", baseline="logistic"),
        ),
        figures=METRICS,
        comparisons=(("M3ER", "logistic regression"),),
        notes=(
            f"in brackets: {config.corpus.upper()}'s figures as the paper has them; which F1, and "
            "on which split, it says of none of them",
            "M3ER's are means over classes of 'this class or not' (section 6); of the others' it "
            "is not known",
        ),
    )
