"""People in the segments of recordings: a row per segment, or per person in it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from emocli import plugins
from emocli.config import Settings, build
from emocli.data.clip import Clip
from emocli.data.stamp import stamps
from emocli.display import number_of
from emocli.errors import ConfigError
from emocli.plugin.feature import Extractor, Feature, PeopleFinder
from emocli.plugin.people import Appearances
from emocli.plugin.writer import SegmentPrediction
from emocli.prediction import people
from emocli.prediction.clips import Piece
from emocli.prediction.extracted import PersonClips
from emocli.prediction.people import EACH, LARGEST, FaceChoice, Shown
from emocli.prediction.recompute import RunFeatures
from emocli.prediction.speaking import Speaking
from emocli.prediction.timeline import FailedInput

SURE = 0.8
"""Score of a person from which nothing is said about it."""

SHOWN = 8
"""People that a message names."""

AROUND = 1.0
"""Seconds before and after clips of which is known who is there."""

OF = "@"
"""Stands between a segment's id and a person's number."""

NOTHING = Appearances.joined([])


@dataclass(frozen=True)
class SegmentPeople:
    """The people in the segments of some recordings.

    Attributes
    ----------
    segments : tuple of Piece
        Those that are predicted.
    rows : tuple of Piece
        What becomes a row each: the same, or people in them, each with a clip of its own.
    clips : PersonClips
        What features of faces are computed of.
    failures : tuple of FailedInput
        Recordings that lack the person who is wanted; they have no rows.
    remarks : tuple of str
        What is not sure.
    """

    segments: tuple[Piece, ...]
    rows: tuple[Piece, ...]
    clips: PersonClips
    failures: tuple[FailedInput, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class PeopleAssignment:
    """The assignment of people to segments, for a run that looks at faces.

    Attributes
    ----------
    feature : str
        The feature that tells people apart.
    finder, config : PeopleFinder, Settings
        What it offers for that, and its settings.
    choice : FaceChoice
        Whose face is predicted.
    """

    feature: str
    finder: PeopleFinder
    config: Settings
    choice: FaceChoice
    _speaking: Speaking = field(default_factory=Speaking)

    @classmethod
    def of(cls, features: RunFeatures, choice: FaceChoice) -> PeopleAssignment | None:
        """Return that of a run; None if it does not look at people."""
        for recipe in features.recipes:
            if recipe.by_speaker:
                continue
            module = cast(Feature, plugins.load("features", recipe.name))
            if module.PEOPLE is not None:
                config = build(module.Config, recipe.settings, recipe.name)
                return cls(recipe.name, module.PEOPLE, config, choice)
        return None

    @classmethod
    def require(cls, features: RunFeatures, face: str, run: Path) -> None:
        """Require that whose face is predicted, if that is chosen, can be chosen of a run.

        Raises
        ------
        ConfigError
            If there is no such choice, or the run does not look at people.
        """
        if face and cls.of(features, FaceChoice.of(face)) is None:
            hint = "leave --face out, or choose a run that was trained on faces"
            raise ConfigError(f"--face {face}: the run looks at no faces", where=run, hint=hint)

    @staticmethod
    def seconds(pieces: Sequence[Piece]) -> float:
        """Return how long the pictures are in which `assign` looks for people."""
        return sum(_ends(pieces).values())

    @property
    def takes_all(self) -> bool:
        """Whether every segment has a row, whoever is in it."""
        return self.choice.person is None

    def assign(
        self, pieces: Sequence[Piece], work: Path, progress: Callable[[float], None]
    ) -> SegmentPeople:
        """Assign people to segments; tracks of their recordings are saved in ``work``.

        Parameters
        ----------
        progress : callable
            Told how many of the `seconds` are done.
        """
        known: dict[Path, Appearances] = {}
        before = 0.0
        for video, end in _ends(pieces).items():

            def advance(seconds: float, before: float = before, end: float = end) -> None:
                progress(before + min(seconds, end))

            place = work / f"people-{self._key(video)}"
            known[video] = people.find_people(self.finder, self.config, video, place, advance)
            before += end
            progress(before)
        rows, failures = self._rows(pieces, known)
        numbers = {row.piece.clip.id: self._wanted(row.person) for row in rows}

        def extractor(clips: Sequence[Clip]) -> Extractor:
            people = {clip.id: numbers[clip.id] for clip in clips}
            return self.finder.extractor(self.config, _around(clips, known), people)

        clips = PersonClips(
            self.feature,
            extractor,
            tuple(row.filmed for row in rows),
            {row.piece.clip.id: row.stretch for row in rows},
        )
        shown = {row.stretch for row in rows}
        return SegmentPeople(
            tuple(piece for piece in pieces if piece.clip.id in shown),
            tuple(row.piece for row in rows),
            clips,
            failures,
            tuple(self._remarks(rows, known)),
        )

    def remarks(
        self,
        pieces: Sequence[Piece],
        segments: Sequence[SegmentPrediction],
        modalities: Collection[str],
    ) -> Iterator[str]:
        """Yield remarks on people who may be missed, and on people without a usable face.

        Parameters
        ----------
        pieces : sequence of Piece
            What was predicted.
        segments : sequence of SegmentPrediction
            What came of it.
        modalities : collection of str
            Those that tell people apart.
        """
        unsearched = self.finder.unsearched(self.config)
        if unsearched and any(map(_filmed, pieces)):
            yield unsearched
        alike = sum(_is_alike(segment, modalities) for segment in segments)
        if self.choice.how == EACH and alike:
            yield (
                f"in {number_of(alike, 'rows')} nothing of the person was used: the picture is "
                "missing or not trusted, and sound and words are the same for all in a segment"
            )

    def _wanted(self, person: int | None) -> int | None:
        """Return the number that the feature is told: with `LARGEST` it looks at everybody."""
        return None if self.choice.how == LARGEST else person or people.ABSENT

    def _key(self, video: Path) -> str:
        clip = Clip("video", split="test", media={"video": video})
        facts = [str(video), stamps([clip]), self.feature, self.config.model_dump(mode="json")]
        return hashlib.sha256(json.dumps(facts).encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def _rows(
        self, pieces: Sequence[Piece], known: dict[Path, Appearances]
    ) -> tuple[list[_Row], tuple[FailedInput, ...]]:
        rows: list[_Row] = []
        failures: dict[str, FailedInput] = {}
        wanted = self.choice.person
        for piece in pieces:
            file, seen = str(piece.segment.recording), _seen(piece, known)
            if wanted is not None and wanted not in seen.track:
                failures[file] = FailedInput(file=file, message=_nobody(file, wanted, seen))
                continue
            rows += self._of(piece, seen)
        return rows, tuple(failures.values())

    def _of(self, piece: Piece, seen: Appearances) -> Iterator[_Row]:
        """Yield the rows of a segment of a recording in which some people are seen."""
        here = seen.between(piece.segment.start, piece.segment.end)
        if self.choice.how == EACH:
            numbers = people.lasting(seen)
            if not numbers:
                yield _Row.of(piece, people.NOBODY)
            for number in numbers:
                yield _Row.of(piece, people.certain_person(here, number), several=True)
        elif self.choice.person is not None:
            yield _Row.of(piece, people.certain_person(here, self.choice.person))
        elif self.choice.how == LARGEST:
            yield _Row.of(piece, people.largest_person(here))
        else:
            several = len(set(here.track.tolist())) > 1
            spans = self._speaking.spans(piece) if several else ()
            yield _Row.of(piece, people.main_person(here, spans))

    def _remarks(self, rows: Sequence[_Row], known: dict[Path, Appearances]) -> Iterator[str]:
        unsure = sum(row.piece.person_score < SURE for row in rows)
        if unsure:
            yield (
                f"{unsure} of {number_of(len(rows), 'rows')} may show another person than "
                f"is named (person_score below {SURE})"
            )
        if self._speaking.unknown:
            yield (
                "who is most in picture is judged without knowing when somebody speaks: "
                f"{self._speaking.unknown}"
            )
        if self.choice.how == EACH:
            yield from _left_out(known)


@dataclass(frozen=True)
class _Row:
    """A row: its piece, its clip as features of faces see it, and the clip of the whole segment."""

    piece: Piece
    person: int | None
    filmed: Clip
    stretch: str

    @classmethod
    def of(cls, piece: Piece, shown: Shown, *, several: bool = False) -> _Row:
        clip, number = piece.clip, shown.person
        if several:
            dialogue = f"{clip.dialogue}{OF}{number}" if clip.dialogue else clip.dialogue
            clip = replace(clip, id=f"{clip.id}{OF}{number}", dialogue=dialogue)
        filmed = clip
        if number is not None:
            filmed = replace(
                clip, speaker=f"{piece.clip.dialogue or piece.clip.id} person {number}"
            )
        name = "" if number is None else str(number)
        row = replace(piece, clip=clip, person=name, person_score=shown.score)
        return cls(row, number, filmed, piece.clip.id)


def _is_alike(segment: SegmentPrediction, modalities: Collection[str]) -> bool:
    """Whether a person is predicted without anything that tells people apart."""
    used = any(segment.modalities[modality].used for modality in modalities)
    return bool(segment.person and segment.label) and not used


def _filmed(piece: Piece) -> bool:
    return "video" in piece.clip.media


def _ends(pieces: Sequence[Piece]) -> dict[Path, float]:
    """Return each video of some segments, and where the last of them ends."""
    ends: dict[Path, float] = {}
    for piece in filter(_filmed, pieces):
        video = piece.clip.media["video"]
        ends[video] = max(ends.get(video, 0.0), piece.segment.end)
    return ends


def _seen(piece: Piece, known: dict[Path, Appearances]) -> Appearances:
    return known[piece.clip.media["video"]] if _filmed(piece) else NOTHING


def _around(clips: Sequence[Clip], known: dict[Path, Appearances]) -> dict[Path, Appearances]:
    """Return what is seen where some clips are: all that is sent to the process they go to."""
    spans: dict[Path, list[tuple[float, float]]] = {}
    for clip in clips:
        if "video" in clip.media:
            end = math.inf if clip.end is None else clip.end
            spans.setdefault(clip.media["video"], []).append((clip.start or 0.0, end))
    return {
        video: known[video].between(min(own)[0] - AROUND, max(e for _, e in own) + AROUND)
        for video, own in spans.items()
    }


def _nobody(file: str, wanted: int, seen: Appearances) -> str:
    lasting = [f"{number} ({seconds:.1f} s)" for number, seconds in seen.seconds().items()]
    some = ", ".join(lasting[:SHOWN]) + (", ..." if len(lasting) > SHOWN else "")
    who = f"it shows {some}" if lasting else "no face is seen in it"
    return f"{file}: there is no person {wanted}; {who}"


def _left_out(known: dict[Path, Appearances]) -> Iterable[str]:
    for video, seen in known.items():
        count = len(seen.seconds()) - len(people.lasting(seen))
        if count:
            seconds = f"{people.LEAST:g} s"
            faces = number_of(count, f"faces that are seen for less than {seconds} have no rows")
            yield f"{video.name}: {faces}"
