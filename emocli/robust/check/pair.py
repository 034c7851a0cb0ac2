"""The agreement of two modalities of the check, and its threshold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from emocli.data.arrays import Reals
from emocli.display import number_of
from emocli.errors import UnfittableError
from emocli.robust.cca import CCA
from emocli.robust.check.scores import SCORES
from emocli.robust.check.settings import CheckConfig

FEWEST = 4
"""Training clips a fit needs; so few say little, and a warning says that."""

OTHERS = "choose other features with -f, or extract them for more clips"

BETTER = "try --set check.score=llr"
FEWER = "try fewer check.components"
SHORTER = "try --set check.representation=step (or mean), or fewer check.components"

ENOUGH = 20
"""Validation clips below which a threshold is doubtful."""


@dataclass(frozen=True)
class PairCheck:
    """The fit of two modalities.

    Attributes
    ----------
    modalities : tuple of str
        Their names, in alphabetical order.
    cca : CCA
        Between their principal components, fitted on ``n_train`` clips.
    tau : float
        A lower score is not trusted; chosen on ``n_valid`` clips.
    """

    modalities: tuple[str, str]
    cca: CCA
    tau: float
    n_train: int
    n_valid: int

    @classmethod
    def fit(
        cls,
        modalities: tuple[str, str],
        x: Reals,
        y: Reals,
        config: CheckConfig,
        per_clip: int = 1,
    ) -> Self:
        """Fit on the reduced vectors of the training clips, ``per_clip`` rows of each.

        They are NaN where a clip lacks a modality.

        Raises
        ------
        StoreError
            If too few clips have both.
        """
        both = ~np.isnan(x[:, 0]) & ~np.isnan(y[:, 0])
        n = int(both.reshape(-1, per_clip).any(axis=1).sum())
        if n < FEWEST:
            what = f"{n} training clips have both {_named(modalities)}"
            raise UnfittableError(f"{what}, the modality check needs {FEWEST}", hint=OTHERS)
        cca = CCA.fit(x[both], y[both], config.components, config.cca_reg)
        return cls(modalities, cca, np.nan, n, 0)

    def scores(self, x: Reals, y: Reals, score: str) -> Reals:
        """Return how well reduced vectors agree, shapes (B, kx), (B, ky) -> (B,); NaN stays NaN."""
        projected = self.cca.transform_x(x), self.cca.transform_y(y)
        return SCORES[score](*projected, self.cca.correlations)

    def calibrated(self, clean: Reals, noisy: Reals, config: CheckConfig) -> Self:
        """Choose tau by the scores of held-out clips, and (``youden``) of their noisy copies.

        Raises
        ------
        StoreError
            If no held-out clip has both modalities.
        """
        clean, noisy = clean[~np.isnan(clean)], noisy[~np.isnan(noisy)]
        if not len(clean):
            what = f"no validation clip has both {_named(self.modalities)}"
            raise UnfittableError(f"{what}, so their threshold cannot be chosen", hint=OTHERS)
        choices: dict[str, Callable[[], float]] = {
            "quantile": lambda: float(np.quantile(clean, config.quantile)),
            "youden": lambda: youden(clean, noisy),
            "fixed": lambda: config.threshold,
        }
        return replace(self, tau=choices[config.tau](), n_valid=len(clean))

    def fit_warnings(self, config: CheckConfig) -> Iterator[str]:
        """Yield warnings about its fit, a line each."""
        who = " and ".join(self.modalities)
        kx, ky, k = len(self.cca.mean_x), len(self.cca.mean_y), len(self.cca.correlations)
        if self.n_train < kx + ky:
            few = f"{self.n_train} training clips for {kx} + {ky} components"
            hint = FEWER if config.representation == "step" else SHORTER
            yield f"{who}: {few} correlate by chance too; {hint}"
        if config.tau != "fixed" and self.n_valid < ENOUGH:
            held = number_of(self.n_valid, "clips of the valid split")
            yield f"{who}: the threshold rests on {held}"
        if config.score == "pearson" and k < 3:
            yield f"{who}: 'pearson' says nothing across {k} components; {BETTER}"
        if config.score != "llr" and self.tau <= 0:
            yield f"{who}: noise scores about 0 and clears the threshold {self.tau:.2g}; {BETTER}"


def _named(modalities: tuple[str, str]) -> str:
    return f"'{modalities[0]}' and '{modalities[1]}'"


def youden(clean: Reals, noisy: Reals) -> float:
    """Return the threshold below which most noisy and fewest clean scores lie.

    Of thresholds that do equally well, the highest: it finds weaker noise too.
    """
    candidates = np.unique(np.concatenate([clean, noisy]))
    hits = np.searchsorted(np.sort(noisy), candidates) / len(noisy)
    alarms = np.searchsorted(np.sort(clean), candidates) / len(clean)
    gain = (hits - alarms)[::-1]
    return float(candidates[::-1][gain.argmax()])
