"""`emocli predict`: emotion over time in recordings without labels."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from emocli import plugins
from emocli.cli import options, show, streams, watching
from emocli.display import number_of
from emocli.errors import ConfigError
from emocli.plugin.command import PARTLY_DONE, Command

if TYPE_CHECKING:
    from emocli.prediction.timeline import PredictionReport

FILES = {"table": "predictions.csv", "data": "predictions.json", "page": "report.html"}
"""What a result consists of."""

DASH = "-"
"""A standard stream in place of a file."""

SHOWN = 40
"""Segments that are printed; all are in the files."""


@options.example("windows.hop=1")
@options.grouped
def command(
    run: Annotated[
        Path,
        typer.Argument(
            help="A run of one seed or several, or a cross-validation; a folder of emocli pack; or "
            "USER/NAME[@REVISION] of the Hugging Face hub."
        ),
    ],
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="INPUT",
            help="Media files, folders of them, or a manifest (labels are not needed); - for paths "
            "on standard input, one a line.",
        ),
    ] = None,
    *,
    out: Annotated[
        Path,
        typer.Option("-o", "--out", help="Folder of the result; - prints the table alone."),
    ],
    watch: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Instead of INPUT: predict recordings as they arrive in a folder, until Ctrl-C.",
        ),
    ] = None,
    cut: options.CutOptions,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="Also write eaf, textgrid, srt, vtt, or a format of an installed package; repeat "
            "for more.",
        ),
    ] = None,
    face: Annotated[
        str | None,
        typer.Option(
            help="Whose face: main (most in picture while somebody speaks), largest, each (a row "
            "per person), or a person's number. By default main; of a manifest's clips, as "
            "evaluate takes them."
        ),
    ] = None,
    check: options.Check = None,
    proxy: options.Proxy = None,
    fill: options.Fill = None,
    settings: options.SettingOptions,
    workers: options.Workers = 2,
    device: options.Device = "cpu",
    json: options.Json = False,
) -> None:
    """Predict emotion over time in recordings.

    Features are computed as those of the training were. What was done in training about modalities
    that are not trusted is done here too, unless options say otherwise. The result is in OUT:
    predictions.csv, predictions.json, and report.html, a page with player and curves.

    Most of the time goes into the search for faces in every frame. A run on features that were
    extracted with --set faces.search=track follows them instead, and predicts faster.

    Repeat the command to resume. Exit code 3: something failed and is listed in
    OUT/failures.jsonl; the rest is complete. With --watch each recording has a folder in OUT, and
    after a restart only new ones are predicted.
    """
    from emocli.plugin.robustness import RepairOptions
    from emocli.prediction.inputs import MANIFEST
    from emocli.prediction.predict import PredictOptions, predict

    tree = settings.read_settings("predict")
    ways = {name: tree.pop(name) for name in plugins.names("ways") if name in tree}
    manifests = any(path.suffix.lower() == MANIFEST for path in inputs or ())
    chosen = PredictOptions(
        segments=cut.over(ways, settings.typed_sections, cut=not manifests),
        settings=tree,
        repair=RepairOptions(check=check, proxy=proxy, fill=fill),
        workers=workers,
        device=device,
        face=face or "",
        formats=tuple(formats or ()),
    )
    printed = str(out) == DASH
    _require_one(inputs, watch, printed)
    if watch:
        watching.watch(run, watch, out, chosen, as_json=json)
        return
    with ExitStack() as stack:
        progress = stack.enter_context(watching.progress())
        folder = Path(stack.enter_context(TemporaryDirectory())) if printed else out
        report = predict(run, list(_named(inputs or ())), folder, options=chosen, progress=progress)
    _tell(report, out, printed, json)


def _require_one(inputs: Collection[Path] | None, watch: Path | None, printed: bool) -> None:
    """Raise `ConfigError` unless there are either inputs or a folder to watch."""
    if bool(inputs) == bool(watch):
        hint = "name recordings, or a folder with --watch"
        raise ConfigError("it takes either recordings or a folder to watch", hint=hint)
    if watch and printed:
        raise ConfigError("what is watched goes to a folder", where="--out", hint="name one")


def _named(inputs: Iterable[Path]) -> Iterator[Path]:
    """Yield the inputs, those on standard input in place of a dash."""
    for path in inputs:
        if str(path) == DASH:
            yield from (Path(line.rstrip("\n")) for line in sys.stdin if line.strip())
        else:
            yield path


def _tell(report: PredictionReport, out: Path, printed: bool, json: bool) -> None:
    from emocli.prediction.writers.table import csv_text

    if json:
        show.as_json(report)
    elif printed:
        streams.out(csv_text(report))
    else:
        _print(report, out)
    for remark in report.remarks:
        show.warn(remark)
    if report.failures:
        first = report.failures[0]
        show.warn(f"{number_of(len(report.failures), 'failures')}, the first: {first.description}")
        if not printed:
            show.warn(f"all are listed in {out / 'failures.jsonl'}")
        raise typer.Exit(PARTLY_DONE)


def _print(report: PredictionReport, out: Path) -> None:
    rows = [
        (
            Path(segment.file).name,
            f"{segment.start:.1f}-{segment.end:.1f}",
            segment.person,
            segment.label or "-",
            segment.degree,
            ", ".join(m for m, s in segment.modalities.items() if s.distrusted),
            ", ".join(m for m, s in segment.modalities.items() if s.missing),
        )
        for segment in report.segments[:SHOWN]
    ]
    much = "intensity" if report.task == "intensity" else "confidence"
    show.table(("file", "seconds", "person", "label", much, "not trusted", "missing"), rows)
    if len(report.segments) > SHOWN:
        show.line(f"... and {number_of(len(report.segments) - SHOWN, 'segments')} more")
    show.line(f"repair: {report.repair or 'none'}")
    for kind, name in FILES.items():
        show.line(f"{kind}: {out / name}")


def sections_of_settings() -> set[str]:
    """Name the features and the ways to cut recordings."""
    return {*plugins.names("features"), *plugins.names("ways")}


COMMAND = Command("predict", 105, command, sections=sections_of_settings)
