"""Pictures of a camera, as encoders of faces and of scenes are shown them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emocli.data.clip import Clip
from emocli.data.media.content import read_frames
from emocli.training.encoders.augment import AugmentConfig
from emocli.training.encoders.picture_source import DrawAugmented, Pictures, PictureSource


class StillsSource(PictureSource):
    """Base of sources of a camera's pictures: some are mirrored, and files hold one each."""

    def of_files(self, files: Sequence[Path]) -> Pictures:
        """Read picture files."""
        clips = tuple(Clip(path.stem) for path in files)
        return Pictures(clips, lambda index, rng: next(read_frames(files[index])).image)

    def augmented(self, pictures: Pictures, augment: AugmentConfig) -> DrawAugmented:
        """Mirror some of them."""
        return lambda index, rng: augment.picture(pictures.draw(index, rng), rng)
