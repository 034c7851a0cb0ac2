"""The length of a recording, by its packets: nothing of it is decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emocli.data.media.container import StreamKind, media_errors
from emocli.data.media.recording import decode, ends
from emocli.errors import MediaError


@dataclass(frozen=True)
class Length:
    """The ends of the sound and the pictures of a recording, in seconds; None where it has none."""

    sound: float | None
    pictures: float | None

    @property
    def seconds(self) -> float:
        """Where the recording ends."""
        return max(self.sound or 0.0, self.pictures or 0.0)


def length_of(path: Path) -> Length:
    """Return the length of a recording, from the beginning of the file, as `decode` counts.

    Raises
    ------
    MediaError
        If it is none, or holds neither sound nor pictures.
    """
    with media_errors(path):
        stated = ends(path)
        if not stated:
            raise MediaError("has neither sound nor pictures", where=path)
        return Length(_end(path, "audio", stated), _end(path, "video", stated))


def _end(path: Path, kind: StreamKind, stated: Mapping[StreamKind, float]) -> float | None:
    if kind not in stated:
        return None
    if stated[kind] > 0:
        return stated[kind]
    return max((time for time, _ in decode(path, kind)), default=0.0)  # packets without times
