"""M2FNet compared with systems that read text alone.

Table 6: thirteen systems, quoted with "weighted average F1 score" on MELD and IEMOCAP, and M2FNet.
'M2FNet' is the last line of the table, trained and tested here; 'M2FNet as printed' is that line as
it stands there, for both corpora; logistic regression on the same vectors is ours.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", Table 6 and section 4.5.
"""

from __future__ import annotations

from emocli.experiments.papers._chudasama import METRICS, Modalities
from emocli.experiments.papers._literature import comparison, quoted, text_based
from emocli.plugin.experiment import Table

Config = Modalities

SOURCE = "Chudasama et al. 2022, Table 6"


def table(config: Modalities) -> Table:
    """Return the table."""
    return comparison(
        "M2FNet and the literature on text",
        config,
        quoted(text_based(), SOURCE),
        METRICS[:1],
        ("TODKAT's values are those its authors put right later (footnote of the table)",),
    )
