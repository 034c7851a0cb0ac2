"""Terms of what the features of a run were computed with, also where they were imported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from emocli import plugins
from emocli.data.store.joined import parts_of
from emocli.models.run_config import View
from emocli.plugins import PluginKind


def licences(views: Iterable[View], others: Iterable[str] = ()) -> dict[str, str]:
    """Return the terms of restricted features and formats, by name.

    Parameters
    ----------
    views : iterable of View
        Those of a run.
    others : iterable of str
        Further features that they were computed from, as far as the views do not say it.
    """
    several = list(views)
    names = {part for view in several for part in (*parts_of(view.feature), *view.upstream)}
    formats = {name for view in several for name in _formats(view)}
    wanted: Mapping[PluginKind, set[str]] = {"features": {*names, *others}, "formats": formats}
    described = [
        plugins.describe(kind, name)
        for kind, those in wanted.items()
        for name in sorted(those.intersection(plugins.names(kind)))
    ]
    return {each.name: each.licence for each in described if each.licence}


def _formats(view: View) -> Iterator[str]:
    """Yield the formats that a view, or what it was computed or joined from, was imported in."""
    parts = parts_of(view.feature)
    joined = [view.settings.get(part, {}) for part in parts] if len(parts) > 1 else [view.settings]
    for settings in (*joined, *view.upstream.values()):
        if "format" in settings:
            yield str(settings["format"])
