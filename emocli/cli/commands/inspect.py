"""`emocli inspect`: contents of a manifest, a store, a report, or the folder of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.plugin.command import Command


def command(
    path: Annotated[
        Path,
        typer.Argument(
            help="Manifest (.csv), store (folder or .h5), report (.json), folder of a training."
        ),
    ],
    manifest: Annotated[
        Path | None,
        typer.Option(help="For a store: report clips that are missing or whose media changed."),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Of a store: verify all content; exit code 2 if it is damaged."
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Of a store: also how each feature was made.")
    ] = False,
    root: options.Root = None,
    json: options.Json = False,
) -> None:
    """Say what is in a manifest, a store, a check or a run.

    Or in an encoder, a reproduction, a study or another report: dims, rates, counts, missing clips,
    non-finite values; with --verbose provenance. With --verify damaged content is found, too: exit
    code 2.
    """
    from emocli.pipeline.inspect import inspect

    report = inspect(path, manifest, root, verify=verify)
    if json:
        facts = {
            "kind": report.kind,
            "path": report.path,
            **report.facts,
            "problems": report.problems,
        }
        show.as_json(facts)
        return
    article = "an" if report.kind[0] in "aeiou" else "a"
    show.line(f"{report.path} is {article} {report.kind}")
    for section in [*report.sections, *(report.details if verbose else ())]:
        show.table(section.columns, section.rows, section.title)
    if report.details and not verbose:
        show.line("settings, versions and fingerprints: --verbose, or --json")
    if verify:
        show.line("verified: the content is what was written")
    for problem in report.problems:
        show.warn(problem)


COMMAND = Command("inspect", 140, command, light=True)
