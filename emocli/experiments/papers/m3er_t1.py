"""M3ER compared with published systems.

Table 1: for each corpus three methods and M3ER, with "F1 scores and the mean classification
accuracies (MA)"; "Numbers not reported by prior methods are marked with '-'", and have none here
either. The rows of the literature are quoted: what they are is in section 5.2. 'M3ER' is the line
of Table 1 that is trained and tested here, 'M3ER as printed' those lines as they stand there. Of
IEMOCAP it is asked each class by itself, as section 6 says; 'M3ER, softmax' is ours. So is 'M3ER,
one class against the rest', of other corpora with one class per clip, and logistic regression, for
the size of things.

Source: Mittal et al. 2020, Table 1 and section 5.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from emocli.config import Settings
from emocli.data.manifest import Task
from emocli.experiments.papers._mittal import (
    CLASSES,
    METRICS,
    CorpusName,
    Known,
    as_in_paper,
    corpus_of_paper,
    note,
    other_objective,
    overall,
)
from emocli.plugin.experiment import CLEAN, Condition, Row, SyntheticCorpus, Table

SOURCE = "Mittal et al. 2020, Table 1"

CORPORA: Mapping[CorpusName, str] = MappingProxyType({"iemocap": "IEMOCAP", "mosei": "CMU-MOSEI"})
"""Column "Dataset" of the table."""

LITERATURE: Mapping[str, tuple[CorpusName, str, float]] = MappingProxyType(
    {
        "Kim et al. 2013": ("iemocap", "binary_accuracy", 0.728),
        "Majumder et al. 2018": ("iemocap", "binary_accuracy", 0.765),
        "Yoon et al. 2019": ("iemocap", "binary_accuracy", 0.776),
        "Sahay et al. 2018": ("mosei", "binary_f1", 0.668),
        "Zadeh et al. 2018": ("mosei", "binary_f1", 0.763),
        "Choi et al. 2018": ("mosei", "binary_f1", 0.895),
    }
)
"""Method to its corpus, and the one of its two values that is known."""

OWN = "M3ER as printed"


class Config(Settings):
    """Settings: the corpus of the paper whose values are printed for comparison, and the task.

    Attributes
    ----------
    corpus : {'mosei', 'iemocap', 'other'}
        By default the corpus that the clips are of; of another one the paper has no values.
    task : {'single', 'multi', 'intensity'}, optional
        Task of the clips, by default as their manifest says.
    """

    corpus: Known = "other"
    task: Task | None = None


def table(config: Config) -> Table:
    """Return the table of both corpora, with a column for each of what is quoted."""
    of_clips = corpus_of_paper(config.corpus, config.task)
    base = Row("M3ER", fusion="m3er")
    ours = {CLEAN.name: overall("M3ER", of_clips)} if of_clips else {}
    others = [row for row in (other_objective(base, of_clips, config.task),) if row]
    known: dict[str, dict[str, dict[str, float]]] = {
        **{name: {CORPORA[of]: {m: value}} for name, (of, m, value) in LITERATURE.items()},
        OWN: {column: overall("M3ER", corpus) for corpus, column in CORPORA.items()},
    }
    columns = tuple(map(Condition, CORPORA.values()))
    return Table(
        title="M3ER and the literature",
        rows=(
            replace(as_in_paper(base, of_clips), printed=ours),
            *others,
            Row("logistic regression", baseline="logistic"),
            *(
                Row(name, cited=SOURCE, conditions=columns, printed=values)
                for name, values in known.items()
            ),
        ),
        metrics=METRICS,
        comparisons=(
            ("M3ER", "logistic regression"),
            *(("M3ER", row.name) for row in others),
        ),
        synthetic=SyntheticCorpus(
            "single" if config.corpus == "iemocap" else "multi",
            aligned=True,
            corpus="mosei",
            classes=CLASSES["iemocap"],
        ),
        notes=(
            "IEMOCAP, CMU-MOSEI: values that the paper quotes; which F1, and on which split, it "
            "says of none of them; clean: ours, on the clips of this command",
            note(of_clips),
            "M3ER's are means over classes of 'this class or not' (section 6); of the others' it "
            "is not known",
        ),
    )
