"""Sections of the page: what each offers, and the contents it may look at."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from emocli import plugins
from emocli.evaluation.comparison_report import ComparisonReport
from emocli.pages.records import ExperimentRecords, RunRecords
from emocli.plugin.analysis import AnalysisPage
from emocli.report.document import Heading, Part

PACKAGE = "emocli.pages.sections"
"""Each of its modules is a section, and has it as ``SECTION``."""


@dataclass(frozen=True)
class Contents:
    """The subject of a page.

    Attributes
    ----------
    runs : tuple of RunRecords
        Runs and cross-validations, each evaluated.
    experiments : tuple of ExperimentRecords
        Folders of `emocli reproduce`.
    comparison : ComparisonReport, optional
        Of several runs.
    uncompared : str
        Why several runs are not compared; empty if they are.
    """

    runs: tuple[RunRecords, ...]
    experiments: tuple[ExperimentRecords, ...]
    comparison: ComparisonReport | None = None
    uncompared: str = ""

    @property
    def trained(self) -> tuple[RunRecords, ...]:
        """The runs, and those of the experiments' rows."""
        return (*self.runs, *(run for each in self.experiments for run in each.runs))


@dataclass(frozen=True)
class Suggestion:
    """Something that the page could show, and the command that makes it."""

    what: str
    command: str


@dataclass(frozen=True)
class Section:
    """A section: a file of `emocli.pages.sections`, found by itself.

    Attributes
    ----------
    place : int
        Where it stands: the lowest first.
    title : str
        Its heading.
    parts : callable
        Yields its parts; of none, the section is left out.
    absent : callable
        Yields what it would show if a command had been run.
    """

    place: int
    title: str
    parts: Callable[[Contents], Iterable[Part]]
    absent: Callable[[Contents], Iterable[Suggestion]] = lambda contents: ()


def sections() -> list[Section]:
    """Return all sections in their order."""
    modules = plugins.files(PACKAGE).values()
    own: list[Section] = [importlib.import_module(name).SECTION for name in modules]
    return sorted([*own, *_of_analyses()], key=lambda section: section.place)


def _of_analyses() -> Iterator[Section]:
    """Yield the sections that analyses bring along."""
    for name, module in plugins.load_all("analyses").items():
        page: AnalysisPage | None = module.PAGE
        if page is not None:
            yield _of_analysis(name, page)


def _of_analysis(name: str, page: AnalysisPage) -> Section:
    def parts(contents: Contents) -> Iterator[Part]:
        yield from by_run(contents, of_run)

    def of_run(run: RunRecords) -> Iterator[Part]:
        for file in run.analyses_of(name):
            yield from page.parts(file.report, run.path)

    def absent(contents: Contents) -> Iterator[Suggestion]:
        for run in contents.runs:
            if not run.analyses_of(name) and run.gives(page.output):
                command = f"emocli analyze {name} {shlex.quote(str(run.path))}"
                yield Suggestion(f"{run.name}: {page.absent}", command)

    return Section(page.place, page.title, parts, absent)


def by_run(contents: Contents, parts: Callable[[RunRecords], Iterable[Part]]) -> Iterator[Part]:
    """Yield parts of every run, below its name if there are several."""
    for run in contents.runs:
        own = list(parts(run))
        if own and len(contents.runs) > 1:
            yield Heading(run.name, 3)
        yield from own
