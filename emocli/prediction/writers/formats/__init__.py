"""The formats that are written if they are asked for, a file per recording: a file here each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from emocli import plugins
from emocli.data.durable import write_text
from emocli.data.filenames import named
from emocli.errors import ConfigError, choice
from emocli.plugin.writer import SegmentPrediction, Writer
from emocli.prediction.segmentation.recordings import names
from emocli.prediction.timeline import PredictionReport


def require_formats(wanted: Sequence[str]) -> None:
    """Raise `ConfigError` for a format that there is not, or that cannot be used."""
    known = plugins.names("writers")
    for name in wanted:
        if name not in known:
            hint = choice(name, known)
            raise ConfigError(f"no format is called '{name}'", where="--format", hint=hint)
        plugins.load("writers", name)


def write_formats(report: PredictionReport, folder: Path, wanted: Sequence[str]) -> list[Path]:
    """Write a file per recording in each format; return the files."""
    by_file: dict[str, list[SegmentPrediction]] = {}
    for segment in report.segments:
        by_file.setdefault(segment.file, []).append(segment)
    stems = names([Path(file).absolute() for file in by_file])
    writers = {name: cast(Writer, plugins.load("writers", name)) for name in wanted}
    written = []
    for file, segments in by_file.items():
        for name, writer in writers.items():
            text = writer.write(segments, folder)
            plugins.require(text, str, "the result of write", name, writer.__name__)
            path = folder / f"{named(stems[Path(file).absolute()])}{writer.SUFFIX}"
            write_text(path, text)
            written.append(path)
    return written
