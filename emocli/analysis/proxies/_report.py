"""The report of the analysis of proxies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from emocli.data.json_io import EXTRA, key
from emocli.parsing import Tree
from emocli.plugin.analysis import Number, PlaceReport, Record


@dataclass(frozen=True, kw_only=True)
class Errors(Record):
    """Relative errors of the proxies of a modality from some others, by set of clips."""

    kind: str
    modality: str
    sources: str = field(metadata=key("from"))
    errors: Mapping[str, Number] = field(metadata=EXTRA)


@dataclass(frozen=True, kw_only=True)
class Curves(Record):
    """Features of a modality of a clip, means over the steps."""

    clip: str
    modality: str
    original: tuple[float, ...]
    noisy: tuple[float, ...]
    regenerated: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ProxiesReport(PlaceReport):
    """The errors of proxies.

    Attributes
    ----------
    n : mapping
        Set of clips (``learnt``, ``held out``) to their number.
    corruption_seed, noise
        Of the noisy curves.
    settings : mapping
        Kind of proxy to its settings.
    error : str
        What the errors are.
    errors, curves
        The results.
    """

    n: Mapping[str, int]
    corruption_seed: int
    settings: Mapping[str, Tree]
    error: str
    errors: tuple[Errors, ...]
    noise: str
    curves: tuple[Curves, ...]
