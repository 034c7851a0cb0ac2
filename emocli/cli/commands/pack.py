"""`emocli pack`: a trained run in one folder, with all that predictions need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from emocli import plugins
from emocli.cli import options, show
from emocli.display import number_of
from emocli.plugin.command import Command


@options.example("glove.vectors=FILE of a run on glove")
@options.grouped
def command(
    *,
    run: Annotated[
        Path, typer.Argument(help="A run of one seed or several, or a cross-validation.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.")],
    check: options.Check = None,
    proxy: options.Proxy = None,
    fill: options.Fill = None,
    with_models: Annotated[
        bool,
        typer.Option(
            "--with-models",
            help="Copy models of the Hugging Face hub and of emocli models, too; else they are "
            "named, with their revision.",
        ),
    ] = False,
    words: Annotated[
        Literal["all", "training", "none"] | None,
        typer.Option(
            help="Word vectors to pack: the file, the words of the training's corpus, or none; "
            "default: a file of up to 100 MB, else the training's words."
        ),
    ] = None,
    settings: options.SettingOptions,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
) -> None:
    """Pack a run into one folder that can be moved.

    It has the networks, the settings of the features, encoders and word vectors, the modality check
    and the training clips that proxies are made of, and a card. emocli predict takes the folder in
    place of the run; emocli push puts it on the Hugging Face hub.

    Repeat the command to resume.
    """
    from emocli.plugin.robustness import RepairOptions
    from emocli.prediction.packing.assets import AssetOptions
    from emocli.prediction.packing.pack import PackOptions, pack

    packed = pack(
        run,
        out,
        options=PackOptions(
            repair=RepairOptions(check=check, proxy=proxy, fill=fill),
            assets=AssetOptions(with_models, words),
            settings=settings.read_settings("pack"),
        ),
        overwrite=overwrite,
    )
    if json:
        show.as_json(packed)
        return
    show.line(f"{out}: {number_of(len(packed.files), 'files')}, {packed.size / 2**20:,.1f} MB")
    show.line(f"licence on its card: {packed.licence}")
    for vectors in packed.vectors:
        show.line(
            f"{vectors.feature}: {vectors.words} words of {vectors.file}; any other word is "
            f"{vectors.unknown}"
        )
    for key, name in packed.outside.items():
        show.warn(f"{key} is not packed: {name} (--with-models copies it)")
    for name in packed.imported:
        show.warn(f"'{name}' was imported: import it of your clips, for emocli does not compute it")


COMMAND = Command("pack", 106, command, sections=lambda: plugins.names("features"))
