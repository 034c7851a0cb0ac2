"""Numbers and intervals as the sections write them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from emocli.data.record import Bounds
from emocli.pages.records import RunRecords
from emocli.report.parts import Span
from emocli.report.tables import NO_NUMBER, bounds, spread


def metric(metrics: Mapping[str, float], name: str) -> str:
    """Write a metric; of several seeds, with its spread."""
    return spread(metrics[name], metrics.get(f"{name}_std", math.nan))


def title(name: str) -> str:
    """Write the name of a metric."""
    return name.replace("_", " ")


def interval(over_groups: Bounds, over_clips: Bounds | None) -> str:
    """Write the interval over groups of clips; where there is none, the one over clips, as such."""
    text = bounds(over_clips or over_groups)
    return f"{text} (over clips)" if over_clips and text != NO_NUMBER else text


def span(value: float, over_groups: Bounds, over_clips: Bounds | None) -> Span:
    """Return a number and its interval, to be drawn."""
    return Span(value, over_clips or over_groups)


def condition(labels: tuple[str, ...]) -> str:
    """Name a condition."""
    return " + ".join(labels) or "clean"


def command(text: str, run: RunRecords) -> str:
    """Write a command about a run: ``RUN`` stands for its folder."""
    import shlex

    return text.replace("RUN", shlex.quote(str(run.path)))


def named(said: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, str]]:
    """Yield each text that is said of runs, by their names, once, with the names of these runs.

    >>> list(named({"a": ["one", "both"], "b": ["both"]}))
    [('a', 'one'), ('a, b', 'both')]
    """
    names: dict[str, list[str]] = {}
    for name, own in said.items():
        for text in dict.fromkeys(own):
            names.setdefault(text, []).append(name)
    yield from ((", ".join(runs), text) for text, runs in names.items())


def p(value: float | None) -> str:
    """Write a p-value, which is never 0."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.3f}" if value >= 0.0005 else "< 0.001"
