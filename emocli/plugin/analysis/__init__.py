"""Analyses of a trained network: ``emocli analyze NAME``.

A module of kind ``analyses`` offers

``Options``
    a frozen dataclass, whose docstring is the help of the command and whose fields are its options,
    each ``Annotated`` with an `Option` (see `emocli.options`): of `OfRun`, of `ConditionOptions`
    for the clips of a split under corruptions, or of `OfRunOrStore`;
``measure(options, progress) -> Finding``
    what is found. Its report is a frozen dataclass of `Report`, and the module's ``Report``, too;
    that of `ConditionOptions` begins as a `SplitReport`;
``PAGE``, if it has one
    an `AnalysisPage`, its section on the page of `emocli report`; else its figures are shown there.

`emocli.plugin.analysis.networks` opens networks and reads them, `emocli.plugin.analysis.drawing`
has what figures and pages are made of. The former loads PyTorch and is imported inside functions,
so that the help is there at once; it stands above most of emocli, as this package does.

>>> from emocli.plugin.robustness import read
>>> list(conditions(read(["audio@0dB"]), ["audio", "text"]))
['clean', 'audio gaussian 0 dB']
>>> list(conditions((), ["audio", "text"], "0dB"))
['clean', 'audio gaussian 0 dB', 'text gaussian 0 dB']
>>> file_name("gates", "test", None, "audio drop", seed=3)
'gates+test+audio drop+seed 3'
>>> analysis_of("check-words+test", ["check", "check-words"]), analysis_of("test", ["check"])
('check-words', None)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

from emocli import plugins
from emocli.data.clip import Clip as Clip
from emocli.data.clip import Split as Split
from emocli.data.json_io import OPTIONAL as OPTIONAL
from emocli.data.pool import Progress as Progress
from emocli.data.record import Bounds as Bounds
from emocli.data.record import Number as Number
from emocli.data.record import Record as Record
from emocli.data.record import Report as Report
from emocli.evaluation.options import OtherCorpusOptions, RunOptions, SplitOptions
from emocli.options import Argument as Argument
from emocli.options import Option as Option
from emocli.plugin.robustness import CorruptionSpec, RobustOptions, on, packages
from emocli.report.canvas import Drawing as Drawing
from emocli.report.canvas import Style as Style
from emocli.report.document import Part as Part
from emocli.report.tables import ReportTable as ReportTable
from emocli.version import version, versions

if TYPE_CHECKING:
    from emocli.evaluation.cross_validation import Evaluator as Evaluator

CLEAN_LABEL = "clean"
"""Label of the condition without corruptions."""

CsvRow = Mapping[str, object]
"""Column to value."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class OfRun(RunOptions):
    """Options of an analysis of a network."""

    @property
    def place(self) -> Path:
        """The folder whose reports hold the analysis."""
        return self.run


@dataclass(frozen=True)
class OfRunOrStore(OtherCorpusOptions):
    """Options of an analysis that needs features, not a network."""

    place: Annotated[
        Path, Argument("A run, or a cross-validation; or a store, with --manifest.", "RUN|STORE")
    ]


@dataclass(frozen=True, kw_only=True)
class ConditionOptions(RobustOptions, SplitOptions, OfRun):
    """Options of an analysis of the clips of a split under several conditions."""


@dataclass(frozen=True)
class Finding:
    """The outcome of an analysis, before it is written.

    Attributes
    ----------
    name : str
        Name of the files, as `file_name` makes it.
    report : Report
        The JSON file.
    rows : iterable of mapping
        The CSV file: the same columns in every row.
    tables : tuple of ReportTable
        What is printed.
    draw : callable
        The drawings in a style, by the end of their files' names.
    notes : tuple of str
        What was asked for and there is none of, a line each.
    """

    name: str
    report: Report
    rows: Iterable[CsvRow]
    tables: tuple[ReportTable, ...]
    draw: Callable[[Style], Mapping[str, Drawing]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnalysisPage:
    """The section of an analysis on the page of a run.

    Attributes
    ----------
    place : int
        Where it stands among the sections of `emocli.pages`, the lowest first.
    title : str
        Its heading.
    parts : callable
        Yields its parts from a ``Report`` and the folder of the run.
    absent : str
        What it shows, for pages of runs that have not been analysed.
    output : str
        The part of a network's `FusionOutput` that it is about; it is not missed on pages of runs
        whose networks give none. Empty: it is about any network.
    """

    place: int
    title: str
    parts: Callable[[Any, Path], Iterable[Part]]
    absent: str
    output: str = ""


@dataclass(frozen=True, kw_only=True)
class VersionedReport(Report):
    """Beginning of the report of an analysis.

    Attributes
    ----------
    emocli : str
        The version that wrote it.
    analysis : str, optional
        Which one it is of.
    versions : mapping, optional
        Of emocli, Python and the packages that add the analysis, its network or a corruption.
    normalised : str, optional
        Of a run whose features are normalised by speaker: that they are, and with what.
    """

    FORMAT: ClassVar[int] = 2
    RENAMED: ClassVar[Mapping[str, str] | None] = {}

    emocli: str
    analysis: str | None = field(default=None, metadata=OPTIONAL)
    versions: Mapping[str, str] | None = field(default=None, metadata=OPTIONAL)
    normalised: str | None = field(default=None, metadata=OPTIONAL)

    def of_analysis(self, name: str, normalised: str | None = None) -> Self:
        """Return it with the name of its analysis, whose package is among the versions."""
        packages = {**(self.versions or {}), **versions(plugins.packages("analyses", name))}
        return replace(self, analysis=name, versions=packages, normalised=normalised)


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
        versions=versions(plugins.packages("fusion", config.fusion)),
    )


def about_split(options: ConditionOptions, evaluator: Evaluator) -> SplitReport:
    """Begin the report of an analysis of the clips of a split."""
    report = about(options.run, evaluator)
    corruptions = versions(packages(options.corrupt))
    return SplitReport(
        **vars(report) | {"versions": {**(report.versions or {}), **corruptions}},
        split=options.split,
        n=len(evaluator.samples),
        repair=evaluator.repair.label,
        corruption_seed=options.seed,
    )


def file_name(*parts: str | None, seed: int = 0) -> str:
    """Name an analysis after what sets it apart from others of the run; empty parts are left out.

    ``seed`` is that of the corruptions.
    """
    return "+".join([*filter(None, parts), *([f"seed {seed}"] if seed else [])])


def analysis_of(stem: str, names: Iterable[str]) -> str | None:
    """Return which of the analyses ``names`` a `file_name` begins with; None if with none."""
    own = (name for name in names if stem == name or stem.startswith((f"{name}+", f"{name}-")))
    return max(own, key=len, default=None)


def name_of(
    analysis: str,
    options: ConditionOptions,
    evaluator: Evaluator,
    *labels: str | None,
    choice: str | None = None,
) -> str:
    """Name an analysis after its split, corpus, corruptions (``labels``), repair and ``choice``.

    ``choice`` is what an option of its own chose.
    """
    parts = (analysis, options.split, evaluator.other, *labels, evaluator.repair.label, choice)
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
    measure: Callable[[Evaluator, tuple[CorruptionSpec, ...], int], Result],
    progress: Callable[[int, int], None],
    default: str | None = None,
) -> tuple[Evaluator, dict[str, Result]]:
    """Open the run, and measure under each of its `conditions` in turn; errors as of both."""
    evaluator = opened(options)
    tested = conditions(options.corrupt, evaluator.modalities, default)
    results: dict[str, Result] = {}
    for label, corruptions in tested.items():
        progress(len(results), len(tested))
        results[label] = measure(evaluator, corruptions, options.seed)
    progress(len(results), len(tested))
    return evaluator, results
