"""Repair of clips: the trusted modalities, and the replacement of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from emocli.config import Settings, Tree, build, merge, section
from emocli.data.batch import Batch, Padded, Views
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.errors import ConfigError
from emocli.plugin.robustness import PROXY, RepairOptions, RobustOptions
from emocli.quantities import Seed
from emocli.robust.check.model import ModalityCheck
from emocli.robust.corrupt import Corrupter, Corruptions
from emocli.robust.discard import discard
from emocli.robust.proxy.generator import ProxyGenerator
from emocli.robust.proxy.settings import ProxyConfig, configure
from emocli.robust.representation import Flags

Effective = Mapping[str, Flags]
Clips = Mapping[str, frozenset[str]]
"""Modality to clips."""

Trust = Literal["all", "check", "oracle"]
Fill = Literal["discard", "missing", "zero", "proxy"]


class RepairConfig(Settings):
    """Settings of the repair.

    Attributes
    ----------
    trust : {'all', 'check', 'oracle'}
        Who says which modalities of a clip are bad: nobody, the modality check, or the truth about
        the corruption.
    fill : {'discard', 'missing', 'zero', 'proxy'}
        What is put in the place of bad modalities. discard: zeros of the standardised features,
        their training mean (Mittal 2020 eq. 1); missing: nothing, as if never recorded; zero:
        zeros of the features as they are in the store; proxy: proxies, which also fill what is
        missing. What cannot be regenerated is discarded.
    proxy : ProxyConfig
        Settings of the proxies; where they are asked for and no mode is named, the preset ``plus``.
    tau : float, optional
        Threshold of the modality check for every pair, in place of each pair's own.
    """

    trust: Trust = "all"
    fill: Fill = "discard"
    proxy: ProxyConfig = ProxyConfig()
    tau: Annotated[float, Field(ge=-1e4, le=1e4)] | None = None

    @property
    def label(self) -> str:
        """As a table shows it; empty where nothing is done."""
        fill = f"proxy {self.proxy.label}" if self.fill == "proxy" else self.fill
        if self.trust == "all":
            return fill if self.fill == "proxy" else ""
        tau = "" if self.tau is None else f" at tau {self.tau:g}"
        return f"{self.trust}{tau}, {fill}"

    def with_options(self, options: RepairOptions) -> Self:
        """Return what these settings become by the options of a command.

        Raises
        ------
        ConfigError
            If they contradict each other, or name what there is not.
        """
        check, oracle, proxy, fill = options.check, options.oracle, options.proxy, options.fill
        if check and oracle:
            raise ConfigError("--check and --oracle", hint="either of them says what is bad")
        if proxy is not None and fill not in (None, "proxy"):
            raise ConfigError(f"--proxy and --fill {fill}", hint="choose one of them")
        tree = self.model_dump()
        own = {} if options.settings is None else section(options.settings, "robust")
        if proxy is None and "proxy" in (fill, own.get("fill")) and self.fill != "proxy":
            proxy, fill = _kind(own), None
        if oracle or check is not None:
            tree["trust"] = "oracle" if oracle else "check" if check else "all"
            if tree["trust"] == "all":
                tree["fill"] = "discard"  # all is trusted
        if fill == "mean":
            proxy, fill = "mean", None
        if proxy is not None:
            tree["proxy"], fill = configure(proxy).model_dump(), "proxy"
        tree["fill"] = fill or tree["fill"]
        config = build(type(self), merge(tree, own), "robust")
        if config.fill not in ("discard", "proxy") and config.trust == "all":
            hint = "add --check or --oracle, which say what is bad"
            raise ConfigError(f"--fill {config.fill} would fill nothing", hint=hint)
        if config.tau is not None and config.trust != "check":
            raise ConfigError("tau is the check's, and nothing is checked", hint="add --check")
        return config


def _kind(settings: Tree) -> str:
    """Return the kind of proxies that settings ask for: the mode they name, or the default."""
    proxy = settings.get("proxy")
    mode = proxy.get("mode") if isinstance(proxy, Mapping) else None
    return str(mode or PROXY)


PRESETS: Mapping[str, Tree] = {"literal": {"robust": {"fit_on": "as_given"}}}
"""What a network's preset says of robustness: as printed, there is one check, and noise in it."""


class RobustConfig(RepairConfig):
    """Settings of what a network is trained with: corrupted clips, and a repair.

    Attributes
    ----------
    corrupt : tuple of CorruptionSpec
        What happens to the clips of the train and valid split, as ``--corrupt`` takes it.
    corruption_seed : int
        Seed of what happens to them: another seed, other noise.
    train_on_proxy : bool
        Whether proxies are learnt from too, made for each clip without the clips of its dialogue or
        speaker; else they are for validation and test, and training discards.
    fit_on : {'clean', 'as_given'}
        Which check is asked, the one fitted on clips as they are in the store or the one fitted on
        them as given (``check.fit_on``); and with the latter, proxies are made of training clips as
        given, too: of what in them is trusted.
    """

    corrupt: Corruptions = ()
    corruption_seed: Seed = 0
    train_on_proxy: bool = False
    fit_on: Literal["clean", "as_given"] = "clean"

    def trained_with(self, options: RobustOptions) -> Self:
        """Return what these settings become by the options of a training.

        Raises
        ------
        ConfigError
            If they contradict each other, or name what there is not.
        """
        config, corrupt = self.with_options(options), options.corrupt
        return config.model_copy(update={"corrupt": corrupt}) if corrupt else config

    @property
    def repair(self) -> RepairConfig:
        """The repair alone, as clips of any split may be given it."""
        return RepairConfig(trust=self.trust, fill=self.fill, proxy=self.proxy, tau=self.tau)

    @property
    def at_training(self) -> RepairConfig:
        """The repair of the train split."""
        discards = self.fill == "proxy" and not self.train_on_proxy
        return self.model_copy(update={"fill": "discard"}) if discards else self


@dataclass(frozen=True)
class Repaired:
    """The result of a repair.

    Attributes
    ----------
    samples : Samples
        The clips after it.
    replaced : Replaced
        What they have been given.
    flagged : mapping
        Modality to the clips that have it but in which it is not trusted.
    regenerated : mapping
        Modality to the clips in which a proxy stands for it, whether it was flagged or missing.
    discards : bool
        Whether what was flagged and not regenerated is zeros now, the training mean.
    """

    samples: Samples
    replaced: Replaced
    flagged: Clips
    regenerated: Clips
    discards: bool = True

    @property
    def pooled(self) -> Samples:
        """The clips as classical models are given them: what was discarded is not there.

        Zeros stand for the mean of a sequence, but not for that of its functionals: these are the
        training clips' means only for what a clip lacks.
        """
        if not self.discards:
            return self.samples
        lost = {m: ids - self.regenerated[m] for m, ids in self.flagged.items()}
        return self.samples.then(Removed(lost))

    def joined(self, other: Repaired) -> Repaired:
        """Return what both did to clips, each to some of them."""
        arrays = {**self.replaced.arrays, **other.replaced.arrays}
        flagged, regenerated = (
            {m: mine[m] | its[m] for m in mine}
            for mine, its in (
                (self.flagged, other.flagged),
                (self.regenerated, other.regenerated),
            )
        )
        samples = self.samples.then(other.replaced)
        return Repaired(samples, Replaced(arrays), flagged, regenerated, self.discards)

    @classmethod
    def untouched(cls, samples: Samples) -> Self:
        """Trust everything, and change nothing."""
        nothing: Clips = dict.fromkeys(samples.stores, frozenset())
        return cls(samples, Replaced({}), nothing, nothing)


@dataclass(frozen=True)
class Repair:
    """Replaces what is not trusted.

    Attributes
    ----------
    effective : callable
        Tells which modalities of the clips of a batch can be trusted, shape (B,) each.
    fill : callable
        Puts something in the place of those that are not.
    generator : ProxyGenerator, optional
        Regenerates afterwards what it can.
    discards : bool
        Whether what is filled in is the training mean.
    """

    effective: Callable[[Batch], Effective]
    fill: Callable[[Views, Effective], Mapping[str, Padded]] = discard
    generator: ProxyGenerator | None = None
    discards: bool = True

    @classmethod
    def of(
        cls,
        config: RepairConfig,
        standardiser: Standardiser,
        check: ModalityCheck | None,
        corrupter: Corrupter | None,
        generator: ProxyGenerator | None,
    ) -> Self:
        """Build the repair that the settings describe; the oracle reads ``corrupter``."""
        if check and config.tau is not None:
            check = check.at(config.tau)
        trusts: Mapping[Trust, Callable[[Batch], Effective]] = {
            "all": observed,
            "check": lambda batch: check.effective(batch.views) if check else observed(batch),
            "oracle": lambda batch: truth(batch, corrupter),
        }
        fills: Mapping[Fill, Callable[[Views, Effective], Mapping[str, Padded]]] = {
            "discard": discard,
            "proxy": discard,
            "missing": removed,
            "zero": lambda views, effective: silenced(views, effective, standardiser),
        }
        chosen = generator if config.fill == "proxy" else None
        discards = config.fill in ("discard", "proxy")
        return cls(trusts[config.trust], fills[config.fill], chosen, discards)

    def __call__(self, samples: Samples, size: int) -> Repaired:
        """Repair clip by clip, ``size`` at a time, so that it works for networks of any level."""
        flagged: dict[str, set[str]] = {modality: set() for modality in samples.stores}
        filled: dict[str, set[str]] = {modality: set() for modality in samples.stores}
        arrays: dict[tuple[str, str], NDArray[np.float32]] = {}
        for batch in samples.batches(size):
            effective = self.effective(batch)
            views = self.fill(batch.views, effective)
            regenerated = {m: np.zeros(len(batch), bool) for m in views}
            if self.generator is not None:
                regenerated = self.generator.fillable(batch.views, effective)
                views = self.generator.fill(views, effective)
            for modality, view in views.items():
                bad = batch.views[modality].observed.numpy() & ~effective[modality]
                rows = view.rows()
                flagged[modality].update(batch.ids[k] for k in np.flatnonzero(bad))
                filled[modality].update(batch.ids[k] for k in np.flatnonzero(regenerated[modality]))
                for index in np.flatnonzero(bad | regenerated[modality]):
                    arrays[batch.ids[index], modality] = rows[index]
        replaced = Replaced(arrays)
        marked = _frozen(flagged), _frozen(filled)
        return Repaired(samples.then(replaced), replaced, *marked, self.discards)


@dataclass(frozen=True)
class Replaced:
    """The transform of samples that puts repaired arrays in place of those not trusted."""

    arrays: Mapping[tuple[str, str], NDArray[np.float32]]

    def __call__(
        self, clip_id: str, modality: str, values: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the array to use; all others stay bit-identical."""
        return self.arrays.get((clip_id, modality), values)


@dataclass(frozen=True)
class Removed:
    """Takes modalities of clips away; a transform of samples."""

    clips: Clips

    def __call__(
        self, clip_id: str, modality: str, values: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return no step of a modality that is taken away."""
        return values[:0] if clip_id in self.clips.get(modality, ()) else values


def observed(batch: Batch) -> dict[str, Flags]:
    """Trust whatever is there."""
    return {modality: view.observed.numpy() for modality, view in batch.views.items()}


def truth(batch: Batch, corrupter: Corrupter | None) -> dict[str, Flags]:
    """Trust what is there and was not corrupted."""
    corrupted = [corrupter.corrupted(i) if corrupter else frozenset() for i in batch.ids]
    return {
        modality: here & np.array([modality not in names for names in corrupted], bool)
        for modality, here in observed(batch).items()
    }


def removed(views: Views, effective: Effective) -> dict[str, Padded]:
    """Take away what is not trusted, as if it had never been recorded."""
    return {m: _without(view, torch.from_numpy(effective[m])) for m, view in views.items()}


def silenced(views: Views, effective: Effective, standardiser: Standardiser) -> dict[str, Padded]:
    """Put zeros of the features, before standardisation, in place of what is not trusted."""
    zeros = {m: standardiser("", m, np.zeros_like(standardiser.mean[m])) for m in views}
    return {
        m: view.with_values(
            torch.where(
                torch.from_numpy(effective[m])[:, None, None], view.values, torch.from_numpy(z)
            )
        )
        for (m, view), z in zip(views.items(), zeros.values(), strict=True)
    }


def _without(view: Padded, kept: torch.Tensor) -> Padded:
    return Padded(view.values, view.lengths.where(kept, 0), view.present)


def _frozen(sets: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {modality: frozenset(ids) for modality, ids in sets.items()}
