"""`emocli report`: one page about a run, or several, to be sent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.plugin.command import Command


def command(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Folders of runs, of cross-validations, or of emocli reproduce."),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The page to write (HTML).")] = Path(
        "report.html"
    ),
    metric: Annotated[
        str | None,
        typer.Option(
            help="Metric by which several runs are compared, as in emocli compare.",
            show_default=False,
        ),
    ] = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
) -> None:
    """Write one page about runs, to look at or to send.

    All results of evaluate and analyze: metrics with intervals and those of baselines, confusion,
    classes, groups, calibration, training, robustness, the modality check, weights, example clips,
    settings and command lines; several runs are compared clip by clip. Missing parts are listed
    with their commands.

    The page is one file that loads nothing from elsewhere: send it, or print it to PDF in a
    browser. It holds pictures and words of the clips it shows, where these are at hand.
    """
    from emocli.pages.page import report

    with show.progress("writing", "sections") as progress:
        path = report(runs, out, metric=metric, overwrite=overwrite, progress=progress)
    if json:
        show.as_json({"page": path, "runs": runs, "bytes": path.stat().st_size})
        return
    show.line(f"page: {path}")


COMMAND = Command("report", 117, command)
