"""M3ER's modality check: which modalities of a clip are effective.

Two modalities of one clip that show the same emotion agree in the space where canonical correlation
analysis makes modalities agree most; noise does not. The check is only well posed where one
modality of three or more is bad: of two modalities that disagree it cannot say which one to
believe, and falls back on the anomaly score of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from emocli.data.arrays import Reals
from emocli.data.batch import Padded, Views
from emocli.data.standardise import Standardiser
from emocli.data.track import Rows
from emocli.errors import StoreError, UnfittableError
from emocli.robust.check.anomaly import anomaly, anomaly_limit, reference
from emocli.robust.check.contamination import PARTS, SCREENED, deal, screened, varying
from emocli.robust.check.file import AGAIN
from emocli.robust.check.held_out import HeldOut, inliers
from emocli.robust.check.pair import FEWEST, OTHERS, PairCheck
from emocli.robust.check.provenance import FitProvenance
from emocli.robust.check.settings import CheckConfig
from emocli.robust.pca import PCA
from emocli.robust.representation import Flags, Representation, present

Pair = tuple[str, str]
RowsByModality = Mapping[str, Rows]
Inliers = Mapping[str, Flags]


@dataclass(frozen=True)
class ModalityCheck:
    """Tells effective modalities from those not trusted, clip by clip (Mittal 2020 eq. 1).

    Features are standardised by the training clips, so that zero is their mean.

    Attributes
    ----------
    config : CheckConfig
        Settings.
    representation : Representation
        Makes a vector of each sequence.
    reductions : mapping
        Modality to the principal components of its vectors.
    pairs : mapping
        Two modalities, in alphabetical order, to what was learnt of them.
    reference : mapping
        Modality to the distances of held-out clips, shape (m, 2), each column sorted.
    limits : mapping
        Modality to the largest anomaly at which it is effective.
    provenance : FitProvenance, optional
        What it was fitted on.
    left_out : mapping
        Modality to how many training clips that have it were left out of a screened fit.
    units : mapping
        Modality to the factor and the summand, shape (D,) each, that make its numbers those the
        check was fitted on; none where they are.
    """

    config: CheckConfig
    representation: Representation
    reductions: Mapping[str, PCA]
    pairs: Mapping[Pair, PairCheck]
    reference: Mapping[str, Reals]
    limits: Mapping[str, float] = field(default_factory=dict)
    provenance: FitProvenance | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    units: Mapping[str, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)

    @classmethod
    def fit(cls, train: Views, valid: Views, config: CheckConfig | None = None) -> Self:
        """Fit on training clips, and choose the thresholds on held-out ones.

        Raises
        ------
        StoreError
            If there are fewer than two modalities, or too few clips that have two of them.
        """
        lengths = {m: view.lengths.cpu().numpy() for m, view in train.items()}
        return cls.fit_batches([train], [valid], lengths, config)

    @classmethod
    def fit_batches(
        cls,
        train: Iterable[Views],
        valid: Iterable[Views],
        lengths: Mapping[str, NDArray[np.int64]],
        config: CheckConfig | None = None,
    ) -> Self:
        """Fit on batches, of which only the vectors are kept.

        ``lengths`` are those of all training clips, shape (n,) per modality.
        """
        config = config or CheckConfig()
        if len(lengths) < 2:
            raise StoreError(
                f"the modality check needs two modalities, there is {', '.join(lengths) or 'none'}",
                hint="extract or choose more features",
            )
        representation = Representation.of(
            lengths, config.representation, config.steps, config.alignment
        )
        noisy = "youden" in (config.tau, config.outliers)
        if config.screens:
            fitted = [(representation(views), varying(views)) for views in train]
            held = [
                HeldOut.of(views, representation, noisy).without(varying(views), representation)
                for views in valid
            ]
            rows, live = _together([x for x, _ in fitted]), _together([x for _, x in fitted])
            check = cls._screened(_kept(rows, live, representation), held, representation, config)
            return check._leaving_out(rows, live)
        rows = _together([representation(views) for views in train])
        held_out = (HeldOut.of(views, representation, noisy) for views in valid)
        return cls._learnt(rows, representation, config)._calibrated(held_out)

    def _leaving_out(self, rows: RowsByModality, live: Inliers) -> Self:
        """Count those that are the same at every step with those that have not passed."""
        shown = {m: self.representation.shown(x) for m, x in rows.items()}
        lost = {m: self.left_out.get(m, 0) + int((shown[m] & ~live[m]).sum()) for m in rows}
        return replace(self, left_out={m: count for m, count in lost.items() if count})

    @classmethod
    def _screened(
        cls,
        rows: RowsByModality,
        held: Sequence[HeldOut],
        representation: Representation,
        config: CheckConfig,
    ) -> Self:
        """Fit on the clips that pass a screening, then on those this fit holds to be effective."""
        vectors = _together([dict(batch.vectors) for batch in held])
        train, valid = screened(rows, vectors, representation, config.components)
        fitted = partial(cls._of_passing, rows, held, representation, config)
        if len(next(iter(train.values()))) < SCREENED:
            return fitted(train, valid)
        # A clip is judged by a fit without it: what was fitted on is nearer than it should be.
        part, again = deal(rows, representation), {m: flags.copy() for m, flags in train.items()}
        for own in (part == k for k in range(PARTS)):
            check = fitted({m: flags & ~own for m, flags in train.items()}, valid)
            judged = check._judged({m: representation.of_clips(x, own) for m, x in rows.items()})
            for m, flags in judged.items():
                again[m][own] = flags
        check = fitted(again, fitted(train, valid)._judged(vectors))
        lost = {m: int((representation.shown(x) & ~again[m]).sum()) for m, x in rows.items()}
        return replace(check, left_out={m: count for m, count in lost.items() if count})

    @classmethod
    def _of_passing(
        cls,
        rows: RowsByModality,
        held: Sequence[HeldOut],
        representation: Representation,
        config: CheckConfig,
        train: Inliers,
        valid: Inliers,
    ) -> Self:
        """Fit on the training clips that pass, calibrate on the held-out ones that do."""
        check = cls._learnt(_kept(rows, train, representation), representation, config)
        return check._calibrated(inliers(held, valid, representation))

    @classmethod
    def _learnt(
        cls, rows: dict[str, Rows], representation: Representation, config: CheckConfig
    ) -> Self:
        """Fit on the vectors of training clips, which are taken out; nothing is calibrated yet."""
        reductions = {m: _reduction(m, rows.pop(m), representation, config) for m in sorted(rows)}
        bank = {m: scores for m, (_, scores) in reductions.items()}
        return cls(
            config,
            representation,
            {m: pca for m, (pca, _) in reductions.items()},
            {
                (i, j): PairCheck.fit((i, j), bank[i], bank[j], config, representation.per_clip)
                for i, j in combinations(bank, 2)
            },
            {},
        )

    def scores(self, views: Views) -> dict[Pair, Reals]:
        """Return how well each two modalities agree, shape (B,); NaN where one is missing."""
        return self._scores(self._vectors(views))

    def anomaly(self, views: Views) -> dict[str, Reals]:
        """Return the anomaly score of each modality, shape (B,); NaN where it is missing.

        By the distance from its principal components and the Mahalanobis distance along them: how
        far their percentiles among held-out clips are from the median.
        """
        return self._anomaly(self._vectors(views))

    def effective(self, views: Views) -> dict[str, Flags]:
        """Tell which modalities to keep, shape (B,) each (Mittal 2020 eq. 1).

        A missing modality (or one whose numbers are not finite) is never effective and has no say
        about the others; nor has one whose anomaly score is above its limit. One that has no
        partner in its clip is not doubted, nor are the two that remain beside such: if two
        disagree, that does not tell which of them is bad.
        """
        vectors = self._vectors(views)
        flags = self._judged(vectors)
        none = ~np.any(list(flags.values()), axis=0)
        if none.any():
            observed = {m: self.representation.shown(x) for m, x in vectors.items()}
            for m, kept in self._fallback(vectors, observed).items():
                flags[m][none] = kept[none]
        return flags

    def _judged(self, vectors: RowsByModality) -> dict[str, Flags]:
        """Tell so by their vectors, before anything is rescued of clips with nothing effective."""
        observed = {m: self.representation.shown(x) for m, x in vectors.items()}
        anomalous = self._anomalous(vectors, observed)
        trusted = {m: here & ~anomalous[m] for m, here in observed.items()}
        decidable = np.sum(list(trusted.values()), axis=0) > 2
        doubted = ~np.any([here & anomalous[m] for m, here in observed.items()], axis=0) | decidable
        scores = self._scores(vectors)
        return {
            m: here & (~doubted | self._agrees(m, scores, trusted)) for m, here in trusted.items()
        }

    def at(self, tau: float) -> Self:
        """Return the check with one threshold for all pairs, in place of each pair's own."""
        return replace(self, pairs={k: replace(pair, tau=tau) for k, pair in self.pairs.items()})

    def through(self, other: Standardiser) -> Self:
        """Return the check for clips that another standardiser has standardised."""
        if self.provenance is None:
            return self
        own = self.provenance.standardiser
        pairs = {
            m: (other.std[m] / own.std[m], (other.mean[m] - own.mean[m]) / own.std[m])
            for m in self.reductions
            if m in other.mean
        }
        units = {m: (torch.from_numpy(a), torch.from_numpy(b)) for m, (a, b) in pairs.items()}
        return replace(self, units=units)

    def fit_warnings(self) -> tuple[str, ...]:
        """Return warnings about the fit of the check, a line each."""
        lines = [line for pair in self.pairs.values() for line in pair.fit_warnings(self.config)]
        if len(self.reductions) == 2:
            lines.insert(0, "two modalities that disagree do not tell which of them is bad")
        most = max(pair.n_train for pair in self.pairs.values())
        if self.config.screens and not self.left_out and most < SCREENED:
            lines.insert(0, f"{most} training clips do not tell which are corrupted: all are used")
        return tuple(lines)

    def _agrees(
        self, modality: str, scores: Mapping[Pair, Reals], trusted: Mapping[str, Flags]
    ) -> Flags:
        """Tell where a modality agrees with enough of the other trusted ones, shape (B,)."""
        n = len(trusted[modality])
        partners, cleared = np.zeros(n, np.int64), np.zeros(n, np.int64)
        for pair, rho in scores.items():
            if modality in pair:
                both = np.all([trusted[m] for m in pair], axis=0) & ~np.isnan(rho)
                partners += both
                cleared += both & (rho >= self.pairs[pair].tau)
        needed = partners if self.config.rule == "any" else self.config.min_partners
        agrees: Flags = cleared >= np.minimum(needed, partners)  # Mittal 2020 eq. 1
        return agrees

    def _anomalous(
        self, vectors: Mapping[str, Rows], observed: Mapping[str, Flags]
    ) -> dict[str, Flags]:
        """Tell which modalities have an anomaly score above their limit, shape (B,) each."""
        if self.config.outliers == "none":
            return {m: np.zeros_like(here) for m, here in observed.items()}
        return {m: x > self.limits[m] for m, x in self._anomaly(vectors).items()}

    def _fallback(
        self, vectors: Mapping[str, Rows], observed: Mapping[str, Flags]
    ) -> dict[str, Flags]:
        """Choose what counts as effective in clips without an effective modality, (B,) each."""
        if self.config.all_flagged != "keep_best":
            return {
                m: here & (self.config.all_flagged == "keep_all") for m, here in observed.items()
            }
        anomalies = np.stack(list(self._anomaly(vectors).values()))
        best = np.where(np.isnan(anomalies), np.inf, anomalies).argmin(axis=0)
        return {m: observed[m] & (best == index) for index, m in enumerate(vectors)}

    def _vectors(self, views: Views) -> dict[str, Rows]:
        for modality in views.keys() - self.reductions.keys():
            known = ", ".join(self.reductions)
            what = f"the modality check knows {known}, not '{modality}'"
            raise StoreError(what, hint=AGAIN)
        vectors = self.representation({m: self._in_units(m, view) for m, view in views.items()})
        self._require(vectors)
        return vectors

    def _in_units(self, modality: str, view: Padded) -> Padded:
        if modality not in self.units:
            return view
        factor, summand = (each.to(view.values.device) for each in self.units[modality])
        return view.with_values(view.values * factor + summand)

    def _require(self, vectors: RowsByModality) -> None:
        for modality, x in vectors.items():
            width = len(self.reductions[modality].mean)
            if x.shape[1] != width:
                what = f"the modality check was fitted on {modality} vectors of {width} numbers"
                raise StoreError(f"{what}, not {x.shape[1]}", hint=AGAIN)

    def _scores(self, vectors: Mapping[str, Rows]) -> dict[Pair, Reals]:
        reduced = {m: self.reductions[m].scores(x) for m, x in vectors.items()}
        by_clip = self.representation.by_clip
        return {
            (i, j): by_clip(pair.scores(reduced[i], reduced[j], self.config.score))
            for (i, j), pair in self.pairs.items()
            if i in reduced and j in reduced
        }

    def _anomaly(self, vectors: Mapping[str, Rows]) -> dict[str, Reals]:
        return {m: anomaly(d, self.reference[m]) for m, d in self._distances(vectors).items()}

    def _distances(self, vectors: Mapping[str, Rows]) -> dict[str, Reals]:
        by_clip = self.representation.by_clip
        return {m: by_clip(self.reductions[m].distances(x)) for m, x in vectors.items()}

    def _calibrated(self, valid: Iterable[HeldOut]) -> Self:
        """Choose every tau, and every limit of an anomaly score, on held-out clips."""
        clean: list[dict[Pair, Reals]] = []
        noisy: list[dict[Pair, Reals]] = []
        near: list[dict[str, Reals]] = []
        far: list[dict[str, Reals]] = []
        for batch in valid:
            self._require(batch.vectors)
            clean.append(self._scores(batch.vectors))
            near.append(self._distances(batch.vectors))
            for modality, rows in batch.noisy.items():
                scores = self._scores({**batch.vectors, modality: rows})
                noisy.append({pair: rho for pair, rho in scores.items() if modality in pair})
                far.append(self._distances({modality: rows}))
        held, corrupted, nothing = _together(clean), _together(noisy), np.empty(0)
        distances, beyond = _together(near), _together(far)
        pairs = {
            names: pair.calibrated(
                held.get(names, nothing), corrupted.get(names, nothing), self.config
            )
            for names, pair in self.pairs.items()
        }
        known = {m: reference(d) for m, d in distances.items()}
        limits = {m: self._limit(d, beyond.get(m), known[m]) for m, d in distances.items()}
        return replace(self, pairs=pairs, reference=known, limits=limits)

    def _limit(self, near: Reals, far: Reals | None, known: Reals) -> float:
        """Choose the limit of an anomaly score by held-out clips and their noisy copies."""
        noisy = np.empty(0) if far is None else anomaly(far, known)
        return anomaly_limit(anomaly(near, known), noisy, self.config)


def _kept(rows: RowsByModality, flags: Inliers, representation: Representation) -> dict[str, Rows]:
    return {m: representation.kept(x, flags[m]) for m, x in rows.items()}


def _together(parts: list[dict[Any, NDArray[Any]]]) -> dict[Any, NDArray[Any]]:
    keys = dict.fromkeys(key for part in parts for key in part)
    return {key: np.concatenate([part[key] for part in parts if key in part]) for key in keys}


def _reduction(
    modality: str, vectors: Rows, representation: Representation, config: CheckConfig
) -> tuple[PCA, Reals]:
    """Fit the dimensionality reduction of a modality; return it and the reduced training clips."""
    n = int(representation.shown(vectors).sum())
    if n < FEWEST:
        what = f"{n} training clips have modality '{modality}'"
        raise UnfittableError(f"{what}, the modality check needs {FEWEST}", hint=OTHERS)
    pca = PCA.fit(vectors[present(vectors)], config.components)
    if not len(pca.variances):
        those = "training clip that passes the screening" if config.screens else "training clip"
        what = f"modality '{modality}' is the same in every {those}"
        raise UnfittableError(what, hint="choose other features with -f")
    return pca, pca.scores(vectors)
