"""The factory of a corpus's repairs: its modality check and its proxies, made at first use."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from emocli.data.samples import Samples
from emocli.data.standardise import OUTLIERS, Standardiser
from emocli.errors import StoreError
from emocli.metrics.statistics import grouping, groups
from emocli.plugin.robustness import CorruptionSpec, on
from emocli.robust.check.io import load_check
from emocli.robust.check.model import ModalityCheck
from emocli.robust.corrupt import Corrupter
from emocli.robust.proxy.generator import ProxyGenerator
from emocli.robust.proxy.settings import ProxyConfig
from emocli.robust.repair import Repair, RepairConfig, Repaired, RobustConfig

BATCH = 64
"""Clips that are read at once."""

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
    """

    place: Path
    standardiser: Standardiser
    trained: RobustConfig
    train: Samples
    outliers: float = OUTLIERS
    _generators: dict[tuple[str, frozenset[str]], ProxyGenerator] = field(default_factory=dict)

    @cached_property
    def corruptions(self) -> tuple[CorruptionSpec, ...]:
        """What happens to the clips the network is trained with."""
        return on(self.trained.corruptions, self.train.stores)

    @cached_property
    def check(self) -> ModalityCheck:
        """The modality check.

        Raises
        ------
        StoreError
            If there is none, or it was fitted on something else.
        """
        check = load_check(self.place)
        if check.provenance is not None:
            try:
                check.provenance.require_apart(self.train.manifest)
                check.provenance.require(self.train.stores, self.standardiser, self.outliers)
            except StoreError as error:
                where = error.where or self.place
                raise StoreError(error.what, where=where, hint=error.hint) from None
        return check

    @property
    def alone(self) -> bool:
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
        if config.at_training.fill == "proxy" and not self.alone:
            clips = self.train.clips
            if len(set(groups(clips, grouping(clips)))) < 2:
                what = "all training clips are of one dialogue or speaker"
                hint = "choose robust.train_on_proxy=false"
                raise StoreError(f"{what}: none is left to regenerate features from", hint=hint)

    def remarks(self, config: RepairConfig) -> Iterator[str]:
        """Yield what a repair cannot do, a line each."""
        if config.fill == "proxy" and self.alone:
            (name,) = self.train.stores
            only = f"there is {name} alone: what is bad is discarded"
            yield f"a proxy is made of another modality, and {only}"
        provenance = self.check.provenance if config.trust == "check" else None
        unseen = provenance.unseen(self.train.clips) if provenance else 0
        if unseen:
            total = len(self.train)
            yield f"the modality check was fitted without {unseen} of the {total} training clips"

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
        regenerates = config.fill == "proxy" and not self.alone
        generator = self.generator(config.proxy, without) if regenerates else None
        repair = Repair.of(config, self.standardiser, check, corrupter, generator)
        return repair(samples, size)

    def learnt_from(self, train: Samples) -> Samples:
        """Corrupt and repair the train split.

        Proxies that are learnt from are made without the dialogue or speaker of the clip: the bank
        holds the clip itself.
        """
        noisy, corrupter = self.corrupted(train.then(self.standardiser))
        config = self.trained.at_training
        if config.fill != "proxy":
            return self.repaired(noisy, config, corrupter).samples
        names = groups(noisy.clips, grouping(noisy.clips))
        numbers = {name: index % PARTS for index, name in enumerate(dict.fromkeys(names))}
        done = noisy
        for part in range(PARTS):
            pairs = zip(noisy.clips, names, strict=True)
            held = replace(noisy, clips=tuple(c for c, name in pairs if numbers[name] == part))
            without = {clip.id for clip in held.clips}
            done = done.then(self.repaired(held, config, corrupter, without).replaced)
        return done

    def chosen_by(self, valid: Samples) -> Samples:
        """Corrupt the valid split, and repair it as test clips are repaired."""
        noisy, corrupter = self.corrupted(valid.then(self.standardiser))
        return self.repaired(noisy, self.trained, corrupter).samples

    def corrupted(self, samples: Samples) -> tuple[Samples, Corrupter | None]:
        """Do to standardised clips what is done to those the network is trained with."""
        if not self.corruptions:
            return samples, None
        corrupter = Corrupter(self.corruptions, self.trained.corruption_seed, samples)
        return samples.then(corrupter), corrupter

    def generator(self, config: ProxyConfig, without: Collection[str] = ()) -> ProxyGenerator:
        """Fit proxies on the train split, once for each kind.

        Raises
        ------
        StoreError
            If no training clip is left to fit them on.
        """
        key = config.model_dump_json(), frozenset(without)
        if key not in self._generators:
            whole = self.train.then(self.standardiser)
            train = self.corrupted(whole)[0] if config.fit_on == "as_given" else whole
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
