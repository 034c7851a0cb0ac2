"""The formats that are written if they are asked for: a file per recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from emocli.data.durable import write_text
from emocli.data.filenames import named
from emocli.errors import ConfigError, choice
from emocli.prediction.recordings import names
from emocli.prediction.timeline import PredictionReport, SegmentPrediction
from emocli.prediction.writers import subtitles, tiers

Writer = Callable[[Sequence[SegmentPrediction], Path], str]
"""Returns the text of a file, in the given folder, of the segments of one recording."""

FORMATS: Mapping[str, tuple[str, Writer]] = MappingProxyType(
    {
        "eaf": (".eaf", tiers.eaf),
        "textgrid": (".TextGrid", lambda segments, folder: tiers.textgrid(segments)),
        "srt": (".srt", lambda segments, folder: subtitles.srt(segments)),
        "vtt": (".vtt", lambda segments, folder: subtitles.vtt(segments)),
    }
)
"""Format to the end of its files' names, and its writer."""


def require_formats(wanted: Sequence[str]) -> None:
    """Raise `ConfigError` for a format that there is not."""
    for name in wanted:
        if name not in FORMATS:
            hint = choice(name, list(FORMATS))
            raise ConfigError(f"no format is called '{name}'", where="--format", hint=hint)


def write_formats(report: PredictionReport, folder: Path, wanted: Sequence[str]) -> list[Path]:
    """Write a file per recording in each format; return the files."""
    by_file: dict[str, list[SegmentPrediction]] = {}
    for segment in report.segments:
        by_file.setdefault(segment.file, []).append(segment)
    stems = names([Path(file).absolute() for file in by_file])
    written = []
    for file, segments in by_file.items():
        for name in wanted:
            suffix, write = FORMATS[name]
            path = folder / f"{named(stems[Path(file).absolute()])}{suffix}"
            write_text(path, write(segments, folder))
            written.append(path)
    return written
