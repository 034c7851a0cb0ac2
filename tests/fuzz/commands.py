"""Command lines at random: commands, options and settings are found in the application itself."""

from __future__ import annotations

import importlib
import pkgutil
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from types import MappingProxyType
from typing import Any

import typer

import emocli
from emocli import plugins
from emocli.cli import sections
from emocli.cli.app import application
from emocli.config import Settings
from tests.fuzz.base import CORPUS, COVAREP, QUICK, RUNS, SMALL_TEXT, STORES, TRAIN

PLACES: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "manifest": ("toy/toy.csv", "media/media.csv"),
        "store": ("toy/store", "new/store"),
        "run": tuple(f"toy/{name}" for name in RUNS),
        "place": ("toy/late", "toy/store"),
        "config": ("exp.toml",),
        "root": ("media", "toy", "."),
        "sources": ("exchange/toy.npz", "exchange/toy.csd", "exchange/toy.pkl"),
        "align_to": ("exchange/toy.csd",),
        "output": ("new/x.npz", "new/x.csv", "new/x.pkl", "new/x.csd"),
        "out": ("new/out",),
        "path": ("toy/store", "toy/late", "toy/toy.csv"),
        "source": ("toy/toy.csv", "media/media.csv", "media"),
        "folder": ("new/demo",),
    }
)
"""Name of a parameter that is a path to values that can be right; any other gets any of them."""

WORDS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "features": ("mel", "glove", "face_hog", "x"),
        "feature": ("mel", "glove", "faces", "covarep", "face_hog", "roberta", "x"),
        "to": ("glove", "mel"),
        "clip": ("test01", "valid00", "nobody", ""),
        "preset": ("literal", "paper", "plus", "x"),
        "corrupt": ("audio", "visual@0.01", "text:zero", "m3er75", "face100", "text:dropout@0.5",
                    "audio@-10dB", "audio@1e400dB", "audio@nan", "x:y@z", "audio:drop", ":", "@",
                    "text@0"),
        "levels": ("0dB", "10,1", "1e-300", "inf", "nan", ",", "-99999dB", "1e308"),
        "proxy": ("knn_ls", "ridge", "paired_qr", "svd_unpaired", "affine", "nn1", "literal", "x"),
        "fill": ("discard", "missing", "zero", "mean", "x"),
        "kind": ("audio", "face", "scene", "plus", "mean", "x"),
        "modality": ("audio", "text", "x", ""),
        "name": ("x", "table", "demo", "../x", "a/b", ""),
        "mistaken": ("joy:anger", "joy", ":", "x:y"),
        "row": ("gca", "late", "x"),
        "hop": ("last", "all"),
        "scheduler": ("nowhere", "tcp://127.0.0.1:1"),
    }
)  # fmt: skip
"""Name of a parameter that is text to values that can be right, or nearly."""

ODD = (
    "", " ", "-", "--", "-1", "0", "1", "2", "3", "1e9", "99999999999999999999", "nan", "inf",
    "true", "..",
    "/proc/self/mem", "nowhere", "\x1b[31m", "💥", "a" * 5000, "a\nb", "*", "%s", "{}", "'",
    "\udcff", "=1+1", "~", "toy/toy.csv", "toy/toy.toml", "new", "toy/late/config.json",
)  # fmt: skip
NUMBERS = ("0", "1", "2", "3", "-1", "7", "4294967296", "1e3", "x", "")
HEAVY = ("demo",)
"""Commands that work for minutes whatever they are given: only their refusals are tried."""

VALUES = (
    "0", "1", "-1", "2", "0.5", "1e-9", "1e9", "12345", "1000000", "1000000000",
    "9223372036854775808", "1e308",
    "nan", "inf", "-inf", "true", "false", '""', "x", "none", "[]", "[1]", "[1, 2]", '["a"]',
    "{}", "{a=1}",
    "2020-01-01", "12:00:00", "'''", "[" * 4000, "{a=" * 4000, "\x1b[2J", "nowhere/at/all",
    "/dev/zero", ".", "",
)  # fmt: skip

BASES = (
    TRAIN,
    TRAIN + " --dry-run",
    *(
        f"train toy/toy.csv --store toy/store --fusion {name} --run new/run {QUICK}"
        for name in ("rrnn", "m3er", "gca")
    ),
    *STORES[4:6],
    "evaluate toy/late --corrupt audio --no-figures",
    "evaluate toy/rrnn --corrupt m3er75 --check --json --no-figures",
    "extract media/media.csv -f mel --store new/store",
    "extract media/media.csv -f faces --store new/store",
    "extract media/media.csv -f glove --set glove.vectors=media/vectors.txt --store new/store",
    "extract media/media.csv -f mel -f mel_embedding --set mel_embedding.encoder=encoder"
    " --store new/store",
    "extract media/media.csv -f roberta --set roberta.encoder=text --store new/store",
    COVAREP,
    "fit-encoder audio media/media.csv --store ms --run new/enc --set encoder.side=32"
    " --set encoder.depths=[1] --set encoder.hidden_sizes=[8] --set encoder.embedding_size=8"
    " --set encoder.dim=6 --set train.epochs=1",
    f"fit-text media/media.csv --run new/text {SMALL_TEXT}",
    "manifest table table -o new/m.csv",
    "tune toy/toy.csv --store toy/store --fusion late --study new/study --try network.hidden=2,3"
    " --set train.epochs=1",
    f"manifest demo new/demo -o new/d.csv {CORPUS}",
    "reproduce rrnn-t2 toy/toy.csv --store toy/store --out new/out --dry-run",
    "reproduce m3er-t2 toy/toy.csv --store toy/store --out new/out --dry-run",
    "reproduce m2f-t2 toy/toy.csv --store toy/store --out new/out --dry-run",
    "reproduce rrnn-t1 toy/toy.csv --store toy/store --out new/out --folds 0 --seeds 1 --row a"
    " --set train.epochs=1 --set network.hidden=4",
)
"""Lines that are right, for settings and options to be laid over."""


@dataclass(frozen=True)
class Command:
    """A command as the application knows it."""

    words: tuple[str, ...]
    params: tuple[Any, ...]


@cache
def commands() -> tuple[Command, ...]:
    """Every command, groups opened."""
    return tuple(_walk(typer.main.get_command(application()), ()))


def _walk(command: Any, words: tuple[str, ...]) -> Iterator[Command]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield Command(words, tuple(command.params))
        return
    for name in sorted(inner):
        yield from _walk(inner[name], (*words, name))


def readers(kind: str) -> tuple[str, ...]:
    """Lines of the commands whose help says that a parameter takes such a file."""
    found = []
    for command in commands():
        for param in command.params:
            if f".{kind}" in (getattr(param, "help", "") or ""):
                rest = _required(command, Random(kind), but=param)
                flag = [] if _is_argument(param) else [param.opts[-1]]
                found.append(shlex.join([*command.words, *flag, "{path}", *rest]))
    return tuple(found)


def anything(rng: Random) -> list[str]:
    """A command with what it requires and options at random, some of them wrong."""
    command = rng.choice(commands())
    words = [*command.words, *_required(command, rng)]
    words += _options(command, rng, rng.choice((0, 1, 2, 4)))
    if command.words[0] in HEAVY:
        words += ["--seeds", "0"]
    if rng.random() < 0.1 and len(words) > 1:
        del words[rng.randrange(1, len(words))]
    return words


def varied(rng: Random) -> list[str]:
    """A right line with options laid over it."""
    words = shlex.split(rng.choice(BASES))
    command = max(
        (c for c in commands() if tuple(words[: len(c.words)]) == c.words),
        key=lambda c: len(c.words),
    )
    return [*words, *_options(command, rng, rng.choice((1, 1, 2, 3)))]


def set_(rng: Random) -> list[str]:
    """A right line with a setting laid over it: at a bound, beyond it, or of another kind."""
    words = shlex.split(rng.choice(BASES))
    name = words[0]
    takes = sections.command_sections().get(name)
    if takes is None:
        return [*words, "--set", f"robust.{_setting(rng.choice(_settings()), rng)}"]
    own = sorted(
        set(takes) & {word.split(".")[0] for word in [*words, *(w.split("=")[0] for w in words)]}
    )
    section = rng.choice(own or sorted(takes))
    fitting = [kind for kind in _settings() if _belongs(kind, section, words)]
    return [*words, "--set", f"{section}.{_setting(rng.choice(fitting or _settings()), rng)}"]


def _belongs(kind: type[Settings], section: str, words: Sequence[str]) -> bool:
    if section == "network":
        return (
            kind.__module__.startswith("emocli.fusion.") and kind.__module__.split(".")[-1] in words
        )
    plug = kind.__module__.split(".")[-1] == section and kind.__name__ == "Config"
    named = {
        "train": ("TrainConfig", "EncoderFitConfig", "TextFitConfig"),
        "loss": ("TripletConfig",),
        "reproduce": ("Protocol",),
    }
    return plug or kind.__name__ in named.get(section, (f"{section.title()}Config",))


@cache
def _settings() -> tuple[type[Settings], ...]:
    """All kinds of settings there are, wherever they are."""
    for module in pkgutil.walk_packages(emocli.__path__, "emocli."):
        importlib.import_module(module.name)
    found, waiting = set(), [Settings]
    while waiting:
        kind = waiting.pop()
        found.add(kind)
        waiting += kind.__subclasses__()
    return tuple(sorted(found - {Settings}, key=lambda k: (k.__module__, k.__qualname__)))


def _setting(kind: type[Settings], rng: Random) -> str:
    if not kind.model_fields:
        return f"x={rng.choice(VALUES)}"
    name = rng.choice(sorted(kind.model_fields))
    field = kind.model_fields[name]
    bounds = [
        getattr(m, side)
        for m in field.metadata
        for side in ("ge", "gt", "le", "lt")
        if hasattr(m, side)
    ]
    near = [str(b + step) for b in bounds for step in (-1, 0, 1)]
    inner = field.annotation
    if isinstance(inner, type) and issubclass(inner, Settings) and rng.random() < 0.8:
        return f"{name}.{_setting(inner, rng)}"
    return f"{name}={rng.choice([*near, *near, *VALUES])}"


def _required(command: Command, rng: Random, but: Any = None) -> list[str]:
    """What a command cannot do without: options first, for arguments have no name."""
    options, arguments = [], []
    for param in command.params:
        if not param.required or param is but:
            continue
        value = _value(command, param, rng, odd=0.1)
        if _is_argument(param):
            arguments.append(value)
        else:
            options += [param.opts[-1], value]
    return [*arguments, *options]


def _options(command: Command, rng: Random, count: int) -> list[str]:
    free = [p for p in command.params if not _is_argument(p) and p.name != "scheduler"]
    words = []
    for param in rng.choices(free, k=count) if free else ():
        if param.is_flag:
            words.append(rng.choice([*param.opts, *param.secondary_opts]))
        elif param.name == "settings":
            words += [
                "--set",
                f"{rng.choice(_sections())}.{_setting(rng.choice(_settings()), rng)}",
            ]
        else:
            words += [param.opts[-1], _value(command, param, rng, odd=0.4)]
    return words


@cache
def _sections() -> tuple[str, ...]:
    return tuple(sorted({name for takes in sections.command_sections().values() for name in takes}))


def _value(command: Command, param: Any, rng: Random, odd: float) -> str:
    if rng.random() < odd:
        return rng.choice(ODD)
    if param.name == "run" and not _is_argument(param):
        return rng.choice(("new/run", "new/run", *PLACES["run"]))
    if param.name == "name" and command.words[0] == "manifest":
        return rng.choice(plugins.names("datasets"))
    if param.name in ("fusion", "experiment"):
        kind: plugins.PluginKind = "fusion" if param.name == "fusion" else "experiments"
        return rng.choice(plugins.names(kind))
    if param.name in PLACES:
        return rng.choice(PLACES[param.name])
    annotation = str(getattr(getattr(param, "type_descriptor", None), "annotation", ""))
    if "int" in annotation or "float" in annotation:
        return rng.choice(NUMBERS)
    if "Path" in annotation:
        return rng.choice([place for places in PLACES.values() for place in places])
    choices = (
        getattr(param, "choices", None) or WORDS.get(param.name) or ("train", "valid", "test", *ODD)
    )
    return rng.choice(list(choices))


def _is_argument(param: Any) -> bool:
    return not param.opts[0].startswith("-")
