"""A page as it is read, and a corpus whose texts are markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

NASTY = '<script>alert("x")</script><img src=x onerror=y()>'
CLASSES = ("anger", "joy<script>z()</script>", "sadness")
SIZES = {"train": 24, "valid": 12, "test": 30}
VOID = {"meta", "img"}
TAGS = set(
    re.findall(
        r"\w+",
        "html head meta title style body a header main script nav h1 h2 h3 h4 p ul ol li dl dt dd "
        "div span b strong code pre table caption thead tbody tr th td figure figcaption img "
        "details summary blockquote svg text line path circle g",
    )
)


class Parsed(HTMLParser):
    """Tags with their attributes, the text, and the headings by level."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(path.read_text("utf-8"))
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    @property
    def text(self) -> str:
        return "".join(data for tag, data in self.texts if tag not in {"script", "style"})

    def headings(self, tag: str = "h2") -> list[str]:
        return [data for own, data in self.texts if own == tag]

    def values(self, name: str) -> list[str]:
        return [str(attrs[name]) for _, attrs in self.tags if name in attrs]
