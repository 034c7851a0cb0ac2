"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ManifestFile = Annotated[Path, typer.Argument(help="The corpus's manifest (CSV).")]
Root = Annotated[
    Path | None,
    typer.Option(
        help="Folder the media paths start from; default: what the manifest's sidecar says."
    ),
]
Store = Annotated[Path, typer.Option("--store", help="Folder of the feature stores.")]
Features = Annotated[
    list[str] | None,
    typer.Option(
        "-f", "--feature", help="Feature to use; repeat for more. Default: all in the store."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a setting, e.g. mel.bands=64; repeat for more."
    ),
]
Config = Annotated[Path | None, typer.Option(help="TOML file of settings; --set wins over it.")]
Preset = Annotated[
    str, typer.Option(help="literal (as printed), paper (consistent reading) or plus (improved).")
]
Workers = Annotated[int, typer.Option(min=1, help="Processes that compute.")]
Run = Annotated[Path, typer.Argument(help="Folder of a trained run.")]
OtherManifest = Annotated[
    Path | None,
    typer.Option("--manifest", help="Another manifest than the run was trained with."),
]
OtherStore = Annotated[
    Path | None, typer.Option("--store", help="Another place of the store than the run remembers.")
]
Figures = Annotated[bool, typer.Option("--figures/--no-figures", help="Draw figures.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")]


def help_without_command(context: typer.Context) -> None:
    """Print the help of a group of commands that was called without naming one."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
