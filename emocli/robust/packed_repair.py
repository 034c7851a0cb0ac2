"""The repair of a packed run: its check and its proxies, without the corpus they were made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from emocli.data.durable import write_bytes
from emocli.data.samples import Samples
from emocli.data.standardise import Standardiser
from emocli.errors import StoreError
from emocli.robust.check.io import load_check
from emocli.robust.check.model import ModalityCheck
from emocli.robust.proxy.generator import ProxyGenerator
from emocli.robust.proxy.io import load_generator, save_generator
from emocli.robust.proxy.settings import ProxyConfig
from emocli.robust.repair import Repair, RepairConfig, Repaired
from emocli.robust.repair_factory import RepairFactory, proxy_remarks

CHECK, BANK = "check.h5", "proxies.safetensors"


def write_repair(factory: RepairFactory, config: RepairConfig, folder: Path) -> None:
    """Write what a repair needs of a factory, which may be nothing.

    Raises
    ------
    EmocliError
        If it cannot be made or written.
    """
    if config.trust == "check":
        write_check(factory, folder)
    generator = factory.proxies(config)
    if generator is not None:
        save_generator(generator, folder / BANK)


def write_check(factory: RepairFactory, folder: Path) -> None:
    """Write the check of a factory; errors as `write_repair`."""
    _ = factory.check  # refuses what does not fit
    write_bytes(folder / CHECK, factory.place.read_bytes())


@dataclass(frozen=True)
class PackedRepair:
    """Repairs clips as the factory did that was packed.

    Attributes
    ----------
    folder : Path
        Where `CHECK` and `BANK` are, as far as the repair that was packed has them.
    packed : RepairConfig
        That repair.
    standardiser : Standardiser
        What the network's features are standardised with.
    refitted : bool
        Whether those statistics are not those of the check.
    as_given : bool
        Whether the network was trained with proxies of clips as given.
    notes : tuple of str
        What that repair cannot do.
    """

    folder: Path
    packed: RepairConfig
    standardiser: Standardiser
    refitted: bool = False
    as_given: bool = False
    notes: tuple[str, ...] = ()
    _generators: dict[str, ProxyGenerator] = field(default_factory=dict, compare=False)

    @cached_property
    def check(self) -> ModalityCheck:
        """The modality check.

        Raises
        ------
        StoreError
            If it was not packed, or is damaged.
        """
        if not (self.folder / CHECK).is_file():
            raise StoreError("no modality check is packed", where=self.folder, hint=_again("check"))
        check = load_check(self.folder / CHECK)
        return check.through(self.standardiser) if self.refitted else check

    @property
    def single_modality(self) -> bool:
        """Whether the network reads one modality, of which there is nothing to make proxies."""
        return len(self.standardiser.mean) == 1

    def require(self, config: RepairConfig) -> None:
        """Make sure that a repair can be done.

        Raises
        ------
        EmocliError
            If its check or its proxies are not those that are packed, or are damaged.
        """
        if config.trust == "oracle":
            raise StoreError("nothing is known of corruptions", where=self.folder)
        if config.trust == "check":
            _ = self.check
        _ = self.proxies(config)

    def remarks(self, config: RepairConfig) -> Iterator[str]:
        """Yield what a repair cannot do, a line each."""
        yield from proxy_remarks(config, self.standardiser.mean)
        if config.trust == self.packed.trust:
            yield from self.notes

    def repaired(self, samples: Samples, config: RepairConfig, *, size: int) -> Repaired:
        """Repair standardised clips, ``size`` at a time; errors as `require`."""
        if not config.label:
            return Repaired.untouched(samples)
        check = self.check if config.trust == "check" else None
        generator = self.proxies(config)
        return Repair.of(config, self.standardiser, check, None, generator)(samples, size)

    def proxies(self, config: RepairConfig) -> ProxyGenerator | None:
        """Return what regenerates modalities; None if a repair does not; errors as `require`."""
        if config.fill != "proxy" or self.single_modality:
            return None
        key = config.proxy.model_dump_json()
        if key not in self._generators:
            self._require_bank(config)
            bank = load_generator(self.folder / BANK)
            self._generators[key] = replace(bank, config=config.proxy, _fitted={})
        return self._generators[key]

    def _require_bank(self, config: RepairConfig) -> None:
        """Refuse proxies that are not made of the bank; their mode is free."""
        packed = self.packed
        there = (self.folder / BANK).is_file()
        same = _bank(config.proxy) == _bank(packed.proxy)
        trusting = config.trust == packed.trust or not (
            self.as_given or config.proxy.fit_on == "as_given"
        )
        if not there or not same or not trusting:
            what = "other proxies are packed" if there else "no proxies are packed"
            raise StoreError(what, where=self.folder, hint=_again(f"proxy {config.proxy.mode}"))


def _bank(config: ProxyConfig) -> tuple[object, ...]:
    """Return the settings on which the bank depends."""
    return config.steps, config.alignment, config.fit_on


def _again(option: str) -> str:
    return f"pack the run again with --{option}"
