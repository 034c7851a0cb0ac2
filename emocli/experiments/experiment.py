"""An experiment on a corpus: its table with all settings resolved, checked against the corpus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from emocli import plugins
from emocli.config import Tree, build, subsection
from emocli.data.manifest import Manifest
from emocli.data.normalisation import BY_SPEAKER
from emocli.data.store import StoredFeature, features_in, open_features, open_joined
from emocli.errors import ConfigError, ManifestError, choice
from emocli.experiments import row_analyses
from emocli.experiments.config import ReproduceConfig, check_sections, plugin_of
from emocli.experiments.plan import ExperimentPlan
from emocli.experiments.rows import Inputs, System
from emocli.experiments.systems import check_distinct, kinds, overridden, systems
from emocli.plugin.experiment import RepairOptions, Table
from emocli.plugin.robustness import CorruptionSpec, packages
from emocli.robust.check.settings import CheckConfig, configure


def sections(table: Table) -> tuple[str, ...]:
    """Return the sections of settings that a table takes."""
    own = dict.fromkeys(section for kind in kinds(table) for section in kind.SECTIONS)
    return ("reproduce", "experiment", *own, "rows")


@dataclass(frozen=True)
class Experiment:
    """An experiment on a corpus, all settings resolved.

    Attributes
    ----------
    name : str
        Of the plug-in.
    table : Table
        What is asked.
    inputs : Inputs
        How it is run, and on what.
    stores : mapping
        Modality to its feature.
    systems : tuple of System
        The rows.
    settings : mapping
        All sections of settings.
    """

    name: str
    table: Table
    inputs: Inputs
    stores: Mapping[str, StoredFeature]
    systems: tuple[System, ...]
    settings: Tree

    @classmethod
    def of(
        cls, name: str, table: Table, manifest: Manifest, store: Path, settings: Tree
    ) -> Experiment:
        """Resolve the settings and rows of an experiment.

        Raises
        ------
        EmocliError
            If it does not fit the corpus, the store or the settings.
        """
        check_sections(settings, sections(table))
        usual: Tree = {"check_preset": table.check_preset} if table.check_preset else {}
        own = usual | subsection(settings, "reproduce")
        config = build(ReproduceConfig, own, "reproduce")
        if table.task not in (None, manifest.task):
            what = f"is of task '{manifest.task}', and {name} is about '{table.task}'"
            raise ManifestError(what, where=manifest.path or manifest.dataset)
        stored = any(kind.STORED for kind in kinds(table))
        if config.features and not stored:
            what = f"{name} looks at what 'experiment.kind' says, not at features"
            raise ConfigError(what, hint="leave -f out")
        corpora = tuple(manifest.folded(k, config.folds) for k in range(config.folds))
        stores = open_features(store, config.features or None, manifest) if stored else {}
        chosen = {modality: feature.name for modality, feature in stores.items()}
        there = features_in(store) if stored else ()
        rows = tuple(systems(table, chosen, there, config.preset, settings))
        inputs = Inputs(config, corpora or (manifest,), store)
        experiment = cls(name, table, inputs, stores, rows, settings)
        experiment._check()
        return experiment

    def _check(self) -> None:
        """Refuse rows and settings that do not fit each other."""
        running = self._running
        row_analyses.check(self.table.analyses, [system.row.name for system in running])
        slugs = [system.slug for system in running]
        for slug in self.config.only:
            if slug not in slugs:
                raise ConfigError(f"there is no row '{slug}'", hint=choice(slug, slugs))
        for system in running:
            system.check(self.inputs)
        if not running:
            raise ConfigError(f"no row of {self.name} is to be run, all are quoted")
        if all(system.lacking for system in running):
            first = running[0]
            what = f"no row of {self.name} can be run: {first.row.name}: {first.lacking}"
            raise ConfigError(what, hint="name the modalities, e.g. --set experiment.visual=face")
        check_distinct(
            ((s.slug, s.row.settings, s.defaults()) for s in self.due if s.is_trainable),
            self.shared,
        )
        networks = {system.slug: system.settings for system in self.due}
        for system in filter(_checked, self.due):
            own = subsection(networks[system.trained], "train")
            if own.get("normalise", "none") != self.check.normalise:
                what = f"row '{system.row.name}' reads other features than the modality check"
                raise ConfigError(what, hint="set train.normalise for all rows, not for one")
        if self.check.fit_on != "clean" and self.checked:
            what = "one check serves all rows, whatever they are trained with"
            raise ConfigError(what, hint="choose --set check.fit_on=clean")
        if len(self.checks.get("as_given", ())) > 1:
            what = "rows of several corruptions would ask one check, fitted on clips as given"
            raise ConfigError(what, hint="run some of them alone: --row ROW")

    @property
    def packages(self) -> Iterator[str]:
        """The installed packages that add it, its networks or its corruptions."""
        yield from plugins.packages("experiments", plugin_of(self.name))
        for row in (system.row for system in self.systems):
            yield from plugins.packages("fusion", row.fusion)
            yield from packages(spec for each in row.conditions for spec in each.corrupt)
            yield from packages(row.training.corrupt)

    @property
    def config(self) -> ReproduceConfig:
        """How it is run."""
        return self.inputs.config

    @property
    def corpus(self) -> Manifest:
        """The corpus; of several folds the first."""
        return self.inputs.corpora[0]

    @cached_property
    def check(self) -> CheckConfig:
        """Settings of the modality check."""
        return configure(self.config.check_preset, {"check": self.check_settings})

    @property
    def check_settings(self) -> Tree:
        """What deviates from the check's preset; it reads features as the networks do."""
        train = subsection(self.settings, "train")
        reading = {key: train[key] for key in BY_SPEAKER if key in train}
        return {**reading, **subsection(self.settings, "check")}

    @property
    def checked(self) -> bool:
        """Whether a row needs the modality check."""
        return any(self.checks.values())

    @property
    def checks(self) -> dict[str, set[tuple[CorruptionSpec, ...]]]:
        """What modality checks that rows need are fitted on: to what happens to the clips."""
        checks: dict[str, set[tuple[CorruptionSpec, ...]]] = {}
        for system in self.due:
            if _checked(system):
                corrupt = system.row.training.corrupt
                as_given = corrupt if system.fit_on == "as_given" else ()
                checks.setdefault(system.fit_on, set()).add(as_given)
        return checks

    def without_check(self, fit_on: str, reason: str) -> Experiment:
        """Return the same, lacking the rows whose check is fitted on this, and those like them."""
        lost = {s.slug for s in self.systems if s.fit_on == fit_on and _checked(s)}
        systems = (
            replace(s, lacking=reason) if lost & {s.slug, s.trained} else s for s in self.systems
        )
        return replace(self, systems=tuple(systems))

    @property
    def due(self) -> list[System]:
        """The rows to run now, and those whose networks they need."""
        running = self._running
        only = self.config.only or [system.slug for system in running]
        needed = {*only, *(system.trained for system in running if system.slug in only)}
        return [system for system in running if system.slug in needed]

    @property
    def _running(self) -> list[System]:
        """All rows but those that are only quoted."""
        return [system for system in self.systems if system.RUNS]

    @property
    def shared(self) -> Tree:
        """The settings of all rows that have them."""
        parts = dict.fromkeys(part for system in self.systems for part in system.SHARED)
        return {part: self.settings[part] for part in parts if part in self.settings}

    @property
    def remarks(self) -> list[str]:
        """Remarks on settings that do not apply where a reader might expect it."""
        rows = ((system.slug, system.row.settings) for system in self.due)
        return [*overridden(rows, self.shared), *self._unpreset()]

    def _unpreset(self) -> Iterator[str]:
        """Yield remarks on parts of the experiment that the requested preset does not apply to."""
        stated, preset = subsection(self.settings, "reproduce"), self.config.preset
        if "preset" not in stated:
            return
        if self.checked and "check_preset" not in stated:
            yield (
                f"preset '{preset}' is that of the networks; the modality check keeps "
                f"'{self.config.check_preset}': reproduce.check_preset changes it"
            )
        proxies = {repair.proxy for repair in self._repairs() if repair.proxy}
        if proxies and "proxy" not in subsection(self.settings, "experiment"):
            kept = ", ".join(f"'{proxy}'" for proxy in sorted(proxies))
            yield (
                f"preset '{preset}' is that of the networks; the proxies keep {kept}: "
                "experiment.proxy changes them"
            )

    def _repairs(self) -> Iterator[RepairOptions]:
        """Yield how the rows to run now are repaired, in training and in tests."""
        for system in self.due:
            yield from _repairs(system)

    @property
    def fingerprints(self) -> dict[str, str]:
        """Feature to the fingerprint of its content, of all that any row is given."""
        names = {f for s in self.systems if not s.lacking for f in s.features.values()}
        opened = (open_joined(self.inputs.store, name, self.corpus) for name in sorted(names))
        return {feature.name: feature.fingerprint for feature in opened}

    def prepare(self, checked: bool) -> None:
        """Make sure that every row can be trained, with the modality check or as if there was one.

        Raises
        ------
        EmocliError
            If one cannot; it says which.
        """
        for system in self.due:
            if system.is_trainable:
                system.prepare(self.inputs, checked)

    def plan(self) -> ExperimentPlan:
        """Return what would be run."""
        trainings = len(self.inputs.corpora) * self.config.seeds
        modalities = {modality: store.name for modality, store in self.stores.items()}
        rows = tuple(system.plan(trainings) for system in self.due)
        title, remarks = self.table.title, tuple(self.remarks)
        return ExperimentPlan(self.name, title, self.config, modalities, rows, remarks)


def _checked(system: System) -> bool:
    """Whether a row needs the modality check."""
    return any(repair.check for repair in _repairs(system))


def _repairs(system: System) -> Iterator[RepairOptions]:
    """Yield how a row is repaired, in training and in tests, if it can be run."""
    if not system.lacking:
        yield system.row.training
        yield from (condition.repair for condition in system.row.conditions)
