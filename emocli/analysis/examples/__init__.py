"""Example clips: the most confident right answers of a network, and its most confident errors.

Source: Mittal 2020, AAAI, Fig. 3, 4 and 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from emocli.analysis.examples._figure import draw
from emocli.analysis.examples._page import parts
from emocli.analysis.examples._report import ExampleClip
from emocli.analysis.examples._report import ExamplesReport as Report
from emocli.data.media.stills import pictures
from emocli.errors import ConfigError, choice
from emocli.limits import MOST_EXAMPLES
from emocli.plugin.analysis import (
    AnalysisPage,
    Clip,
    ConditionOptions,
    CsvRow,
    Finding,
    Option,
    Progress,
    about,
    name_of,
    opened,
)
from emocli.plugin.analysis.drawing import ReportTable
from emocli.plugin.robustness import on

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emocli.data.manifest import Manifest, Task


@dataclass(frozen=True, kw_only=True)
class Options(ConditionOptions):
    """Show the most confident right answers of each class, and the most confident errors.

    The figures show frames of those clips whose video can be read.
    """

    top: Annotated[int, Option("Right answers of each class.", least=0, most=MOST_EXAMPLES)] = 1
    errors: Annotated[
        int,
        Option(
            "Most errors: the most confident of every pair of classes.", least=0, most=MOST_EXAMPLES
        ),
    ] = 6
    mistaken: Annotated[
        str | None,
        Option(
            "Only the most confident errors of these two classes, e.g. joy:anger.",
            "SHOWN:PREDICTED",
        ),
    ] = None


def measure(options: Options, progress: Progress) -> Finding:
    """Choose the most confident answers, right and wrong.

    Confidence is the mean over the seeds of the probability (or intensity) of the class of highest
    score. A clip of several classes is right if that class is one of them, and else an error in
    the class of the strongest label.

    Raises
    ------
    EmocliError
        If the run is no run, or what is asked does not fit it.
    """
    import numpy as np

    evaluator = opened(options)
    corruptions = on(options.corrupt, evaluator.modalities)
    classes, corpus = evaluator.config.classes, evaluator.samples.manifest
    pair = _pair(options.mistaken, classes)
    predictions = evaluator.predict(corruptions, options.seed)
    values = np.mean(predictions.values, axis=0)
    judged = list(_judged(predictions.task, predictions.targets, values))
    chosen = [
        *_right(judged, len(classes), options.top),
        *_wrong(judged, options.errors, pair),
    ]
    entries = tuple(
        _entry(corpus.clip(predictions.ids[e.index]), e, values[e.index], corpus) for e in chosen
    )
    labels, repair = [corruption.label for corruption in corruptions], evaluator.repair.label
    report = Report(
        **vars(about(options.run, evaluator)),
        task=evaluator.config.task,
        classes=tuple(classes),
        split=options.split,
        n=len(predictions.ids),
        right=sum(example.right for example in judged),
        wrong=sum(not example.right for example in judged),
        repair=repair,
        corruption_seed=options.seed,
        corruption=tuple(labels),
        mistaken=options.mistaken,
        examples=entries,
    )
    return Finding(
        name_of("examples", options, evaluator, *labels, choice=options.mistaken),
        report,
        _rows(entries),
        tabulate(report),
        lambda style: draw(report, {e.clip: pictures(corpus.clip(e.clip)) for e in entries}, style),
        tuple(_absent(report, options)),
    )


def _absent(report: Report, options: Options) -> Iterator[str]:
    """Describe requested examples that no clip provides."""
    right = {example.shown for example in report.examples if example.right}
    absent = [name for name in report.classes if name not in right]
    if options.top and absent:
        yield f"no right clip of: {', '.join(absent)}"
    if not options.errors or any(not example.right for example in report.examples):
        return
    if options.mistaken is None:
        yield f"no {report.split} clip was taken for another class"
    else:
        shown, _, predicted = options.mistaken.partition(":")
        yield f"no {report.split} clip that shows {shown} was taken for {predicted}"


@dataclass(frozen=True)
class Example:
    """The indices of a clip, of the class it shows, and of the predicted one."""

    index: int
    shown: int
    predicted: int
    confidence: float

    @property
    def right(self) -> bool:
        """Whether the classes are the same."""
        return self.shown == self.predicted


def _pair(mistaken: str | None, classes: Sequence[str]) -> tuple[int, int] | None:
    """Read which class was taken for which.

    Raises
    ------
    ConfigError
        If there is no such class, or they are the same.
    """
    if mistaken is None:
        return None
    shown, colon, predicted = mistaken.partition(":")
    if not colon or shown == predicted:
        raise ConfigError("is not of the form shown:predicted", where=f"--mistaken '{mistaken}'")
    for name in (shown, predicted):
        if name not in classes:
            what = f"there is no class '{name}'"
            hint = choice(name, list(classes))
            raise ConfigError(what, where=f"--mistaken '{mistaken}'", hint=hint)
    return classes.index(shown), classes.index(predicted)


def _judged(task: Task, targets: NDArray[Any], values: NDArray[Any]) -> Iterator[Example]:
    """Judge every clip that shows a class."""
    from emocli.metrics.metrics import ACCEPT, PRESENT

    for index, (target, row) in enumerate(zip(targets, values, strict=True)):
        predicted = int(row.argmax())
        if task == "single":
            shown = int(target)
        else:
            present = target > (PRESENT if task == "multi" else ACCEPT)
            if not present.any():
                continue
            shown = predicted if present[predicted] else int(target.argmax())
        yield Example(index, shown, predicted, float(row[predicted]))


def _right(judged: Sequence[Example], classes: int, top: int) -> Iterator[Example]:
    """Choose the most confident right answers of each class, class by class."""
    for wanted in range(classes):
        yield from _most_confident([e for e in judged if e.right and e.shown == wanted], top)


def _wrong(judged: Sequence[Example], most: int, pair: tuple[int, int] | None) -> Sequence[Example]:
    """Choose the most confident errors: one of each two classes, or all of one pair."""
    wrong = [example for example in judged if not example.right]
    if pair is not None:
        return _most_confident([e for e in wrong if (e.shown, e.predicted) == pair], most)
    of_pair: dict[tuple[int, int], Example] = {}
    for example in _most_confident(wrong, len(wrong)):
        of_pair.setdefault((example.shown, example.predicted), example)
    return [*of_pair.values()][:most]


def _most_confident(examples: Sequence[Example], most: int) -> list[Example]:
    return sorted(examples, key=lambda example: -example.confidence)[:most]


def _entry(clip: Clip, example: Example, values: NDArray[Any], corpus: Manifest) -> ExampleClip:
    classes = corpus.classes
    return ExampleClip(
        right=example.right,
        shown=classes[example.shown],
        predicted=classes[example.predicted],
        confidence=example.confidence,
        clip=clip.id,
        speaker=clip.speaker,
        dialogue=clip.dialogue,
        turn=clip.turn,
        text=clip.text,
        start=clip.start,
        end=clip.end,
        media={kind: str(path) for kind, path in clip.media.items()},
        labels=dict(clip.labels),
        values=dict(zip(classes, map(float, values), strict=True)),
    )


def _rows(entries: Sequence[ExampleClip]) -> Iterator[CsvRow]:
    """Yield a row per clip, its media in columns of their own."""
    kinds = sorted({kind for entry in entries for kind in entry.media})
    for entry in entries:
        scalars = {k: v for k, v in vars(entry).items() if k not in {"media", "labels", "values"}}
        yield scalars | {kind: entry.media.get(kind, "") for kind in kinds}


PAGE = AnalysisPage(80, "Example clips", parts, "the most confident clips, right and wrong")


def tabulate(report: Report) -> tuple[ReportTable, ...]:
    """Return the right answers and the errors, a row per clip; only those there are."""
    columns = ("shown", "predicted", "confidence", "clip", "text")
    title = f"{report.run} · {report.dataset}, {report.split}"

    def table(name: str, right: bool, total: int) -> ReportTable:
        rows = tuple(
            (e.shown, e.predicted, e.confidence, e.clip, e.text)
            for e in report.examples
            if e.right is right
        )
        return ReportTable(
            f"{title}: {name}, most confident ({len(rows)} of {total})", columns, rows
        )

    both = table("right", True, report.right), table("errors", False, report.wrong)
    return tuple(each for each in both if each.rows)
