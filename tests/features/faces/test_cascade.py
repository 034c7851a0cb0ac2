from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import emocli
from emocli.data.manifest import Manifest
from emocli.data.media.content import frames
from emocli.errors import ConfigError
from emocli.features.faces.boxes import Faces
from emocli.features.faces.cascade import PIXELS, Cascade, cut
from tests.features.faces import mtcnn_reference as reference

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    return Cascade()


@pytest.fixture(scope="module")
def drawn(corpus: Manifest) -> list[Image]:
    """Drawn faces: the first pictures of three generated clips."""
    return [next(frames(clip)).image for clip in corpus.clips[::4]]


def scalar_cut(image: Image, box: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """TensorFlow's crop_and_resize of a normalised image, one pixel at a time."""
    height, width, _ = image.shape
    patch = np.zeros((3, size, size))
    x1, y1, x2, y2 = box / [width, height, width, height]
    for i in range(size):
        for j in range(size):
            y = (y1 + (y2 - y1) * i / (size - 1)) * (height - 1)
            x = (x1 + (x2 - x1) * j / (size - 1)) * (width - 1)
            if not (0 <= y <= height - 1 and 0 <= x <= width - 1):
                continue
            top, left = min(int(y), height - 2), min(int(x), width - 2)
            down, right = y - top, x - left
            corners = image[top : top + 2, left : left + 2].astype(float)
            rows = corners[0] * (1 - down) + corners[1] * down
            patch[:, i, j] = (rows[0] * (1 - right) + rows[1] * right - 127.5) / 128
    return patch


def test_patches_are_cut_and_resized_as_in_tensorflow() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    boxes = np.array([[5.0, 6, 25, 30], [-7.3, 10.2, 20.1, 49.9], [40, -5, 75, 20], [3, 3, 4, 4]])
    patches = cut(torch.from_numpy(image).float(), boxes, 24)
    np.testing.assert_allclose(patches, [scalar_cut(image, box, 24) for box in boxes], atol=2e-4)


def test_a_drawn_face_is_found_with_its_landmarks(cascade: Cascade, drawn: list[Image]) -> None:
    for faces in cascade(np.stack(drawn)):
        assert len(faces.boxes) == 1
        assert faces.scores[0] > 0.9
        (x1, y1, x2, y2), points = faces.boxes[0], faces.landmarks[0]
        assert 60 < x2 - x1 < 200
        assert ((points > [x1, y1]) & (points < [x2, y2])).all()
        left_eye, right_eye, nose, left_mouth, right_mouth = points
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < nose[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_one_image_is_as_one_of_several(cascade: Cascade, drawn: list[Image]) -> None:
    faces, (same,) = emocli.find_faces(drawn[0]), cascade(drawn[0][None])
    assert len(faces.boxes) == 1
    for name in ("boxes", "scores", "landmarks"):
        np.testing.assert_array_equal(getattr(faces, name), getattr(same, name))
    assert len(emocli.find_faces(drawn[0], smallest=400).boxes) == 0
    for wrong in (drawn[0][..., 0], drawn[0].astype(float)):
        with pytest.raises(ConfigError, match="is no RGB image of bytes; convert it to RGB"):
            emocli.find_faces(wrong)
    path: Any = "x.png"
    with pytest.raises(ConfigError, match=r"find_faces: 'x\.png' is no RGB image of bytes"):
        emocli.find_faces(path)


@pytest.mark.parametrize("kind", ["black", "noise", "slope"])
def test_no_face_is_an_empty_answer(cascade: Cascade, kind: str) -> None:
    image = {
        "black": np.zeros((90, 120, 3)),
        "noise": np.random.default_rng(0).integers(0, 256, (90, 120, 3)),
        "slope": np.broadcast_to(np.linspace(0, 255, 120)[:, None], (90, 120, 3)),
    }[kind].astype(np.uint8)
    (faces,) = cascade(image[None])
    assert faces.boxes.shape == (0, 4)
    assert faces.scores.shape == (0,)
    assert faces.landmarks.shape == (0, 5, 2)


def test_an_image_smaller_than_any_face_has_none(cascade: Cascade) -> None:
    (faces,) = cascade(np.zeros((1, 8, 8, 3), np.uint8))
    assert len(faces.boxes) == 0


def assert_equal(first: Faces, second: Faces) -> None:
    np.testing.assert_allclose(first.boxes, second.boxes, atol=0.01)
    np.testing.assert_allclose(first.landmarks, second.landmarks, atol=0.01)
    np.testing.assert_allclose(first.scores, second.scores, atol=1e-4)


def test_a_batch_gives_what_its_images_give_alone(cascade: Cascade, drawn: list[Image]) -> None:
    blank = np.zeros_like(drawn[0])
    two = np.concatenate([drawn[0][::2, ::2], drawn[1][::2, ::2]])
    two = np.concatenate([two, blank[:, :128]], axis=1)
    images = [drawn[0], blank, two, drawn[2]]
    together = cascade(np.stack(images))
    assert [len(faces.boxes) for faces in together] == [1, 0, 2, 1]
    for image, faces in zip(images, together, strict=True):
        assert_equal(faces, cascade(image[None])[0])


def test_one_image_is_searched_in_one_thread(
    cascade: Cascade, drawn: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that share its layers wait for each other."""
    refine, threads = cascade._refine, []

    def watched(*arguments: Any) -> list[Faces]:
        threads.append(torch.get_num_threads())
        return refine(*arguments)

    monkeypatch.setattr(cascade, "_refine", watched)
    had = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        (faces,) = cascade(drawn[0][None])
        cascade.follow(drawn[0], faces.boxes)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(had)
    assert threads == [1, 1]


def test_few_pixels_at_a_time_give_the_same(
    cascade: Cascade, drawn: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PIXELS, "cpu", 48 * 48)
    images = np.stack(drawn)
    for one, other in zip(cascade(images), Cascade()(images), strict=True):
        assert_equal(one, other)


def test_boxes_stay_inside_the_image(cascade: Cascade, drawn: list[Image]) -> None:
    close = drawn[0][40:200, 70:190]
    (faces,) = cascade(close[None])
    assert len(faces.boxes) == 1
    assert (faces.boxes >= 0).all()
    assert (faces.boxes <= [119, 159, 119, 159]).all()


def test_a_higher_threshold_or_a_larger_smallest_face_finds_less(drawn: list[Image]) -> None:
    image = drawn[0][None]
    height = np.ptp(Cascade()(image)[0].boxes[0, [1, 3]])
    assert not len(Cascade(thresholds=(0.6, 0.7, 1.0))(image)[0].boxes)
    assert len(Cascade()(image, smallest=height * 0.7)[0].boxes) == 1
    assert not len(Cascade()(image, smallest=height * 2)[0].boxes)


def agreement(cascade: Cascade, theirs: dict[str, reference.Rows], folder: Path) -> int:
    """Compare every picture; the number of sure boxes."""
    sure = 0
    for name, image in reference.read_pictures(folder, list(theirs)):
        (faces,) = cascade(image[None])
        ours = np.concatenate([faces.boxes, faces.scores[:, None]], axis=1)
        assert not reference.unmatched(ours, theirs[name]), f"{name}: only ours"
        assert not reference.unmatched(theirs[name], ours), f"{name}: only theirs"
        sure += int((ours[:, 4] >= reference.SURE).sum())
        for box, points in zip(faces.boxes, faces.landmarks, strict=True):
            if len(theirs[name]):
                near = max(theirs[name], key=lambda row: reference.likeness(box, row))
                error = np.abs(points.T.ravel() - near[5:]).max()
                assert error < 0.1 * (box[2] - box[0]), f"{name}: landmarks"
    return sure


def test_faces_of_real_pictures_are_those_recorded(cascade: Cascade, shared_data: Path) -> None:
    """Of the first picture of each file: those that follow show the same people."""
    every = reference.recorded()
    first = {name.rpartition("#")[0]: name for name in reversed(every)}
    assert agreement(cascade, {name: every[name] for name in first.values()}, shared_data) >= 33


@pytest.mark.slow
def test_faces_of_all_real_pictures_are_those_recorded(cascade: Cascade, shared_data: Path) -> None:
    assert agreement(cascade, reference.recorded(), shared_data) >= 70


@pytest.mark.tensorflow
def test_faces_of_real_pictures_are_those_of_the_package(
    cascade: Cascade, shared_data: Path
) -> None:
    if "EMOCLI_TENSORFLOW_PYTHON" not in os.environ:
        pytest.skip("set EMOCLI_TENSORFLOW_PYTHON to an interpreter with tensorflow-cpu and mtcnn")
    pictures = dict(reference.read_pictures(shared_data, list(reference.recorded())))
    assert agreement(cascade, reference.ask_package(pictures), shared_data) >= 70


@pytest.mark.tensorflow
def test_drawn_faces_are_those_of_the_package(cascade: Cascade, drawn: list[Image]) -> None:
    if "EMOCLI_TENSORFLOW_PYTHON" not in os.environ:
        pytest.skip("set EMOCLI_TENSORFLOW_PYTHON to an interpreter with tensorflow-cpu and mtcnn")
    theirs = reference.ask_package({str(i): image for i, image in enumerate(drawn)})
    for rows, faces in zip(theirs.values(), cascade(np.stack(drawn)), strict=True):
        np.testing.assert_allclose(faces.boxes, rows[:, :4], atol=0.1)
        np.testing.assert_allclose(faces.scores, rows[:, 4], atol=1e-4)
        np.testing.assert_allclose(faces.landmarks[0].T.ravel(), rows[0, 5:], atol=0.1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_finds_the_same(cascade: Cascade, drawn: list[Image]) -> None:
    for one, other in zip(
        cascade(np.stack(drawn)), Cascade(device="cuda")(np.stack(drawn)), strict=True
    ):
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1)
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-2)
