"""Ablation of RRNN: number of hops, initial memory, gates and attention scores.

The paper prints no values of these. What each row is about it says in words: of the hops,
"increasing tau yields meaningful performance gains (up to tau = 3)" (section 3.4); of the start,
the sum of "the time-average" of the views (section 3.2) and "m(0) = 0" (section 3.3); of the gates,
equations 9 and 12 for the joint one, equation 11 for those of each view, which it defines and does
not use, and that attention "cannot fulfill this task alone" (section 3.3); of the score, "similar
results were also obtained with the concatenative approach of Bahdanau et al."; of tied hops, heads
and attention over dimensions, that there could be such (all section 3.2).

Source: Beard et al. 2018, sections 3.2 to 3.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from emocli.config import Settings, Tree
from emocli.display import number_of
from emocli.experiments.papers._beard import sizes
from emocli.plugin.experiment import CLEAN, Condition, LinePoint, Row, Sweep, SweepLine, Table, read
from emocli.quantities import Depth

CHOSEN = 3
"""Hops up to which the paper sees gains; what the other rows have."""

VARIANTS: Mapping[str, Tree] = MappingProxyType(
    {
        "m(0) = 0": {"m0": "zero"},
        "each view's own gate": {"view_gate": "per_view"},
        "joint and own gates": {"view_gate": "both"},
        "no view gate": {"view_gate": "none"},
        "additive score": {"score": "add"},
        "tied hops": {"tie_hops": True},
        "4 heads": {"heads": 4},
        "attention over dimensions": {"attn_axis": "dim"},
    }
)
"""Row to what sets it apart from the whole network, which has `CHOSEN` hops."""


class Config(Settings):
    """Settings: the hops that are tried, and the noise.

    Attributes
    ----------
    hops : int
        The most; every number up to it has a row.
    modality : str
        The one that is noisy in the second condition, as in the paper's study of the gates.
    noise : str
        Signal-to-noise ratio of that noise, which the paper does not state.
    corpus : {'mosei', 'other'}
        Whose the clips are, by default as their manifest says: networks for CMU-MOSEI have the 512
        units of section 4.
    """

    hops: Annotated[Depth, Field(ge=CHOSEN, le=10)] = 5
    modality: Annotated[str, Field(min_length=1)] = "visual"
    noise: str = "0dB"
    corpus: Literal["mosei", "other"] = "other"


def hop_row(hops: int) -> str:
    """Name the row of so many hops."""
    return number_of(hops, "hops")


def table(config: Config) -> Table:
    """Return the table: a row per number of hops, and one per choice at three hops."""
    noise = Condition("noise", read([f"{config.modality}:gaussian@{config.noise}"]))
    tested = (CLEAN, noise)
    counts = range(1, config.hops + 1)
    hops: dict[str, Tree] = {hop_row(n): {"hops": n} for n in counts}
    varied: dict[str, Tree] = {name: {"hops": CHOSEN, **own} for name, own in VARIANTS.items()}
    whole = hop_row(CHOSEN)
    return Table(
        title="RRNN: hops, start of the memory, gates and scores",
        rows=tuple(
            Row(name, fusion="rrnn", settings={"network": own}, conditions=tested)
            for name, own in {**hops, **varied}.items()
        ),
        comparisons=(
            *((whole, name) for name in hops if name != whole),
            *((whole, name) for name in varied),
        ),
        alternatives=tuple(hops),
        sizes=sizes(config.corpus),
        sweeps=(
            Sweep(
                "hops",
                tuple(
                    SweepLine(each.name, tuple(LinePoint(n, hop_row(n), each.name) for n in counts))
                    for each in tested
                ),
            ),
        ),
        notes=(
            "the paper prints no values of these: 'increasing tau yields meaningful performance "
            "gains (up to tau = 3)', 'similar results' of the additive score",
            f"rows without a number of hops have {CHOSEN}, and differ from '{whole}' in what they "
            "are called after; m(0) is the sum of the views' time averages but where it is 0",
            f"noise: white, {config.noise}, on the {config.modality} features of the test clips "
            "only",
        ),
    )
