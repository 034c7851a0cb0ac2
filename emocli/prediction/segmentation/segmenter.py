"""Segments of recordings: their times, transcripts and speakers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from emocli import plugins
from emocli.config import Settings, Tree, build
from emocli.data.media.length import Length, length_of
from emocli.display import number_of
from emocli.errors import ConfigError, MediaError, choice
from emocli.plugin.segmentation import Recording, Turn, Way
from emocli.plugin.transcript import Line, Transcript
from emocli.prediction.segmentation import reading, speakers, transcriber
from emocli.prediction.segmentation.recognised import RecognisedChunks
from emocli.prediction.segmentation.segments import Segment
from emocli.prediction.segmentation.transcriber import Transcriber

SUBTITLES = "subtitles"
"""The way by which lines of subtitles are segments; its settings say how subtitles are read."""

WINDOWS = "windows"
"""The way of which the options of commands have settings, and the last resort."""

AUTO = "auto"
"""Subtitles where there are any, or else speech where it is transcribed, or else windows."""

Heard = Callable[[float], None]
"""Told how many seconds of a recording are done."""

NOTHING_KEPT = RecognisedChunks()


@dataclass(frozen=True)
class SegmentOptions:
    """Options of the cutting of recordings.

    Attributes
    ----------
    way : str
        A plug-in of kind ``ways``, or `AUTO`.
    subtitles : Path, optional
        The file with the subtitles of the only recording, or a folder of such files, instead of
        those beside the recordings.
    speakers : Path, optional
        An RTTM file that says who speaks when.
    transcribe : str
        The model that recognises speech, a folder or a name; empty for none. What it recognises
        takes the place of texts that subtitles have.
    language : str
        Code of the language it is to expect; empty to tell it from the sound.
    settings : mapping
        Settings of ways by their names, such as ``{"windows": {"hop": 1}}``.
    """

    way: str = AUTO
    subtitles: Path | None = None
    speakers: Path | None = None
    transcribe: str = ""
    language: str = ""
    settings: Tree = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("subtitles", "speakers"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, Path(getattr(self, name)))


@dataclass(frozen=True)
class SegmentPlan:
    """The plan of a recording's cutting: by which way, and with which subtitles."""

    recording: Path
    way: str
    subtitles: Path | None
    seconds: float


@dataclass(frozen=True)
class SegmentedRecording:
    """A recording that was cut.

    Attributes
    ----------
    recording : Path
        The media file.
    length : Length
        How long it is.
    way : str
        How it was cut.
    subtitles : Path, optional
        The subtitles that were used.
    language : str
        Of what is said, where the transcript tells; else empty.
    segments : tuple of Segment
        At least one, by start.
    notes : tuple of str
        What was left out, or is unknown.
    """

    recording: Path
    length: Length
    way: str
    subtitles: Path | None
    language: str
    segments: tuple[Segment, ...]
    notes: tuple[str, ...]


class Segmenter:
    """Cuts recordings; all that is wrong with the options is said when it is made.

    Raises
    ------
    ConfigError
        If a way, setting, model or language is unknown, or the options contradict each other.
    MediaError
        If the file of speakers cannot be read, or that of subtitles is not there.
    """

    def __init__(
        self,
        recordings: Sequence[Path],
        options: SegmentOptions,
        recogniser: Transcriber | None = None,
    ) -> None:
        unchecked: object = options  # a caller's, who may not check types
        if not isinstance(unchecked, SegmentOptions):
            what = f"options are SegmentOptions, not {type(unchecked).__name__}"
            raise ConfigError(what, hint="give SegmentOptions(way=...)")
        self._options = options
        self._only_recording = len(recordings) == 1
        self._ways = _ways(options.way)
        self._configs = _configs(self._ways, options)
        own = options.settings.get(SUBTITLES, {})
        self._subtitle_settings = build(reading.SubtitleSettings, own, SUBTITLES)
        self._folder = _subtitle_folder(options.subtitles, self._only_recording)
        self._turns = options.speakers and speakers.read_rttm(options.speakers)
        if options.language and not options.transcribe:
            hint = "it is for the recogniser of speech: add --transcribe"
            raise ConfigError("--language has no use here", hint=hint)
        self._recogniser = recogniser
        if options.transcribe and recogniser is None:
            self._recogniser = transcriber.load(options.transcribe, options.language)

    def plan(self, recording: Path) -> SegmentPlan:
        """Say how a recording will be cut; errors as `length_of`."""
        subtitles, length = self.subtitles_of(recording), length_of(recording)
        return SegmentPlan(recording, self._way(subtitles, length), subtitles, length.seconds)

    @property
    def recogniser(self) -> str:
        """The fingerprint of what recognises speech; empty if nothing does."""
        return self._recogniser.fingerprint if self._recogniser else ""

    def settings_of(self, way: str) -> Tree:
        """Return the settings of a way."""
        return self._configs[way].model_dump(mode="json")

    def segment(
        self,
        recording: Path,
        heard: Heard = lambda seconds: None,
        kept: RecognisedChunks = NOTHING_KEPT,
    ) -> SegmentedRecording:
        """Cut a recording; what is kept of its speech is not recognised again.

        Raises
        ------
        MediaError
            If it, its subtitles or its speakers cannot be used, or no speech is found.
        """
        _require_name(recording)
        length = length_of(recording)
        subtitles = self.subtitles_of(recording)
        way = self._way(subtitles, length)
        written = self._written(subtitles, recording, length)
        turns = self._speaking(recording, length, written)
        source = Recording(recording, length, written, turns)
        cut = self._ways[way].cut(source, self._configs[way])
        plugins.require(cut, Transcript, "the result of cut", way, self._ways[way].__name__)
        spoken = self._spoken(source, heard, kept) or (None if cut is written else written)
        lines = speakers.labelled(cut, turns).lines
        segments = tuple(
            _segment(recording, index, _with_transcript(line, spoken), length.seconds)
            for index, line in enumerate(lines)
        )
        notes = [*(written.notes if written else ()), *_unsaid(spoken, segments)]
        language = next((t.language for t in (spoken, written) if t and t.language), "")
        return SegmentedRecording(
            recording, length, way, subtitles, language, segments, tuple(notes)
        )

    def subtitles_of(self, recording: Path) -> Path | None:
        """Return the file with the subtitles of a recording, if it has one."""
        named = self._options.subtitles
        return reading.transcript_path(recording, self._folder) if named is self._folder else named

    def _way(self, subtitles: Path | None, length: Length) -> str:
        if self._options.way != AUTO:
            return self._options.way
        if subtitles is not None:
            return SUBTITLES
        return "speech" if self._recogniser and length.sound is not None else WINDOWS

    def _written(
        self, subtitles: Path | None, recording: Path, length: Length
    ) -> Transcript | None:
        if subtitles is None:
            return None
        settings = self._subtitle_settings
        read = reading.read_transcript(subtitles, settings.tiers)
        keep = settings.overlap == "keep"
        return reading.fitted(read, length.seconds, recording, overlap=keep)

    def _speaking(
        self, recording: Path, length: Length, written: Transcript | None
    ) -> tuple[Turn, ...]:
        """Return who speaks when: as the RTTM file says, or else the subtitles."""
        if self._turns and self._options.speakers:
            path = self._options.speakers
            turns = speakers.turns_of(
                recording, self._turns, path, only_recording=self._only_recording
            )
            return speakers.fitted(turns, length.seconds, recording)
        lines = written.lines if written else ()
        return tuple(Turn(line.start, line.end, line.speaker) for line in lines if line.speaker)

    def _spoken(self, source: Recording, heard: Heard, kept: RecognisedChunks) -> Transcript | None:
        if self._recogniser is None:
            return None
        if source.length.sound is None:
            return Transcript(())
        return self._recogniser.transcribe(source.sound, heard, kept)


def used_ways(way: str) -> list[str]:
    """Return the ways whose settings are used if this one is wanted; subtitles are always read."""
    return ["speech", SUBTITLES, WINDOWS] if way == AUTO else [way, SUBTITLES]


def _ways(wanted: str) -> dict[str, Way]:
    """Return all ways that can be used; of the wanted one, say why if it cannot be."""
    known = plugins.names("ways")
    if wanted not in (AUTO, *known):
        hint = choice(wanted, [AUTO, *known])
        raise ConfigError(f"no way is called '{wanted}'", where="--way", hint=hint)
    for name in used_ways(AUTO) if wanted == AUTO else [wanted]:
        plugins.load("ways", name)
    return {name: cast(Way, module) for name, module in plugins.load_all("ways").items()}


def _configs(modules: dict[str, Way], options: SegmentOptions) -> dict[str, Settings]:
    for name in options.settings:
        if name not in modules:
            raise ConfigError(f"unknown setting '{name}'", hint=choice(name, list(modules)))
        if name not in used_ways(options.way):
            what = f"settings of '{name}' have no use with the way '{options.way}'"
            raise ConfigError(what, hint=f"leave them out, or choose the way '{name}'")
    return {
        name: build(way.Config, options.settings.get(name, {}), name)
        for name, way in modules.items()
    }


def _subtitle_folder(subtitles: Path | None, only_recording: bool) -> Path | None:
    """Return the folder in which subtitles are, if one was named; require that it is one."""
    if subtitles is None or subtitles.is_dir():
        return subtitles
    if not only_recording:
        hint = "name a folder with the subtitles of each, or leave --subtitles out"
        raise ConfigError("one file of subtitles for several recordings", hint=hint)
    if not subtitles.exists():
        raise MediaError("there is no such file", where=subtitles)
    return None


def _require_name(recording: Path) -> None:
    """Refuse a name that no manifest can hold."""
    try:
        str(recording).encode()
    except UnicodeEncodeError:
        hint = "give it another name"
        raise MediaError("its name is not UTF-8", where=recording, hint=hint) from None


def _with_transcript(line: Line, spoken: Transcript | None) -> Line:
    """Give a line the text and words of another transcript than the one that it is from."""
    if spoken is None:
        return line
    text, words = spoken.between(line.start, line.end)
    return replace(line, text=text, words=words)


def _unsaid(spoken: Transcript | None, segments: Sequence[Segment]) -> list[str]:
    """Say how many words of a transcript are in no segment."""
    if spoken is None:
        return []
    total = sum(len(line.words) for line in spoken.lines)
    if not spoken.lines:
        return ["no words were recognised"]
    inside = {(w.start, w.end, w.text) for segment in segments for w in segment.words}
    outside = total - len(inside)
    return [number_of(outside, "words are in no segment")] if outside > 0 else []


def _segment(recording: Path, index: int, line: Line, seconds: float) -> Segment:
    """Make a segment, its times in whole milliseconds; at the end of the recording all of it."""
    end = math.ceil(seconds * 1000) / 1000 if line.end >= seconds else round(line.end, 3)
    start = min(round(line.start, 3), math.floor(end * 1000 - 1) / 1000)
    return Segment(recording, index, start, end, line.text, line.words, line.speaker)
