"""The page: records read, runs compared, sections put together, the file written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from emocli.data.durable import write_text
from emocli.data.pool import Progress
from emocli.errors import ConfigError, RunError
from emocli.evaluation.compare import compare, run_names
from emocli.evaluation.comparison_report import ComparisonReport
from emocli.pages.records import ExperimentRecords, RunRecords, differences, is_experiment
from emocli.pages.section import Contents, Section, sections
from emocli.paths import StrPath, StrPaths, listed
from emocli.report import document
from emocli.report.document import Grid, Heading, Paragraph, Part
from emocli.version import version

SUFFIXES = (".html", ".htm")


def report(
    runs: StrPath | StrPaths,
    out: StrPath,
    *,
    metric: str | None = None,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
) -> Path:
    """Write one page about runs, cross-validations and folders of `emocli reproduce`.

    Parameters
    ----------
    runs : str or Path, or a list
        At least one; several runs are compared clip by clip.
    out : str or Path
        The HTML file.
    metric : str, optional
        What several runs are compared by, as in `emocli.evaluation.compare.compare`.
    overwrite : bool
        Whether a file of that name is replaced.
    progress : callable
        Told sections done, and all sections.

    Raises
    ------
    EmocliError
        If a folder is none of these, a run has no evaluation yet, several runs cannot be compared,
        or the file cannot be written.
    """
    out = Path(out)
    require_writable(out, overwrite)
    contents = gather(tuple(map(Path, listed(runs))), metric)
    every, titled = sections(), title(contents)
    parts: list[Part] = [Heading(titled, 1), Paragraph(lead(contents))]
    for index, section in enumerate(every):
        progress(index, len(every))
        parts += shown(section, contents)
    parts += absent(every, contents)
    progress(len(every), len(every))
    write_text(out, document.page(titled, parts, lambda name: Path(name).read_bytes()))
    return out


def require_writable(out: Path, overwrite: bool) -> None:
    """Refuse a file that is there already, or that no browser would open.

    Raises
    ------
    ConfigError
        If it is one.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise ConfigError("is no name of a page", where=out, hint="end it in .html")
    if os.path.lexists(out) and not overwrite:
        hint = "choose another -o, or replace it with --overwrite"
        raise ConfigError("is there already", where=out, hint=hint)


def gather(folders: Sequence[Path], metric: str | None = None) -> Contents:
    """Read all records, and compare the runs if there are several; errors as of `report`."""
    experiments = [ExperimentRecords.read(path) for path in folders if is_experiment(path)]
    paths = [path for path in folders if not is_experiment(path)]
    names = run_names(paths)
    runs = [RunRecords.read(path, name) for path, name in zip(paths, names, strict=True)]
    for run in runs:
        _require_evaluated(run)
    comparison, why = (None, "") if len(runs) < 2 else _compared(runs, metric)
    return Contents(tuple(runs), tuple(experiments), comparison, why)


def _require_evaluated(run: RunRecords) -> None:
    if run.main is None:
        more = f" ({run.unreadable[0]})" if run.unreadable else ""
        what = f"has not been evaluated yet{more}"
        raise RunError(what, where=run.path, hint=f"run: emocli evaluate {run.path}")


def _compared(
    runs: Sequence[RunRecords], metric: str | None
) -> tuple[ComparisonReport | None, str]:
    """Compare runs on their own test clips; say why not where their features are elsewhere.

    Raises
    ------
    EmocliError
        If their classes, labels or clips differ.
    """
    difference = differences(runs)
    if difference:
        hint = "runs of one page have the same classes; make a page for each"
        raise RunError(difference, hint=hint)
    for run in runs:
        folder = run.folds[0] if run.folds else run.path
        for what, source in (("manifest", run.config.manifest), ("store", run.config.store)):
            if not source.locate(folder).exists():
                return None, f"the {what} of {run.name} is no longer where it was"
    return compare([run.path for run in runs], metric=metric), ""


def shown(section: Section, contents: Contents) -> list[Part]:
    """Return a section with its heading; nothing if there is nothing in it."""
    parts = list(section.parts(contents))
    return [Heading(section.title), *parts] if parts else []


def absent(every: Sequence[Section], contents: Contents) -> Iterator[Part]:
    """Yield what the page does not show, and the commands that make it."""
    rows = [(each.what, each.command) for section in every for each in section.absent(contents)]
    if rows:
        yield Heading("Not on this page")
        yield Paragraph("These have not been made yet; after the command, write the page again.")
        yield Grid(("what", "command"), rows, left=(0, 1))


def title(contents: Contents) -> str:
    """Name the page."""
    names = [f"{_own(run)} on {run.config.dataset}" for run in contents.runs]
    names += [f"{each.report.title} on {each.report.dataset}" for each in contents.experiments]
    if len(names) == 1:
        return names[0]
    datasets = [run.config.dataset for run in contents.runs]
    datasets += [each.report.dataset for each in contents.experiments]
    kind = "runs" if not contents.experiments else "results"
    return f"{len(names)} {kind} on {', '.join(dict.fromkeys(datasets))}"


def _own(run: RunRecords) -> str:
    """Name a run, and its network where that has another name."""
    fusion = run.config.fusion
    return run.name if run.name == fusion else f"{run.name}: {fusion}"


def lead(contents: Contents) -> str:
    """Say what the page is."""
    return (
        "How well trained networks recognise the emotions that people show, and how far that can "
        f"be trusted. Written by emocli {version()} from the reports of its commands; nothing "
        "on this page is loaded from elsewhere."
    )
