"""M2FNet with each modality, with pairs, and with all three put side by side or fused.

Table 2, "to validate the impact of each modality": its eight lines, in its order, are the rows 'A'
("Only Audio") to 'T + V + A, fusion'; "Concat" in the column of remarks is 'concat' here, "Fusion"
the network of equations 5 to 8. The prior and the rows of logistic regression are ours.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", Table 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from emocli.experiments.papers._chudasama import (
    EXTRACTED,
    METRICS,
    SYNTHETIC,
    Modalities,
    Printed,
    row,
)
from emocli.plugin.experiment import Row, Table

Config = Modalities

PRINTED: Mapping[str, Printed] = MappingProxyType(
    {
        "A": {"meld": (49.04, 39.63), "iemocap": (26.56, 21.79)},
        "V": {"meld": (45.63, 32.44), "iemocap": (20.39, 13.10)},
        "V + A, concat": {"meld": (48.35, 35.74), "iemocap": (35.12, 31.35)},
        "T": {"meld": (67.24, 66.23), "iemocap": (66.30, 66.20)},
        "T + A, concat": {"meld": (67.80, 66.32), "iemocap": (66.52, 66.48)},
        "T + V, concat": {"meld": (67.81, 66.35), "iemocap": (66.64, 66.67)},
        "T + V + A, concat": {"meld": (67.28, 66.81), "iemocap": (67.16, 67.12)},
        "T + V + A, fusion": {"meld": (67.85, 66.71), "iemocap": (69.69, 69.86)},
    }
)
"""Row to its values; the name tells the modalities, and how they are joined."""

FUSED = "T + V + A, fusion"


def table(config: Modalities) -> Table:
    """Return the paper's eight rows, and logistic regression on the same vectors."""
    views = {"T": config.text, "A": config.audio, "V": config.visual}
    networks = [_row(name, views, config) for name in PRINTED]
    regressions = [
        Row(f"logistic regression, {name}", baseline="logistic", modalities=modalities)
        for name, modalities in (
            *((letter, (view,)) for letter, view in views.items()),
            ("T + V + A", config.all),
        )
    ]
    others = [row.name for row in (*networks, *regressions) if row.name != FUSED]
    return Table(
        title="M2FNet: each modality, pairs, and all three",
        rows=(Row("prior", baseline="prior", modalities=config.all), *networks, *regressions),
        metrics=METRICS,
        comparisons=tuple((FUSED, other) for other in others),
        task="single",
        synthetic=replace(SYNTHETIC, expected=tuple((FUSED, view) for view in "TAV")),
        features=EXTRACTED,
        notes=(config.note,),
    )


def _row(name: str, views: Mapping[str, str], config: Modalities) -> Row:
    letters, _, way = name.partition(", ")
    modalities = tuple(views[letter] for letter in letters.split(" + "))
    fusion = "attention" if way == "fusion" else "concat"
    return row(name, config, PRINTED[name], modalities, network={"fusion": fusion})
