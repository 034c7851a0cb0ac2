"""Rows that are only quoted: values of the literature, beside those of one's own."""

from __future__ import annotations

from dataclasses import replace

from emocli.experiments.report import RowReport
from emocli.experiments.rows import Inputs, System, Tested, Workplace


class CitedSystem(System):
    """Somebody else's system, of which only the printed values are known."""

    SHARED = ()
    SECTIONS = ()
    PRESET = False
    STORED = False
    RUNS = False

    @property
    def title(self) -> str:
        """Where the values stand."""
        return self.row.cited

    @property
    def learns(self) -> bool:
        """Nothing of it can be trained."""
        return False

    def check(self, inputs: Inputs) -> None:
        """There is nothing to check; see `System`."""

    def evaluate(self, place: Workplace) -> Tested:
        """Return no conditions: it is tested under none."""
        return Tested(())

    def state(self) -> RowReport:
        """Return the values with their source."""
        return replace(super().state(), state="cited", cited=self.row.cited)
