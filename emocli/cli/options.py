"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from emocli.data.clip import Split as SplitName
from emocli.evaluation.options import RunOptions, SplitOptions
from emocli.limits import MOST_FOLDS, MOST_WORKERS
from emocli.options import declared
from emocli.plugin.robustness import PROXY, RobustOptions
from emocli.report.canvas import StyleName


def typed(options: type, name: str) -> Any:
    """Return the typer parameter of a field of a class of options."""
    field = declared(options)[name]
    texts: Mapping[str, Any] = {
        "help": field.option.help,
        "metavar": field.option.metavar,
        "min": field.option.least,
        "max": field.option.most,
    }
    if field.option.positional:
        return typer.Argument(**texts)
    flag = name.replace("_", "-")
    switch = field.kind == bool | None or field.default is True
    return typer.Option(f"--{flag}/--no-{flag}" if switch else f"--{flag}", **texts)


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
        "-f",
        "--feature",
        help="Feature to use, a+b for two of a modality; repeat for more. Default: all there are.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a setting, e.g. mel.bands=64; repeat for more."
    ),
]
Config = Annotated[Path | None, typer.Option(help="TOML file of settings; --set wins over it.")]
Fusion = Annotated[str, typer.Option(help="Network; `emocli info` lists them.")]
Preset = Annotated[
    str, typer.Option(help="literal (as printed), paper (consistent reading) or plus (improved).")
]
EncoderPreset = Annotated[
    str,
    typer.Option(
        help="literal (as printed), paper (consistent reading) or plus (improved). Unlike that of "
        "train, plus was not measured for encoders, and is not the default."
    ),
]
Workers = Annotated[int, typer.Option(min=1, max=MOST_WORKERS, help="Processes that compute.")]
Folds = Annotated[
    int | None,
    typer.Option(min=3, max=MOST_FOLDS, help="For cross-validation: each of this many folds."),
]
Split = Annotated[SplitName, typed(SplitOptions, "split")]
CorruptionSeed = Annotated[int, typed(RunOptions, "seed")]
Run = Annotated[Path, typed(RunOptions, "run")]
OtherManifest = Annotated[Path | None, typed(RunOptions, "manifest")]
OtherStore = Annotated[Path | None, typed(RunOptions, "store")]
Figures = Annotated[bool, typed(RunOptions, "figures")]
Device = Annotated[Literal["cpu", "cuda", "auto"], typer.Option(help="Where the networks predict.")]
Ensemble = Annotated[
    bool, typer.Option("--ensemble", help="Of several seeds, take their mean prediction.")
]
Style = Annotated[StyleName, typed(RunOptions, "style")]
Corrupt = Annotated[list[str] | None, typed(RobustOptions, "corrupt")]
Check = Annotated[bool | None, typed(RobustOptions, "check")]
Oracle = Annotated[bool, typed(RobustOptions, "oracle")]
Proxy = Annotated[str | None, typed(RobustOptions, "proxy")]
Fill = Annotated[str | None, typed(RobustOptions, "fill")]
Way = Annotated[
    str, typer.Option(help="How to cut: auto, subtitles, speech, windows, whole or a plug-in.")
]
Window = Annotated[
    float | None, typer.Option(help="Seconds of a window (setting windows.window; 4).")
]
Hop = Annotated[
    float | None, typer.Option(help="Seconds from one window to the next (windows.hop; 2).")
]
Subtitles = Annotated[
    Path | None,
    typer.Option(help="Subtitles of the recording, or a folder of them; default: beside it."),
]
Speakers = Annotated[Path | None, typer.Option(help="RTTM file that says who speaks when.")]
Transcribe = Annotated[
    str | None,
    typer.Option(
        metavar="[MODEL]",
        help="Recognise speech with Whisper: a folder of CTranslate2, or a model that `emocli "
        "models` fetches; without a value whisper-tiny.en.",
    ),
]
Language = Annotated[
    str | None, typer.Option(help="Code of the language spoken, e.g. en; default: as heard.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")]


DEFAULTS = {"--proxy": PROXY, "--transcribe": "whisper-tiny.en"}
"""Options whose value may be left out, and what it is then."""


def with_defaults(arguments: Sequence[str]) -> list[str]:
    """Return a command line with the values of `DEFAULTS` where they were left out."""
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
