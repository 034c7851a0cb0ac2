"""Searching some frames and following faces in the others, against searching every frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emocli.data.manifest import Manifest
from emocli.data.media.content import VIDEO, Frame, frames, read_frames
from emocli.features.faces.boxes import Faces, overlap
from emocli.features.faces.search import FaceSearch
from emocli.features.faces.settings import Config

Image = NDArray[np.uint8]


class Counted(FaceSearch):
    """A search that counts frames that are searched as a whole, and those that are not."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.searched = self.followed = 0
        search, follow = self._cascade.__call__, self._cascade.follow

        class Cascade:
            def __call__(_, images: Image, smallest: float) -> list[Faces]:  # noqa: N805
                self.searched += len(images)
                return search(images, smallest)

            def follow(_, image: Image, boxes: NDArray[np.float64]) -> Faces:  # noqa: N805
                self.followed += 1
                return follow(image, boxes)

        self._cascade = Cascade()  # type: ignore[assignment]


@pytest.fixture(scope="module")
def pictures(corpus: Manifest) -> list[Frame]:
    return list(frames(corpus.clips[0]))


def found(search: FaceSearch, pictures: list[Frame]) -> list[Faces]:
    return [faces for _, faces in search(pictures)]


def agreement(first: list[Faces], second: list[Faces]) -> list[float]:
    """The greatest overlap of each sure box of the first with any of the second."""
    return [
        float(share)
        for one, other in zip(first, second, strict=True)
        for share in overlap(one.boxes[one.scores >= 0.95], other.boxes).max(axis=1, initial=0)
    ]


def test_few_frames_are_searched_and_faces_are_where_they_are(pictures: list[Frame]) -> None:
    every, track = (Counted(Config(min_share=0.2, search=s)) for s in ("every", "track"))
    expected, faces = found(every, pictures), found(track, pictures)
    assert (every.searched, every.followed) == (len(pictures), 0)
    assert track.searched < len(pictures) / 2
    assert track.followed > len(pictures) / 2
    assert min(agreement(expected, faces)) > 0.8
    assert min(agreement(faces, expected)) > 0.8


def test_the_first_frame_is_as_if_every_one_were_searched(pictures: list[Frame]) -> None:
    (one,), (two,) = (
        found(FaceSearch(Config(min_share=0.2, search=s)), pictures[:1]) for s in ("every", "track")
    )
    np.testing.assert_array_equal(one.boxes, two.boxes)


@pytest.mark.parametrize(("key", "searched"), [(1, 8), (4, 2), (1000, 1)])
def test_a_key_says_how_often_a_frame_is_searched(
    pictures: list[Frame], key: int, searched: int
) -> None:
    still = [Frame(0.04 * k, pictures[0].image) for k in range(8)]
    search = Counted(Config(min_share=0.2, search="track", key=key))
    assert all(len(faces.boxes) == 1 for faces in found(search, still))
    assert search.searched == searched


def test_at_a_cut_and_where_a_face_is_lost_the_frame_is_searched(pictures: list[Frame]) -> None:
    face = pictures[0].image
    empty = np.full_like(face, 120)
    moved = np.roll(face, 100, axis=1)
    shown = [face, face, empty, empty, face, face, moved, moved]
    search = Counted(Config(min_share=0.2, search="track", key=1000))
    faces = found(search, [Frame(0.04 * k, image) for k, image in enumerate(shown)])
    assert [len(each.boxes) for each in faces] == [1, 1, 0, 0, 1, 1, 1, 1]
    assert search.searched == 4
    alone = found(FaceSearch(Config(min_share=0.2)), [Frame(0, moved)])
    assert min(agreement(alone, faces[-1:])) > 0.8


@pytest.mark.slow
def test_real_videos(shared_data: Path) -> None:
    """At least 99.5 % of the sure boxes, each way, are within an overlap of .8."""
    videos = sorted(p for p in shared_data.rglob("*") if p.suffix in VIDEO)
    assert len(videos) >= 17
    shares: list[list[float]] = [[], []]
    for path in videos:
        every, track = (
            found(FaceSearch(Config(search=s)), list(read_frames(path))) for s in ("every", "track")
        )
        shares[0] += agreement(every, track)
        shares[1] += agreement(track, every)
    assert np.mean(np.array(shares[0]) >= 0.8) >= 0.995
    assert np.mean(np.array(shares[1]) >= 0.8) >= 0.995
