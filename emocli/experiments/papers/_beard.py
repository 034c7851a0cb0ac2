"""Fusions and printed accuracies that the tables of the RRNN's paper share.

Source: Beard et al. 2018, CoNLL, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from emocli.plugin.experiment import CLEAN, Names

FUSIONS: Mapping[str, str] = MappingProxyType(
    {"early": "early", "late": "late", "GCA": "gca", "GCA + gating": "rrnn"}
)
"""Name in the tables to network."""


class Views(Names):
    """What is compared.

    Attributes
    ----------
    audio, visual : str
        The two modalities, as the store calls them.
    """

    audio: str = "audio"
    visual: str = "visual"


GATED = "gating has printed figures on CMU-MOSEI alone (Table 3); {} is of attention without gates"
"""A note: of which system a printed figure is (section 4, "Memory updates and ablation study")."""


def printed(accuracy: float) -> dict[str, dict[str, float]]:
    """Tell a row what the paper prints for it, clean."""
    return {CLEAN.name: {"accuracy": accuracy}}
