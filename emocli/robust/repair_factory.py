"""The factory of a corpus's repairs: its modality check and its proxies, made at first use."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from emocli.data.samples import Samples
from emocli.data.standardise import OUTLIERS, Standardiser
from emocli.data.store.files import BY_SPEAKER
from emocli.errors import StoreError
from emocli.metrics.statistics import grouping, groups
from emocli.plugin.robustness import CorruptionSpec, on, texts
from emocli.robust.check.io import load_check
from emocli.robust.check.model import ModalityCheck
from emocli.robust.check.provenance import FitProvenance
from emocli.robust.corrupt import Corrupter
from emocli.robust.proxy.generator import ProxyGenerator
from emocli.robust.proxy.settings import ProxyConfig
from emocli.robust.repair import Repair, RepairConfig, Repaired, RobustConfig, Trust

BATCH = 64
"""Clips that are read at once."""

AS_GIVEN = "as_given"
"""Last part of the name of a check that is fitted on clips as given."""

PARTS = 5
"""Parts of the train split, each of which is regenerated from the others."""


@dataclass(frozen=True)
class RepairFactory:
    """Makes repairs.

    Attributes
    ----------
    place : Path
        Where the check is.
    standardiser : Standardiser
        What the network's features are standardised with.
    trained : RobustConfig
        What the network was trained with.
    train : Samples
        The train split, features as they are in the store.
    outliers : float
        The limit the standardiser clips at, in robust standard deviations.
    refitted : bool
        Whether ``train`` is the train and the valid split together. Proxies are made of both. The
        check stays the one that was fitted on the train split, for its thresholds need clips it
        never saw; it is asked in its own units.
    """

    place: Path
    standardiser: Standardiser
    trained: RobustConfig
    train: Samples
    outliers: float = OUTLIERS
    refitted: bool = False
    _generators: dict[tuple[str, frozenset[str], Trust], ProxyGenerator] = field(
        default_factory=dict
    )

    @cached_property
    def corruptions(self) -> tuple[CorruptionSpec, ...]:
        """What happens to the clips the network is trained with."""
        return on(self.trained.corrupt, self.train.stores)

    @cached_property
    def check(self) -> ModalityCheck:
        """The modality check.

        Raises
        ------
        StoreError
            If there is none, or it was fitted on something else.
        """
        check = self._loaded()
        if check.provenance is not None:
            try:
                check.provenance.require_disjoint(self.train.manifest)
                own = check.provenance.standardiser if self.refitted else self.standardiser
                check.provenance.require(self.train.stores, own, self.outliers)
            except StoreError as error:
                where, hint = error.where or self.place, self._same_normalisation(error.hint)
                raise StoreError(error.what, where=where, hint=hint) from None
        return check.through(self.standardiser) if self.refitted else check

    def _loaded(self) -> ModalityCheck:
        if self.trained.fit_on == "as_given" and not self.place.exists():
            hint = "run emocli fit-cca with --set check.fit_on=as_given and the same --corrupt"
            raise StoreError("there is no such file", where=self.place, hint=hint)
        other = self.place.with_stem(f"{self.place.stem}_{AS_GIVEN}")
        if not self.place.exists() and other.exists():
            hint = f"{other.name} is there: ask it with --set robust.fit_on=as_given"
            raise StoreError("there is no such file", where=self.place, hint=hint)
        if self._by_speaker and not self.place.exists():
            hint = self._same_normalisation("run emocli fit-cca")
            raise StoreError("there is no such file", where=self.place, hint=hint)
        return load_check(self.place)

    @property
    def _by_speaker(self) -> bool:
        """Whether the check is one of features normalised by speaker."""
        return self.place.stem.endswith(BY_SPEAKER)

    def _same_normalisation(self, hint: str) -> str:
        if not self._by_speaker:
            return hint
        return f"{hint} with --set check.normalise=speaker, shrinkage and least_clips as in train"

    @property
    def single_modality(self) -> bool:
        """Whether the network reads one modality, of which there is nothing to make proxies."""
        return len(self.train.stores) == 1

    def require(self, config: RobustConfig) -> None:
        """Make sure that what a training asks for can be made.

        Raises
        ------
        StoreError
            If the check is absent or fitted on something else, or no training clip is left to make
            proxies of another one's from.
        """
        if config.trust == "check":
            _ = self.check
        if config.at_training.fill == "proxy" and not self.single_modality:
            clips = self.train.clips
            if len(set(groups(clips, grouping(clips)))) < 2:
                what = "all training clips are of one dialogue or speaker"
                hint = "choose robust.train_on_proxy=false"
                raise StoreError(f"{what}: none is left to regenerate features from", hint=hint)

    def remarks(self, config: RepairConfig) -> Iterator[str]:
        """Yield what a repair cannot do, a line each."""
        yield from proxy_remarks(config, self.train.stores)
        provenance = self.check.provenance if config.trust == "check" else None
        unseen = provenance.unseen(self.train.clips) if provenance else 0
        if unseen:
            total = len(self.train)
            why = ": the network's last fit was on the valid split, too" if self.refitted else ""
            lacks = f"without {unseen} of the {total} training clips"
            yield f"the modality check was fitted {lacks}{why}"
        if provenance and self.trained.fit_on == "as_given" and not self._same_noise(provenance):
            as_was = ", ".join(texts(provenance.corrupt)) or "clips as they are in the store"
            now = ", ".join(texts(self.trained.corrupt)) or "the same without corruption"
            was, seed = provenance.corruption_seed, self.trained.corruption_seed
            fit = f"the modality check was fitted on {as_was} (seed {was})"
            yield f"{fit}, the network on {now} (seed {seed})"

    def _same_noise(self, provenance: FitProvenance) -> bool:
        return (provenance.corrupt, provenance.corruption_seed) == (
            self.trained.corrupt,
            self.trained.corruption_seed if self.trained.corrupt else 0,
        )

    def repaired(
        self,
        samples: Samples,
        config: RepairConfig,
        corrupter: Corrupter | None = None,
        without: Collection[str] = (),
        size: int = BATCH,
    ) -> Repaired:
        """Repair standardised clips.

        Parameters
        ----------
        samples : Samples
            The clips.
        config : RepairConfig
            What is to be done.
        corrupter : Corrupter, optional
            What the oracle knows.
        without : collection of str
            Clips that have no part in the proxies.
        size : int
            Clips that are repaired at once.
        """
        if not config.label:
            return Repaired.untouched(samples)
        check = self.check if config.trust == "check" else None
        generator = self.proxies(config, without)
        repair = Repair.of(config, self.standardiser, check, corrupter, generator)
        return repair(samples, size)

    def learnt_from(self, train: Samples) -> Repaired:
        """Corrupt and repair the train split.

        Proxies that are learnt from are made without the dialogue or speaker of the clip: the bank
        holds the clip itself.
        """
        noisy, corrupter = self.corrupted(train.then(self.standardiser))
        config = self.trained.at_training
        if config.fill != "proxy":
            return self.repaired(noisy, config, corrupter)
        names = groups(noisy.clips, grouping(noisy.clips))
        numbers = {name: index % PARTS for index, name in enumerate(dict.fromkeys(names))}
        done = Repaired.untouched(noisy)
        for part in range(PARTS):
            pairs = zip(noisy.clips, names, strict=True)
            held = replace(noisy, clips=tuple(c for c, name in pairs if numbers[name] == part))
            without = {clip.id for clip in held.clips}
            done = done.joined(self.repaired(held, config, corrupter, without))
        return done

    def chosen_by(self, valid: Samples) -> Repaired:
        """Corrupt the valid split, and repair it as test clips are repaired."""
        noisy, corrupter = self.corrupted(valid.then(self.standardiser))
        return self.repaired(noisy, self.trained, corrupter)

    def corrupted(self, samples: Samples) -> tuple[Samples, Corrupter | None]:
        """Do to standardised clips what is done to those the network is trained with."""
        if not self.corruptions:
            return samples, None
        corrupter = Corrupter(self.corruptions, self.trained.corruption_seed, samples)
        return samples.then(corrupter), corrupter

    def proxies(self, config: RepairConfig, without: Collection[str] = ()) -> ProxyGenerator | None:
        """Return what regenerates modalities, see `generator`; None if a repair does not."""
        if config.fill != "proxy" or self.single_modality:
            return None
        return self.generator(config.proxy, without, config.trust)

    def generator(
        self, config: ProxyConfig, without: Collection[str] = (), trust: Trust | None = None
    ) -> ProxyGenerator:
        """Fit proxies on the train split, once for each kind.

        ``trust`` says what of clips as given they are made of; by default the training's.

        Raises
        ------
        StoreError
            If no training clip is left to fit them on.
        """
        trust = trust or self.trained.trust
        key = config.model_dump_json(), frozenset(without), trust
        if key not in self._generators:
            train = self._bank(config, trust)
            train = replace(train, clips=tuple(c for c in train.clips if c.id not in key[1]))
            if not train.clips:
                raise StoreError("there is no training clip to regenerate features from")
            lengths = {
                m: np.array([store.length(clip.id) for clip in train.clips])
                for m, store in train.stores.items()
            }
            batches = (batch.views for batch in train.batches(BATCH))
            self._generators[key] = ProxyGenerator.fit_batches(batches, lengths, config)
        return self._generators[key]

    def _bank(self, config: ProxyConfig, trust: Trust) -> Samples:
        """Return the training clips that proxies are made of.

        As given where the check is fitted on those (``robust.fit_on``), what is not trusted left
        out; or with all that is in them, by the settings of the proxies alone.
        """
        whole = self.train.then(self.standardiser)
        if "as_given" not in (self.trained.fit_on, config.fit_on):
            return whole
        noisy, corrupter = self.corrupted(whole)
        passing = RepairConfig(trust=trust, fill="missing")
        if self.trained.fit_on == "clean" or not passing.label:
            return noisy
        return self.repaired(noisy, passing, corrupter).samples


def proxy_remarks(config: RepairConfig, modalities: Collection[str]) -> Iterator[str]:
    """Say that nothing is regenerated where there is one modality."""
    if config.fill == "proxy" and len(modalities) == 1:
        (name,) = modalities
        only = f"there is {name} alone: what is bad is discarded"
        yield f"a proxy is made of another modality, and {only}"
