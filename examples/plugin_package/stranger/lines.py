"""Text files of lines: a folder per speaker, a file per emotion, a clip per line.

Source: this example.
"""

from __future__ import annotations

from pathlib import Path

from emocli.config import Settings
from emocli.errors import ManifestError
from emocli.plugin.dataset import Clip, Folder, Manifest, counted, random_split


class Config(Settings):
    """What is read.

    Attributes
    ----------
    suffix : str
        Of the files.
    """

    suffix: str = ".txt"


def build(root: Path, config: Config) -> Manifest:
    """Make the manifest of the files below ``root``, ``SPEAKER/EMOTION.txt``.

    Raises
    ------
    ManifestError
        If there is none.
    """
    folder = Folder.scan(root)
    paths = folder.with_suffix(frozenset({config.suffix}))
    lines = [(path, n, text) for path in paths for n, text in enumerate(_lines(path))]
    if not lines:
        raise ManifestError(f"holds no line in any *{config.suffix}", where=folder.root)
    clips = [
        Clip(
            f"{path.parent.name}-{path.stem}-{number}",
            speaker=path.parent.name,
            text=text,
            label=path.stem,
        )
        for path, number, text in lines
        if text
    ]
    return Manifest(
        random_split(clips, lambda clip: clip.speaker),
        classes=tuple(sorted({path.stem for path in paths})),
        task="single",
        dataset="lines",
        root=folder.root,
        notes=counted((len(lines) - len(clips), "empty lines left out")),
    )


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()
