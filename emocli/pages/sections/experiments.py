"""Tables of papers that `emocli reproduce` has run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emocli.experiments.page import blocks
from emocli.pages.section import Contents, Section
from emocli.report.document import Heading, Part, Pictures


@dataclass(frozen=True)
class Inside:
    """A part of another document: its headings are a level lower, its pictures in its folder."""

    part: Part
    folder: Path

    def html(self, pictures: Pictures) -> str:
        """Write it as HTML."""
        text = self.part.html(lambda name: pictures(str(self.folder / name)))
        return text.replace("<h2>", "<h3>").replace("</h2>", "</h3>")


def parts(contents: Contents) -> Iterator[Part]:
    """Yield each experiment's tables, figures and comparisons."""
    for each in contents.experiments:
        if len(contents.experiments) > 1:
            yield Heading(f"{each.report.title} on {each.report.dataset}", 3)
        _, *rest = blocks(each.report)  # its title is above
        yield from (Inside(part, each.path) for part in rest)


SECTION = Section(15, "Reproduction", parts)
