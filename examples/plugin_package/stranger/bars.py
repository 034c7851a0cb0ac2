"""Tables whose cells stand between bars, with a column ``at`` of seconds.

Source: this example.
"""

from __future__ import annotations

from emocli.plugin.format import Layout

MODALITY = "text"


class Config(Layout):
    """As `Layout`."""

    time: tuple[str, ...] = ("at",)
    separators: str = "|"
