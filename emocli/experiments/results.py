"""The results of an experiment's rows so far, the report of them, and its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from emocli.config import Tree, subsection
from emocli.data.clip import Clip
from emocli.data.durable import write_text
from emocli.data.json_io import as_json
from emocli.data.normalisation import USED
from emocli.evaluation.comparison import Comparison, PerClip, Recovery, comparisons, recovery
from emocli.experiments.drawing import draw
from emocli.experiments.encoder_rows import METRICS
from emocli.experiments.experiment import Experiment
from emocli.experiments.page import markdown, page
from emocli.experiments.report import (
    BestAlternative,
    ExperimentInputs,
    ExperimentReport,
    RowReport,
)
from emocli.experiments.rows import ConditionResult, System, Tested, Trained
from emocli.metrics.metrics import ERRORS, RULES, definitions
from emocli.metrics.statistics import clustered, interval_over, warnings
from emocli.report.canvas import SCREEN, Style
from emocli.report.canvas import write as write_figures
from emocli.version import version, versions

REPORT, TABLE, PAGE = "report.json", "table.md", "page.html"


@dataclass(frozen=True)
class Reproduction:
    """The outcome of an experiment: its report and files.

    Attributes
    ----------
    path : Path
        The report, a JSON file.
    report : ExperimentReport
        Its content: ``rows`` with their ``conditions``, ``comparisons``, what it was computed from
        and what it took.
    data : dict
        The same in plain values.
    table : Path
        The same to be read, in Markdown.
    page : Path
        The same as one page with all figures in it, to be sent.
    figures : tuple of Path
        And drawn; the caption of each is beside it (``.txt``).
    """

    path: Path
    report: ExperimentReport
    data: Tree
    table: Path
    page: Path
    figures: tuple[Path, ...]


def write(out: Path, report: ExperimentReport, style: Style = SCREEN) -> Reproduction:
    """Write a report as JSON, as Markdown, drawn, and as one page."""
    data, drawn = report.data(), write_figures(out, "figure", draw(report, style))
    write_text(out / TABLE, markdown(report))
    write_text(out / PAGE, page(report, lambda name: (out / name).read_bytes()))
    write_text(out / REPORT, as_json(data))
    own = [name for analysis in report.analyses for name in analysis.figures]
    figures = (*drawn, *(out / name for name in own))
    return Reproduction(out / REPORT, report, data, out / TABLE, out / PAGE, figures)


@dataclass(frozen=True)
class Results:
    """The results of the rows so far.

    Attributes
    ----------
    experiment : Experiment
        What is asked.
    trained : mapping
        Row to how its trainings went.
    tested : mapping
        Row to how it did.
    seconds : mapping
        Row to the seconds its trainings took, of this and of earlier commands.
    """

    experiment: Experiment
    trained: Mapping[str, Trained]
    tested: Mapping[str, Tested]
    seconds: Mapping[str, float]

    @cached_property
    def clips(self) -> list[Clip]:
        """The clips that were tested."""
        measured = (c.clips for tested in self.tested.values() for c in tested.conditions)
        ids = dict.fromkeys(clip for clips in measured if clips for clip in clips.values)
        return [self.experiment.corpus.clip(clip_id) for clip_id in ids]

    @cached_property
    def groups(self) -> dict[str, str]:
        """Clip to what it is drawn with."""
        return dict(zip((c.id for c in self.clips), clustered(self.clips), strict=True))

    def report(self) -> ExperimentReport:
        """Return the report."""
        experiment, table = self.experiment, self.experiment.table
        corpus = experiment.corpus
        stored = any(system.STORED for system in experiment.systems)
        taken = {slug: t.seconds for slug, t in self.trained.items() if t.seconds is not None}
        return ExperimentReport(
            format=ExperimentReport.FORMAT,
            emocli=version(),
            versions=versions(experiment.packages),
            experiment=experiment.name,
            title=table.title,
            dataset=corpus.dataset,
            task=corpus.task,
            classes=corpus.classes,
            n=len(self.clips),
            settings=experiment.settings,
            metrics=table.metrics,
            rows=tuple(map(self._row, experiment.systems)),
            comparisons=tuple(self._comparisons()),
            recoveries=tuple(self._recoveries()),
            chosen=self._chosen(),
            by_class=table.by_class,
            notes=table.notes,
            interval=interval_over(self.clips),
            warnings=(*warnings(self.clips), *self._normalised()),
            definitions=definitions(corpus.task, corpus.classes) if stored else METRICS,
            rules=RULES[corpus.task] if stored else {},
            seconds=sum({**self.seconds, **taken}.values()),
            inputs=ExperimentInputs(manifest=corpus.fingerprint, features=experiment.fingerprints),
            sweeps=table.sweeps,
            **experiment.config.model_dump(),
        )

    def _normalised(self) -> Iterator[str]:
        """Name the rows whose features are normalised by speaker."""
        rows = [
            system.row.name
            for system in self.experiment.systems
            if subsection(system.settings, "train").get("normalise") == "speaker"
        ]
        if rows:
            yield f"features of {', '.join(rows)} are {USED}"

    def shown(self, system: System) -> str:
        """Write the first metric of a row under its conditions."""
        metric = self.experiment.table.metrics[0]
        values = ((c.name, c.report.metrics[metric]) for c in self._conditions(system))
        return ", ".join(f"{name} {value:.3f}" for name, value in values)

    def _conditions(self, system: System) -> tuple[ConditionResult, ...]:
        trained = self.trained.get(system.trained)
        return (*(trained.conditions if trained else ()), *self.tested[system.slug].conditions)

    def _row(self, system: System) -> RowReport:
        tested = self.tested.get(system.slug)
        if tested is None:
            return system.state()
        conditions = tuple(c.report for c in self._conditions(system))
        return system.report("done", conditions, self.trained.get(system.trained), tested.C)

    def _chosen(self) -> BestAlternative:
        """Say which of the alternatives is best on the valid clips, of those that are done."""
        table = self.experiment.table
        metric = table.metrics[0]
        valid = {
            system.row.name: self.trained[system.slug].valid[metric]
            for system in self.experiment.systems
            if system.row.name in table.alternatives and system.slug in self.trained
        }
        if not valid:
            return BestAlternative()
        best = (min if metric in ERRORS else max)(valid, key=lambda name: valid[name])
        return BestAlternative(row=best, metric=metric, valid=valid)

    def _per_clip(self, names: tuple[str, ...]) -> list[dict[str, PerClip]] | None:
        """Return what clips add by condition, of each row that is named; None if one is not yet."""
        slugs = {system.row.name: system.slug for system in self.experiment.systems}
        if any(slugs[name] not in self.tested for name in names):
            return None
        return [
            {c.name: c.clips for c in self.tested[slugs[name]].conditions if c.clips}
            for name in names
        ]

    def _comparisons(self) -> Iterator[Comparison]:
        for pair in self.experiment.table.comparisons:
            conditions = self._per_clip(pair)
            if conditions:
                yield from comparisons(pair, conditions, self.groups)

    def _recoveries(self) -> Iterator[Recovery]:
        for names in self.experiment.table.recoveries:
            conditions = self._per_clip(names)
            if conditions:
                row, worse, better = (next(iter(clips.values())) for clips in conditions)
                yield recovery(names, (row, worse, better), self.groups)
