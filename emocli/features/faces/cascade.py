"""The cascade of face detectors (MTCNN): proposals over a pyramid of sizes, refined twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from emocli.errors import ConfigError
from emocli.features.faces.boxes import Faces, Floats, Share, adjust, place, square, suppress
from emocli.features.faces.networks import output_network, proposal_network, refinement_network
from emocli.features.faces.pyramid import CELL, Pyramid

STRIDE = 2
"""Pixels between neighbouring patches of the proposal network."""

PATCH = (CELL, 24, 48)
"""Side of the patch that each network looks at."""

ROOM = 0.6
"""Room around known faces within which they are looked for, in sides of the largest."""

PIXELS = {"cpu": 2**17, "cuda": 2**23}
"""Input pixels a network is given at a time: on a CPU few enough for what lies between its layers
to stay in the cache."""


@dataclass(frozen=True)
class _Candidates:
    """Boxes in all images of a batch, a row each; landmarks only after the last network."""

    image: NDArray[np.intp]
    boxes: Floats
    scores: Floats
    landmarks: Floats

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> _Candidates:
        return _Candidates(
            self.image[rows], self.boxes[rows], self.scores[rows], self.landmarks[rows]
        )

    def best(self, most: float, of: Share = "union") -> _Candidates:
        """Leave out what a better box of the same image overlaps."""
        kept = [np.empty(0, np.intp)]
        for image in np.unique(self.image):
            own = np.flatnonzero(self.image == image)
            kept.append(own[suppress(self.boxes[own], self.scores[own], most, of)])
        return self[np.concatenate(kept)]


class Cascade:
    """MTCNN (Zhang et al. 2016): faces and five landmarks in images.

    Parameters
    ----------
    factor : float
        Between neighbouring levels of the pyramid.
    thresholds : tuple
        Least probability of a face after each of the three networks.
    device : str
        Where the networks run.
    """

    def __init__(
        self,
        factor: float = 0.709,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.8),
        device: str = "cpu",
    ) -> None:
        self.factor = factor
        self.thresholds = thresholds
        self.device = torch.device(device)
        self._pixels = PIXELS.get(self.device.type, PIXELS["cuda"])
        self._networks = [
            network.eval().to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            for network in (proposal_network(), refinement_network(), output_network())
        ]

    def __call__(self, images: NDArray[np.uint8], smallest: float = 20) -> list[Faces]:
        """Find the faces of images of one size.

        On a CPU each of torch's threads takes a share of the images, and one image is one thread's.
        Left to split every layer of an image, they would wait for each other a thousand times a
        second: on a busy machine that took twelve times the processor's time.

        Parameters
        ----------
        images : ndarray, shape (n, height, width, 3)
            RGB.
        smallest : float
            Height of the smallest face, in pixels.
        """
        shares = min(torch.get_num_threads(), len(images)) if self.device.type == "cpu" else 1
        with _one_thread():
            if shares < 2:
                return self._search(images, smallest)
            with ThreadPoolExecutor(shares, "faces", torch.set_num_threads, (1,)) as pool:
                results = pool.map(self._search, np.array_split(images, shares), repeat(smallest))
                return [faces for share in results for faces in share]

    @torch.inference_mode()
    def _search(self, images: NDArray[np.uint8], smallest: float) -> list[Faces]:
        pixels = torch.from_numpy(images).to(self.device)
        return self._refine(pixels, self._propose(pixels, smallest))

    @torch.inference_mode()
    def follow(self, image: NDArray[np.uint8], boxes: Floats) -> Faces:
        """Look for faces at known places only, by the second and third network.

        Parameters
        ----------
        image : ndarray, shape (height, width, 3)
            RGB.
        boxes : ndarray, shape (n, 4)
            x1, y1, x2, y2 of faces in the frame before.
        """
        if not len(boxes):
            return Faces(np.empty((0, 4)), np.empty(0), np.empty((0, 5, 2)))
        height, width, _ = image.shape
        room = ROOM * (boxes[:, 2:] - boxes[:, :2]).max()
        first = np.floor(boxes[:, :2].min(axis=0) - room).astype(int).clip(0)
        last = np.ceil(boxes[:, 2:].max(axis=0) + room).astype(int).clip(0, [width, height])
        part = np.ascontiguousarray(image[first[1] : last[1], first[0] : last[0]])
        pixels = torch.from_numpy(part[None]).to(self.device)
        owners, scores = np.zeros(len(boxes), np.intp), np.ones(len(boxes))
        shift = np.tile(first, 2)
        places = _Candidates(owners, boxes - shift, scores, np.empty((len(boxes), 0, 2)))
        with _one_thread():
            (faces,) = self._refine(pixels, places)
        return Faces(faces.boxes + shift, faces.scores, faces.landmarks + first)

    def _refine(self, images: Tensor, candidates: _Candidates) -> list[Faces]:
        """Let the second and third network judge boxes."""
        candidates = self._judge(1, images, candidates).best(0.7)
        candidates = self._judge(2, images, candidates).best(0.7, "smaller")
        _, height, width, _ = images.shape
        boxes = candidates.boxes.clip(0, [width - 1, height - 1] * 2)
        owns = (candidates.image == image for image in range(len(images)))
        return [
            Faces(boxes[own], candidates.scores[own], candidates.landmarks[own]) for own in owns
        ]

    def _propose(self, images: Tensor, smallest: float) -> _Candidates:
        """Let the first network look at every level of the pyramid."""
        _, height, width, _ = images.shape
        pyramid = Pyramid(height, width, smallest, self.factor, self.device)
        parts = [
            _Candidates(np.empty(0, np.intp), np.empty((0, 4)), np.empty(0), np.empty((0, 0, 2)))
        ]
        for level, first, small in self._levels(images, pyramid):
            face, offsets, _ = self._networks[0](small)
            image, y, x = (face > self.thresholds[0]).nonzero().T
            corner = STRIDE * torch.stack([x, y], dim=1)
            boxes = torch.cat([corner + 1, corner + CELL], dim=1)
            boxes = boxes + offsets[image, :, y, x].double() * (CELL - 1)
            owners = (image + first).cpu().numpy()
            landmarks = np.empty((len(owners), 0, 2))
            scores = _array(face[image, y, x])
            part = _Candidates(owners, _array(boxes) / pyramid.scales[level], scores, landmarks)
            parts.append(part.best(0.5))
        return _joined(parts).best(0.7)

    def _levels(self, images: Tensor, pyramid: Pyramid) -> Iterator[tuple[int, int, Tensor]]:
        """Shrink the images; (level, index of the first image, images at that level)."""
        held: list[list[Tensor]] = [[] for _ in pyramid.scales]
        for index, image in enumerate(images.unbind()):
            original = image.float()
            for level, small in enumerate(held):
                small.append(pyramid.shrink(original, level))
                pixels = len(small) * small[0].shape[0] * small[0].shape[1]
                if pixels >= self._pixels or index == len(images) - 1:
                    first = index + 1 - len(small)
                    yield level, first, _normal(torch.stack(small)).permute(0, 3, 1, 2)
                    small.clear()

    def _judge(self, stage: int, images: Tensor, candidates: _Candidates) -> _Candidates:
        """Let the second or third network confirm and correct boxes."""
        boxes = square(candidates.boxes)
        size = PATCH[stage]
        many = self._pixels // size**2
        parts = []
        for start in range(0, max(len(boxes), 1), many):
            part = slice(start, start + many)
            patches = _patches(images, candidates.image[part], boxes[part], size)
            parts.append(self._networks[stage](patches))
        face, offsets, points = (_array(torch.cat(part)) for part in zip(*parts, strict=True))
        landmarks = place(boxes, points)
        judged = _Candidates(candidates.image, adjust(boxes, offsets), face, landmarks)
        return judged[face > self.thresholds[stage]]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch compute in the calling thread alone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)  # what a thread sets is the default of later ones


def find_faces(image: NDArray[np.uint8], smallest: float = 20) -> Faces:
    """Find the faces of one image, shape (height, width, 3), RGB.

    Parameters
    ----------
    smallest : float
        Height of the smallest face, in pixels.

    Raises
    ------
    ConfigError
        If the array is no such image.

    Examples
    --------
    >>> len(find_faces(np.zeros((48, 64, 3), np.uint8)).boxes)
    0
    """
    array = isinstance(image, np.ndarray)
    if not (array and image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8):
        kind = f"an array of {image.dtype} and shape {image.shape}" if array else f"{image!r:.80}"
        what = f"{kind} is no RGB image of bytes"
        raise ConfigError(what, where="find_faces", hint="convert it to RGB, uint8 of 0 to 255")
    return Cascade()(image[None], smallest)[0]


def cut(image: Tensor, boxes: Floats, size: int) -> Tensor:
    """Cut boxes (n, 4) out of an image of 0 to 255 as patches of -1 to 1, shape (n, 3, size, size).

    Corners are shares of the image's sides, pixels between are interpolated bilinearly, and a pixel
    outside the image is 0 after normalising: TensorFlow's ``crop_and_resize``.
    """
    height, width, _ = image.shape
    ends = torch.from_numpy(boxes / [width, height, width, height] * 2 - 1).to(image)
    steps = torch.linspace(0, 1, size).to(image)
    x, y = (
        ends[:, axis, None] + (ends[:, axis + 2] - ends[:, axis])[:, None] * steps
        for axis in (0, 1)
    )
    grid = torch.stack(
        [x[:, None, :].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)], dim=-1
    )
    source = image.permute(2, 0, 1).expand(len(boxes), -1, -1, -1)
    patches = functional.grid_sample(source, grid, "bilinear", "border", align_corners=True)
    return _normal(patches) * (grid.abs() <= 1).all(dim=-1)[:, None]


def _patches(images: Tensor, owners: NDArray[np.intp], boxes: Floats, size: int) -> Tensor:
    """Cut boxes out of several images; ``owners`` is sorted."""
    patches = images.new_empty((len(boxes), 3, size, size), dtype=torch.float32)
    patches = patches.to(memory_format=torch.channels_last)
    numbers, counts = np.unique(owners, return_counts=True)
    for number, part in zip(numbers, torch.split(patches, counts.tolist()), strict=True):
        part.copy_(cut(images[number].float(), boxes[owners == number], size))
    return patches


def _joined(parts: list[_Candidates]) -> _Candidates:
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return _Candidates(*map(np.concatenate, columns))


def _normal(values: Tensor) -> Tensor:
    return values.sub_(127.5).div_(128)


def _array(values: Tensor) -> Floats:
    return np.asarray(values.double().cpu())
