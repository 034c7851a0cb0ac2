"""Fusions and printed accuracies that the tables of the RRNN's paper share.

Source: Beard et al. 2018, CoNLL, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from emocli.plugin.experiment import CLEAN, Row

FUSIONS: Mapping[str, str] = MappingProxyType(
    {"early": "early", "late": "late", "GCA": "gca", "GCA + gating": "rrnn"}
)
"""Name in the tables to network."""

GATED = "gating has printed figures on CMU-MOSEI alone (Table 3); {} is of attention without gates"
"""A note: of which system a printed figure is (section 4, "Memory updates and ablation study")."""


SEES_TEST = "of the test labels"
"""End of the name of the row that is no prediction."""

NAIVE = (
    f"{SEES_TEST}: the paper's 'naive classifier predicting the test-set empirical mean' (section "
    "4; it prints no figure of it) looks at the labels it is tested on: a bound of what a constant "
    "can reach, not a system"
)
"""A note: what the constants are."""


def naive(views: tuple[str, ...], name: str = "prior", **losses: str) -> tuple[Row, ...]:
    """Return the rows that see no features: what is predicted is the same for every clip.

    Section 4, "Test conditions and baselines": "a naive classifier predicting the test-set
    empirical mean intensities"; "for other loss functions" a model "with just one parameter per
    output dimension", which sees the training labels.

    Parameters
    ----------
    views : tuple of str
        The modalities of the table, which no row of these looks at.
    name : str
        What the mean of labels is called: ``mean`` of intensities, ``prior`` of classes.
    losses : str
        Row to baseline: what one parameter learns under another loss.
    """
    rows = {f"{name} {SEES_TEST}": "test_prior", name: "prior", **losses}
    return tuple(Row(row, baseline=baseline, modalities=views) for row, baseline in rows.items())


def printed(accuracy: float) -> dict[str, dict[str, float]]:
    """Tell a row what the paper prints for it, clean."""
    return {CLEAN.name: {"accuracy": accuracy}}
