"""M2FNet's extractors trained with each loss, and how they tell emotions of new people apart.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", sec. 3.2 (eq. 9-13).
"""

from __future__ import annotations

from typing import Literal

from emocli.config import Settings
from emocli.plugin.experiment import Extractor, Extractors


class Config(Settings):
    """What is compared.

    Attributes
    ----------
    kind : {'audio', 'face', 'scene'}
        What the encoders look at: the feature ``mel``, the feature ``faces``, or the videos.
    """

    kind: Literal["audio", "face", "scene"] = "audio"


ADAPTIVE = ("adaptive margin, detached", "adaptive margin, scaled")
OTHERS = ("cross-entropy", "fixed margin")


def table(config: Config) -> Extractors:
    """Return the losses; only the last row takes all of them as they are printed."""
    return Extractors(
        title=f"M2FNet's extractor ({config.kind}) with each loss",
        kind=config.kind,
        rows=(
            Extractor("cross-entropy", settings={"train": {"loss": "cross_entropy"}}),
            Extractor("fixed margin", settings={"loss": {"amt": "fixed"}}),
            Extractor("adaptive margin, detached"),
            Extractor("adaptive margin, printed", settings={"loss": {"margin_grad": "flow"}}),
            Extractor("adaptive margin, scaled", settings={"loss": {"amt": "scaled"}}),
            Extractor("detached, without Var", settings={"loss": {"w_var": 0.0}}),
            Extractor("detached, without Cov", settings={"loss": {"w_cov": 0.0}}),
            Extractor("detached, alone", settings={"loss": {"w_var": 0.0, "w_cov": 0.0}}),
            Extractor("all as printed", preset="literal"),
        ),
        comparisons=tuple((adaptive, other) for adaptive in ADAPTIVE for other in OTHERS),
        notes=(
            "the paper prints no figures for its loss",
            "detached: no gradient flows through the margin, whose printed form pushes pairs of a "
            "class apart until they are half way across",
        ),
    )
