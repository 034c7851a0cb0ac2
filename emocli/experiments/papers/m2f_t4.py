"""M2FNet with one to six transformer encoders for each modality.

Table 4, "No. of Transformer Encoders (i.e., N_A = N_T = N_V)": row 'N = 1' to 'N = 6'. Section 4.2
chooses N "on validation datasets", with "1 and 5 for MELD and IEMOCAP"; the table is of test ones.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", Table 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from emocli.experiments.papers._chudasama import Modalities, Printed, depths
from emocli.plugin.experiment import Table

Config = Modalities

PRINTED: Mapping[int, Printed] = MappingProxyType(
    {
        1: {"meld": (67.85, 66.71), "iemocap": (69.32, 69.36)},
        2: {"meld": (67.16, 65.82), "iemocap": (69.07, 69.21)},
        3: {"meld": (66.86, 66.06), "iemocap": (69.32, 69.44)},
        4: {"meld": (67.20, 66.06), "iemocap": (69.13, 69.22)},
        5: {"meld": (67.47, 66.38), "iemocap": (69.69, 69.86)},
        6: {"meld": (67.24, 65.48), "iemocap": (69.13, 69.26)},
    }
)
"""Number of encoders, N, to its values."""


def table(config: Modalities) -> Table:
    """Return the table: the number is the same for all modalities."""
    return depths("M2FNet: encoders of each modality", "N", "layers", PRINTED, config)
