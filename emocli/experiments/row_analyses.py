"""Analyses of trained rows: made in the rows' own folders, shown on the page of the experiment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emocli import plugins
from emocli.analysis import analyse
from emocli.errors import ConfigError, EmocliError
from emocli.experiments.report import AnalysisReport
from emocli.experiments.rows import RowContext, System, slug
from emocli.plugin.experiment import RowAnalysis
from emocli.report.canvas import CAPTION
from emocli.report.canvas import write as write_figures


def carry_out(
    requested: Sequence[RowAnalysis], systems: Sequence[System], context: RowContext
) -> tuple[AnalysisReport, ...]:
    """Make the analyses of those rows that have been run; of others say that they wait.

    Raises
    ------
    EmocliError
        If what is requested does not fit the network or the corpus.
    """
    trained = {system.row.name: context.runs / system.trained for system in systems}
    reports = []
    for each in requested:
        if each.row not in trained:
            context.say(f"{each.name}: row '{each.row}' has not been run")
            continue
        context.say(f"{each.name}: {each.analysis} of {each.row}")
        reports.append(_report(each, trained[each.row], context))
    return tuple(reports)


def _report(requested: RowAnalysis, run: Path, context: RowContext) -> AnalysisReport:
    kind = plugins.load("analyses", requested.analysis).Options
    options = kind(run, style=context.style.name, **requested.options)
    try:
        done = analyse(requested.analysis, options)
    except EmocliError as error:
        what = f"analysis '{requested.name}': {error.what}"
        raise type(error)(what, where=error.where, hint=error.hint) from None
    figures: list[str] = []
    captions: dict[str, str] = {}
    stems = list(dict.fromkeys(path.with_suffix("") for path in done.figures))
    for number, stem in enumerate(stems, 1):
        name = f"figure-{slug(requested.name)}{f'-{number}' if len(stems) > 1 else ''}"
        own = [path for path in done.figures if path.with_suffix("") == stem]
        caption = stem.with_name(f"{stem.name}{CAPTION}").read_bytes()
        files = {path.suffix: path.read_bytes() for path in own} | {CAPTION: caption}
        figures += [path.name for path in write_figures(context.out, name, files)]
        captions[f"{name}.png"] = " ".join(caption.decode().split())
    return AnalysisReport(
        name=requested.name,
        row=requested.row,
        analysis=requested.analysis,
        tables=done.tables,
        figures=tuple(figures),
        captions=captions,
        data_file=done.path.relative_to(context.out).as_posix(),
        notes=done.notes,
    )


def check(requested: Sequence[RowAnalysis], rows: Sequence[str]) -> None:
    """Refuse analyses of rows that there are not, and two of one name.

    Raises
    ------
    ConfigError
        If there are some.
    """
    names = [slug(each.name) for each in requested]
    for each in requested:
        if each.row not in rows:
            raise ConfigError(f"analysis '{each.name}' is of row '{each.row}', which is not there")
        if names.count(slug(each.name)) > 1:
            raise ConfigError(f"two analyses of the table are called '{slug(each.name)}'")
