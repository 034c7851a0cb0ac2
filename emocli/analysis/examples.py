"""Clips to look at: what a network gets right most confidently, and its worst errors.

Source: Mittal 2020, AAAI, Fig. 3, 4 and 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.analysis._examples_figure import draw
from emocli.analysis._written import Analysis, about, titled, write
from emocli.data.clip import Clip, Split
from emocli.data.manifest import Manifest, Task
from emocli.data.media.content import frames
from emocli.data.track import Absent
from emocli.errors import ConfigError, MediaError, choice
from emocli.evaluation.cross_validation import open_evaluator
from emocli.metrics.metrics import ACCEPT, PRESENT
from emocli.robust.corrupt import parse_all

PICTURES = 4
"""Frames shown of a clip."""

EVERY = 0.2
"""Seconds between the frames they are chosen from."""

WIDEST = 240
"""Pixels of a frame that is shown."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Example:
    """What was said about a clip, and what it shows."""

    index: int
    shown: int
    said: int
    confidence: float

    @property
    def right(self) -> bool:
        """Whether that is the same."""
        return self.shown == self.said


def examples(
    run: Path,
    *,
    corrupt: Sequence[str] = (),
    repair: Mapping[str, Any] | None = None,
    top: int = 1,
    errors: int = 6,
    mistaken: str | None = None,
    split: Split = "test",
    seed: int = 0,
    manifest: Path | None = None,
    store: Path | None = None,
    figures: bool = True,
) -> Analysis:
    """Write down and draw the most confident answers, right and wrong.

    Confidence is the mean over the seeds of the probability (or intensity) of the class of highest
    score. A clip of several classes is right if that class is one of them, and else an error in
    the class of the strongest label. Frames are drawn of clips whose video can be read.

    Parameters
    ----------
    run : Path
        A finished run, or the folder of a cross-validation.
    corrupt : sequence of str
        Corruptions, all at once (as in `emocli evaluate`): what is then got right, and wrong.
    repair : mapping, optional
        What is done about modalities that are not trusted, as `RepairConfig.with_options` takes it.
        By default what was done in training.
    top : int
        Right answers of each class.
    errors : int
        Errors: the worst of each two classes, and the worst of these.
    mistaken : str, optional
        ``joy:anger``: only errors in which the first class was taken for the second, the worst of
        them.
    split : str
        Which clips.
    seed : int
        Of the corruptions.
    manifest, store : Path, optional
        Instead of those the run was trained on.
    figures : bool
        Whether to draw.

    Raises
    ------
    EmocliError
        If the run is no run, or what is asked does not fit it.
    """
    evaluator = open_evaluator(run, split, manifest, store, repair)
    asked = parse_all(corrupt, evaluator.modalities)
    classes, corpus = evaluator.config.classes, evaluator.samples.manifest
    pair = _pair(mistaken, classes)
    predictions = evaluator.predict(asked, seed)
    values = np.mean(predictions.values, axis=0)
    judged = list(_judged(predictions.task, predictions.targets, values))
    chosen = [*_right(judged, len(classes), top), *_wrong(judged, errors, pair)]
    entries = [
        _entry(corpus.clip(predictions.ids[e.index]), e, values[e.index], corpus) for e in chosen
    ]
    labels = [corruption.label for corruption in asked]
    data = {
        **about(run, evaluator),
        "task": evaluator.config.task,
        "classes": list(classes),
        "split": split,
        "n": len(predictions.ids),
        "right": sum(example.right for example in judged),
        "wrong": sum(not example.right for example in judged),
        "repair": evaluator.repair.label,
        "corruption_seed": seed,
        "corruption": labels,
        "mistaken": mistaken,
        "examples": entries,
    }
    frames = {e["clip"]: pictures(corpus.clip(e["clip"])) for e in entries} if figures else {}
    drawn = draw(data, frames) if figures else {}
    name = titled(
        "examples", split, evaluator.other, *labels, evaluator.repair.label, mistaken, seed=seed
    )
    return write(run, name, data, list(_rows(entries)), drawn)


def pictures(clip: Clip) -> list[Picture]:
    """Return a few frames of a clip, evenly spread over it; none where it has no usable video."""
    found: list[Picture] = []
    with suppress(Absent, MediaError):  # of a truncated recording, what there is
        for frame in frames(clip, EVERY):
            found.append(_small(frame.image))
    picks = np.linspace(0, len(found) - 1, min(PICTURES, len(found)) + 2)[1:-1]
    return [found[round(index)] for index in picks] if found else []


def _small(image: Picture) -> Picture:
    import cv2

    height, width = image.shape[:2]
    if width <= WIDEST:
        return image
    size = (WIDEST, round(height * WIDEST / width))
    small: Picture = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return small


def _pair(mistaken: str | None, classes: Sequence[str]) -> tuple[int, int] | None:
    """Read which class was taken for which.

    Raises
    ------
    ConfigError
        If there is no such class, or they are the same.
    """
    if mistaken is None:
        return None
    shown, colon, said = mistaken.partition(":")
    if not colon or shown == said:
        raise ConfigError("is not of the form shown:predicted", where=f"--mistaken '{mistaken}'")
    for name in (shown, said):
        if name not in classes:
            what = f"there is no class '{name}'"
            hint = choice(name, list(classes))
            raise ConfigError(what, where=f"--mistaken '{mistaken}'", hint=hint)
    return classes.index(shown), classes.index(said)


def _judged(task: Task, targets: NDArray[Any], values: NDArray[Any]) -> Iterator[Example]:
    """Judge every clip that shows a class."""
    for index, (target, row) in enumerate(zip(targets, values, strict=True)):
        said = int(row.argmax())
        if task == "single":
            shown = int(target)
        else:
            present = target > (PRESENT if task == "multi" else ACCEPT)
            if not present.any():
                continue
            shown = said if present[said] else int(target.argmax())
        yield Example(index, shown, said, float(row[said]))


def _right(judged: Sequence[Example], classes: int, top: int) -> Iterator[Example]:
    """Choose the most confident right answers of each class, class by class."""
    for wanted in range(classes):
        yield from _surest([e for e in judged if e.right and e.shown == wanted], top)


def _wrong(judged: Sequence[Example], most: int, pair: tuple[int, int] | None) -> Sequence[Example]:
    """Choose the most confident errors: one of each two classes, or all of one pair."""
    wrong = [example for example in judged if not example.right]
    if pair is not None:
        return _surest([e for e in wrong if (e.shown, e.said) == pair], most)
    of_pair: dict[tuple[int, int], Example] = {}
    for example in _surest(wrong, len(wrong)):
        of_pair.setdefault((example.shown, example.said), example)
    return [*of_pair.values()][:most]


def _surest(found: Sequence[Example], most: int) -> list[Example]:
    return sorted(found, key=lambda example: -example.confidence)[:most]


def _entry(clip: Clip, example: Example, values: NDArray[Any], corpus: Manifest) -> dict[str, Any]:
    classes = corpus.classes
    return {
        "right": example.right,
        "shown": classes[example.shown],
        "predicted": classes[example.said],
        "confidence": example.confidence,
        "clip": clip.id,
        "speaker": clip.speaker,
        "dialogue": clip.dialogue,
        "turn": clip.turn,
        "text": clip.text,
        "start": clip.start,
        "end": clip.end,
        "media": {kind: str(path) for kind, path in clip.media.items()},
        "labels": dict(clip.labels),
        "values": dict(zip(classes, map(float, values), strict=True)),
    }


def _rows(entries: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Turn the data into a table."""
    kinds = sorted({kind for entry in entries for kind in entry["media"]})
    for entry in entries:
        plain = {k: v for k, v in entry.items() if k not in {"media", "labels", "values"}}
        yield plain | {kind: entry["media"].get(kind, "") for kind in kinds}
