"""The recordings that a command is given: files, and those in folders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath

from emocli.data.manifest_rules import absolute
from emocli.data.media.content import AUDIO, STILLS, VIDEO
from emocli.errors import MediaError
from emocli.plugin.dataset import Folder


def recordings(inputs: Sequence[Path]) -> list[Path]:
    """Return files as they are, and the recordings below folders by path; each once, absolute.

    Raises
    ------
    MediaError
        If one is absent or an image, or a folder holds no recording.
    """
    paths = [path for each in inputs for path in _of(absolute(each))]
    if not paths:
        raise MediaError("no recording was given", hint="name files or folders of recordings")
    return list(dict.fromkeys(paths))


def names(paths: Sequence[Path]) -> dict[Path, str]:
    """Return a name for each recording: its path below their common folder, without suffix.

    Of those that would have the same the suffix stays.
    """
    common = common_folder(paths)
    stems = {path: path.relative_to(common).with_suffix("").as_posix() for path in paths}
    counts = Counter(stems.values())
    return {
        path: stem if counts[stem] == 1 else path.relative_to(common).as_posix()
        for path, stem in stems.items()
    }


def common_folder(paths: Sequence[PurePath]) -> Path:
    """Return the innermost folder that holds all of some absolute paths."""
    return Path(os.path.commonpath([path.parent for path in paths]))


def _of(path: Path) -> list[Path]:
    if not path.is_dir():
        if path.suffix.lower() in STILLS:
            raise MediaError("is an image, not a recording", where=path)
        if not path.exists() and not path.is_symlink():
            raise MediaError("there is no such file or folder", where=path)
        return [path]
    inside = Folder.scan(path).with_suffix(AUDIO | VIDEO)
    if not inside:
        hint = "recordings are known by names like .mp4 or .wav"
        raise MediaError("holds no recording", where=path, hint=hint)
    return inside
