"""`emocli info`: all plug-ins but the commands."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Annotated

import typer

from emocli.cli import options, show
from emocli.errors import ConfigError, short
from emocli.plugin.command import Command
from emocli.plugins import Description, PluginKind

TITLES: dict[PluginKind, str] = {
    "datasets": "datasets (emocli manifest)",
    "features": "features (-f)",
    "formats": "formats of features (emocli import --format)",
    "corruptions": "corruptions (--corrupt MODALITY:NAME)",
    "protocols": "protocols of corruption (--corrupt NAME)",
    "fusion": "networks (--fusion)",
    "experiments": "experiments (emocli reproduce)",
    "analyses": "analyses (emocli analyze)",
    "ways": "ways to cut recordings (--way)",
    "transcripts": "transcripts (--subtitles)",
    "writers": "formats of predictions (emocli predict --format)",
    "models": "models (emocli models get)",
}
"""What each kind is called, and what takes its names."""


def command(
    what: Annotated[
        str | None, typer.Argument(metavar="settings", help="settings: those of NAME.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Argument(
            help="A network, feature, dataset, ..., or train, robust, check, proxy, fit-encoder, "
            "fit-text; without it they are listed."
        ),
    ] = None,
    markdown: Annotated[
        bool,
        typer.Option("--markdown", help="Of settings: all of emocli's own as a page in Markdown."),
    ] = False,
    json: options.Json = False,
) -> None:
    """List plug-ins by kind, or settings.

    Datasets, features, networks, corruptions, experiments and the rest, each with its source and
    the option that takes it. With settings NAME every setting of NAME with its meaning, default
    and range: emocli info settings rrnn.
    """
    if what == "settings":
        _settings(name, markdown, json)
        return
    if what is not None:
        hint = f"of its settings: emocli info settings {short(what)}"
        raise ConfigError(f"'{short(what)}' is not 'settings'", hint=hint)
    if markdown:
        raise ConfigError("--markdown is for settings", hint="emocli info settings --markdown")
    _plugins(json)


def _settings(name: str | None, markdown: bool, json: bool) -> None:
    import shutil
    from dataclasses import asdict

    from emocli.cli import streams
    from emocli.pipeline import settings

    if markdown:
        streams.out(settings.settings_page())
    elif name is None:
        listed = settings.names()
        if json:
            show.as_json(listed)
            return
        show.line("emocli info settings NAME, with one of")
        for each in listed:
            show.line(f"  {each}")
    elif json:
        show.as_json({s.key: asdict(s) for s in settings.settings_of(name)})
    else:
        for line in settings.settings_lines(name, shutil.get_terminal_size().columns - 1):
            show.line(line)


def _plugins(json: bool) -> None:
    from emocli import plugins

    # Commands are in the help.
    listed = {
        kind: _told_once(
            kind, [replace(e, name=_called(kind, e.name)) for e in plugins.describe_all(kind)]
        )
        for kind in plugins.KINDS
        if kind != "commands"
    }
    if json:
        show.as_json(listed)
        return
    for kind, plugs in listed.items():
        title = TITLES[kind]
        rows = [(p.name, p.summary, "; ".join(filter(None, (p.source, p.licence)))) for p in plugs]
        show.table(("name", "what", "source"), rows, title)


def _called(kind: PluginKind, name: str) -> str:
    """Return what the command that `TITLES` names calls a plug-in, which has the name of a file."""
    from emocli import plugins

    if kind == "experiments":
        return name.replace("_", "-")
    if kind != "models":
        return name
    try:
        return str(plugins.load(kind, name).MODEL.name)
    except ConfigError:
        return name  # no command takes it; its description or `emocli models list` says why


def _told_once(kind: PluginKind, described: list[Description]) -> list[Description]:
    """Put a refusal in the place of models that have one name, which is not that of their files."""
    counts = Counter(each.name for each in described)
    if kind != "models" or len(counts) == len(described):
        return described
    from emocli.pretrained.models import named

    known = {}
    for each in described:
        known[each.name] = each
        try:
            named(each.name)
        except ConfigError as error:
            if counts[each.name] > 1:
                known[each.name] = replace(each, summary=f"refused: {error}", source="", licence="")
    return list(known.values())


COMMAND = Command("info", 150, command, light=True)
