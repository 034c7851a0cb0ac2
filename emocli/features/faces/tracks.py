"""Tracks of people: faces followed from frame to frame, and known again after a cut or occlusion.

A face is first looked for where it was: boxes of neighbouring frames are assigned so that their
overlaps (intersection by union) sum to the most. One that continues no track, by overlap or because
another face is at its place, is compared with the people seen so far (`appearance`); it is one of
them if it is similar enough, else somebody new. People are numbered from 1 as they appear.

The score of a face says how sure its number is: 1 while it is followed from where its person first
appeared; after it was known again, or taken for somebody new, ``1 / (1 + exp(-margin / WIDTH))``,
where the margin is how far the similarity is beyond that of the next person and beyond `SAME`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.features.faces.appearance import SIDE, Image, change, described, look_at
from emocli.features.faces.boxes import Floats, overlap

NOBODY = 0
"""The number of a row without a face."""

LEAST_OVERLAP = 0.3
"""Of boxes of one face in neighbouring frames."""

STILL = 10.0
"""Change of a face, in grey levels, up to which the one at its place is taken for the same."""

CONTINUOUS = 0.8
"""Least similarity of a face with the one at its place in the last frame, where it changed more."""

LOST = 0.5
"""Seconds for which the place of a face that is not seen is kept."""

SAME = 0.72
"""Similarity from which two faces are of one person."""

WIDTH = 0.04
"""Of the logistic function that turns similarities into scores."""

LEARN = 1.0
"""Seconds after which another look of a person is remembered."""

LOOKS = 4
"""Looks that are remembered of a person: the first, and the latest that differ."""

MOST_PEOPLE = 500
"""People that are remembered; those who were seen longest ago are forgotten first."""

LEAST_SURE = 0.9
"""Probability of a face from which its look is remembered."""


@dataclass
class Person:
    """A tracked person: number, last time and box, confidence, and descriptors.

    Times are seconds; the box is x1, y1, x2, y2.
    """

    number: int
    seen: float
    box: Floats
    look: Image
    score: float
    learnt: float
    looks: list[Image]
    _descriptions: list[NDArray[np.float32]] = field(default_factory=list)

    def similarity(self, description: NDArray[np.float32]) -> float:
        """Compare a look's description with those that are remembered."""
        while len(self._descriptions) < len(self.looks):
            self._descriptions.append(described(self.looks[len(self._descriptions)]))
        return max(float(known @ description) for known in self._descriptions)

    def follow(self, time: float, box: Floats, look: Image, sure: bool) -> None:
        """Take note of where the person is now, and now and then of how they look."""
        self.seen, self.box, self.look = time, box, look
        if sure and time - self.learnt >= LEARN:
            self.learn(time, look)

    def learn(self, time: float, look: Image) -> None:
        """Remember a look in place of the second one, if there are enough."""
        self.learnt = time
        self.similarity(described(look))
        if len(self.looks) == LOOKS:
            del self.looks[1], self._descriptions[1]
        self.looks.append(look)


@dataclass(frozen=True)
class Tracks:
    """The numbers of the faces of a frame, shape (n,), and how sure they are."""

    numbers: NDArray[np.int32]
    scores: NDArray[np.float32]


@dataclass
class Tracker:
    """Gives the faces of one recording their numbers, frame by frame.

    Attributes
    ----------
    people : list of Person
        Who was seen, by number.
    count : int
        How many were seen, those included who are forgotten.
    """

    people: list[Person] = field(default_factory=list)
    count: int = 0

    def follow(
        self, time: float, image: Image, boxes: Floats, confidence: NDArray[np.floating]
    ) -> Tracks:
        """Give the faces of the next frame their numbers.

        Parameters
        ----------
        time : float
            Seconds, later than that of the frame before.
        image : ndarray, shape (height, width, 3)
            The frame.
        boxes : ndarray, shape (n, 4)
            x1, y1, x2, y2 in pixels.
        confidence : ndarray, shape (n,)
            Probabilities of a face.
        """
        looks = [look_at(image, box) for box in boxes]
        sure = confidence >= LEAST_SURE
        owners: dict[int, Person] = dict(self._continued(time, boxes, looks))
        for face in [k for k in range(len(boxes)) if k not in owners]:
            others = [person for person in self.people if person not in owners.values()]
            owners[face] = self._known_again(time, boxes[face], looks[face], others)
        for face, person in owners.items():
            person.follow(time, boxes[face], looks[face], bool(sure[face]))
        self._forget()
        order = [owners[face] for face in range(len(boxes))]
        return Tracks(
            np.array([person.number for person in order], np.int32),
            np.array([person.score for person in order], np.float32),
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all that is known, as arrays: `restored` makes the same tracker of them."""
        people = self.people
        return {
            "count": np.array(self.count),
            "number": np.array([person.number for person in people], np.int64),
            "seen": np.array([person.seen for person in people], float),
            "box": np.array([person.box for person in people], float).reshape(-1, 4),
            "score": np.array([person.score for person in people], float),
            "learnt": np.array([person.learnt for person in people], float),
            "look": _stacked([person.look for person in people]),
            "looks": _stacked([look for person in people for look in person.looks]),
            "owned": np.array([len(person.looks) for person in people], np.int64),
        }

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]]) -> Tracker:
        """Make a tracker that knows what another one knew."""
        ends = np.cumsum(state["owned"])
        people = [
            Person(
                number=int(state["number"][k]),
                seen=float(state["seen"][k]),
                box=state["box"][k],
                look=state["look"][k],
                score=float(state["score"][k]),
                learnt=float(state["learnt"][k]),
                looks=list(state["looks"][end - state["owned"][k] : end]),
            )
            for k, end in enumerate(ends)
        ]
        return cls(people, int(state["count"]))

    def _continued(
        self, time: float, boxes: Floats, looks: Sequence[Image]
    ) -> Iterator[tuple[int, Person]]:
        """Assign faces to the people who were there just now."""
        from scipy.optimize import linear_sum_assignment

        present = [person for person in self.people if time - person.seen <= LOST]
        if not present or not len(boxes):
            return
        shares = overlap(boxes, np.array([person.box for person in present]))
        for face, column in zip(*linear_sum_assignment(-shares), strict=True):
            person = present[column]
            if shares[face, column] < LEAST_OVERLAP:
                continue
            if _continuous(person.look, looks[face]):
                yield int(face), person

    def _known_again(
        self, time: float, box: Floats, look: Image, others: Sequence[Person]
    ) -> Person:
        """Re-identify a face that continues no track; a new `Person` is added if nobody matches."""
        description = described(look)
        likeness = np.array([person.similarity(description) for person in others])
        ranked = np.sort(likeness)[::-1]
        if len(ranked) and ranked[0] >= SAME:
            person = others[int(likeness.argmax())]
            person.score = _sure(ranked[0] - max([SAME, *ranked[1:2]]))
            return person
        self.count += 1
        score = _sure(SAME - ranked[0]) if len(ranked) else 1.0
        person = Person(self.count, time, box, look, score, time, [look])
        self.people.append(person)
        return person

    def _forget(self) -> None:
        if len(self.people) > MOST_PEOPLE:
            oldest = min(self.people, key=lambda person: person.seen)
            self.people = [person for person in self.people if person is not oldest]


def _continuous(before: Image, now: Image) -> bool:
    if change(before, now) <= STILL:
        return True
    return float(described(before) @ described(now)) >= CONTINUOUS


def _stacked(looks: Sequence[Image]) -> Image:
    return np.array(looks, np.uint8).reshape(-1, SIDE, SIDE, 3)


def _sure(margin: float) -> float:
    return float(1 / (1 + np.exp(-margin / WIDTH)))
