"""Analyses that have no section of their own: their figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emocli import plugins
from emocli.pages.records import AnalysisFile, RunRecords
from emocli.pages.section import Contents, Section, by_run
from emocli.report.canvas import CAPTION
from emocli.report.document import Part, Picture
from emocli.report.parts import Note


def parts(contents: Contents) -> Iterator[Part]:
    """Yield the figures of each run's other analyses."""
    yield from by_run(contents, _of_run)


def _of_run(run: RunRecords) -> Iterator[Part]:
    for file in run.analyses:
        if plugins.load("analyses", file.name).PAGE is None:
            figures = _figures(file)
            if not figures:
                yield Note(f"{file.path.name} was written without figures.")
            yield from figures


def _figures(file: AnalysisFile) -> list[Picture]:
    """Return the figures beside a report; others begin with its name and a plus."""
    stem = file.path.stem
    images = sorted(file.path.parent.glob("*.png"))
    own = [p for p in images if p.stem == stem or p.stem.startswith(f"{stem}-")]
    return [Picture(str(path), path.stem.replace("+", ", "), _caption(path)) for path in own]


def _caption(figure: Path) -> str:
    """Return the caption beside a figure, without its title; nothing where there is none."""
    path = figure.with_suffix(CAPTION)
    if not path.is_file():
        return ""
    _, _, caption = path.read_text("utf-8", errors="replace").partition("\n\n")
    return caption.strip()


SECTION = Section(85, "Other analyses", parts)
