"""The page: opened in a browser without a screen, where there is one."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from emocli.data.media.writing import write_video
from emocli.plugin.writer import FaceBox
from emocli.prediction.timeline import PredictionReport
from emocli.prediction.writers.page import faces, html_text
from emocli.prediction.writers.page.faces import faces_of
from tests.prediction.examples import BAD, FINE, GONE, report, segment

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
  told.words = find("#spoken").innerText.trim();
  told.curves = cut();
  told.bands = document.querySelectorAll("#chart .band").length;
  told.interval = find("#interval").hidden;
  told.facts = find("#facts").innerText;
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
  const heads = [...document.querySelectorAll("#head th")];
  told.heads = heads.map((each) => each.textContent);
  told.order = heads[4].getAttribute("aria-sort");
  find("#classes button").click();
  told.fewer = cut();
  told.distrusted = document.querySelectorAll("#chart rect.distrusted").length;
  told.marks = [...document.querySelectorAll("#chart rect title")].map((e) => e.textContent);
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


CHECKS = """
<script>
addEventListener("load", () => {
  const all = (query) => [...document.querySelectorAll(query)], told = [];
  const shown = (each) => each.getClientRects().length > 0;
  const name = (each) => each.getAttribute("aria-label") || each.innerText.trim()
    || (each.labels && each.labels.length && each.labels[0].innerText);
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  for (const each of all("button, select, [tabindex], video, audio, [role]").filter(shown))
    if (!name(each)) told.push(`no name: ${each.outerHTML.slice(0, 80)}`);
  for (const each of all("img")) if (!each.hasAttribute("alt")) told.push("an image without alt");
  const ids = all("[id]").map((each) => each.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) told.push(`twice: ${id}`);
  for (const key of ["aria-labelledby", "aria-describedby"])
    for (const each of all(`[${key}]`))
      if (!document.getElementById(each.getAttribute(key))) told.push(`${key} leads nowhere`);
  if (all("h1").length !== 1 || all("main").length !== 1) told.push("h1 and main are not one each");
  if (all("th").some((each) => each.scope !== "col")) told.push("a head without scope");
  for (const each of all("p, button, td, th, dt, dd, li, span, b, caption").filter(shown)) {
    const style = getComputedStyle(each), ratio = contrast(light(style.color), light(ground(each)));
    if (each.innerText.trim() && ratio < 4.5)
      told.push(`${ratio.toFixed(2)}: ${each.outerHTML.slice(0, 80)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) told.push("the page is too wide");
  document.documentElement.dataset.told = JSON.stringify(told);
});
</script>
"""


def with_script(text: str, script: str) -> str:
    """Let a page run a script of a test, which its policy forbids."""
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    assert bare != text
    return bare.replace("</body>", f"{script}</body>")


def of_people(folder: Path) -> PredictionReport:
    """Return a report of a video in which two people are seen, one of them not always."""
    images = [np.full((64, 96, 3), 40 + 5 * k, np.uint8) for k in range(24)]
    write_video(folder / "a.mp4", images, 4, None, 16_000)
    both = []
    for number, person in product(range(3), "12"):
        there = (number, person) != (1, "2")
        one = segment(number, 0.2 + 0.3 * number, (FINE, FINE if there else GONE), text="so it is")
        face = FaceBox(time=one.start + 0.5, box=(10.0, 8.0, 30.0, 40.0)) if there else None
        name = str(folder / "a.mp4")
        clip = f"{number}-{person}"
        both.append(replace(one, file=name, clip=clip, person=person, face=face))
    return replace(report(), segments=tuple(both), failures=())


def test_faces_at_the_peaks_are_few_and_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = of_people(tmp_path)
    told = [(face.person, face.label, face.time) for face in faces_of(people)]
    anger = "<anger> & co"
    assert told == [("1", "joy", 4.5), ("1", anger, 0.5), ("2", "joy", 4.5), ("2", anger, 0.5)]
    assert all(face.src.startswith("data:image/jpeg;base64,") for face in faces_of(people))
    assert max(len(face.src) for face in faces_of(people)) < 10_000
    monkeypatch.setattr(faces, "MOST", 3)
    assert len(faces_of(people)) == 3
    (tmp_path / "a.mp4").unlink()
    assert faces_of(people) == ()
    assert faces_of(report()) == ()


def test_peaks_are_of_labels_and_pictures_that_were_used(tmp_path: Path) -> None:
    """The surest picture of joy is not trusted; nobody is called angry."""
    people = of_people(tmp_path)
    first, second, third = (s for s in people.segments if s.person == "1")
    modalities = {"audio": FINE, "visual": BAD}
    shown = (replace(first, label="joy"), replace(second, label="joy"))
    some = replace(people, segments=(*shown, replace(third, modalities=modalities)))
    assert [(face.label, face.time) for face in faces_of(some)] == [("joy", 2.5)]
    assert faces_of(replace(some, segments=some.segments[2:])) == ()


def test_a_face_is_cut_out_where_its_box_is() -> None:
    image = np.arange(64 * 96 * 3, dtype=np.int64).reshape(64, 96, 3).astype(np.uint8)
    cut = faces._cropped(image, (10.0, 20.0, 20.0, 20.0))
    assert_array_equal(cut, image[15:45, 5:35])
    assert faces._cropped(image, (-30.0, -30.0, 20.0, 20.0)).shape == (1, 1, 3)


def test_people_have_curves_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    script = """<script>addEventListener("load", () => {
      const all = (query) => [...document.querySelectorAll(query)];
      document.documentElement.dataset.told = JSON.stringify({
        people: all("#chart .who").map((each) => each.textContent),
        curves: all("#chart .curve").length, missing: all("#chart .shade.missing").length,
        faces: all("#faces button").map((each) => each.innerText.replace(/\\s+/g, " ")),
        here: document.getElementById("here").innerText, people_in_table:
        all("tbody tr").map((each) => each.children[2].innerText).join(""),
      });
    });</script>"""
    path.write_text(with_script(html_text(of_people(tmp_path), tmp_path), script), "utf-8")
    values = told_by(path)
    assert values["people"] == [f"person {k} (with the voice of Ada)" for k in "12"]
    assert (values["curves"], values["missing"], values["people_in_table"]) == (4, 1, "121212")
    assert values["faces"][0] == "joy person 1, 80 % at 0:04.5"
    assert values["here"].startswith("0:00.0: person 1 (with the voice of Ada) <anger>")


@pytest.mark.parametrize("scheme", [0, 1])
def test_everything_has_a_name_and_can_be_read(tmp_path: Path, scheme: int) -> None:
    """What checkers of accessibility look for, in dark and light, on a narrow screen."""
    path = tmp_path / "report.html"
    path.write_text(with_script(html_text(of_people(tmp_path), tmp_path), CHECKS), "utf-8")
    options = [f"--blink-settings=preferredColorScheme={scheme}", "--window-size=500,900"]
    assert told_by(path, *options) == []


def test_the_policy_of_the_page_lets_it_work(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_text(of_people(tmp_path), tmp_path), "utf-8")
    text, said = opened(path)
    assert 'data-ready="yes"' in text
    assert "data-error" not in text
    assert "CONSOLE" not in said


def told_by(path: Path, *options: str) -> Any:
    """Open a page; return what a script of the test noted in it."""
    text, said = opened(path, *options)
    assert "data-error" not in text
    assert "CONSOLE" not in said
    match = re.search(r'data-told="([^"]*)"', text)
    assert match is not None
    return json.loads(html.unescape(match[1]))


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
    path.write_text(with_script(html_text(report(), tmp_path), TRIES), "utf-8")
    values = told_by(path)
    assert values["words"].startswith('so "it" is </script><b>')
    assert (values["curves"], values["bands"], values["interval"]) == (2, 0, True)
    assert "by subtitles (overlap refuse, tiers <Ada>), 1 of 2 recordings" in values["facts"]
    assert "by windows (window 4, hop 2), 1 of 2 recordings" in values["facts"]
    lines = [line for line in values["facts"].splitlines() if line]
    for fact in ("a.srt", "by whisper-tiny.en", "torch 2", "torch 3, av 1"):
        assert fact in lines
    assert lines[lines.index("check, discard") - 1] == "repair"
    assert values["rows"] == ["joy", "<anger> & co", "nothing to judge by"]
    assert 3.5 < values["clicked"] < 4.5
    assert (values["end"], values["arrow"], values["row"]) == (8, 0.5, 0)
    assert values["sorted"] == ["joy", "<anger> & co", "nothing to judge by"]
    assert values["order"] == "descending"
    assert values["fewer"] == 1
    assert values["distrusted"] == 2  # the shade, and the lane of the sound
    assert "audio not trusted, anomaly 2.5" in values["marks"]
    assert values["heads"][-4:] == ["not trusted", "regenerated", "missing", "text"]
    assert values["other"] == ["joy"]
    assert values["failed"] == "c.mp4: is no recording"


def test_what_is_hidden_is_none_of_the_contents(tmp_path: Path) -> None:
    """Sections without words and faces; and the line about a picture that cannot be decoded."""
    (tmp_path / "a.mp4").write_bytes(b"short")
    script = """<script>addEventListener("load", () => {
      const find = (query) => document.querySelector(query);
      const links = () => [...document.querySelectorAll("nav a")].filter(
        (each) => each.getClientRects().length).map((each) => each.innerText);
      const told = { without: links(), before: find("#unseen").hidden };
      find("#player").firstElementChild.dispatchEvent(new Event("loadedmetadata"));
      told.unseen = find("#unseen").hidden ? "" : find("#unseen").innerText;
      find("#file").value = "b.wav";
      find("#file").dispatchEvent(new Event("change"));
      told.words = links();
      told.after = find("#unseen").hidden;
      document.documentElement.dataset.told = JSON.stringify(told);
    });</script>"""
    path = tmp_path / "report.html"
    first = str(tmp_path / "a.mp4")
    silent = segment(0, 0.9, (FINE, FINE), file=first)
    both = replace(report(), segments=(silent, report().segments[-1]))
    path.write_text(with_script(html_text(both, tmp_path), script), "utf-8")
    values = told_by(path)
    always = ["Classes over time", "Not predicted", "Segments", "Made with"]
    assert values["without"] == always
    assert values["words"] == [always[0], "Words", *always[1:]]
    assert (values["before"], values["after"]) == (True, True)
    assert values["unseen"].startswith("This browser cannot show the picture of this recording")


def test_intensities_have_their_intervals_around_them(tmp_path: Path) -> None:
    """A band per class, as high as its interval, broken where nothing is predicted."""
    joys = (0.5, 0.7, float("nan"), 0.3)
    segments = tuple(
        replace(
            segment(number, joy, (FINE, FINE)),
            confidence=float("nan"),
            interval={
                name: (v - 0.2, v + 1.0) for name, v in segment(0, joy, (FINE, FINE)).values.items()
            },
        )
        for number, joy in enumerate(joys)
    )
    script = """<script>addEventListener("load", () => {
      const bands = [...document.querySelectorAll("#chart .band")];
      const own = bands.filter((each) => each.style.fill.includes("--c0"));
      document.documentElement.dataset.told = JSON.stringify({
        bands: bands.length, hidden: document.getElementById("interval").hidden,
        top: Math.min(...own.map((each) => each.getBBox().y)),
        heights: own.map((each) => Math.round(each.getBBox().height)),
        axis: [...document.querySelectorAll("#chart text")].map((each) => each.textContent),
      });
    });</script>"""
    path = tmp_path / "report.html"
    intensities = replace(report(), task="intensity", segments=segments)
    path.write_text(with_script(html_text(intensities, tmp_path), script), "utf-8")
    values = told_by(path)
    # Two stretches, of two segments and of one, for each of two classes; .1 to 1.7 is drawn.
    assert (values["bands"], values["hidden"]) == (4, False)
    assert {"0.00", "1.70"} <= set(values["axis"])
    plot = 240 / 1.7
    assert values["top"] == pytest.approx(8 + 20, abs=1)  # the greatest bound is at the top
    assert values["heights"] == [pytest.approx(h * plot, abs=1.5) for h in (1.4, 1.2)]


def test_an_error_of_the_script_would_be_detected(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_text(report(), tmp_path).replace("choose(files[0]);", "choose(nothing);"))
    path.write_text(with_script(path.read_text(), ""))
    text, _ = opened(path)
    assert "data-error" in text
    assert 'data-ready="yes"' not in text
