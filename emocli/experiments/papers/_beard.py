"""Fusions and printed accuracies that the tables of the RRNN's paper share.

Source: Beard et al. 2018, CoNLL, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from emocli.config import Tree
from emocli.plugin.experiment import CLEAN, Names, Row

FUSIONS: Mapping[str, str] = MappingProxyType(
    {"early": "early", "late": "late", "GCA": "gca", "GCA + gating": "rrnn"}
)
"""Name in the tables to network."""


HIDDEN = 512
"""Units of each direction for CMU-MOSEI (section 4), four times as many as for other corpora."""


def sizes(corpus: str) -> Tree:
    """Return the sizes of the paper's networks for a corpus, where they are not the usual."""
    return {"network": {"hidden": HIDDEN}} if corpus == "mosei" else {}


class ComparedViews(Names):
    """Settings: the modalities that are compared.

    Attributes
    ----------
    audio : str
        The voice's modality, as the store calls it.
    visual : str
        The face's modality, as the store calls it.
    """

    audio: str = "audio"
    visual: str = "visual"


GATED = "gating has printed values on CMU-MOSEI alone (Table 3); {} is of attention without gates"
"""A note: of which system a printed value is (section 4, "Memory updates and ablation study")."""

SEES_TEST = "test-label"
"""Start of the name of the row that is no prediction."""

NAIVE = (
    f"{SEES_TEST} mean or prior: the paper's 'naive classifier predicting the test-set empirical "
    "mean' (section 4; it prints no value of it) looks at the labels it is tested on: a bound of "
    "what a constant can reach, not a system"
)
"""A note: what the constants are."""


def constants(views: tuple[str, ...], **baselines: str) -> tuple[Row, ...]:
    """Return rows that see labels alone, and say the same of every clip.

    Section 4, "Test conditions and baselines": "for other loss functions" a model "with just one
    parameter per output dimension", which sees the training labels; and "a naive classifier
    predicting the test-set empirical mean intensities".

    Parameters
    ----------
    views : tuple of str
        The modalities of the table, which no row of these looks at.
    baselines : str
        Row to baseline; ``test_prior`` is called after what it sees.
    """
    rows = {f"{SEES_TEST} {n}" if b == "test_prior" else n: b for n, b in baselines.items()}
    return tuple(Row(name, baseline=own, modalities=views) for name, own in rows.items())


def printed(accuracy: float | None) -> dict[str, dict[str, float]]:
    """Tell a row what the paper prints for it, clean; nothing where it prints nothing."""
    return {} if accuracy is None else {CLEAN.name: {"accuracy": accuracy}}
