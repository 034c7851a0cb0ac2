"""Quoted rows: values of the literature, shown for comparison."""

from __future__ import annotations

from dataclasses import replace

from emocli.experiments.report import RowReport
from emocli.experiments.rows import Inputs, RowContext, System, Tested


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
    def is_trainable(self) -> bool:
        """False: it is only quoted."""
        return False

    def check(self, inputs: Inputs) -> None:
        """There is nothing to check; see `System`."""

    def evaluate(self, context: RowContext) -> Tested:
        """Return no conditions: it is tested under none."""
        return Tested(())

    def state(self) -> RowReport:
        """Return the values with their source."""
        return replace(super().state(), state="cited", cited=self.row.cited)
