"""Documents say the same as Markdown and as one page, whatever their texts hold."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from pathlib import Path

import pytest

from emocli.report.document import Grid, Heading, Listing, Paragraph, Picture, markdown, page
from emocli.report.page import policy
from emocli.report.parts import Heat, Panels
from tests.browser import browser

NASTY = '<script>alert("x")</script> | `a` [b](c) \x1b[31m'

BLOCKS = (
    Heading("A title", 1),
    Paragraph("Run `emocli reproduce` **now**: 3 < 4."),
    Heading(NASTY),
    Grid(("name", "value", "where"), (("a | b", "0.5", NASTY), ("c", "", "d")), left=(0, 2)),
    Listing(("first", NASTY)),
    Picture("figure.png", 'rows "as drawn"'),
)


class Parsed(HTMLParser):
    """Tags with their attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.pieces: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        self.pieces.append((self.open[-1] if self.open else "", data))

    @property
    def policy(self) -> str:
        return next(str(a["content"]) for _, a in self.tags if "http-equiv" in a)


@pytest.fixture(scope="module")
def parsed() -> Parsed:
    return Parsed(page("T & U", BLOCKS, {"figure.png": b"\x89PNG content"}.__getitem__))


def test_every_tag_is_closed_and_none_comes_from_the_texts(parsed: Parsed) -> None:
    assert not parsed.open
    names = {tag for tag, _ in parsed.tags}
    assert not names & {"link", "iframe"}
    scripts = [content for tag, content in parsed.pieces if tag == "script"]
    assert [policy(script) in parsed.policy for script in scripts] == [True]
    targets = [str(attrs["href"]) for tag, attrs in parsed.tags if tag == "a"]
    assert targets == ["#content"]
    assert not [key for _, attrs in parsed.tags for key in attrs if key.startswith("on")]


def test_all_texts_are_there_and_what_is_marked_is_marked(parsed: Parsed) -> None:
    text = "".join(parsed.text)
    for each in ("T & U", "A title", "3 < 4", '<script>alert("x")</script>', "a | b", "\\x1b[31m"):
        assert each in text
    assert {"code", "strong", "h1", "h2", "ul"} <= {tag for tag, _ in parsed.tags}


def test_pictures_are_in_the_page_and_nothing_is_fetched(parsed: Parsed) -> None:
    (picture,) = (attrs for tag, attrs in parsed.tags if tag == "img")
    head, _, content = str(picture["src"]).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(content) == b"\x89PNG content"
    assert picture["alt"] == 'rows "as drawn"'
    assert [attrs for _, attrs in parsed.tags if "src" in attrs] == [picture]
    assert parsed.policy.startswith("default-src 'none'; img-src data:;")


def test_columns_of_numbers_are_aligned_to_the_right(parsed: Parsed) -> None:
    cells = [attrs.get("class") for tag, attrs in parsed.tags if tag in {"th", "td"}]
    assert cells == [None, "number", None] * 3
    assert "| --- | ---: | --- |" in markdown(BLOCKS)


def test_the_markdown_has_the_same_parts() -> None:
    text = markdown(BLOCKS)
    assert text.startswith("# A title\n\nRun `emocli reproduce` **now**: 3 < 4.\n\n## ")
    assert "| a / b | 0.5 | \\<script>" in text
    assert text.endswith("- first\n- " + NASTY + '\n\n![rows "as drawn"](figure.png)\n')


def test_tables_of_counts_beside_each_other_are_whole(tmp_path: Path) -> None:
    names = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
    heats = tuple(Heat(f"run {k}", names, tuple([(10,) * 8] * 8)) for k in range(6))
    file = tmp_path / "page.html"
    file.write_text(page("T", (Heading("T", 1), Panels(heats)), dict[str, bytes]().__getitem__))
    cut = """[...document.querySelectorAll("table.heat")].filter(
        (table) => table.scrollWidth > table.parentElement.clientWidth).length"""
    with browser(tmp_path) as window:
        for width in (1400, 390):
            window.open(file, width)
            assert window.value('document.querySelectorAll("table.heat").length') == 6
            assert window.value(cut) == 0, width
        window.resize(688, 1000)  # between the margins of A4
        window.call("Emulation.setEmulatedMedia", media="print")
        assert window.value(cut) == 0
