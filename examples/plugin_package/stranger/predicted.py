"""How often each class is predicted.

Source: this example.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import emocli
from emocli.plugin import analysis
from emocli.plugin.analysis import Finding, OfRun, Option, Progress
from emocli.plugin.analysis.drawing import Drawing, ReportTable, Style


@dataclass(frozen=True, kw_only=True)
class Options(OfRun):
    """Count the classes that a network predicts, over all clips of its manifest."""

    least: Annotated[int, Option("Leave out classes that are rarer.", least=0)] = 0


@dataclass(frozen=True, kw_only=True)
class Report(analysis.Report):
    """The report.

    Attributes
    ----------
    counts : mapping
        Class to the clips that it is predicted for.
    """

    counts: Mapping[str, int]


def measure(options: Options, progress: Progress) -> Finding:
    """Predict every clip, and count.

    Raises
    ------
    EmocliError
        If the run is no run, or what is asked does not fit it.
    """
    run = emocli.load_run(options.run)
    manifest = options.manifest or run.config.manifest.locate(options.run)
    labels = Counter(run.predict(manifest, options.store).labels)
    counts = {name: labels[name] for name in run.config.classes if labels[name] >= options.least}
    rows = [{"class": name, "clips": count} for name, count in counts.items()]
    table = ReportTable("predicted classes", ("class", "clips"), tuple(counts.items()))
    report = Report(format=Report.FORMAT, counts=counts)
    return Finding("predicted", report, rows, (table,), lambda style: _draw(counts, style))


def _draw(counts: Mapping[str, int], style: Style) -> Mapping[str, Drawing]:
    figure, (axes,) = style.canvas(4, 3)
    axes.bar(list(counts), list(counts.values()))
    caption = "How often each class is predicted, of all clips of the manifest."
    return {"": style.drawing(figure, "Predicted classes", caption)}
