"""The frame of a page: one file that asks nothing of a network, and prints and reads aloud well.

All style and the one script are inside it, and its content security policy allows nothing else: the
script is named by its digest, so that no text of a corpus can become another.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterator
from importlib.resources import files

from emocli.display import printable

HEADING = re.compile(r"<h2>(.*?)</h2>")
"""A heading as `emocli.report.document` writes it: all texts are escaped, none looks like it."""

PLAYED = "media-src data: file: 'self'; "
"""What a page may do that plays recordings."""

FEWEST = 3
"""Headings from which a page has a table of contents."""


def escaped(text: str) -> str:
    """Write text of unknown origin so that HTML shows it as it is, in an element or attribute."""
    return html.escape(printable(text))


def frame(title: str, body: str, *, style: str = "", script: str = "", media: bool = False) -> str:
    """Return a whole page.

    Parameters
    ----------
    title : str
        Of the window.
    body : str
        Its HTML; headings of the second level get anchors, and a table of contents lists them.
    style, script : str
        What it has beside those of all pages; its script runs first, so that tables that it makes
        sort too.
    media : bool
        Whether it may play recordings, inside it or beside it.
    """
    head, rest = _split(body)
    anchored, contents = _with_contents(rest)
    kind = ' class="with-contents"' if contents else ""
    script += _part("page.js")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(script, media=media)}">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{_part('page.css')}{style}</style>\n</head>\n"
        f'<body{kind}>\n<a class="skip" href="#content">Skip to the content</a>\n'
        f'<header>\n{head}\n</header>\n{contents}<main id="content">\n{anchored}\n</main>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def policy(script: str, *, media: bool = False) -> str:
    """Return the content security policy of a page whose only script this is."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    played = PLAYED if media else ""
    return (
        f"default-src 'none'; img-src data:; {played}style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _part(name: str) -> str:
    return files(__name__).joinpath(name).read_text("utf-8")


def _split(body: str) -> tuple[str, str]:
    """Return what stands above the first heading of the second level, and the rest."""
    first = HEADING.search(body)
    place = first.start() if first else len(body)
    return body[:place], body[place:]


def _with_contents(body: str) -> tuple[str, str]:
    """Return a body whose headings have anchors, and the list that leads to them."""
    titles = HEADING.findall(body)
    anchors = dict(enumerate(_anchors(titles)))
    numbers = iter(anchors)
    anchored = HEADING.sub(lambda m: f'<h2 id="{anchors[next(numbers)]}">{m[1]}</h2>', body)
    if len(titles) < FEWEST:
        return anchored, ""
    items = "\n".join(
        f'<li><a href="#{anchors[k]}">{re.sub("<[^>]*>", "", title)}</a></li>'
        for k, title in enumerate(titles)
    )
    start = '<nav class="contents" aria-labelledby="contents">\n<h2 id="contents">Contents</h2>'
    return anchored, f"{start}\n<ol>\n{items}\n</ol>\n</nav>\n"


def _anchors(titles: list[str]) -> Iterator[str]:
    """Yield a name for each title; of titles that are alike, numbered ones."""
    seen: dict[str, int] = {"content": 1, "contents": 1}
    for title in titles:
        words = html.unescape(re.sub("<[^>]*>", "", title)).lower()
        name = re.sub(r"[^a-z0-9]+", "-", words).strip("-") or "section"
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}-{seen[name]}"
