"""M2FNet's extractors trained with each loss, and their accuracy on new speakers.

The paper prints no values of these. The rows are its loss (equations 9 to 13) taken apart:
'fixed margin' is the triplet loss of its reference [25], whose "fixed margin value" section 3.3
wants to overcome; 'adaptive margin, printed' has equations 10 and 11 with the gradient through the
margin, 'detached' without, 'scaled' is ours; 'without Var' lacks equation 12, 'without Cov' 13;
'all as printed' takes every equation to the letter; cross-entropy is ours.

Source: Chudasama et al. 2022, CVPR workshops, "M2FNet", sec. 3.2 (eq. 9-13).
"""

from __future__ import annotations

from functools import partial

from emocli.config import Settings
from emocli.plugin.experiment import PictureKind, Row, Table


class Config(Settings):
    """Settings: the encoder whose losses are compared.

    Attributes
    ----------
    kind : {'audio', 'face', 'scene'}
        What the encoders look at: the feature ``mel``, the feature ``faces``, or the videos.
    """

    kind: PictureKind = "audio"


ADAPTIVE = ("adaptive margin, detached", "adaptive margin, scaled")
OTHERS = ("cross-entropy", "fixed margin")


def table(config: Config) -> Table:
    """Return the losses; only the last row takes all of them as they are printed."""
    row = partial(Row, encoder=config.kind)
    return Table(
        title=f"M2FNet's extractor ({config.kind}) with each loss",
        rows=(
            row("cross-entropy", settings={"train": {"loss": "cross_entropy"}}),
            row("fixed margin", settings={"loss": {"amt": "fixed"}}),
            row("adaptive margin, detached"),
            row("adaptive margin, printed", settings={"loss": {"margin_grad": "flow"}}),
            row("adaptive margin, scaled", settings={"loss": {"amt": "scaled"}}),
            row("detached, without Var", settings={"loss": {"w_var": 0.0}}),
            row("detached, without Cov", settings={"loss": {"w_cov": 0.0}}),
            row("detached, alone", settings={"loss": {"w_var": 0.0, "w_cov": 0.0}}),
            row("all as printed", preset="literal"),
        ),
        metrics=("nearest",),
        comparisons=tuple((adaptive, other) for adaptive in ADAPTIVE for other in OTHERS),
        notes=(
            "the paper prints no values for its loss",
            "detached: no gradient flows through the margin, whose printed form pushes pairs of a "
            "class apart until they are half way across",
        ),
    )
