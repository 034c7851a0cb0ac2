"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from emocli.limits import MOST_FOLDS, MOST_SEED, MOST_WORKERS


class SplitName(StrEnum):
    """Which clips."""

    train = "train"
    valid = "valid"
    test = "test"


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
Workers = Annotated[int, typer.Option(min=1, max=MOST_WORKERS, help="Processes that compute.")]
Folds = Annotated[
    int | None,
    typer.Option(min=3, max=MOST_FOLDS, help="For cross-validation: each of this many folds."),
]
Split = Annotated[SplitName, typer.Option(help="Clips to look at.")]
CorruptionSeed = Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed of the corruptions.")]
Run = Annotated[Path, typer.Argument(help="Folder of a trained run, or of a cross-validation.")]
RunOrStore = Annotated[
    Path,
    typer.Argument(
        metavar="RUN|STORE", help="A run, or a cross-validation; or a store, with --manifest."
    ),
]
OtherManifest = Annotated[
    Path | None,
    typer.Option("--manifest", help="Another manifest than the run was trained with."),
]
OtherStore = Annotated[
    Path | None, typer.Option("--store", help="Another place of the store than the run remembers.")
]
Figures = Annotated[bool, typer.Option("--figures/--no-figures", help="Draw figures.")]
Corrupt = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODALITY[:NAME][@LEVEL]",
        help="visual (Gaussian noise at 0 dB), visual@0.01, audio:zero, text:dropout@0.5, or a "
        "protocol: m3er75, face100; repeat for several at once.",
    ),
]
Check = Annotated[
    bool | None,
    typer.Option(
        "--check/--no-check", help="Let the modality check say what is not to be trusted."
    ),
]
Oracle = Annotated[bool, typer.Option("--oracle", help="Let the truth say it instead.")]
Proxy = Annotated[
    str | None,
    typer.Option(
        metavar="[MODE]",
        help="Regenerate what is not trusted or missing: knn_ls (default), ridge, paired_qr, "
        "svd_unpaired, affine, nn1; or literal, paper, plus.",
    ),
]
Fill = Annotated[
    str | None,
    typer.Option(
        metavar="WAY",
        help="Instead of proxies: discard (default; Mittal 2020 eq. 1), missing, zero or mean.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")]


DEFAULTS = {"--proxy": "paper"}
"""Options whose value may be left out, and what it is then."""


def with_defaults(arguments: Sequence[str]) -> list[str]:
    """Write down the values that were left out."""
    following = [*arguments, "-"][1:]
    return [
        part
        for argument, after in zip(arguments, following, strict=True)
        for part in (
            (argument, DEFAULTS[argument])
            if argument in DEFAULTS and after.startswith("-")
            else (argument,)
        )
    ]


def help_without_command(context: typer.Context) -> None:
    """Print the help of a group of commands that was called without naming one."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def repair(check: bool | None, oracle: bool, proxy: str | None, fill: str | None) -> dict[str, Any]:
    """Put together what the options say about modalities that are not trusted."""
    return {"check": check, "oracle": oracle, "proxy": proxy, "fill": fill}
