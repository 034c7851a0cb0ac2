"""The journal of a segmentation, by which an interrupted one resumes."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path

from emocli.data.durable import make_folder, write_bytes
from emocli.data.json_io import plain_values
from emocli.data.manifest_rules import absolute
from emocli.data.stamp import stamp_of
from emocli.prediction.segmentation.recognised import RecognisedChunks
from emocli.prediction.segmentation.segmenter import (
    Heard,
    SegmentedRecording,
    Segmenter,
    SegmentOptions,
)
from emocli.version import version


class Journal:
    """A hidden folder beside a manifest, with a file for each recording that was cut.

    Of the recording that is being cut it has a folder with the speech that was recognised. What was
    cut with other options or another recogniser, by another version, or from files that have
    changed since is cut again.
    """

    def __init__(self, manifest: Path, options: SegmentOptions, segmenter: Segmenter) -> None:
        manifest = absolute(manifest)
        self._folder = manifest.with_name(f".{manifest.stem}.segments")
        self._options = plain_values(options)
        self._speakers = _state(options.speakers)
        self._segmenter = segmenter

    def cut(self, recording: Path, heard: Heard) -> SegmentedRecording:
        """Cut a recording, or return it as it was cut; errors as `Segmenter.segment`."""
        done = self.recall(recording)
        if done is None:
            kept = RecognisedChunks(self._path(recording).with_suffix(""))
            done = self._segmenter.segment(recording, heard, kept)
            self.keep(done)
        return done

    def recall(self, recording: Path) -> SegmentedRecording | None:
        """Return what was kept of a recording, if it is still true."""
        from pydantic import TypeAdapter

        with suppress(OSError, ValueError):  # none was kept, or it is damaged
            content = self._path(recording).read_bytes()
            return TypeAdapter(SegmentedRecording).validate_json(content)
        return None

    def keep(self, done: SegmentedRecording) -> None:
        """Keep a recording that was cut; `StoreError` if it cannot be written."""
        from pydantic import TypeAdapter

        make_folder(self._folder)
        path, content = self._path(done.recording), TypeAdapter(SegmentedRecording).dump_json(done)
        write_bytes(path, content)
        shutil.rmtree(path.with_suffix(""), ignore_errors=True)  # its speech is in it

    def close(self) -> None:
        """Remove all: the manifest holds it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, recording: Path) -> Path:
        subtitles = self._segmenter.subtitles_of(recording)
        facts = [version(), self._options, self._speakers, self._segmenter.recogniser]
        facts += [_state(recording), _state(subtitles)]
        digest = hashlib.sha256(json.dumps(facts).encode("utf-8", "surrogateescape"))
        return self._folder / f"{digest.hexdigest()}.json"


def _state(path: Path | None) -> list[object]:
    """Return a file's name, size and time of change."""
    return [] if path is None else [str(path), *(stamp_of(path) or ())]
