"""The generator of proxies: features of bad or missing modalities, made of the good ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from emocli.data.arrays import Reals
from emocli.data.batch import Padded, Views
from emocli.data.track import Rows
from emocli.errors import StoreError
from emocli.robust.pca import PCA
from emocli.robust.proxy.modes import MODES, Transformation
from emocli.robust.proxy.settings import ProxyConfig
from emocli.robust.proxy.steps import lengthened, valid_steps
from emocli.robust.representation import Flags, Representation, present

Sources = tuple[str, ...]
Lengths = Mapping[str, NDArray[np.int64]]

FEWEST = 4
"""Training clips that must have two modalities for one to be regenerated from the other."""


@dataclass(frozen=True)
class ProxyGenerator:
    """Proxy features p = T f of modalities that are not trusted (Mittal 2020, section 3.4).

    Features are standardised by the training clips, so that zero is their mean. Where nothing can
    be said, because no other modality of the clip is effective or no training clips have both, a
    modality is left as it is.

    Attributes
    ----------
    config : ProxyConfig
        Settings.
    representation : Representation
        Brings sequences to one number of steps.
    rates : mapping
        Modality to its usual number of steps, in relation to those of other modalities.
    dims : mapping
        Modality to its width.
    bank : mapping
        Modality to the sequences of the training clips, float32, shape (n, steps * width), in an
        order that depends on what they hold alone; NaN where a clip lacks the modality.
    valid : ndarray of bool, shape (n, steps)
        The steps that are not padding, of aligned modalities.
    """

    config: ProxyConfig
    representation: Representation
    rates: Mapping[str, float]
    dims: Mapping[str, int]
    bank: Mapping[str, Rows]
    valid: Flags
    _fitted: dict[tuple[Sources, str], _Regenerator | None] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def fit(cls, views: Views, config: ProxyConfig | None = None) -> Self:
        """Learn from training clips."""
        lengths = {m: view.lengths.cpu().numpy() for m, view in views.items()}
        return cls.fit_batches([views], lengths, config)

    @classmethod
    def fit_batches(
        cls, batches: Iterable[Views], lengths: Lengths, config: ProxyConfig | None = None
    ) -> Self:
        """Learn from batches of training clips; ``lengths`` are those of all, (n,) per modality.

        Raises
        ------
        StoreError
            If there are fewer than two modalities.
        """
        config = config or ProxyConfig()
        if len(lengths) < 2:
            names = ", ".join(lengths) or "none"
            raise StoreError(
                f"a proxy is made of another modality, there is {names}",
                hint="extract or choose more features",
            )
        representation = Representation.of(lengths, "flatten", config.steps, config.alignment)
        dims: dict[str, int] = {}
        parts: dict[str, list[Rows]] = {m: [] for m in lengths}
        for views in batches:
            for modality, rows in representation(views).items():
                dims[modality] = views[modality].values.shape[2]
                parts[modality].append(rows)
        longest = np.max(list(lengths.values()), axis=0)
        steps = max(representation.steps.values())
        bank = {m: np.concatenate(rows) for m, rows in parts.items()}
        valid = valid_steps(longest, steps, representation.padded)
        order = _order(bank, valid)
        for modality in bank:
            bank[modality] = bank[modality][order]
        return cls(config, representation, _rates(lengths), dims, bank, valid[order])

    def fill(self, views: Views, effective: Mapping[str, Flags]) -> dict[str, Padded]:
        """Regenerate modalities that are not effective; effective ones stay bit-identical.

        Parameters
        ----------
        views : mapping
            Modality to standardised features of B clips.
        effective : mapping
            Modality to whether it can be trusted, shape (B,).

        Returns
        -------
        mapping
            The same modalities. A proxy is as long as the features it replaces, or, where there
            were none, as the partner's duration makes it.

        Raises
        ------
        StoreError
            If a modality or its width is not known.
        """
        self._require(views)
        effective = self._usable(views, effective)
        sequences: dict[str, dict[int, Rows]] = {m: {} for m in views}
        for modality, sources, clips in self._jobs(views, effective):
            lengths = self._lengths(modality, sources, views, clips)
            queries = {s: _selected(views[s], clips) for s in sources}
            values = self._regenerated(modality, queries)
            for clip, sequence, length in zip(clips, values, lengths, strict=True):
                sequences[modality][clip] = self._resampled_to(sequence, int(length))
        return {m: _with_rows(view, sequences[m]) for m, view in views.items()}

    def fillable(self, views: Views, effective: Mapping[str, Flags]) -> dict[str, Flags]:
        """Tell what `fill` regenerates, shape (B,) each."""
        self._require(views)
        effective = self._usable(views, effective)
        flags = {m: np.zeros(len(kept), bool) for m, kept in effective.items()}
        for modality, _, clips in self._jobs(views, effective):
            flags[modality][clips] = True
        return flags

    def _require(self, views: Views) -> None:
        for modality, view in views.items():
            width = self.dims.get(modality)
            if width is None:
                known = ", ".join(self.dims)
                raise StoreError(f"proxies were fitted on {known}, not on '{modality}'")
            if width != view.values.shape[2]:
                what = f"proxies of {modality} were fitted on {width} columns"
                raise StoreError(f"{what}, not {view.values.shape[2]}")

    def _usable(self, views: Views, effective: Mapping[str, Flags]) -> dict[str, Flags]:
        """Trust nothing that is not there or not finite."""
        rows = self.representation(views)
        return {m: np.asarray(effective[m], bool) & present(rows[m]) for m in views}

    def _jobs(
        self, views: Views, effective: Mapping[str, Flags]
    ) -> Iterator[tuple[str, Sources, NDArray[np.int64]]]:
        """Yield each regenerated modality, its sources, and the clips."""
        names = sorted(views)
        patterns = np.stack([effective[m] for m in names], axis=1)
        for pattern in np.unique(patterns, axis=0):
            clips = np.flatnonzero((patterns == pattern).all(axis=1))
            good = [m for m, kept in zip(names, pattern, strict=True) if kept]
            for modality in (m for m, kept in zip(names, pattern, strict=True) if not kept):
                sources = tuple(s for s in good if self._regenerator((s,), modality))
                if sources:
                    yield modality, sources, clips

    def _regenerated(self, modality: str, queries: Views) -> Reals:
        """Regenerate a modality, shape (B, steps, width)."""
        rows = self.representation(queries)
        sources = tuple(queries)
        together = self._regenerator(sources, modality) if self.config.sources == "joint" else None
        fitted = [together or self._regenerator((s,), modality) for s in sources]
        regenerated = [
            transformation(rows)
            for transformation in dict.fromkeys(fitted)
            if transformation is not None
        ]
        return np.asarray(np.mean(regenerated, axis=0))

    def _regenerator(self, sources: Sources, modality: str) -> _Regenerator | None:
        """Fit once what makes a modality out of others; None if too few clips have them all."""
        key = sources, modality
        if key not in self._fitted:
            self._fitted[key] = _Regenerator.fit(self, sources, modality)
        return self._fitted[key]

    def _lengths(
        self, modality: str, sources: Sources, views: Views, clips: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        own = views[modality].lengths.cpu().numpy()[clips]
        relative = [views[s].lengths.cpu().numpy()[clips] / self.rates[s] for s in sources]
        expected = np.rint(np.mean(relative, axis=0) * self.rates[modality]).astype(np.int64)
        return np.asarray(np.where(own > 0, own, np.maximum(expected, 1)))

    def _resampled_to(self, sequence: Reals, length: int) -> Rows:
        """Bring a regenerated sequence to a length."""
        if not self.representation.padded:
            return np.asarray(lengthened(sequence[None], length)[0], np.float32)
        rows = np.zeros((length, sequence.shape[1]), np.float32)
        rows[: len(sequence)] = sequence[:length]
        return rows


@dataclass(frozen=True, eq=False)
class _Regenerator:
    """Makes one modality out of one or several others."""

    level: str
    steps: int
    width: int
    widths: Mapping[str, int]
    reductions: Mapping[str, PCA]
    mean: Reals
    transformation: Transformation

    @classmethod
    def fit(cls, generator: ProxyGenerator, sources: Sources, modality: str) -> Self | None:
        """Fit on the clips of the bank that have all of them."""
        config, bank, steps = generator.config, generator.bank, generator.representation.steps
        usable = np.all([present(bank[m]) for m in (*sources, modality)], axis=0)
        if usable.sum() < FEWEST:
            return None
        widths = {s: generator.dims[s] for s in sources}
        rows = {s: bank[s][usable] for s in sources}
        y = bank[modality][usable].astype(np.float64)
        if config.level == "step":
            count = steps[modality]
            valid = generator.valid[usable][:, :count].ravel()
            rows = {s: _steps(rows[s], widths[s], count)[valid] for s in sources}
            y = _steps(y, generator.dims[modality], count)[valid]
        reductions = {s: PCA.fit(rows[s], config.components) for s in sources}
        if not all(len(pca.variances) for pca in reductions.values()):
            return None
        mean = y.mean(axis=0)
        x = _reduced(reductions, rows)
        fitted = MODES[config.mode](x, y - mean, config)
        return cls(
            config.level,
            steps[modality],
            generator.dims[modality],
            widths,
            reductions,
            mean,
            fitted,
        )

    def __call__(self, rows: Mapping[str, Rows]) -> Reals:
        """Regenerate from sequences of the sources, (B, steps * width) -> (B, steps, width)."""
        n = len(next(iter(rows.values())))
        if self.level == "step":
            rows = {s: _steps(rows[s], width, self.steps) for s, width in self.widths.items()}
        rows_out = self.transformation(_reduced(self.reductions, rows)) + self.mean
        return rows_out.reshape(n, self.steps, self.width)


def _reduced(reductions: Mapping[str, PCA], rows: Mapping[str, Rows]) -> Reals:
    """Reduce rows; of several modalities side by side, so that each has as much variance."""
    parts = {s: pca.scores(rows[s]) for s, pca in reductions.items()}
    if len(parts) == 1:
        return next(iter(parts.values()))
    scales = {s: np.sqrt(pca.variances.sum()) for s, pca in reductions.items()}
    return np.concatenate([part / scales[s] for s, part in parts.items()], axis=1)


def _steps(rows: NDArray[Any], width: int, count: int) -> NDArray[Any]:
    """Take sequences apart into ``count`` steps each, (B, steps * width) -> (B * count, width)."""
    sequences = rows.reshape(len(rows), -1, width)
    return lengthened(sequences, count).reshape(-1, width)


def _order(bank: Mapping[str, Rows], valid: Flags) -> list[int]:
    """Order clips by what they hold, so that the order they come in has no part in anything."""
    parts = [valid, *(bank[modality] for modality in sorted(bank))]

    def content(clip: int) -> bytes:
        digest = hashlib.blake2b(digest_size=16)
        for rows in parts:
            digest.update(np.ascontiguousarray(rows[clip]).tobytes())
        return digest.digest()

    return sorted(range(len(valid)), key=content)


def _rates(lengths: Lengths) -> dict[str, float]:
    """Measure how many steps the modalities usually have, in clips of the same duration.

    Of each modality the median of its share in the steps of the clips that have all; where there
    are none, the median of its own lengths.
    """
    counts = np.stack(list(lengths.values()), axis=1).astype(np.float64)
    whole = counts[(counts > 0).all(axis=1)]
    if len(whole):
        usual = np.median(whole / whole.sum(axis=1, keepdims=True), axis=0)
    else:
        usual = np.array([np.median(c[c > 0]) if (c > 0).any() else 1.0 for c in counts.T])
    return dict(zip(lengths, usual.tolist(), strict=True))


def _selected(view: Padded, clips: NDArray[np.int64]) -> Padded:
    index = torch.from_numpy(clips).to(view.values.device)
    shown = None if view.present is None else view.present[index]
    return Padded(view.values[index], view.lengths[index], shown)


def _with_rows(view: Padded, rows: Mapping[int, Rows]) -> Padded:
    """Put other sequences in the place of some; the others stay bit-identical."""
    if not rows:
        return view
    lengths = view.lengths.clone()
    for clip, row in rows.items():
        lengths[clip] = len(row)
    longer = max(0, int(lengths.max()) - view.values.shape[1])
    values = torch.nn.functional.pad(view.values, (0, 0, 0, longer)).clone()
    shown = None if view.present is None else torch.nn.functional.pad(view.present, (0, longer))
    for clip, row in rows.items():
        values[clip, : len(row)] = torch.from_numpy(row).to(values)
        if shown is not None:
            shown[clip, : len(row)] = True
    return Padded(values, lengths, shown)
