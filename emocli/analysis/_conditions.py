"""Common fields of the reports of analyses, their file names, and their conditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from emocli.analysis import OfRun, Report, file_name
from emocli.data.clip import Split
from emocli.evaluation.options import SplitOptions
from emocli.plugin.robustness import CorruptionSpec, RobustOptions, on
from emocli.version import version

if TYPE_CHECKING:
    from emocli.evaluation.cross_validation import Evaluator

CLEAN_LABEL = "clean"

Measured = TypeVar("Measured")


@dataclass(frozen=True, kw_only=True)
class ConditionOptions(RobustOptions, SplitOptions, OfRun):
    """Options of an analysis of the clips of a split under several conditions."""


@dataclass(frozen=True, kw_only=True)
class VersionedReport(Report):
    """Beginning of the report of an analysis; ``emocli`` is the version that wrote it."""

    FORMAT: ClassVar[int] = 2
    RENAMED: ClassVar[Mapping[str, str] | None] = {}

    emocli: str


@dataclass(frozen=True, kw_only=True)
class PlaceReport(VersionedReport):
    """The same of an analysis of features: of a run or store (`of`), and its clips."""

    of: str
    dataset: str
    split: Split

    @classmethod
    def about(cls, place: Path, dataset: str, split: Split) -> PlaceReport:
        """Begin a report."""
        name = place.resolve().name
        return PlaceReport(
            format=PlaceReport.FORMAT, emocli=version(), of=name, dataset=dataset, split=split
        )


@dataclass(frozen=True, kw_only=True)
class RunReport(VersionedReport):
    """The same of an analysis of networks: the run, and its corpora."""

    run: str
    fusion: str
    seeds: tuple[int, ...]
    dataset: str
    trained_on: str


@dataclass(frozen=True, kw_only=True)
class SplitReport(RunReport):
    """The same with the clips, their number, their repair and the seed of their corruptions."""

    split: Split
    n: int
    repair: str
    corruption_seed: int

    @property
    def title(self) -> str:
        """Title of tables and figures: the run, its clips and their repair."""
        repair = f" · {self.repair}" if self.repair else ""
        return f"{self.run} · {self.dataset}, {self.split} ({self.n} clips){repair}"


def opened(options: ConditionOptions) -> Evaluator:
    """Open the run, or the cross-validation, on the clips of the split.

    Raises
    ------
    EmocliError
        If something is absent, damaged, or does not fit.
    """
    from emocli.evaluation.cross_validation import open_evaluator

    return open_evaluator(options.run, options.split, options.manifest, options.store, options)


def about(run: Path, evaluator: Evaluator) -> RunReport:
    """Begin the report of an analysis of a run."""
    config = evaluator.config
    return RunReport(
        format=RunReport.FORMAT,
        emocli=version(),
        run=run.resolve().name,
        fusion=config.fusion,
        seeds=tuple(config.seeds),
        dataset=evaluator.samples.manifest.dataset,
        trained_on=config.dataset,
    )


def about_split(options: ConditionOptions, evaluator: Evaluator) -> SplitReport:
    """Begin the report of an analysis of the clips of a split."""
    return SplitReport(
        **vars(about(options.run, evaluator)),
        split=options.split,
        n=len(evaluator.samples),
        repair=evaluator.repair.label,
        corruption_seed=options.seed,
    )


def name_of(
    analysis: str, options: ConditionOptions, evaluator: Evaluator, *labels: str | None
) -> str:
    """Name an analysis after its split, corpus, corruptions and repair."""
    parts = (analysis, options.split, evaluator.other, *labels)
    return file_name(*parts, seed=options.seed)


def conditions(
    corruptions: Sequence[CorruptionSpec], modalities: Sequence[str], default: str | None = None
) -> dict[str, tuple[CorruptionSpec, ...]]:
    """Return each condition's label and corruptions, the clean one first.

    Parameters
    ----------
    corruptions : sequence of CorruptionSpec
        What is done to the clips, all at once.
    modalities : sequence of str
        Which ones the network knows.
    default : str, optional
        Level of the noise that is added to every modality in turn where there is no corruption.

    Raises
    ------
    ConfigError
        If there is no such corruption or modality.
    """
    each = [[CorruptionSpec(modality, strength=default)] for modality in modalities]
    usable = [on(own, modalities) for own in ([corruptions] if corruptions else each)]
    return {CLEAN_LABEL: (), **{" + ".join(c.label for c in own): own for own in usable}}


def measured(
    options: ConditionOptions,
    measure: Callable[[Evaluator, tuple[CorruptionSpec, ...], int], Measured],
    progress: Callable[[int, int], None],
    default: str | None = None,
) -> tuple[Evaluator, dict[str, Measured]]:
    """Open the run, and measure under each of its `conditions` in turn; errors as of both."""
    evaluator = opened(options)
    tested = conditions(options.corrupt, evaluator.modalities, default)
    results: dict[str, Measured] = {}
    for label, corruptions in tested.items():
        progress(len(results), len(tested))
        results[label] = measure(evaluator, corruptions, options.seed)
    progress(len(results), len(tested))
    return evaluator, results
