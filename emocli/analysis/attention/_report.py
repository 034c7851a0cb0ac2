"""The report of the analysis of attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from emocli.plugin.analysis import Number, Record, RunReport, Split

Hop = Literal["last", "all"]

PerStep = tuple[tuple[tuple[Number, ...], ...], ...]
"""A number for each step of each hop of each seed."""


@dataclass(frozen=True, kw_only=True)
class WordTime(Record):
    """A word and the second in which it stands."""

    word: str
    time: float


@dataclass(frozen=True, kw_only=True)
class ViewAttention(Record):
    """The attention to a view.

    Attributes
    ----------
    feature : str
        What it was read from.
    timed : bool
        Whether ``times`` are seconds; else each step takes the place of a second.
    times : tuple of float
        Where the steps stand.
    words : tuple of WordTime
        The words of the text.
    weights, curve
        The weights of the network; these over uniform ones, as the report's ``curve`` says.
    """

    feature: str
    timed: bool
    times: tuple[float, ...]
    words: tuple[WordTime, ...]
    weights: PerStep
    curve: PerStep


@dataclass(frozen=True, kw_only=True)
class AttentionReport(RunReport):
    """The attention to each view of a clip.

    Attributes
    ----------
    fold : int, optional
        The fold that tests it.
    clip, split, label, labels
        The clip.
    chosen : str
        The rule by which it was chosen; empty if it was named.
    predicted : mapping
        Class to probability or intensity, mean over the seeds.
    hop : {'last', 'all'}
        What is drawn.
    curve : str
        What `ViewAttention.curve` is.
    corruption, corruption_seed, repair
        What was done to the clip.
    flagged, regenerated : tuple of str
        Modalities that were not trusted, or for which a proxy stands.
    views : mapping
        View to its attention.
    """

    RENAMED: ClassVar[Mapping[str, str] | None] = {"said": "predicted"}

    fold: int | None
    clip: str
    chosen: str
    split: Split
    label: str | None
    labels: Mapping[str, float]
    predicted: Mapping[str, float]
    hop: Hop
    curve: str
    corruption: tuple[str, ...]
    corruption_seed: int
    repair: str
    flagged: tuple[str, ...]
    regenerated: tuple[str, ...]
    views: Mapping[str, ViewAttention]

    @property
    def title(self) -> str:
        """Title of table and figure."""
        predicted = max(self.predicted, key=self.predicted.__getitem__)
        shown = f"shown: {self.label}, " if self.label else ""
        hop = "all hops" if self.hop == "all" else "last hop"
        clip = f"{self.clip} ({shown}predicted: {predicted})"
        under = [" + ".join(self.corruption), self.repair]
        parts = [self.run, self.dataset, clip, f"attention, {hop}", self.chosen, *under]
        return " · ".join(filter(None, parts))

    def state(self, view: str) -> str:
        """Say what was done about a view; nothing if it was read as it is."""
        if view in self.regenerated:
            return "regenerated"
        return "not trusted" if view in self.flagged else ""
