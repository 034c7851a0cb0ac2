"""Options that several commands share, one by one or in groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from emocli.data.clip import Split as SplitName
from emocli.evaluation.options import RunOptions, SplitOptions
from emocli.limits import MOST_FOLDS, MOST_WORKERS
from emocli.options import Argument, Declaration, Option, declared
from emocli.parsing import Tree
from emocli.plugin.robustness import PROXY, RobustOptions
from emocli.report.canvas import StyleName

if TYPE_CHECKING:
    from emocli.data.manifest import Manifest
    from emocli.prediction.segmentation.segmenter import SegmentOptions
    from emocli.training.train import TrainRequest


SET = "--set"
"""The option that changes a setting."""

READ = (int, float, Path)
"""Types that each value of a repeated option is read as; the class makes any other of its text."""


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
    flags = field.option.flags or (f"--{flag}/--no-{flag}" if switch else f"--{flag}",)
    return typer.Option(*flags, **texts)


def _parameters(options: type) -> list[Parameter]:
    """Return the parameters of a command that stand for the fields of a class of options."""
    return [_parameter(options, name, field) for name, field in declared(options).items()]


def _parameter(options: type, name: str, field: Declaration) -> Parameter:
    item: Any = _read(field.item)
    hint: Any = list[item] | None if field.item else field.kind
    annotation = Annotated[hint, typed(options, name)]
    default = Parameter.empty if field.required else _default(field)
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _read(item: type) -> type:
    """Return the type that each value of a repeated option is read as."""
    return item if item in READ else str


def _default(field: Declaration) -> Any:
    """Return the default as the help shows it."""
    if field.item is None:
        return field.default
    return [*map(_read(field.item), field.default or ())] or None


def _chosen(options: type, values: Mapping[str, Any]) -> Any:
    """Make an object of a class of options of what was typed; the defaults stand for the rest."""
    typed = {
        name: values[name]
        for name, field in declared(options).items()
        if field.required or values[name] != _default(field)
    }
    lists = {name: tuple(value) for name, value in typed.items() if isinstance(value, list)}
    return options(**typed | lists)


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command of a function some of whose parameters are classes of options.

    Each field of such a class is an option of the command, in the class's place.
    """
    hints = get_type_hints(command, include_extras=True)
    groups = {
        name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)
    }

    @wraps(command)
    def run(**values: Any) -> None:
        objects = {name: _chosen(kind, values) for name, kind in groups.items()}
        inside = {name for kind in groups.values() for name in declared(kind)}
        own = {name: value for name, value in values.items() if name not in inside}
        command(**own, **objects)

    spread = [
        part
        for name, parameter in signature(command).parameters.items()
        for part in (
            _parameters(groups[name])
            if name in groups
            else [parameter.replace(annotation=hints[name], kind=Parameter.KEYWORD_ONLY)]
        )
    ]
    run.__signature__ = Signature(spread)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in spread}
    return run


def example(setting: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Name in the help of ``--set`` a setting that the command, one of `grouped`, takes."""

    def with_example(command: Callable[..., None]) -> Callable[..., None]:
        taken = signature(command)
        parts = [_with_help(each, setting) for each in taken.parameters.values()]
        command.__signature__ = taken.replace(parameters=parts)  # type: ignore[attr-defined]
        command.__annotations__ = {each.name: each.annotation for each in parts}
        return command

    return with_example


def _with_help(parameter: Parameter, setting: str) -> Parameter:
    """Return the parameter of ``--set`` with an example in its help, and any other as it is."""
    for info in getattr(parameter.annotation, "__metadata__", ()):
        # typer takes the first flag for a default until it reads the signature.
        if SET in (info.default, *(info.param_decls or ())):
            option = copy(info)
            option.help = f"Change a setting, e.g. {setting}; repeat for more."
            hint = parameter.annotation.__origin__
            return parameter.replace(annotation=Annotated[hint, option])
    return parameter


@dataclass(frozen=True, kw_only=True)
class SettingOptions:
    """Settings, of which a command takes its own sections."""

    settings: Annotated[
        tuple[str, ...],
        Option("Change a setting; repeat for more.", "KEY=VALUE", flags=(SET,)),
    ] = ()
    config: Annotated[Path | None, Option("TOML file of settings; --set wins over it.")] = None

    def read_settings(self, command: str, takes: Collection[str] | None = None) -> Tree:
        """Return the settings of a command; see `emocli.cli.sections.settings`."""
        from emocli.cli import sections

        return sections.settings(command, self.config, self.settings, takes)

    @property
    def typed_sections(self) -> Collection[str]:
        """The sections of the settings that do not come from a file."""
        from emocli.config import parse_sets

        return parse_sets(self.settings).keys()

    def spare(self, manifest: Path) -> None:
        """Refuse to write a manifest over the file of settings; see `require_spared`."""
        from emocli.data.sidecar import require_spared

        require_spared(manifest, [self.config] if self.config else [])


@dataclass(frozen=True, kw_only=True)
class CorpusOptions:
    """A corpus."""

    manifest: Annotated[Path, Argument("The corpus's manifest (CSV).")]
    root: Annotated[
        Path | None,
        Option("Folder the media paths start from; default: what the manifest's sidecar says."),
    ] = None

    def read_manifest(self) -> Manifest:
        """Read the manifest."""
        from emocli.data.manifest import Manifest

        return Manifest.read(self.manifest, self.root)


@dataclass(frozen=True, kw_only=True)
class FeatureOptions(CorpusOptions, SettingOptions):
    """A corpus, which of its features something is fitted to, and settings of it."""

    store: Annotated[Path, Option("Folder of the feature stores.")] = Path("store")
    feature: Annotated[
        tuple[str, ...],
        Option(
            "Feature to use, a+b for two of a modality; repeat for more. Default: all there are.",
            flags=("-f", "--feature"),
        ),
    ] = ()
    preset: Annotated[
        str, Option("literal (as printed), paper (consistent reading) or plus (improved).")
    ] = "plus"

    def training(
        self, command: str, fusion: str, run: Path, seeds: int, workers: int
    ) -> TrainRequest:
        """Return the training of a network on them."""
        from emocli.training.train import TrainRequest

        return TrainRequest(
            manifest=self.read_manifest(),
            store=self.store,
            fusion=fusion,
            run=run,
            features=self.feature or None,
            preset=self.preset,
            settings=self.read_settings(command),
            seeds=seeds,
            workers=workers,
        )


@dataclass(frozen=True, kw_only=True)
class CutOptions:
    """Segmentation of recordings, and sources of their transcripts."""

    way: Annotated[
        str,
        Option(
            "Segmentation: auto, subtitles, speech, windows, whole, or a way of an installed "
            "package."
        ),
    ] = "auto"
    window: Annotated[float | None, Option("Seconds of a window (setting windows.window; 4).")] = (
        None
    )
    hop: Annotated[
        float | None, Option("Seconds from one window to the next (windows.hop; 2).")
    ] = None
    subtitles: Annotated[
        Path | None,
        Option("Subtitles of the recording, or a folder of them; default: next to it."),
    ] = None
    speakers: Annotated[Path | None, Option("RTTM file of the speakers' turns.")] = None
    transcribe: Annotated[
        str,
        Option(
            "Recognise speech with Whisper: a folder of CTranslate2, or a model that `emocli "
            "models` fetches; without a value whisper-tiny.en.",
            "[MODEL]",
        ),
    ] = ""
    language: Annotated[str, Option("Language code, e.g. en; default: recognised.")] = ""

    def over(self, settings: Tree, typed: Collection[str], *, cut: bool = True) -> SegmentOptions:
        """Return them over settings of ways to cut.

        A file has settings of all commands and ways: of those that were not typed, only what is
        used is taken, and nothing if there is nothing to ``cut``.
        """
        from emocli import plugins
        from emocli.cli.sections import section_of
        from emocli.config import merge
        from emocli.errors import ConfigError
        from emocli.prediction.segmentation.segmenter import (
            AUTO,
            WINDOWS,
            SegmentOptions,
            used_ways,
        )

        for name in ("window", "hop"):
            if getattr(self, name) is not None and self.way not in (AUTO, WINDOWS):
                hint = "it is for windows: leave it out, or choose --way windows"
                raise ConfigError(f"--{name} has no use with --way {self.way}", hint=hint)
        taken = {*typed, *(used_ways(self.way) if cut else ())}
        unused = set(plugins.names("ways")) - taken
        settings = {name: values for name, values in settings.items() if name not in unused}
        windows = section_of(WINDOWS, {"window": self.window, "hop": self.hop})
        return SegmentOptions(
            way=self.way,
            subtitles=self.subtitles,
            speakers=self.speakers,
            transcribe=self.transcribe,
            language=self.language,
            settings=merge(settings, windows),
        )


ManifestFile = Annotated[Path, typed(CorpusOptions, "manifest")]
Root = Annotated[Path | None, typed(CorpusOptions, "root")]
Store = Annotated[Path, typed(FeatureOptions, "store")]
Features = Annotated[list[str] | None, typed(FeatureOptions, "feature")]
Settings = Annotated[list[str] | None, typed(SettingOptions, "settings")]
Config = Annotated[Path | None, typed(SettingOptions, "config")]
Fusion = Annotated[str, typer.Option(help="Network; `emocli info` lists them.")]
EncoderPreset = Annotated[
    str,
    typer.Option(
        help="literal (as printed), paper (consistent reading) or plus (improved). Unlike that of "
        "train, plus was not measured for encoders, and is not the default."
    ),
]
Workers = Annotated[int, typer.Option(min=1, max=MOST_WORKERS, help="Number of worker processes.")]
Folds = Annotated[
    int | None,
    typer.Option(min=3, max=MOST_FOLDS, help="Number of folds of a cross-validation."),
]
Split = Annotated[SplitName, typed(SplitOptions, "split")]
CorruptionSeed = Annotated[int, typed(RunOptions, "seed")]
Run = Annotated[Path, typed(RunOptions, "run")]
OtherManifest = Annotated[Path | None, typed(RunOptions, "manifest")]
OtherStore = Annotated[Path | None, typed(RunOptions, "store")]
Figures = Annotated[bool, typed(RunOptions, "figures")]
Device = Annotated[Literal["cpu", "cuda", "auto"], typer.Option(help="Device of the networks.")]
Ensemble = Annotated[bool, typer.Option("--ensemble", help="Average the predictions of all seeds.")]
Style = Annotated[StyleName, typed(RunOptions, "style")]
Corrupt = Annotated[list[str] | None, typed(RobustOptions, "corrupt")]
Check = Annotated[bool | None, typed(RobustOptions, "check")]
Proxy = Annotated[str | None, typed(RobustOptions, "proxy")]
Fill = Annotated[str | None, typed(RobustOptions, "fill")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan, and stop.")]


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
