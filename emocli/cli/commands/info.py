"""`emocli info`: all plug-ins but the commands."""

from __future__ import annotations

from emocli.cli import options, show
from emocli.plugin.command import Command


def command(json: options.Json = False) -> None:
    """List what there is to choose from.

    Datasets, features, corruptions, protocols, networks, experiments and analyses, each with its
    source.
    """
    from emocli import plugins

    # Commands are in the help.
    listed = {kind: plugins.describe_all(kind) for kind in plugins.KINDS if kind != "commands"}
    if json:
        show.as_json(listed)
        return
    for kind, plugs in listed.items():
        title = "networks (--fusion)" if kind == "fusion" else kind
        rows = [(p.name, p.summary, "; ".join(filter(None, (p.source, p.licence)))) for p in plugs]
        show.table(("name", "what", "source"), rows, title)


COMMAND = Command("info", 150, command, light=True)
