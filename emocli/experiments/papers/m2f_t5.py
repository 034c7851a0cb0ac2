"""M2FNet with one to six layers of fusion attention.

Table 5, "No. of Attention Fusion Layers": row 'm = 1' to 'm = 6'. Section 4.2 sets m to 5.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", Table 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from emocli.experiments.papers._chudasama import Modalities, Printed, depths
from emocli.plugin.experiment import Table

Config = Modalities

PRINTED: Mapping[int, Printed] = MappingProxyType(
    {
        1: {"meld": (66.63, 66.11), "iemocap": (67.22, 67.34)},
        2: {"meld": (67.47, 66.50), "iemocap": (68.08, 68.19)},
        3: {"meld": (67.47, 66.65), "iemocap": (69.13, 69.25)},
        4: {"meld": (67.59, 66.51), "iemocap": (69.01, 68.95)},
        5: {"meld": (67.85, 66.71), "iemocap": (69.69, 69.86)},
        6: {"meld": (66.82, 65.32), "iemocap": (68.95, 69.08)},
    }
)
"""Number of layers, m, to its values."""


def table(config: Modalities) -> Table:
    """Return the table."""
    return depths("M2FNet: layers of fusion attention", "m", "fusion_layers", PRINTED, config)
