"""RRNN's attention over time: what a trained network looks at in one clip, view by view.

Figure 4: "Visualisation of view-specific attention across time. Attention in the text modality
focuses on the words 'very' and 'delicate' ... Also, the difference in oscillation rates between the
audio and visual modalities is noted." Section 5 says that it is of "a CMU-MOSEI test sentence" and
of "the GCA emotion recognition system"; the row with gates is our addition. How the sentence was
chosen it does not say: here it is the first test clip whose text has the word, whatever the network
makes of it. Of CMU-MOSEI the networks have the 512 units of section 4.

Source: Beard et al. 2018, Figure 4 and section 5.
"""

from __future__ import annotations

from typing import Literal

from emocli.config import Settings
from emocli.experiments.papers._beard import sizes
from emocli.plugin.experiment import Row, RowAnalysis, Table

SYSTEMS = {"GCA": "gca", "GCA + gating": "rrnn"}
"""Row to network."""


class Config(Settings):
    """Settings: the clip that is drawn.

    Attributes
    ----------
    clip : str
        Id of the clip that is drawn; empty for the first test clip that has all modalities and the
        word in its text.
    word : str
        The word by which the clip is found; if no text has it, it is the first test clip.
    corpus : {'mosei', 'other'}
        Whose the clips are, by default as their manifest says: the paper's sizes are the corpus's.
    """

    clip: str = ""
    word: str = "very"
    corpus: Literal["mosei", "other"] = "other"


def table(config: Config) -> Table:
    """Return the table: the system of the figure, and the one with gates; drawn hop by hop."""
    chosen = {"clip": config.clip} if config.clip else {"word": config.word}
    return Table(
        title="RRNN: attention of every view over time",
        rows=tuple(Row(name, fusion=fusion) for name, fusion in SYSTEMS.items()),
        metrics=("uar",),
        analyses=(
            *(RowAnalysis(f"{name}, last hop", name, "attention", chosen) for name in SYSTEMS),
            *(
                RowAnalysis(f"{name}, all hops", name, "attention", {**chosen, "hop": "all"})
                for name in SYSTEMS
            ),
        ),
        sizes=sizes(config.corpus),
        notes=(
            "the clip is chosen by its text, before any network has seen it",
            "attention as a multiple of the uniform one: of a network that prefers nothing it is 1 "
            "everywhere; the paper's axis has no numbers",
        ),
    )
