"""How many clips a corruption gives another class, with intervals.

Source: this example.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emocli.plugin.analysis import (
    CLEAN_LABEL,
    Bounds,
    ConditionOptions,
    Finding,
    Number,
    Progress,
    Record,
    SplitReport,
    about_split,
    measured,
    name_of,
)
from emocli.plugin.analysis.drawing import Drawing, ReportTable, Style, bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from emocli.plugin.analysis.networks import Corruptions, Evaluator


@dataclass(frozen=True, kw_only=True)
class Options(ConditionOptions):
    """Count the clips that corruptions give another class.

    Without --corrupt: noise at 0 dB on every modality in turn.
    """


@dataclass(frozen=True, kw_only=True)
class Share(Record):
    """A share of the clips, the mean over the seeds, with its interval."""

    share: Number
    bounds: Bounds


@dataclass(frozen=True, kw_only=True)
class Report(SplitReport):
    """The share of the clips with another class, under each condition."""

    changed: Mapping[str, Share]


def measure(options: Options, progress: Progress) -> Finding:
    """Predict the clips under each condition, and compare with the clean one.

    Raises
    ------
    EmocliError
        If the run is no run, or what is asked does not fit it.
    """
    from emocli.plugin.analysis.networks import cluster_bootstrap, clustered

    evaluator, chosen = measured(options, _chosen, progress, "0dB")
    clean, groups = chosen.pop(CLEAN_LABEL), clustered(evaluator.samples.clips)
    changed = {}
    for label, classes in chosen.items():
        interval = cluster_bootstrap((classes != clean).mean(axis=0), groups)
        changed[label] = Share(share=interval.mean, bounds=interval.bounds)
    report = Report(**vars(about_split(options, evaluator)), changed=changed)
    rows = [{"condition": label, "share": each.share} for label, each in changed.items()]
    cells = tuple((label, each.share, *each.bounds) for label, each in changed.items())
    table = ReportTable(report.title, ("condition", "share", "from", "to"), cells)
    name = name_of("changed", options, evaluator, *(chosen if options.corrupt else ()))
    return Finding(name, report, rows, (table,), lambda style: _draw(report, style))


def _chosen(evaluator: Evaluator, corruptions: Corruptions, seed: int) -> NDArray[np.int64]:
    """Return the most probable class of every clip, shape (seeds, n)."""
    import numpy as np

    values = evaluator.predict(corruptions, seed).values
    return np.asarray(np.argmax(values, axis=2), np.int64)


def _draw(report: Report, style: Style) -> Mapping[str, Drawing]:
    figure, (axes,) = style.canvas(4, 3)
    axes.bar(list(report.changed), [each.share for each in report.changed.values()], **bar(0))
    caption = "Share of the clips that a corruption gives another class; mean over the seeds."
    return {"": style.drawing(figure, report.title, caption)}
