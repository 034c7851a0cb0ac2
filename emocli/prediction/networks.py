"""The networks of a run, and their outputs for clips they have not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from emocli.config import build
from emocli.data.arrays import Reals
from emocli.data.clip import Clip
from emocli.data.durable import digest
from emocli.data.normalisation import USED
from emocli.data.samples import Samples
from emocli.data.speakers import SpeakerNormaliser, SpeakerStatistics
from emocli.data.store import StoredFeature, check_path
from emocli.errors import RunError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.models import rundir
from emocli.models.calibration import calibration_remarks
from emocli.models.run_config import RunConfig
from emocli.models.rundir import MODEL, Run
from emocli.models.speakers import read_speakers
from emocli.plugin.robustness import TRAINED, RepairOptions
from emocli.prediction.advisory_check import AdvisoryCheck, check_remarks
from emocli.prediction.clips import manifest_of, with_speakers
from emocli.prediction.packing.folder import (
    AGAIN,
    PACK,
    FoldRepair,
    Pack,
    is_packed,
    require_inside,
    verified,
)
from emocli.robust.check.io import check_digest
from emocli.robust.check.model import ModalityCheck
from emocli.robust.packed_repair import CHECK, PackedRepair
from emocli.robust.proxy.generator import ProxyGenerator
from emocli.robust.proxy.io import generator_digest
from emocli.robust.repair import RepairConfig, Repaired, RobustConfig
from emocli.training.compute import deterministic_torch
from emocli.training.outputs import predict

BY_PLACE = (
    "the modality check knows what is usual at each place of a whole clip, and trusts fewer "
    "segments that begin or end elsewhere; fit-cca --set check.representation=step fits one that "
    "does not"
)


@dataclass(frozen=True)
class Outputs:
    """The outputs of networks for clips.

    Attributes
    ----------
    values : ndarray, shape (K, n, C)
        Probabilities or intensities of each of K networks.
    distrusted, regenerated : mapping
        Modality to the share of the networks, shape (n,), whose check does not trust it although
        it is there; for which a proxy stands for it.
    anomaly : mapping
        Modality to its anomaly score, shape (n,); NaN where that is not known.
    """

    values: Reals
    distrusted: Mapping[str, Reals]
    regenerated: Mapping[str, Reals]
    anomaly: Mapping[str, Reals]


class Repairer(Protocol):
    """The source of repairs: the factory of a corpus's repairs, or the repair of a packed run."""

    @property
    def check(self) -> ModalityCheck:
        """The modality check."""
        ...

    def proxies(self, config: RepairConfig) -> ProxyGenerator | None:
        """Return what regenerates modalities; None if a repair does not."""
        ...

    def repaired(self, samples: Samples, config: RepairConfig, *, size: int) -> Repaired:
        """Repair standardised clips, ``size`` at a time."""
        ...

    def remarks(self, config: RepairConfig) -> Iterator[str]:
        """Yield what a repair cannot do, a line each."""
        ...


@dataclass(frozen=True)
class FoldNetworks:
    """A run of one seed or several, and how it repairs clips; what repairs them if it does."""

    path: Path
    config: RunConfig
    members: tuple[Run, ...]
    repair: RepairConfig
    factory: Repairer | None
    speakers: SpeakerStatistics | None = None
    advisory_check: AdvisoryCheck | None = None

    @classmethod
    def open(cls, run: Path, options: RepairOptions = TRAINED) -> FoldNetworks:
        """Load networks and, where clips are repaired, the check and the proxies' training clips.

        Raises
        ------
        EmocliError
            If something is absent, damaged or does not fit.
        """
        config = rundir.read_config(run)
        trained = build(RobustConfig, config.robust, "robust")
        repair = trained.repair.with_options(options)
        speakers, members, factory = _speakers(run, config), _members(run, config), None
        if repair.label:
            own = RunEvaluator.open(run, None, None, None, options)
            members, factory = own.members, own.repair_factory
        store, normalise = config.store.locate(run), config.train.normalise
        place = check_path(store, config.fold, trained.fit_on, normalise)
        advisory_check = _advisory_check(repair, options, place, members[0])
        return cls(run, config, members, repair, factory, speakers, advisory_check)

    @classmethod
    def unpacked(cls, run: Path, packed: FoldRepair, options: RepairOptions) -> FoldNetworks:
        """Load what was packed; errors as `open`."""
        config = rundir.read_config(run)
        members, speakers = _members(run, config), _speakers(run, config)
        repair = build(RepairConfig, packed.repair, "repair").with_options(options)
        advisory_check = _advisory_check(repair, options, run / CHECK, members[0])
        if not repair.label:
            return cls(run, config, members, repair, None, speakers, advisory_check)
        known = build(RepairConfig, packed.with_check or packed.repair, "repair")
        trained = build(RobustConfig, config.robust, "robust")
        standardiser, as_given = members[0].standardiser, trained.fit_on == "as_given"
        own = PackedRepair(run, known, standardiser, config.train.refit, as_given, packed.remarks)
        own.require(repair)
        return cls(run, config, members, repair, own, speakers, advisory_check)

    @property
    def check(self) -> ModalityCheck | None:
        """The modality check, whether it is used for the repair or only reported."""
        if self.factory is not None and self.repair.trust == "check":
            return self.factory.check
        return self.advisory_check.check if self.advisory_check else None

    def marks(self) -> Iterator[str]:
        """Yield what tells it from others: networks, temperatures, repair, check and proxies."""
        for member in self.members:
            yield digest(member.path / MODEL)
            yield member.calibration.model_dump_json() if member.calibration else ""
        yield self.repair.model_dump_json()
        if self.check is not None:
            yield check_digest(self.check)
        proxies = self.factory.proxies(self.repair) if self.factory else None
        if proxies is not None:
            yield generator_digest(proxies)

    def predict(self, samples: Samples, device: str) -> Outputs:
        """Predict clips, whose features are as they were computed, with each network."""
        seen = self._normalised(samples).then(self.members[0].standardiser)
        repaired = self._repaired(seen)
        ids, size = [clip.id for clip in samples.clips], self.config.train.batch_size
        task, training = self.config.task, self.config.train
        with deterministic_torch(training.threads):
            networks = [member.network.to(device) for member in self.members]
            outputs = [predict(n, repaired.samples, size, device) for n in networks]
        rows = {clip_id: row for row, clip_id in enumerate(outputs[0].ids)}
        order = [rows[clip_id] for clip_id in ids]
        values = [
            each.values(task, training, member.temperature).astype(np.float64)[order]
            for each, member in zip(outputs, self.members, strict=True)
        ]
        return Outputs(
            np.stack(values),
            {m: _share(ids, clips, len(values)) for m, clips in repaired.flagged.items()},
            {m: _share(ids, clips, len(values)) for m, clips in repaired.regenerated.items()},
            self._anomaly(seen),
        )

    def remarks(self, samples: Samples) -> Iterator[str]:
        """Say whose features are normalised without statistics of their own, a line each reason."""
        normaliser = self._normaliser(samples)
        if normaliser is not None:
            yield from normaliser.remarks(normaliser.manifest.clips)

    def _normalised(self, samples: Samples) -> Samples:
        normaliser = self._normaliser(samples)
        return samples if normaliser is None else replace(samples, stores=normaliser.features())

    def _normaliser(self, samples: Samples) -> SpeakerNormaliser | None:
        """Return the normaliser by the clips at hand: equal names need not be the same person.

        All clips of a recording that name no speaker are of one.
        """
        training, clips = self.config.train, with_speakers(samples.manifest)
        return SpeakerNormaliser.of(
            training, training.outliers, clips, samples.stores, self.speakers
        )

    def _repaired(self, samples: Samples) -> Repaired:
        if self.factory is None:
            return Repaired.untouched(samples)
        return self.factory.repaired(samples, self.repair, size=self.config.train.batch_size)

    def _anomaly(self, samples: Samples) -> dict[str, Reals]:
        check, size = self.check, self.config.train.batch_size
        if check is None:
            return {m: np.full(len(samples), np.nan) for m in samples.stores}
        parts = [check.anomaly(batch.views) for batch in samples.batches(size)]
        return {m: np.concatenate([part[m] for part in parts]) for m in samples.stores}


def _members(run: Path, config: RunConfig) -> tuple[Run, ...]:
    return tuple(map(rundir.load, rundir.members(run, config.seeds)))


def _advisory_check(
    repair: RepairConfig, options: RepairOptions, place: Path, run: Run
) -> AdvisoryCheck | None:
    """Return the check at a place, if the repair does not ask it and nobody said so."""
    decided = repair.trust != "all" or options.check is not None
    return None if decided else AdvisoryCheck.of(place, run)


def _speakers(run: Path, config: RunConfig) -> SpeakerStatistics | None:
    """Return the run's statistics without its speakers; None if it does not normalise by them."""
    if config.train.normalise != "speaker":
        return None
    return read_speakers(rundir.members(run, config.seeds)[0], config.dims).without_speakers


def _share(ids: Sequence[str], marked: frozenset[str], networks: int) -> Reals:
    """Return 1 for each of the clips that is marked, for each network, shape (n,)."""
    return np.array([float(clip_id in marked) for clip_id in ids]) * networks


@dataclass(frozen=True)
class Ensemble:
    """All networks of a run: its seeds, and the folds of a cross-validation.

    ``pack`` is the list of files of one that is packed.
    """

    path: Path
    folds: tuple[FoldNetworks, ...]
    pack: Pack | None = None

    @classmethod
    def open(cls, run: Path, options: RepairOptions = TRAINED) -> Ensemble:
        """Load them.

        Raises
        ------
        EmocliError
            If one is absent, unfinished, damaged, or knows other classes or features.
        """
        pack = verified(run) if is_packed(run) else None
        folders = rundir.folds(run) or [run]
        for folder in folders:
            for member in rundir.member_folders(folder):
                rundir.require_finished(member)
        if pack is None:
            ensemble = cls(run, tuple(FoldNetworks.open(folder, options) for folder in folders))
        else:
            names = [folder.relative_to(run).as_posix() for folder in folders]
            ensemble = cls(run, tuple(_unpacked(run, name, pack, options) for name in names), pack)
        for fold in ensemble.folds:
            _require_same(ensemble.config, fold)
        return ensemble

    @property
    def config(self) -> RunConfig:
        """The configuration of the run; of a cross-validation, of its first fold."""
        return self.folds[0].config

    @property
    def networks(self) -> int:
        """How many there are."""
        return sum(len(fold.members) for fold in self.folds)

    @cached_property
    def fingerprint(self) -> str:
        """Equal for equal networks of the same temperatures that repair in the same way."""
        return " ".join(mark for fold in self.folds for mark in fold.marks())

    @property
    def calibrated(self) -> bool:
        """Whether all networks have a temperature."""
        return all(m.temperature is not None for fold in self.folds for m in fold.members)

    @property
    def half_widths(self) -> dict[str, float]:
        """Class to half the width of an intensity's interval, a mean over the networks."""
        known = [m.calibration for fold in self.folds for m in fold.members if m.calibration]
        widths = [each.half_width for each in known if each.half_width]
        if not widths:
            return {}
        return {c: float(np.mean([each[c] for each in widths])) for c in self.config.classes}

    def remarks(self) -> Iterator[str]:
        """Yield how features are normalised, and what repair and calibration cannot do."""
        if self.config.train.normalise == "speaker":
            yield f"features are {USED}"
        lines = [
            line
            for fold in self.folds
            if fold.factory is not None
            for line in fold.factory.remarks(fold.repair)
        ]
        yield from dict.fromkeys(lines)
        yield from check_remarks(
            [fold.advisory_check for fold in self.folds if fold.advisory_check]
        )
        yield from calibration_remarks(m.calibration for fold in self.folds for m in fold.members)

    def segment_remarks(self) -> Iterator[str]:
        """Say what the check cannot do with segments that are no clips as those of the training."""
        factories = [f.factory for f in self.folds if f.factory and f.repair.trust == "check"]
        if any(factory.check.representation.by_place for factory in factories):
            yield BY_PLACE

    def samples(self, clips: Sequence[Clip], stores: Mapping[str, StoredFeature]) -> Samples:
        """Put clips and their features together."""
        return Samples(manifest_of(clips, self.config), tuple(clips), stores)

    def predict(
        self, clips: Sequence[Clip], stores: Mapping[str, StoredFeature], device: str = "cpu"
    ) -> Outputs:
        """Predict clips with all networks."""
        samples = self.samples(clips, stores)
        parts = [fold.predict(samples, device) for fold in self.folds]
        n = self.networks
        return Outputs(
            np.concatenate([part.values for part in parts]),
            {m: sum((p.distrusted[m] for p in parts), np.zeros(len(clips))) / n for m in stores},
            {m: sum((p.regenerated[m] for p in parts), np.zeros(len(clips))) / n for m in stores},
            {m: np.mean([part.anomaly[m] for part in parts], axis=0) for m in stores},
        )


def _unpacked(run: Path, name: str, pack: Pack, options: RepairOptions) -> FoldNetworks:
    if name not in pack.folds:
        raise RunError(f"does not say what '{name}' repairs", where=run / PACK, hint=AGAIN)
    fold = FoldNetworks.unpacked(run / name, pack.folds[name], options)
    for view in fold.config.features.values():
        require_inside(run, {**view.upstream, view.feature: view.settings})
    return fold


def _require_same(config: RunConfig, fold: FoldNetworks) -> None:
    other = fold.config
    if (other.task, other.classes) != (config.task, config.classes):
        what = f"knows {', '.join(other.classes)}, other folds {', '.join(config.classes)}"
        raise RunError(what, where=fold.path, hint="train all folds with the same classes")
    if {m: v.feature for m, v in other.features.items()} != {
        m: v.feature for m, v in config.features.items()
    }:
        raise RunError("reads other features than other folds", where=fold.path)
