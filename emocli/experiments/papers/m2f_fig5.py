"""M2FNet emotion by emotion.

Figure 5: "Predictions made by the network on the MELD and IEMOCAP test sets"; section 4.4: "the
weighted average F1 score of different emotions", of which the text prints one, "82.11% for the Sad
emotion of the IEMOCAP". Row 'M2FNet' is that network, its overall values those of Table 7's last
line; its F1 of each class and its confusion are drawn. Logistic regression is ours.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", Figure 5 and section 4.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from emocli.experiments.papers._chudasama import EXTRACTED, METRICS, SYNTHETIC, Modalities, row
from emocli.experiments.papers._literature import WHOLE
from emocli.plugin.experiment import Row, RowAnalysis, Table

Config = Modalities

EMOTIONS: Mapping[str, Mapping[str, float]] = MappingProxyType({"iemocap": {"sad": 0.8211}})
"""Corpus to class to the F1 that the text prints."""

CLASSES = ("neutral", "happy", "angry", "sad")
"""Of a synthetic corpus, as IEMOCAP calls them."""


def table(config: Modalities) -> Table:
    """Return the network, and a regression that sees no dialogue, with the F1 of each class."""
    each = EMOTIONS.get(config.corpus, {})
    whole = row("M2FNet", config, WHOLE)
    return Table(
        title="M2FNet: the F1 of each emotion",
        rows=(
            replace(whole, printed_by_class={"f1": each}) if each else whole,
            Row("logistic regression", baseline="logistic", modalities=config.all),
        ),
        metrics=METRICS,
        comparisons=(("M2FNet", "logistic regression"),),
        by_class=("f1",),
        analyses=(RowAnalysis("M2FNet, predictions", "M2FNet", "confusion"),),
        task="single",
        synthetic=replace(SYNTHETIC, classes=CLASSES),
        features=EXTRACTED,
        notes=(
            "of single emotions the paper's text prints one value, IEMOCAP's sad: F1 .8211",
            config.note,
        ),
    )
