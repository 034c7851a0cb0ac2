"""M2FNet and the literature on two corpora, drawn.

Figure 2: "Quantitative analysis on MELD and IEMOCAP datasets in terms of weighted average F1
score"; section 1: "compare its performance with existing text-based and multi-modal ERC methods",
of which some do well on one corpus and not on the other. The text does not name them: here are all
of Tables 6 and 7 that have a value of each corpus. 'M2FNet' (last line of the tables) and logistic
regression (ours) are trained and tested here.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", Figure 2, Tables 6 and 7.
"""

from __future__ import annotations

from emocli.experiments.papers._chudasama import METRICS, Modalities
from emocli.experiments.papers._literature import (
    CORPORA,
    comparison,
    multimodal,
    quoted,
    text_based,
)
from emocli.plugin.experiment import Table

Config = Modalities

SOURCE = "Chudasama et al. 2022, Figure 2; values of Tables 6 and 7"


def table(config: Modalities) -> Table:
    """Return the systems, by their mean over the corpora."""
    f1 = {
        name: {corpus: {METRICS[0]: own[METRICS[0]]} for corpus, own in values.items()}
        for name, values in {**text_based(), **multimodal()}.items()
        if len(values) == len(CORPORA)
    }
    best = sorted(f1, key=lambda name: -sum(own[METRICS[0]] for own in f1[name].values()))
    literature = quoted({name: f1[name] for name in best}, SOURCE)
    return comparison("M2FNet and the literature on two corpora", config, literature, METRICS[:1])
