"""Inter-rater agreement, and that with the network as one more rater."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emocli.data.clip import Clip
from emocli.data.record import Number, Record
from emocli.errors import EmocliWarning
from emocli.evaluation.predictions import Predictions
from emocli.metrics.agreement import alpha_of_counts, counts_of_shares


@dataclass(frozen=True, kw_only=True)
class RaterAgreement(Record):
    """Krippendorff's alpha (nominal) of the raters whose votes the manifest has.

    Attributes
    ----------
    clips : int
        Clips with votes.
    raters : int
        Raters of most of them; of shares it is the smallest number they are whole votes of.
    alpha : float
        Of the raters.
    alpha_with_network : float
        The same with the network as one more rater, mean over the seeds.
    """

    clips: int
    raters: int
    alpha: Number
    alpha_with_network: Number


def rater_agreement(predictions: Predictions, clips: Sequence[Clip]) -> RaterAgreement | None:
    """Compare the raters with each other and with the network; None where there are no votes.

    ``clips`` are those of the predictions, in their order. Votes are ``label.<class>`` beside the
    label of a task of one class per clip.
    """
    if predictions.task != "single" or not any(clip.labels for clip in clips):
        return None
    shares = [[clip.labels.get(name, 0.0) for name in predictions.classes] for clip in clips]
    try:
        counts, raters = counts_of_shares(shares)
    except ValueError as error:
        message = f"no agreement of raters: {error}"
        warnings.warn(message, EmocliWarning, stacklevel=2)
        return None
    voted = counts.sum(axis=1) > 0
    chosen = np.eye(len(predictions.classes))
    joined = [
        alpha_of_counts((counts + chosen[values.argmax(axis=1)])[voted])
        for values in predictions.values
    ]
    return RaterAgreement(
        clips=int(voted.sum()),
        raters=raters,
        alpha=alpha_of_counts(counts[voted]),
        alpha_with_network=float(np.mean(joined)),
    )
