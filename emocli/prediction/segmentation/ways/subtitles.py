"""The lines of subtitles or annotations, with their texts, words and speakers."""

from __future__ import annotations

from emocli.errors import MediaError
from emocli.plugin.segmentation import Recording
from emocli.plugin.transcript import Transcript
from emocli.prediction.segmentation.reading import SubtitleSettings


class Config(SubtitleSettings):
    """Settings of the reading of the file."""


def cut(source: Recording, config: Config) -> Transcript:
    """Return the lines.

    Raises
    ------
    MediaError
        If there are none.
    """
    if source.subtitles is None:
        hint = "name them with --subtitles, or choose another --way"
        raise MediaError("has no subtitles beside it", where=source.path, hint=hint)
    if not source.subtitles.lines:
        raise MediaError("its subtitles have no line", where=source.path)
    return source.subtitles
