"""Predictions as one page to look at, which needs no network."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from emocli.data.json_io import plain_values
from emocli.data.media.content import AUDIO
from emocli.prediction.timeline import PredictionReport
from emocli.prediction.writers.page.faces import faces_of
from emocli.report.page import escaped, frame

EMBEDDED = 12 << 20
"""Bytes of all recordings up to which they are inside the page; else it refers to the files."""

TYPES = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm",
    ".ogv": "video/ogg", ".mkv": "video/x-matroska", ".wav": "audio/wav", ".mp3": "audio/mpeg",
    ".flac": "audio/flac", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg",
    ".m4a": "audio/mp4", ".aac": "audio/aac",
}  # fmt: skip
"""What browsers play, and what they call it."""


SCRIPTS = ("report", "layout", "chart", "player", "table", "facts", "start")
"""The parts of the script, in one block, so that no name of theirs is global."""


@dataclass(frozen=True)
class PlayerSource:
    """The place where the player finds a recording: ``kind`` is the element that plays it."""

    kind: str
    src: str


def html_text(report: PredictionReport, folder: Path) -> str:
    """Return the HTML of a page in a folder; short recordings and faces are inside it."""
    title = f"Emotion over time: {_title(report)}"
    sources = dict(_sources(report, folder))
    data = {**report.data(), **plain_values({"media": sources, "faces": faces_of(report)})}
    parts = {
        "title": escaped(title),
        "failures": _failures(report),
        "data": _inside_script(data),
    }
    head, *rest = _part("page.html").split("{{ ")
    filled = (part.split(" }}", 1) for part in rest)
    body = head + "".join(parts[name] + after for name, after in filled)
    return frame(title, body, style=_part("page.css"), script=_script(), media=True)


def _failures(report: PredictionReport) -> str:
    """Return the list of what could not be used; nothing if all could."""
    lines = (f"<li>{escaped(each.description)}</li>" for each in report.failures)
    listed = "".join(lines)
    return f'<h2>Not predicted</h2>\n<ul id="failures">{listed}</ul>\n' if listed else ""


def _script() -> str:
    parts = "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    return f"{_part('errors.js')}{{\n{parts}}}\n"


def _part(name: str) -> str:
    return files(__name__).joinpath(name).read_text("utf-8")


def _inside_script(data: object) -> str:
    """Return JSON that cannot end the element it is in."""
    return json.dumps(data, ensure_ascii=True).replace("<", "\\u003c")


def _title(report: PredictionReport) -> str:
    names = list(dict.fromkeys(Path(segment.file).name for segment in report.segments))
    return names[0] if len(names) == 1 else f"{len(names)} recordings"


def _sources(report: PredictionReport, folder: Path) -> Iterator[tuple[str, PlayerSource]]:
    names = dict.fromkeys(segment.file for segment in report.segments)
    paths = {name: Path(name) for name in names if Path(name).is_file()}
    embeds = sum(path.stat().st_size for path in paths.values()) <= EMBEDDED
    for name, path in paths.items():
        kind = "audio" if path.suffix.lower() in AUDIO else "video"
        yield name, PlayerSource(kind, _embedded(path) if embeds else _relative(path, folder))


def _embedded(path: Path) -> str:
    kind = TYPES.get(path.suffix.lower(), "application/octet-stream")
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _relative(path: Path, folder: Path) -> str:
    return quote(Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix())
