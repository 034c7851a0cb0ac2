"""Detection rates of the modality check on corrupted recordings, and accuracies with proxies.

    python benchmarks/trust.py DEMO [--run rrnn] [--dialogues 25] [--seconds 10]

DEMO is the folder that `emocli demo` leaves behind. The test dialogues of its corpus are joined to
recordings, two to each. In the middle of each recording, for some seconds, the sound is muted, the
picture is black, or the pictures are those of another dialogue: one of these at a time. Features
are computed of the joined media as `emocli predict` computes them, and predicted by the networks of
the run without a check, with it, and with proxies for what it does not trust.

A clip is corrupted if at least half of it is inside the span. Printed is a table (Markdown):

- true positive rate (TPR): corrupted clips whose corrupted modality is not trusted, or missing;
- false positive rate (FPR): all other clips of which any modality is not trusted, or missing;
- accuracy of the corrupted clips, and of all others, by what is done about it.

Intervals are Wilson's, 95 %, over clips, which are not independent: a recording has one span.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from options import make_parser

from emocli.data.clip import Clip, by_dialogue
from emocli.data.manifest import Manifest
from emocli.data.media.content import read_frames, read_sound
from emocli.data.media.writing import write_video
from emocli.plugin.robustness import PROXY, RepairOptions
from emocli.prediction.extracted import extracted
from emocli.prediction.networks import Ensemble, Outputs
from emocli.prediction.recompute import run_features

RATE = 16_000
JOINED = 2
"""Dialogues in a recording."""

WITHOUT, CHECK, PROXIES = "no check", "check", "check and proxies"
REPAIRS = {
    WITHOUT: RepairOptions(check=False),
    CHECK: RepairOptions(check=True),
    PROXIES: RepairOptions(check=True, proxy=PROXY),
}

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Joined:
    """Clips that follow each other in one recording: pictures, sound, and where clips begin."""

    clips: tuple[Clip, ...]
    images: list[Image]
    sound: NDArray[np.float32]
    starts: tuple[int, ...]
    fps: float

    @classmethod
    def of(cls, clips: Sequence[Clip], fps: float) -> Joined:
        """Decode clips and put them end to end."""
        images: list[Image] = []
        sounds, starts = [], []
        for clip in clips:
            path = clip.media["video"]
            own = [frame.image for frame in read_frames(path)]
            starts.append(len(images))
            images += own
            sound = read_sound(path, RATE)
            length = round(len(own) / fps * RATE)
            sounds.append(np.pad(sound, (0, max(0, length - len(sound))))[:length])
        return cls(tuple(clips), images, np.concatenate(sounds), tuple(starts), fps)

    def span(self, seconds: float) -> tuple[float, float]:
        """Return the middle of the recording."""
        middle = len(self.images) / self.fps / 2
        return middle - seconds / 2, middle + seconds / 2


@dataclass(frozen=True)
class Damage:
    """What is done to recordings: the modality it is done to, and how."""

    name: str
    modality: str
    apply: Callable[[Joined, Joined, tuple[float, float]], Joined]


def muted(recording: Joined, other: Joined, span: tuple[float, float]) -> Joined:
    """Return the recording without sound in the span."""
    sound = recording.sound.copy()
    sound[round(span[0] * RATE) : round(span[1] * RATE)] = 0
    return replace(recording, sound=sound)


def black(recording: Joined, other: Joined, span: tuple[float, float]) -> Joined:
    """Return the recording with a black picture in the span."""
    return _shown(recording, [np.zeros_like(recording.images[0])], span)


def swapped(recording: Joined, other: Joined, span: tuple[float, float]) -> Joined:
    """Return the recording with the pictures of another one in the span."""
    return _shown(recording, other.images, span)


def _shown(recording: Joined, images: Sequence[Image], span: tuple[float, float]) -> Joined:
    first, last = (round(second * recording.fps) for second in span)
    there = list(recording.images)
    there[first:last] = [images[k % len(images)] for k in range(first, last)]
    return replace(recording, images=there)


DAMAGES = (
    Damage("sound muted", "audio", muted),
    Damage("picture black", "visual", black),
    Damage("picture of another recording", "visual", swapped),
)


@dataclass(frozen=True)
class Case:
    """A clip of a damaged recording, and whether it is one of those that are corrupted."""

    clip: Clip
    corrupted: bool


def cases(recording: Joined, span: tuple[float, float], path: Path) -> Iterator[Case]:
    """Yield the clips of a recording at their new times."""
    ends = (*recording.starts[1:], len(recording.images))
    for number, (clip, first, last) in enumerate(
        zip(recording.clips, recording.starts, ends, strict=True)
    ):
        start, end = first / recording.fps, last / recording.fps
        inside = min(end, span[1]) - max(start, span[0])
        moved = replace(
            clip,
            id=f"{path.stem}_{number:03d}",
            dialogue=path.stem,
            turn=number,
            start=start,
            end=end,
            media={"audio": path, "video": path},
        )
        yield Case(moved, inside >= (end - start) / 2)


def damaged(
    recordings: Sequence[Joined], damage: Damage, seconds: float, folder: Path
) -> list[Case]:
    """Write the damaged recordings; return their clips."""
    all_cases: list[Case] = []
    for number, recording in enumerate(recordings):
        span = recording.span(seconds)
        path = folder / f"{damage.apply.__name__}{number:02d}.mp4"
        bad = damage.apply(recording, recordings[number - 1], span)
        write_video(path, bad.images, bad.fps, bad.sound, RATE)
        all_cases += cases(recording, span, path)
    return all_cases


def rows(run: Path, some: Sequence[Case], damage: Damage, folder: Path) -> Iterator[str]:
    """Yield the rows of the table: true and false positive rate, then accuracies by repair."""
    clips = [case.clip for case in some]
    bad = np.array([case.corrupted for case in some])
    plain = Ensemble.open(run, REPAIRS[WITHOUT])
    config = plain.config
    features = run_features(plain.folds[0].path, config, {})
    stores = extracted(clips, features, config, folder, zeros=False).stores
    truth = np.array([config.classes.index(clip.label or "") for clip in clips])
    missing = {m: np.array([not s.length(c.id) for c in clips]) for m, s in stores.items()}
    outputs = {
        name: Ensemble.open(run, how).predict(clips, stores) for name, how in REPAIRS.items()
    }
    rejected = {m: missing[m] | (outputs[CHECK].distrusted[m] > 0.5) for m in stores}
    anything = np.any(list(rejected.values()), axis=0)
    right = {name: _right(each, truth) for name, each in outputs.items()}
    cells = [
        damage.name,
        share(rejected[damage.modality][bad]),
        share(anything[~bad]),
        *(share(right[name][bad]) for name in REPAIRS),
        *(share(right[name][~bad]) for name in (WITHOUT, PROXIES)),
    ]
    yield f"| {' | '.join(cells)} |"


def _right(outputs: Outputs, truth: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(outputs.values.mean(axis=0).argmax(axis=1) == truth)


def share(values: NDArray[np.bool_]) -> str:
    """Return a share with its interval and count."""
    n, hits, z = len(values), int(values.sum()), 1.96
    centre = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return f"{hits / n:.2f} [{max(0, centre - half):.2f}, {min(1, centre + half):.2f}] of {n}"


def main() -> None:
    """Print the table."""
    parser = make_parser(__doc__, dialogues=25, seconds=10.0)
    parser.add_argument("demo", type=Path)
    parser.add_argument("--run", default="rrnn")
    given = parser.parse_args()
    corpus = Manifest.read(given.demo / "manifest.csv")
    dialogues = list(by_dialogue(corpus.split("test")).values())[: given.dialogues]
    pairs = [dialogues[k : k + JOINED] for k in range(0, len(dialogues) - JOINED + 1, JOINED)]
    fps = 12.5
    recordings = [Joined.of(list(chain.from_iterable(pair)), fps) for pair in pairs]
    sys.stdout.write(
        "| corruption | TPR | FPR | corrupted: no check | corrupted: check "
        "| corrupted: check and proxies | rest: no check | rest: check and proxies |\n"
        "|---|---|---|---|---|---|---|---|\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        for damage in DAMAGES:
            place = Path(folder) / damage.apply.__name__
            place.mkdir()
            some = damaged(recordings, damage, given.seconds, place)
            for row in rows(given.demo / "runs" / given.run, some, damage, place / "work"):
                sys.stdout.write(f"{row}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
