"""Loss and validation metric of each epoch of the trainings."""

from __future__ import annotations

from collections.abc import Iterator

from emocli.errors import EmocliError
from emocli.models.run_config import RunConfig
from emocli.pages import texts
from emocli.pages.records import Member, RunRecords
from emocli.pages.section import Contents, Section
from emocli.report.chart import Chart, ChartLine, legend_of
from emocli.report.document import Heading, Paragraph, Part
from emocli.report.parts import Folded, Note, Panels
from emocli.training.fusion_task import make_schedule

MOST = 7
"""Networks that are drawn: those of more are told apart by nobody."""


MOST_OPEN = 4
"""Runs whose charts are shown at once; those of more are folded."""


def parts(contents: Contents) -> Iterator[Part]:
    """Yield the charts of every run that has networks."""
    if contents.trained:
        yield Paragraph("Of each network (seed, fold) by epoch.")
    for run in contents.trained:
        if len(contents.trained) > MOST_OPEN:
            yield Folded(run.name, tuple(_of_run(run)))
            continue
        if len(contents.trained) > 1:
            yield Heading(run.name, 3)
        yield from _of_run(run)


def _of_run(run: RunRecords) -> Iterator[Part]:
    known, problems = [], []
    for member in run.members:
        try:
            if member.history:
                known.append(member)
        except EmocliError as error:
            problems.append(str(error))
    monitored = run.config.train.monitored(run.config.task)
    drawn = known[:MOST]
    if drawn:
        columns = ("train_loss", "valid_loss", f"valid_{monitored}")
        charts = tuple(_chart(c, drawn) for c in dict.fromkeys(columns) if _has(drawn, c))
        yield Panels(charts)
        yield legend_of(charts)
        yield Paragraph(_kept(known, run.config))
    if len(known) > MOST:
        yield Paragraph(f"Drawn are the first {MOST} of {len(known)} networks.")
    yield from (Note(problem, warning=True) for problem in problems)


def _has(members: list[Member], column: str) -> bool:
    return all(column in member.history[0] for member in members)


def _chart(column: str, members: list[Member]) -> Chart:
    lines = tuple(
        ChartLine(
            member.name,
            tuple(float(k) for k in range(1, len(member.history) + 1)),
            tuple(row[column] for row in member.history),
            look,
        )
        for look, member in enumerate(members)
    )
    split, _, name = column.partition("_")
    title = f"{texts.title(name)}, {split} split"
    return Chart(title, "epoch", texts.title(name), lines, x_ticks=_epochs(members))


def _epochs(members: list[Member]) -> dict[float, str]:
    """Return some five whole epochs to be named on the axis, the last one among them."""
    last = max(len(member.history) for member in members)
    return {float(k): str(k) for k in range(last, 0, -max(1, round(last / 5)))}


def _kept(members: list[Member], config: RunConfig) -> str:
    schedule = make_schedule(config.train, config.task)
    epochs = "; ".join(f"{m.name}: {schedule.kept_epoch(m.history)}" for m in members)
    if not config.train.patience:
        return f"The last epoch is kept, without early stopping: {epochs}."
    by = f"validation {texts.title(config.train.monitored(config.task))}"
    return f"The best epoch by {by} is kept, so that it flatters: {epochs}."


SECTION = Section(55, "Training", parts)
