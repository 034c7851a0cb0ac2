"""Spans of speech in a segment: by its words, or else by voice activity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emocli.data.media.length import length_of
from emocli.errors import ConfigError, MediaError
from emocli.plugin.segmentation import Recording
from emocli.prediction.clips import Piece

Span = tuple[float, float]


class Speaking:
    """Tells when somebody speaks; the sound of a recording is searched once, if it has to be.

    Attributes
    ----------
    unknown : str
        Why voice activity cannot be told; empty if it can.
    """

    def __init__(self) -> None:
        self.unknown = ""
        self._path: Path | None = None
        self._spans: tuple[Span, ...] = ()

    def spans(self, piece: Piece) -> Sequence[Span]:
        """Return when somebody speaks in a segment, in seconds of its recording; empty if never.

        It is empty too where nothing tells.
        """
        segment, media = piece.segment, piece.clip.media
        if segment.words:
            return [(word.start, word.end) for word in segment.words]
        sound = media.get("audio")
        if sound is None or sound != media.get("video"):
            return ()  # nothing says that both begin at one time
        return [span for span in self._voice(sound) if span[0] < segment.end]

    def _voice(self, path: Path) -> tuple[Span, ...]:
        if path != self._path:
            self._path, self._spans = path, self._searched(path)
        return self._spans

    def _searched(self, path: Path) -> tuple[Span, ...]:
        from emocli.prediction.segmentation.voice import VoiceSettings, voice

        try:
            lines = voice(Recording(path, length_of(path)).sound(), VoiceSettings())
        except ConfigError as error:  # the extra is not installed
            self.unknown = str(error)
            return ()
        except MediaError:  # told when its features are computed
            return ()
        return tuple((line.start, line.end) for line in lines)
