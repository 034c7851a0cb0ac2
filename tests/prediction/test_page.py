"""The page: opened in a browser without a screen, where there is one."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from emocli.prediction.writers.page import html_text
from tests.prediction.examples import report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

TRIES = """
<script>
addEventListener("load", () => {
  const find = (query) => document.querySelector(query), told = {};
  const chart = find("#chart"), box = chart.getBoundingClientRect();
  const press = (key) => chart.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
  const now = () => Number(chart.getAttribute("aria-valuenow"));
  const labels = () => [...document.querySelectorAll("tbody tr")].map(r => r.children[3].innerText);
  const cut = () => [...document.querySelectorAll("#chart .curve")].length;
  told.words = find("#words").innerText.trim();
  told.curves = cut();
  told.rows = labels();
  chart.dispatchEvent(new MouseEvent("click",
    {clientX: box.left + box.width / 2, clientY: box.top + 50, bubbles: true}));
  told.clicked = now();
  press("End");
  told.end = now();
  press("Home");
  press("ArrowRight");
  told.arrow = now();
  find("tbody button").click();
  told.row = now();
  const sorted = () => document.querySelectorAll("#head button")[4];
  sorted().click(); sorted().click();
  told.sorted = labels();
  told.order = document.querySelectorAll("#head th")[4].getAttribute("aria-sort");
  find("#classes button").click();
  told.fewer = cut();
  told.distrusted = document.querySelectorAll("#chart rect.distrusted").length;
  find("#file").value = "b.wav";
  find("#file").dispatchEvent(new Event("change"));
  told.other = labels();
  told.failed = find("#failures").innerText;
  told.kind = find("#player").firstElementChild ? "player" : "none";
  document.documentElement.dataset.told = JSON.stringify(told);
});
</script>
"""


def opened(path: Path, *options: str) -> tuple[str, str]:
    """Open a page; return what it has become, and what the browser said about it."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("there is no Chromium on this machine")
    command = [
        *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
        *("--virtual-time-budget=3000", "--window-size=1200,900", *options),
        *(f"--user-data-dir={path.parent / 'browser'}", "--dump-dom", path.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


def test_nothing_in_the_page_is_elsewhere(tmp_path: Path) -> None:
    text = html_text(report(), tmp_path)
    addresses = set(re.findall(r"(?:https?:)?//[\w.]+[\w/]*", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # the name of a language, not an address
    assert "</script><b>" not in text
    assert "default-src 'none'" in text


def test_short_recordings_are_inside_and_long_ones_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emocli.prediction.writers import page

    (tmp_path / "a.mp4").write_bytes(b"short")
    monkeypatch.chdir(tmp_path)
    assert "data:video/mp4;base64,c2hvcnQ=" in html_text(report(), tmp_path / "out")
    monkeypatch.setattr(page, "EMBEDDED", 3)
    text = html_text(report(), tmp_path / "out")
    assert "base64" not in text
    assert '"src": "../a.mp4"' in text


def test_the_page_works_in_a_browser(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_text(report(), tmp_path).replace("</body>", f"{TRIES}</body>"), "utf-8")
    text, said = opened(path)
    assert 'data-ready="yes"' in text
    assert "data-error" not in text
    assert "CONSOLE" not in said
    match = re.search(r'data-told="([^"]*)"', text)
    assert match is not None
    told = json.loads(html.unescape(match[1]))
    assert told["words"].startswith('so "it" is </script><b>')
    assert told["curves"] == 2
    assert told["rows"] == ["joy", "<anger> & co", "nothing to judge by"]
    assert 3.5 < told["clicked"] < 4.5
    assert (told["end"], told["arrow"], told["row"]) == (8, 0.5, 0)
    assert told["sorted"] == ["joy", "<anger> & co", "nothing to judge by"]
    assert told["order"] == "descending"
    assert told["fewer"] == 1
    assert told["distrusted"] == 2  # the shade, and the lane of the sound
    assert told["other"] == ["joy"]
    assert told["failed"] == "c.mp4: is no recording"


def test_an_error_of_the_script_would_be_noticed(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_text(report(), tmp_path).replace("choose(files[0]);", "choose(nothing);"))
    text, _ = opened(path)
    assert "data-error" in text
    assert 'data-ready="yes"' not in text
