"""Example clips, and their cards on a page: pictures, words, and what was predicted of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from emocli.analysis.examples._report import ExampleClip, ExamplesReport
from emocli.data.media.stills import crops, jpeg, pictures
from emocli.errors import EmocliError
from emocli.plugin.analysis import Clip
from emocli.plugin.analysis.drawing import Card, Cards, Heading, Note, Paragraph, Part

MOST = 4
"""Classes whose probability a card tells, the most probable ones."""


def parts(report: ExamplesReport, run: Path) -> Iterator[Part]:
    """Yield the clips as cards, with frames or face crops where there are some."""
    condition, repair = " + ".join(report.corruption) or "clean", report.repair
    yield Paragraph(
        f"{report.right} of {report.n} clips ({report.split}, {condition}"
        f"{f', {repair}' if repair else ''}) were predicted right, {report.wrong} wrong. Shown are "
        "the most confident right ones of each class, and the most confident errors."
    )
    for title, right in (("Right, most confident", True), ("Wrong, most confident", False)):
        chosen = [entry for entry in report.examples if entry.right is right]
        if chosen:
            yield from (Heading(title, 3), *cards(chosen, run))


def cards(examples: Sequence[ExampleClip], run: Path) -> Iterator[Part]:
    """Yield the cards, and say which clips have no pictures."""
    store = _store(run)
    shown = tuple(_card(example, store) for example in examples)
    yield Cards(shown)
    bare = sum(not card.stills for card in shown)
    if bare:
        yield Note(
            f"{bare} of these {len(shown)} clips have no pictures: neither their video nor crops "
            "of their faces are where they were."
        )


def _store(run: Path) -> Path | None:
    """Return the folder of the features; None where it is no longer there."""
    from emocli.models import rundir

    folder = next(iter(rundir.folds(run)), run)
    try:
        path = rundir.read_config(folder).store.locate(folder)
    except EmocliError:
        return None
    return path if path.is_dir() else None


def _card(example: ExampleClip, store: Path | None) -> Card:
    media = {kind: Path(path) for kind, path in example.media.items()}
    clip = Clip(id=example.clip, start=example.start, end=example.end, media=media)
    stills = pictures(clip) or (crops(store, clip.id) if store else [])
    title = example.shown if example.right else f"{example.shown} \u2192 {example.predicted}"
    others = sorted(example.values.items(), key=lambda each: -each[1])[:MOST]
    who = " \u00b7 ".join(filter(None, [example.clip, example.speaker]))
    kind = "right" if example.right else "wrong: shown \u2192 predicted"
    return Card(
        title=f"{title} {example.confidence:.2f}",
        good=example.right,
        words=example.text,
        lines=(kind, ", ".join(f"{name} {value:.2f}" for name, value in others), who),
        stills=tuple(map(jpeg, stills)),
        caption=f"{example.clip}, who shows {example.shown}",
    )
