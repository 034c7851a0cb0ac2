"""M2FNet compared with other multi-modal systems.

Table 7: five systems, quoted with "Accuracy" and "Weighted Average F1" on MELD and IEMOCAP, and
M2FNet. 'M2FNet' is the last line of the table, trained and tested here; 'M2FNet as printed' is that
line as it stands there, for both corpora; logistic regression on the same vectors is ours.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", Table 7 and section 4.5.
"""

from __future__ import annotations

from emocli.experiments.papers._chudasama import METRICS, Modalities
from emocli.experiments.papers._literature import comparison, multimodal, quoted
from emocli.plugin.experiment import Table

Config = Modalities

SOURCE = "Chudasama et al. 2022, Table 7"


def table(config: Modalities) -> Table:
    """Return the table."""
    literature = quoted(multimodal(), SOURCE)
    return comparison("M2FNet and the multi-modal literature", config, literature, METRICS)
