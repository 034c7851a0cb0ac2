"""M2FNet emotion by emotion.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", Figure 5.
"""

from __future__ import annotations

from emocli.experiments.papers._chudasama import EXTRACTED, METRICS, Modalities, Printed, row
from emocli.plugin.experiment import Row, Table

Config = Modalities

WHOLE: Printed = {"meld": (67.85, 66.71), "iemocap": (69.69, 69.86)}


def table(config: Modalities) -> Table:
    """Return the network, and a regression that sees no dialogue, with the F1 of each class."""
    return Table(
        title="M2FNet: the F1 of each emotion",
        rows=(
            row("M2FNet", config, WHOLE),
            Row("logistic regression", baseline="logistic", modalities=config.all),
        ),
        figures=METRICS,
        comparisons=(("M2FNet", "logistic regression"),),
        by_class=("f1",),
        task="single",
        features=EXTRACTED,
        notes=(
            "of single emotions the paper's text prints one figure, IEMOCAP's sad: F1 .821",
            config.note,
        ),
    )
