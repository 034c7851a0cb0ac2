"""Recordings that are named on a command line: files, folders and manifests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emocli.data.media.container import Kind, choose_stream, open_recording
from emocli.data.media.recording import decode
from emocli.errors import MediaError

SOUND = frozenset(
    {".aac", ".aif", ".aiff", ".amr", ".caf", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus"}
    | {".wav", ".wma"}
)
VIDEO = frozenset(
    {".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"}
    | {".mts", ".ogv", ".ts", ".webm", ".wmv"}
)
SUFFIXES = SOUND | VIDEO
"""Ends of the names of what is taken for a recording in a folder; a file that is named may have any
other."""

MANIFEST = ".csv"

MICROSECONDS = 1e6

KINDS: tuple[Kind, ...] = ("audio", "video")


@dataclass(frozen=True)
class Recording:
    """A media file: how long it is in seconds, and whether it has sound and picture."""

    path: Path
    seconds: float
    sound: bool
    picture: bool

    @classmethod
    def probe(cls, path: Path) -> Recording:
        """Look at a file.

        Raises
        ------
        MediaError
            If it is no recording, or has neither sound nor picture.
        """
        if not path.is_file():
            raise MediaError("there is no such file", where=path)
        with open_recording(path) as container:
            lacking: dict[Kind, MediaError] = {}
            for kind in KINDS:
                try:
                    choose_stream(container, kind, path)
                except MediaError as error:
                    lacking[kind] = error
            stated = container.duration
        if len(lacking) == len(KINDS):
            raise next(iter(lacking.values()))
        sound, picture = "audio" not in lacking, "video" not in lacking
        seconds = stated / MICROSECONDS if stated else _decoded(path, sound)
        if seconds <= 0:
            raise MediaError("has no duration", where=path)
        return cls(path, seconds, sound, picture)


def _decoded(path: Path, sound: bool) -> float:
    """Measure the length of a file that does not state it."""
    last = 0.0
    for time, frame in decode(path, "audio" if sound else "video"):
        last = time + (frame.samples / frame.sample_rate if sound else 0.0)
    return last


def media_files(inputs: Sequence[Path]) -> tuple[Path, ...]:
    """Return all recordings of files and folders, those of a folder by name, none twice.

    Raises
    ------
    MediaError
        If something is not there, or a folder holds no recording.
    """
    files = (path for each in inputs for path in _files(each))
    return tuple(dict.fromkeys(path.absolute() for path in files))


def _files(path: Path) -> Iterable[Path]:
    if not path.exists():
        raise MediaError("there is no such file or folder", where=path)
    if not path.is_dir():
        return (path,)
    inside = sorted(_inside(path))
    if not inside:
        hint = f"names of recordings end in {', '.join(sorted(SUFFIXES)[:6])}, ..."
        raise MediaError("holds no recording", where=path, hint=hint)
    return inside


def _inside(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and path.is_file() and not hidden:
            yield path


def manifests(inputs: Sequence[Path]) -> list[Path]:
    """Return the inputs that are manifests.

    Raises
    ------
    MediaError
        If there are recordings beside them.
    """
    listed = [path for path in inputs if path.suffix.lower() == MANIFEST]
    if listed and len(listed) < len(inputs):
        what = "is a manifest, and there are recordings beside it"
        raise MediaError(what, where=listed[0], hint="predict them in two commands")
    return listed
