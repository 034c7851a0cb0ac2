"""RRNN on CREMA-D: audio, vision, and both through attention, with and without gates.

Table 1: 'A' is "COVAREP Features + LSTM Decoder", 'V' is "OpenFace Features + LSTM Decoder",
'A + V, GCA' is "(OpenFace features + LSTM) + (COVAREP Features + LSTM) + Dual Attention"; the rows
'human' quote "Human performance". 'A + V, GCA + gating' is ours: section 4 compares gates on
CMU-MOSEI alone. The naive rows are of section 4, which prints no values of them; the SVM is ours.

Source: Beard et al. 2018, Table 1 and section 5.
"""

from __future__ import annotations

from typing import Literal

from emocli.experiments.papers._beard import GATED, NAIVE, ComparedViews, constants, printed
from emocli.plugin.experiment import Row, SyntheticCorpus, Table

HUMAN = "Cao et al. 2014, as quoted in Beard et al. 2018, Table 1"

PRINTED = {"A": 0.415, "V": 0.525, "A + V, GCA": 0.65}
"""Row to its accuracy, on CREMA-D."""

RATERS = {"human, A": 0.409, "human, V": 0.582, "human, A + V": 0.636}
"""The same, of people."""


class Config(ComparedViews):
    """Settings: the modalities that are compared, and the corpus.

    Attributes
    ----------
    corpus : {'cremad', 'other'}
        Whose the clips are, by default as their manifest says: the paper's values are of CREMA-D.
    """

    corpus: Literal["cremad", "other"] = "other"


ATTENDED, GATING = "A + V, GCA", "A + V, GCA + gating"


def table(config: Config) -> Table:
    """Return the table: each view by itself, and both; the paper's value for both has no gates."""
    both = (config.audio, config.visual)
    known = config.corpus == "cremad"
    claim = {name: printed(accuracy if known else None) for name, accuracy in PRINTED.items()}
    return Table(
        title="RRNN on CREMA-D: each view by itself, and both",
        rows=(
            *constants(both, prior="prior"),
            Row("A", fusion="unimodal", modalities=both[:1], printed=claim["A"]),
            Row("V", fusion="unimodal", modalities=both[1:], printed=claim["V"]),
            Row(ATTENDED, fusion="gca", modalities=both, printed=claim[ATTENDED]),
            Row(GATING, fusion="rrnn", modalities=both),
            Row("SVM on functionals", baseline="svm", modalities=both),
            *constants(both, prior="test_prior"),
            *(
                Row(name, cited=HUMAN, printed=printed(accuracy))
                for name, accuracy in RATERS.items()
                if known
            ),
        ),
        comparisons=(
            *((ATTENDED, other) for other in ("A", "V", "SVM on functionals")),
            *((GATING, other) for other in ("A", "V", ATTENDED, "SVM on functionals")),
        ),
        task="single",
        synthetic=SyntheticCorpus(
            corpus="cremad", expected=tuple((ATTENDED, view) for view in ("A", "V"))
        ),
        notes=(
            "printed, human: of CREMA-D, and shown with no other corpus",
            "human: raters who hear, see, or do both, against the intended emotion",
            NAIVE,
            GATED.format("Table 1's .650, 'Dual Attention',"),
            "the paper's split is not published; its caption says 8 emotions, CREMA-D has 6",
        ),
    )
