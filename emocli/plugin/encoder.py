"""The kinds of encoders that emocli trains: ``text``, and each file of `PACKAGE`.

>>> PICTURE_KINDS
('audio', 'face', 'scene')
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from emocli import plugins

PACKAGE = "emocli.training.encoders.kinds"

if TYPE_CHECKING:
    PictureKind = str
else:  # what checks settings and command lines reads the names, for which nothing is imported
    PictureKind = Literal[tuple(sorted(plugins.files(PACKAGE)))]
"""What an encoder of pictures looks at: spectrograms, faces, or pictures of videos."""

EncoderKind = PictureKind | Literal["text"]
"""What an encoder looks at: pictures of some kind, or texts."""

PICTURE_KINDS: tuple[PictureKind, ...] = get_args(PictureKind)
"""All of them, sorted."""
