"""Any other table with a header: columns are told by their names, or by settings.

Source: the user's own program; RFC 4180 (CSV).
"""

from __future__ import annotations

from emocli.plugin.format import Layout, Patterns

MODALITY = ""


class Config(Layout):
    """As `Layout`; what a column tells is set where its name is another one."""

    file: Patterns = ("file", "filename", "clip", "id")
    time: Patterns = ("time", "timestamp", "seconds", "start")
    end: Patterns = ("end",)
    frame: Patterns = ("frame",)
    face: Patterns = ("face", "face_id")
    confidence: Patterns = ("confidence",)
    success: Patterns = ("success",)
    suffixes: tuple[str, ...] = (".csv", ".tsv")
    separators: str = ",;\t"
