"""The screening of clips of which an unknown share is corrupted, before a check is fitted on them.

Each modality by itself. Estimates that a minority cannot shift come first: principal components of
spatial signs (Locantore et al. 1999), spreads from medians. Concentration steps follow
(Rousseeuw 1999): a fit on the clips that pass, and the distances of all from it, until the same
ones pass. A clip is always judged by a fit without it, for many columns and few clips make
whatever was fitted on look near. Logarithms of distances are parted by a mixture of two, if there
are two; the larger part passes, and corrupted is what is less than half of a modality. A clip whose
features are the same at every step (a dead sensor's zeros) has no part in it, however many are so.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from emocli.data.arrays import Reals
from emocli.data.batch import Padded
from emocli.data.track import Rows
from emocli.errors import EmocliWarning
from emocli.robust.pca import PCA
from emocli.robust.representation import Flags, Representation, present

PARTS = 5
"""Parts of the training clips, each judged by a fit on the others."""

ROUNDS = 5
"""Concentration steps at most."""

SCREENED = 20
"""Training clips below which all pass: so few do not tell what is usual."""

ROWS_PER_COMPONENT = 3
"""Passing training clips at least for each dimension of a fit, lest it fits chance."""

APART = 3.0
"""Ashman's D of a mixture's means beyond which it is two groups, not one with a long tail."""

LEAST = 0.02
"""Share of the smaller group below which it is the tail of the other."""

WIDE = 4.0
"""Robust standard deviations of the logarithm around the median, within which one group passes."""

INVERTED = (
    "the {0} of more than half of the training clips seems to be noise: the clips that pass the "
    "screening lie farther out than those that are left out, and the check is fitted on them; fit "
    "it on clean clips, or without {0}"
)

NARROW = 0.05
"""Least standard deviation of the logarithm of distances: copies of one vector have none."""

TINY = float(np.finfo(np.float64).tiny)


def screened(
    train: Mapping[str, Rows],
    valid: Mapping[str, Rows],
    representation: Representation,
    components: int,
) -> tuple[dict[str, Flags], dict[str, Flags]]:
    """Tell which clips pass, of training and of held-out ones, shape (n,) each, by modality.

    Held-out clips have no part in the fit. A missing modality does not pass. It warns of a modality
    of which most clips are noisy, as far as that shows.
    """
    splits = deal(train, representation), deal(valid, representation)
    screens = {
        m: ModalityScreen.of(rows, valid[m], splits, representation, components)
        for m, rows in train.items()
    }
    for modality in (m for m, screen in screens.items() if screen.inverted):
        warnings.warn(INVERTED.format(modality), EmocliWarning, stacklevel=2)
    parted = {m: screen.inliers() for m, screen in screens.items()}
    return {m: t for m, (t, _) in parted.items()}, {m: v for m, (_, v) in parted.items()}


def varying(views: Mapping[str, Padded]) -> dict[str, Flags]:
    """Tell which clips are not the same at every one of several steps, shape (B,) by modality."""
    return {m: _varying(view.to("cpu")) for m, view in views.items()}


def _varying(view: Padded) -> Flags:
    hidden, values = ~view.mask[..., None], view.values.detach()
    most = values.masked_fill(hidden, -torch.inf).amax(dim=1)
    least = values.masked_fill(hidden, torch.inf).amin(dim=1)
    dead = (most == least).all(dim=1) & (view.mask.sum(dim=1) > 1)
    return np.asarray(~dead)


def deal(rows: Mapping[str, Rows], representation: Representation) -> NDArray[np.int64]:
    """Deal clips to `PARTS` parts by what they hold, shape (n,): their order must not matter."""
    n = len(next(iter(rows.values()))) // representation.per_clip
    digests = [hashlib.blake2b() for _ in range(n)]
    for _, own in sorted(rows.items()):
        for digest, row in zip(digests, own.reshape(n, -1), strict=True):
            digest.update(np.ascontiguousarray(row).tobytes())
    part = np.empty(n, np.int64)
    part[sorted(range(n), key=lambda k: digests[k].digest())] = np.arange(n) % PARTS
    return part


@dataclass(frozen=True)
class ModalityScreen:
    """The screening of one modality.

    Attributes
    ----------
    rows : ndarray, shape (N * rows per clip, d)
        Training clips, then held-out ones.
    observed : ndarray of bool, shape (N,)
        Which have the modality.
    training : ndarray of bool, shape (N,)
        Which are training clips; the others are never fitted on.
    part : ndarray of int, shape (N,)
        The part each is judged with.
    representation : Representation
        Says which rows are of a clip.
    components : int
        Dimensions of a fit.
    """

    rows: Rows
    observed: Flags
    training: Flags
    part: NDArray[np.int64]
    representation: Representation
    components: int

    @classmethod
    def of(
        cls,
        train: Rows,
        valid: Rows,
        splits: tuple[NDArray[np.int64], NDArray[np.int64]],
        representation: Representation,
        components: int,
    ) -> Self:
        """Put both splits together, of whose clips ``splits`` says the parts."""
        rows, part = np.concatenate([train, valid]), np.concatenate(splits)
        training = np.arange(len(part)) < len(splits[0])
        return cls(rows, representation.shown(rows), training, part, representation, components)

    def inliers(self) -> tuple[Flags, Flags]:
        """Tell which training and which held-out clips are inliers, shape (n,) each."""
        flags = self.observed
        if self._enough:
            flags = self._inliers(self._first, self._first_groups)
            for _ in range(ROUNDS):
                distances = self._distances(flags, PCA.fit)
                before, flags = flags, self._inliers(distances, self._groups(distances))
                if np.array_equal(before, flags):
                    break
        return flags[self.training], flags[~self.training]

    @property
    def inverted(self) -> bool:
        """Whether the larger of two groups of clips is the farther one, as noise is from signal."""
        return self._enough and any(groups.inverted for groups in self._first_groups if groups)

    @property
    def _enough(self) -> bool:
        return int((self.observed & self.training).sum()) >= SCREENED

    @cached_property
    def _first(self) -> Reals:
        """Distances from fits that no minority can shift."""
        return self._distances(self.observed, _signs)

    @cached_property
    def _first_groups(self) -> tuple[Mixture | None, ...]:
        return self._groups(self._first)

    def _groups(self, distances: Reals) -> tuple[Mixture | None, ...]:
        """Part training clips by each distance; None where there is no residual."""
        return tuple(
            Mixture.fit(self._logs(column)) if self._has_distance(column) else None
            for column in distances.T
        )

    def _distances(self, flags: Flags, fit: Any) -> Reals:
        """Distances of all clips from fits without them on those that pass, shape (N, 2)."""
        distances = np.full((len(self.part), 2), np.nan)
        inliers = flags & self.training
        components = max(1, min(self.components, int(inliers.sum()) // ROWS_PER_COMPONENT))
        for part in range(PARTS):
            own = self.part == part
            on = self._row(inliers & ~own) & present(self.rows)
            fitted = fit(self.rows[on], components).distances(self.rows[self._row(own)])
            distances[own] = self.representation.by_clip(fitted)
        return distances

    def _inliers(self, distances: Reals, groups: Sequence[Mixture | None]) -> Flags:
        """Tell which clips both distances place in the range of the larger training group.

        No distance from the plane of the components is too small: clips lie in it.
        """
        flags = self.observed.copy()
        for column, own, both in zip(distances.T, groups, (False, True), strict=True):
            if own:
                low, high = own.usual_range(self._logs(column))
                logs = np.log(np.maximum(np.where(self.observed, column, 1.0), TINY))
                flags &= (logs <= high) & ((logs >= low) | (not both))
        return flags

    def _has_distance(self, column: Reals) -> bool:
        """Whether any is not 0: there is no residual where a fit keeps all dimensions."""
        return bool(column[self.observed & self.training].max() > 0)

    def _logs(self, column: Reals) -> Reals:
        """Logarithms of the distances of training clips."""
        return np.log(np.maximum(column[self.observed & self.training], TINY))

    def _row(self, clips: Flags) -> Flags:
        return np.repeat(clips, self.representation.per_clip)


@dataclass(frozen=True)
class Mixture:
    """A mixture of two normal distributions: shares, means and deviations, shape (2,) each."""

    share: Reals
    mean: Reals
    std: Reals

    @classmethod
    def fit(cls, values: Reals) -> Self:
        """Fit by expectation maximisation, the best of five starts."""
        values = np.sort(values)
        cuts = np.quantile(values, (0.1, 0.3, 0.5, 0.7, 0.9))
        fits = [cls._from(values, (values > cut).astype(np.float64)) for cut in cuts]
        return max(fits, key=lambda fit: float(np.logaddexp(*fit._logs(values)).sum()))

    @classmethod
    def _from(cls, values: Reals, second: Reals, rounds: int = 200) -> Self:
        """Fit from the probabilities of the second group."""
        mixture = cls._weighted(values, second)
        for _ in range(rounds):
            first, other = mixture._logs(values)
            update = np.exp(other - np.logaddexp(first, other))
            if np.abs(update - second).max() < 1e-6:
                break
            second = update
            mixture = cls._weighted(values, second)
        return mixture

    @classmethod
    def _weighted(cls, values: Reals, second: Reals) -> Self:
        weights = np.stack([1 - second, second])
        total = np.maximum(weights.sum(axis=1), TINY)
        mean = weights @ values / total
        variance = (weights * np.square(values - mean[:, None])).sum(axis=1) / total
        return cls(total / len(values), mean, np.sqrt(np.maximum(variance, NARROW**2)))

    def _logs(self, values: Reals) -> Reals:
        """Logarithm of the density of each group, times its share, shape (2, n)."""
        z = (values - self.mean[:, None]) / self.std[:, None]
        return np.asarray(np.log(self.share / self.std)[:, None] - np.square(z) / 2)

    @property
    def ashman(self) -> float:
        """Distance of the means, in mean deviations (Ashman et al. 1994)."""
        spread = np.sqrt(np.square(self.std).mean())
        return float(abs(self.mean[1] - self.mean[0]) / spread)

    @property
    def is_bimodal(self) -> bool:
        """Whether the mixture has two separate modes, not one with a long tail.

        Ashman's D of their means is above `APART`, and the smaller one has at least `LEAST` of the
        values.
        """
        return self.ashman > APART and bool(self.share.min() >= LEAST)

    @property
    def inverted(self) -> bool:
        """Whether the larger of two groups is that of the greater values."""
        larger = self.share.argmax()
        return self.is_bimodal and bool(self.mean[larger] > self.mean[1 - larger])

    def usual_range(self, values: Reals) -> tuple[float, float]:
        """Return between which values the larger of two groups lies, or all that are one group.

        ``values`` are those of the fit. The border of two groups is where they are as likely. To a
        side without one, a value is usual up to `WIDE` robust standard deviations.
        """
        low, high = -np.inf, np.inf
        if self.is_bimodal:
            border = self.border()
            low, high = (border, high) if self.inverted else (low, border)
        within = values[(values >= low) & (values <= high)]
        centre = np.median(within)
        reach = WIDE * max(1.4826 * float(np.median(np.abs(within - centre))), NARROW)
        return (
            low if np.isfinite(low) else float(centre - reach),
            high if np.isfinite(high) else float(centre + reach),
        )

    def border(self) -> float:
        """Where, between the means, both groups are as likely."""
        between = np.linspace(self.mean.min(), self.mean.max(), 1001)
        first, second = self._logs(between)
        return float(between[np.abs(first - second).argmin()])


def _signs(rows: Rows, components: int) -> PCA:
    """Fit components that no minority can turn: of directions from the median, without lengths."""
    centre = np.median(rows, axis=0).astype(np.float64)
    lengths = np.linalg.norm(rows - centre, axis=1)
    signs = (rows - centre) / np.maximum(lengths, TINY)[:, None]
    fitted = PCA.fit(signs, components)
    deviations = np.abs((rows - centre) @ fitted.components.T)
    spread = 1.4826 * np.median(deviations, axis=0)
    # Where most clips are the same, their medians have no spread.
    least = 1e-3 * (spread if spread.any() else deviations).mean() if spread.size else 0.0
    variances = np.square(np.maximum(spread, least))
    return PCA(centre, fitted.components, variances, float(np.median(np.square(lengths))))
