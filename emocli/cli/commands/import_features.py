"""`emocli import`: features that were computed elsewhere, as a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emocli import plugins
from emocli.cli import options, show
from emocli.errors import ConfigError
from emocli.plugin.command import Command


@options.example("csv.min_confidence=0.8 with --format csv")
@options.grouped
def command(
    *,
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Ragged .npz (ids, offsets, values[, times, names]), CMU SDK .csd, MMSA .pkl; "
            "with --format a folder of tables, or one.",
        ),
    ],
    manifest: Annotated[Path, typer.Option(help="Manifest of the clips.")],
    name: Annotated[
        str | None,
        typer.Option("--as", help="Name of the feature; default: the file's, or format."),
    ] = None,
    modality: Annotated[
        str | None,
        typer.Option(help="text, audio, visual or any other; default: from the file's name."),
    ] = None,
    align_to: Annotated[
        Path | None,
        typer.Option(help="A .csd of words: average the rows over each word."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Tables of a program: openface, pyfeat, opensmile, praat, mediapipe, csv, or a "
            "format of an installed package.",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(help="Columns of tables to take, e.g. 'AU*_r'; repeat for more."),
    ] = None,
    settings: options.SettingOptions,
    store: options.Store = Path("store"),
    root: options.Root = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
) -> None:
    """Import features that were computed elsewhere.

    An entry of a file is a clip, by its id, or a whole recording, by the clips' dialogue: then each
    clip is cut out of it by its start and end. Nothing in a pickle is ever executed,
    and no file is read but those that are named.

    Of tables (--format) a file is about a clip, by its id, or about a recording, by the clips'
    dialogue or the name of their media file. Frames that failed are left out and counted.
    """
    from emocli.config import parse_sets
    from emocli.data.manifest import Manifest
    from emocli.interchange.import_features import import_all
    from emocli.interchange.table_source import TableFormat

    tree = settings.read_settings("import")
    if form is None and (columns or settings.settings):
        raise ConfigError("--columns and --set are for tables", hint="name their --format")
    tables = None if form is None else TableFormat.named(form, tree, tuple(columns or ()))
    for section in parse_sets(settings.settings):
        if section != form:
            raise ConfigError(f"unknown setting '{section}'", hint=f"there is {form}.KEY")
    corpus = Manifest.read(manifest, root)
    results = import_all(
        sources,
        corpus,
        store,
        name=name,
        modality=modality,
        align_to=align_to,
        overwrite=overwrite,
        form=tables,
    )
    if json:
        show.as_json(results if len(results) > 1 else results[0])
        return
    for result in results:
        show.line(str(result))


COMMAND = Command("import", 30, command, sections=lambda: plugins.names("formats"))
