"""Records of a run or an experiment: what its commands have written into its folder, read back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from emocli import plugins
from emocli.data.batch import Batch, FusionOutput, Padded
from emocli.data.durable import digest
from emocli.data.manifest import Manifest
from emocli.data.normalisation import USED
from emocli.data.record import Report
from emocli.errors import ConfigError, EmocliError, ReportError, RunError
from emocli.evaluation.report import EvaluationReport
from emocli.experiments.report import ExperimentReport
from emocli.experiments.results import REPORT
from emocli.models import commands, rundir
from emocli.models.commands import RecordedCommand
from emocli.models.run_config import RunConfig
from emocli.models.rundir import CONFIG, MODEL, REPORTS, EpochMetrics
from emocli.plugin.analysis import analysis_of

STEPS = 8
"""Steps of the clip of zeros by which a network shows what it gives."""


@dataclass(frozen=True)
class EvaluationFile:
    """A report of `emocli evaluate`, and where it lies."""

    path: Path
    report: EvaluationReport


@dataclass(frozen=True)
class AnalysisFile:
    """A report of an analysis: its name, and where it lies.

    ``report`` is None of an analysis that has no ``Report``: it is in its figures alone.
    """

    name: str
    path: Path
    report: Report | None


@dataclass(frozen=True)
class Member:
    """A network of a run: its folder, and its seed and fold as they are told apart."""

    folder: Path
    name: str
    key: str

    @cached_property
    def history(self) -> tuple[EpochMetrics, ...]:
        """Its epochs; errors as of `rundir.read_history`."""
        return tuple(rundir.read_history(self.folder))


@dataclass(frozen=True)
class RunRecords:
    """All that is known of a run, or of a cross-validation, without its networks.

    Attributes
    ----------
    path : Path
        As it was named.
    name : str
        What the page calls it.
    config : RunConfig
        Its configuration; of a cross-validation that of the first fold.
    folds : tuple of Path
        Those of a cross-validation.
    evaluations : tuple of EvaluationFile
        Its evaluations.
    analyses : tuple of AnalysisFile
        Its analyses.
    unreadable : tuple of str
        Reports that could not be read, and why.
    """

    path: Path
    name: str
    config: RunConfig
    folds: tuple[Path, ...]
    evaluations: tuple[EvaluationFile, ...]
    analyses: tuple[AnalysisFile, ...]
    unreadable: tuple[str, ...]

    @classmethod
    def read(cls, path: Path, name: str) -> RunRecords:
        """Read a folder.

        Raises
        ------
        RunError
            If it holds no run and no cross-validation.
        """
        folds = tuple(rundir.folds(path))
        config = rundir.read_config(folds[0] if folds else path)
        analysed, evaluated, unreadable = _reports(path / REPORTS)
        return cls(path, name, config, folds, evaluated, analysed, unreadable)

    @property
    def members(self) -> tuple[Member, ...]:
        """Its networks, fold by fold and seed by seed."""
        return tuple(self._members())

    def _members(self) -> Iterator[Member]:
        for folder in self.folds or (self.path,):
            config = rundir.read_config(folder)
            for seed, member in zip(
                config.seeds, rundir.members(folder, config.seeds), strict=True
            ):
                fold = f"{folder.name}, " if self.folds else ""
                key = f"{folder.name}/{seed}" if self.folds else str(seed)
                yield Member(member, f"{fold}seed {seed}", key)

    @cached_property
    def models(self) -> dict[str, str]:
        """Fold and seed to the digest of the model, as evaluations name them."""
        return {
            member.key: digest(member.folder / MODEL)
            for member in self.members
            if rundir.finished(member.folder)
        }

    def gives(self, part: str) -> bool:
        """Whether its networks give a part of a `FusionOutput`; of networks unknown: they may."""
        return not part or self._output is None or bool(getattr(self._output, part, None))

    @cached_property
    def _output(self) -> FusionOutput | None:
        """What its first network says of a clip of zeros; None where it cannot be read."""
        dims = self.config.dims
        views = {m: Padded.from_rows([np.zeros((STEPS, dim))]) for m, dim in dims.items()}
        one = torch.ones(1, dtype=torch.int64)
        batch = Batch(("zeros",), views, turns=one, speakers=torch.zeros_like(one))
        try:
            network = rundir.load(self.members[0].folder).network
            with torch.inference_mode():
                output: FusionOutput = network(batch)
        except EmocliError:
            return None
        return output

    def is_own(self, report: EvaluationReport) -> bool:
        """Whether a report is of the test clips of the run's own corpus, by all its networks."""
        same = report.inputs.manifest == self.config.manifest.fingerprint
        return same and report.split == "test" and report.ensemble is None

    def is_stale(self, report: EvaluationReport) -> bool:
        """Whether a report is of other networks than those the run holds now."""
        return dict(report.inputs.models) != self.models

    @cached_property
    def main(self) -> EvaluationReport | None:
        """The evaluation that the page is about; None before the first.

        It is one of the run's own test clips, of the networks it holds now, if there is one, with
        features normalised as in its training; with least done to the clips, that everybody has
        first asked for.
        """
        each = [file.report for file in self.evaluations]
        return min(each, key=self._rank) if each else None

    def _rank(self, report: EvaluationReport) -> tuple[bool, bool, bool, bool, bool, bool]:
        return (
            not self.is_own(report),
            self.is_stale(report),
            report.normalised not in (None, USED),
            report.repair != "" and not self.config.robust,
            report.corrupted is not None,
            not report.by,
        )

    @property
    def own(self) -> tuple[EvaluationReport, ...]:
        """Evaluations of the clips that the main one is of, with features normalised alike."""
        return tuple(f.report for f in self._same_clips if not self._otherwise_normalised(f))

    @property
    def otherwise_normalised(self) -> tuple[EvaluationFile, ...]:
        """Evaluations of the same clips whose features were normalised otherwise."""
        return tuple(filter(self._otherwise_normalised, self._same_clips))

    def _otherwise_normalised(self, file: EvaluationFile) -> bool:
        return self.main is not None and file.report.normalised != self.main.normalised

    @property
    def _same_clips(self) -> tuple[EvaluationFile, ...]:
        main = self.main
        return tuple(
            file
            for file in self.evaluations
            if main
            and file.report.inputs.manifest == main.inputs.manifest
            and (file.report.split, file.report.n) == (main.split, main.n)
            and file.report.ensemble == main.ensemble
        )

    def analyses_of(self, name: str) -> tuple[AnalysisFile, ...]:
        """Return its reports of an analysis."""
        return tuple(file for file in self.analyses if file.name == name)

    @cached_property
    def corpus(self) -> Manifest | None:
        """Its manifest; None where it is no longer there, or another."""
        path = self.config.manifest.locate(self.path if not self.folds else self.folds[0])
        try:
            corpus = Manifest.read(path)
        except EmocliError:
            return None
        return corpus if corpus.fingerprint == self.config.manifest.fingerprint else None

    @property
    def commands(self) -> tuple[RecordedCommand, ...]:
        """The command lines that are kept in it; errors as of `commands.read_log`."""
        return commands.read_log(self.path / REPORTS)


def _reports(
    folder: Path,
) -> tuple[tuple[AnalysisFile, ...], tuple[EvaluationFile, ...], tuple[str, ...]]:
    """Read every report of a folder as what its name says."""
    known, unreadable = plugins.names("analyses"), []
    analyses, evaluations = [], []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        name = analysis_of(path.stem, known)
        try:
            if name:
                kind = plugins.load("analyses", name).Report
                analyses.append(AnalysisFile(name, path, kind and kind.read(path)))
            elif path.name != commands.FILE:
                evaluations.append(EvaluationFile(path, EvaluationReport.read(path)))
        except (ReportError, ConfigError) as error:
            unreadable.append(f"{path.name}: {error.what}")
    return tuple(analyses), tuple(evaluations), tuple(unreadable)


@dataclass(frozen=True)
class ExperimentRecords:
    """The folder of `emocli reproduce`: its report, and the runs of its rows."""

    path: Path
    report: ExperimentReport
    runs: tuple[RunRecords, ...]

    @classmethod
    def read(cls, path: Path) -> ExperimentRecords:
        """Read a folder; errors as of `ExperimentReport.read`."""
        report = ExperimentReport.read(path / REPORT)
        rows = {row.slug: row.row for row in report.rows}
        runs = []
        for slug, name in rows.items():
            folder = path / "runs" / slug
            if (folder / CONFIG).is_file() or rundir.folds(folder):
                try:
                    runs.append(RunRecords.read(folder, name))
                except RunError:  # an encoder, whose folder is not that of a network
                    continue
        return cls(path, report, tuple(runs))

    @property
    def commands(self) -> tuple[RecordedCommand, ...]:
        """The command lines that are kept in it; errors as of `commands.read_log`."""
        return commands.read_log(self.path)


def is_experiment(path: Path) -> bool:
    """Whether a folder is that of `emocli reproduce`."""
    return (path / REPORT).is_file() and not (path / CONFIG).is_file() and not rundir.folds(path)


def differences(runs: Sequence[RunRecords]) -> str | None:
    """Say in what a run's task or classes differ from the first run's; None if they do not."""
    first = runs[0]
    for run in runs[1:]:
        if run.config.task != first.config.task:
            return (
                f"{run.name}: its task is '{run.config.task}', not '{first.config.task}' as of "
                f"{first.name}"
            )
        if run.config.classes != first.config.classes:
            theirs, ours = (", ".join(each.config.classes) for each in (run, first))
            return f"{run.name}: its classes are {theirs}, not {ours} as of {first.name}"
    return None
