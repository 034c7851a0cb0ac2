"""Stretches of speech, found by the network Silero VAD, and split where the speaker changes.

Source: Silero Team, Silero VAD: pre-trained enterprise-grade voice activity detector (MIT licence),
version 6, as the package faster-whisper carries it.
"""

from __future__ import annotations

from dataclasses import replace

from emocli.errors import MediaError
from emocli.plugin.segmentation import Recording
from emocli.plugin.transcript import Transcript
from emocli.prediction.segmentation.speakers import split
from emocli.prediction.segmentation.voice import VoiceSettings, voice


class Config(VoiceSettings):
    """Settings of what counts as a stretch of speech; times in seconds."""


def cut(source: Recording, config: Config) -> Transcript:
    """Return the stretches of speech, by speakers where their turns are known.

    Raises
    ------
    MediaError
        If there is none, or no sound.
    """
    seconds = source.length.seconds
    voiced = voice(source.sound(), config)  # its last step is filled up with silence
    lines = [replace(line, end=min(line.end, seconds)) for line in voiced if line.start < seconds]
    if not lines:
        hint = "lower speech.threshold, or choose --way windows"
        raise MediaError("no speech was found", where=source.path, hint=hint)
    if source.turns:
        lines = [part for line in lines for part in split(line, source.turns)]
    return Transcript(tuple(lines))
