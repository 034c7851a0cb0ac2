"""Normalisation by speaker while features are read: no second copy of a store is made.

The statistics of a speaker are those of unlabelled clips of that speaker, also of those a network
is tested on: a metric reached with it says how well a network knows people of whom it has other
clips, and is to be compared with metrics reached the same way.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.normalisation import NormalisationSettings
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser, Statistics
from emocli.data.store import StoredFeature
from emocli.data.store.transformed import TransformedFeature
from emocli.display import number_of


@dataclass(frozen=True)
class SpeakerStatistics:
    """Statistics of features over a population, and over each of its speakers.

    Attributes
    ----------
    population : mapping
        Modality to its statistics over the train split.
    speakers : mapping
        Speaker to modality to statistics over the clips of that speaker.
    """

    population: Mapping[str, Statistics]
    speakers: Mapping[str, Mapping[str, Statistics]] = field(default_factory=dict)

    @property
    def without_speakers(self) -> SpeakerStatistics:
        """The population's only, for clips of other people who may bear the same names."""
        return replace(self, speakers={})


@dataclass(frozen=True)
class SpeakerNormaliser:
    r"""Normalises features by speaker; a transform of samples.

    .. math::
        z = \frac{x - m}{s}, \quad m = w m_s + (1 - w) m_p, \quad s^2 = w s_s^2 + (1 - w) s_p^2,
        \quad w = \frac{n}{n + k}

    for each dimension: :math:`m_s, s_s` are the mean and standard deviation over all steps of the n
    clips of the speaker that have the modality, :math:`m_p, s_p` those over the train split.
    :math:`w` is 0 below ``least_clips`` and for clips without a speaker. With k = 0 it is what
    `emocli normalise` writes. :math:`w` is the best linear weight of a mean of n clips where the
    clip means of a speaker vary k times as much as speakers do (Robinson 1991, Statistical
    Science). Where :math:`s` is 0, it is :math:`s_p`, or else 1. Numbers beyond the limits of the
    speaker's own clips are clipped to them first; numbers that are not finite are read as 0.

    Attributes
    ----------
    rule : NormalisationSettings
        k, and ``least_clips``.
    outliers : float
        Robust standard deviations beyond which numbers are clipped; 0 clips none.
    manifest : Manifest
        The clips, and who speaks in them.
    stores : mapping
        Modality to its feature as it is in the store.
    kept : SpeakerStatistics, optional
        Those of a training. Without them the population is the train split, and the statistics
        of a speaker are those of the clips that are not for testing; with them, those of all clips
        of a speaker who is not among them.
    unknown : bool
        Whether everybody is treated as a speaker of whom there are no clips.
    """

    rule: NormalisationSettings
    outliers: float
    manifest: Manifest
    stores: Mapping[str, StoredFeature]
    kept: SpeakerStatistics | None = None
    unknown: bool = False
    _measured: dict[tuple[str, str], Statistics] = field(default_factory=dict)
    _fitted: dict[tuple[str, str], Standardiser] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        rule: NormalisationSettings,
        outliers: float,
        manifest: Manifest,
        stores: Mapping[str, StoredFeature],
        kept: SpeakerStatistics | None = None,
        unknown: bool = False,
    ) -> SpeakerNormaliser | None:
        """Return the normaliser that settings ask for, if they do."""
        if rule.normalise == "none":
            return None
        return cls(rule, outliers, manifest, stores, kept, unknown)

    def features(self) -> dict[str, StoredFeature]:
        """Return the features, normalised as they are read."""
        how = f"by speaker {self.rule.shrinkage:g} {self.rule.least_clips}"
        marks = {
            m: hashlib.sha256(f"{store.fingerprint} {how}".encode()).hexdigest()
            for m, store in self.stores.items()
        }
        return {m: TransformedFeature(s, self, marks[m]) for m, s in self.stores.items()}

    def __call__(
        self, clip_id: str, modality: str, values: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Normalise one array, shape (T, D); one without steps stays as it is."""
        if not len(values):
            return values
        return self.standardiser(clip_id, modality)(clip_id, modality, values)

    def standardiser(self, clip_id: str, modality: str) -> Standardiser:
        """Return what a clip is normalised with."""
        return self._standardiser(self.speaker(clip_id), modality)

    def renormalised(self, samples: Samples, standardiser: Standardiser) -> Samples:
        """Return clips normalised by what they are by now, corrupted or not, not as in the store.

        Parameters
        ----------
        samples : Samples
            The clips that a speaker's statistics are taken of: normalised, standardised, and then
            changed.
        standardiser : Standardiser
            What standardised them.
        """
        return samples.then(Renormaliser(self, standardiser, samples))

    @cached_property
    def statistics(self) -> SpeakerStatistics:
        """Statistics saved in a run: of the population, and of speakers outside the test split."""
        names = dict.fromkeys(c.speaker for c in self.manifest.clips if c.split != "test")
        return SpeakerStatistics(
            self.population,
            {name: {m: self.of_speaker(name, m) for m in self.stores} for name in names if name},
        )

    @cached_property
    def population(self) -> Mapping[str, Statistics]:
        """Modality to its statistics over the labelled clips of the train split."""
        if self.kept is not None:
            return self.kept.population
        train = Samples.of(self.manifest, "train", self.stores)
        return {m: Statistics.of(train, m, self.outliers) for m in self.stores}

    def clipped(self, clips: Iterable[Clip]) -> dict[str, int]:
        """Count the numbers beyond the limits in clips as they are in the store, by modality."""
        return {
            modality: sum(
                self.standardiser(clip.id, modality).beyond(
                    modality, np.asarray(store[clip.id], np.float32)
                )
                for clip in clips
                if clip.id in store
            )
            for modality, store in self.stores.items()
        }

    def remarks(self, clips: tuple[Clip, ...]) -> Iterator[str]:
        """Say of clips whose statistics are the population's that they are, a line each reason."""
        if self.unknown:
            yield "no clip of a speaker was used: all clips are normalised by the training's mean"
            return
        nameless = sum(not clip.speaker for clip in clips)
        if nameless:
            yield number_of(
                nameless, "clips name no speaker: they are normalised by the training's mean"
            )
        counts = Counter(c.speaker for c in clips if c.speaker)
        for modality in self.stores:
            few = [name for name in counts if self.of_speaker(name, modality).clips < self._least]
            if few:
                many = sum(counts[name] for name in few)
                fewer = f"have fewer than {self._least} clips of {modality}"
                who = number_of(len(few), f"speakers ({number_of(many, 'clips')}) {fewer}")
                yield f"{who}: they are normalised by the training's mean"

    @property
    def _least(self) -> int:
        return self.rule.least_clips

    def speaker(self, clip_id: str) -> str:
        """Return the speaker whose statistics normalise a clip; empty for the population."""
        return "" if self.unknown else self.manifest.clip(clip_id).speaker or ""

    def _standardiser(self, speaker: str, modality: str) -> Standardiser:
        key = speaker, modality
        if key not in self._fitted:
            self._fitted[key] = self._shrunk(speaker, modality)
        return self._fitted[key]

    def _shrunk(self, speaker: str, modality: str) -> Standardiser:
        own = self.of_speaker(speaker, modality) if speaker else None
        return self.shrunk(own, modality)

    def shrunk(self, own: Statistics | None, modality: str) -> Standardiser:
        """Return the standardiser of a speaker's clips; of None, that of the population."""
        whole = self.population[modality]
        known = own is not None and own.clips >= self._least
        own = whole if own is None else own
        weight = own.clips / (own.clips + self.rule.shrinkage) if known else 0.0
        limits = own if known else whole
        mean = _between(own.mean, whole.mean, weight)
        std = np.sqrt(_between(_square(own.std), _square(whole.std), weight))
        std = np.where(std > 0, std, np.where(whole.std > 0, whole.std, 1))
        return Standardiser(
            {modality: mean.astype(np.float32)},
            {modality: std.astype(np.float32)},
            {modality: limits.low},
            {modality: limits.high},
        )

    def of_speaker(self, speaker: str, modality: str) -> Statistics:
        """Return the statistics of a speaker: those that are kept, or those of the own clips."""
        if self.kept is not None and modality in self.kept.speakers.get(speaker, {}):
            return self.kept.speakers[speaker][modality]
        key = speaker, modality
        if key not in self._measured:
            self._measured[key] = self._measure(speaker, modality)
        return self._measured[key]

    def _measure(self, speaker: str, modality: str) -> Statistics:
        clips = tuple(c for c in self._clips.get(speaker, ()) if c.id in self.stores[modality])
        if not clips:
            return replace(self.population[modality], clips=0)
        samples = Samples(self.manifest, clips, {modality: self.stores[modality]})
        return Statistics.of(samples, modality, self.outliers)

    @cached_property
    def _clips(self) -> dict[str, tuple[Clip, ...]]:
        """Speaker to the clips that statistics are taken of."""
        groups: dict[str, list[Clip]] = {}
        for clip in self.manifest.clips:
            if clip.speaker and (self.kept is not None or clip.split != "test"):
                groups.setdefault(clip.speaker, []).append(clip)
        return {name: tuple(group) for name, group in groups.items()}


@dataclass(frozen=True)
class Renormaliser:
    """The repetition of a normalisation, with the statistics of clips as they are given.

    Attributes
    ----------
    normaliser : SpeakerNormaliser
        What normalised the clips before they were changed.
    standardiser : Standardiser
        What standardised them afterwards.
    samples : Samples
        The clips as given.
    """

    normaliser: SpeakerNormaliser
    standardiser: Standardiser
    samples: Samples
    _fitted: dict[tuple[str, str], Standardiser] = field(default_factory=dict)

    def __call__(
        self, clip_id: str, modality: str, values: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Normalise one array, shape (T, D); one without steps stays as it is."""
        if not len(values):
            return values
        raw = self.restored(clip_id, modality, values)
        own = self._own(self.normaliser.speaker(clip_id), modality)
        return self.standardiser(clip_id, modality, own(clip_id, modality, raw))

    def restored(
        self, clip_id: str, modality: str, values: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return an array as it would be in the store."""
        before = self.normaliser.standardiser(clip_id, modality)
        relative = values * self.standardiser.std[modality] + self.standardiser.mean[modality]
        return np.asarray(relative * before.std[modality] + before.mean[modality], np.float32)

    def _own(self, speaker: str, modality: str) -> Standardiser:
        key = speaker, modality
        if key not in self._fitted:
            clips = tuple(c for c in self.samples.clips if c.speaker == speaker)
            store, raw = self.samples.stores[modality], self.samples.then(self.restored)
            there = replace(raw, clips=tuple(c for c in clips if store.length(c.id)))
            outliers = self.normaliser.outliers
            own = Statistics.of(there, modality, outliers) if speaker and there.clips else None
            self._fitted[key] = self.normaliser.shrunk(own, modality)
        return self._fitted[key]


def _square(std: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(std, np.float64) ** 2


def _between(
    own: NDArray[np.floating], whole: NDArray[np.floating], weight: float
) -> NDArray[np.float64]:
    return weight * np.asarray(own, np.float64) + (1 - weight) * np.asarray(whole, np.float64)
