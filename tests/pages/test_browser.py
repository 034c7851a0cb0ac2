"""The page in a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser, browser


@pytest.fixture(scope="session")  # as the pages are: where it skips, none is made
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.mark.parametrize("dark", [False, True])
def test_it_opens_from_another_folder_and_asks_for_nothing(
    window: Browser, both: Path, tmp_path: Path, dark: bool
) -> None:
    moved = tmp_path / "moved" / "page.html"
    moved.parent.mkdir()
    shutil.copy(both, moved)
    for width in (1400, 390):
        window.open(moved, width, 900, dark)
        assert window.value("document.documentElement.dataset.ready") == "yes"
        assert window.value("document.documentElement.dataset.error") is None
        assert window.value("document.documentElement.scrollWidth") <= width
        assert window.said == []
        asked = [url for url in window.requests if not url.startswith("data:")]
        assert asked == [moved.as_uri()]
        ground = window.value("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(22, 24, 27)" if dark else "rgb(255, 255, 255)")


def test_tables_sort_and_folded_parts_are_printed(window: Browser, one: Path) -> None:
    window.open(one)
    column = """
        (() => { const table = [...document.querySelectorAll("table.sortable")]
            .find(t => t.caption && t.caption.textContent.startsWith("By speaker"));
          table.tHead.rows[0].cells[2].querySelector("button").click();
          return [table.tHead.rows[0].cells[2].getAttribute("aria-sort"),
                  ...[...table.tBodies[0].rows].map(r => parseFloat(r.cells[2].textContent))]; })()
    """
    order, *up = window.value(column)
    assert order == "ascending"
    assert up == sorted(up)
    order, *down = window.value(column)
    assert order == "descending"
    assert down == sorted(up, reverse=True) != up
    assert window.value("document.querySelectorAll('details[open]').length") == 0
    assert window.value("dispatchEvent(new Event('beforeprint'))")
    assert window.value("document.querySelectorAll('details:not([open])').length") == 0
    assert window.value("dispatchEvent(new Event('afterprint'))")
    assert window.pdf().startswith(b"%PDF")


def test_a_script_in_the_page_would_not_run(window: Browser, one: Path, tmp_path: Path) -> None:
    text = one.read_text("utf-8").replace("</body>", "<script>document.title = 'x'</script></body>")
    (tmp_path / "page.html").write_text(text, "utf-8")
    window.open(tmp_path / "page.html")
    assert window.value("document.title") == "late on toy"
    assert "Content Security Policy" in window.said[0]
