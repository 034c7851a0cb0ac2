"""`emocli info`: what there is to choose from."""

from __future__ import annotations

from typing import get_args

from emocli.cli import options, show
from emocli.cli.command import Command


def command(json: options.Json = False) -> None:
    """List what there is to choose from.

    Datasets, features, corruptions, protocols, networks, experiments and analyses, each with its
    source.
    """
    from emocli import plugins

    kinds: tuple[plugins.Kind, ...] = get_args(plugins.Kind)
    found = {kind: [plugins.describe(kind, name) for name in plugins.names(kind)] for kind in kinds}
    if json:
        show.as_json(found)
        return
    for kind, plugs in found.items():
        title = "networks (--fusion)" if kind == "fusion" else kind
        show.table(
            ("name", "what", "source"), [(p.name, p.summary, p.source) for p in plugs], title
        )


COMMAND = Command("info", 150, command, light=True)
