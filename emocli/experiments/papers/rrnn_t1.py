"""RRNN on CREMA-D: audio, vision, and both through attention, with and without gates.

Table 1: 'A' is "COVAREP Features + LSTM Decoder", 'V' is "OpenFace Features + LSTM Decoder",
'A + V, GCA' is "(OpenFace features + LSTM) + (COVAREP Features + LSTM) + Dual Attention"; the rows
'human' quote "Human performance". 'A + V, GCA + gating' is ours: section 4 compares gates on
CMU-MOSEI alone. The naive rows are of section 4, which prints no figures of them; the SVM is ours.

Source: Beard et al. 2018, Table 1 and section 5.
"""

from __future__ import annotations

from emocli.experiments.papers._beard import GATED, NAIVE, Views, constants, printed
from emocli.plugin.experiment import Row, SyntheticCorpus, Table

HUMAN = "Cao et al. 2014, as quoted in Beard et al. 2018, Table 1"

Config = Views

ATTENDED, GATING = "A + V, GCA", "A + V, GCA + gating"


def table(config: Views) -> Table:
    """Return the table: each view by itself, and both; the paper's figure for both has no gates."""
    both = (config.audio, config.visual)
    return Table(
        title="RRNN on CREMA-D: each view by itself, and both",
        rows=(
            *constants(both, prior="prior"),
            Row("A", fusion="unimodal", modalities=both[:1], printed=printed(0.415)),
            Row("V", fusion="unimodal", modalities=both[1:], printed=printed(0.525)),
            Row(ATTENDED, fusion="gca", modalities=both, printed=printed(0.65)),
            Row(GATING, fusion="rrnn", modalities=both),
            Row("SVM on functionals", baseline="svm", modalities=both),
            *constants(both, prior="test_prior"),
            Row("human, A", cited=HUMAN, printed=printed(0.409)),
            Row("human, V", cited=HUMAN, printed=printed(0.582)),
            Row("human, A + V", cited=HUMAN, printed=printed(0.636)),
        ),
        comparisons=(
            *((ATTENDED, other) for other in ("A", "V", "SVM on functionals")),
            *((GATING, other) for other in ("A", "V", ATTENDED, "SVM on functionals")),
        ),
        task="single",
        synthetic=SyntheticCorpus(expected=tuple((ATTENDED, view) for view in ("A", "V"))),
        notes=(
            "human: raters who hear, see, or do both, against the intended emotion",
            NAIVE,
            GATED.format("Table 1's .650, 'Dual Attention',"),
            "the paper's split is not published; its caption says 8 emotions, CREMA-D has 6",
        ),
    )
