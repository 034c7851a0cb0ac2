"""True and false positive rates of the modality check, compared with the settings of the paper.

Source: Mittal et al. 2020, section 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from emocli.analysis.check._page import parts
from emocli.analysis.check._report import CheckReport as Report
from emocli.plugin.analysis import (
    AnalysisPage,
    CsvRow,
    Finding,
    OfRunOrStore,
    Option,
    PlaceReport,
    Progress,
    Split,
    file_name,
)

LEVELS = tuple(f"{level}dB" for level in range(20, -25, -5))
"""Signal-to-noise ratios."""


@dataclass(frozen=True, kw_only=True)
class Options(OfRunOrStore):
    """Show true and false positive rates of the modality check, and its ROC curves.

    Corrupts one modality after the other at every level of noise, and by another clip's features;
    a confusion matrix is of clips under m3er75. The paper's settings, literal and as they can be
    read, are fitted on the same clips for comparison.
    """

    split: Annotated[Split, Option("Split of the clips.")] = "test"
    levels: Annotated[
        str | None, Option("Noise levels, e.g. 10dB,0dB,-20dB. Default: 20 to -20 dB.")
    ] = None


def measure(options: Options, progress: Progress) -> Finding:
    """Measure the rates of the check; of a cross-validation every fold's, on the clips it tests.

    Raises
    ------
    EmocliError
        If there is no check, what is asked does not fit it, or the clips have but one modality.
    """
    from emocli.analysis._subject import subjects
    from emocli.analysis.check._figure import draw, tabulate
    from emocli.analysis.check._measure import measured

    levels = tuple(options.levels.split(",")) if options.levels else LEVELS
    parts = subjects(options.place, options.split, options.manifest, options.store)
    first = parts[0]
    about = PlaceReport.about(options.place, first.clips.manifest.dataset, options.split)
    report = measured(about, options.place, parts, levels, options.seed, progress)
    other = () if levels == LEVELS else levels
    return Finding(
        file_name("check", options.split, first.other, *other, seed=options.seed),
        report,
        _rows(report),
        tabulate(report),
        lambda style: draw(report, style),
    )


PAGE = AnalysisPage(67, "The modality check", parts, "ROC of the modality check (emocli fit-cca)")


def _rows(report: Report) -> Iterator[CsvRow]:
    """Yield a row per modality, level and settings."""
    for point in report.points:
        for name, rates in point.rates.items():
            yield {
                "modality": point.modality,
                "level": point.level,
                "settings": name,
                "detected": rates.tpr,
                "blamed": rates.fpr,
                "area": point.roc.area if name == "fitted" else "",
            }
