"""Overview of the runs: networks, training data and test data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from emocli.data.clip import Clip
from emocli.display import number_of
from emocli.evaluation.report import EvaluationReport
from emocli.pages import texts
from emocli.pages.records import ExperimentRecords, RunRecords
from emocli.pages.section import Contents, Section
from emocli.report.document import Grid, Heading, Part
from emocli.report.parts import Facts, Note, Tile, Tiles
from emocli.report.tables import NO_NUMBER, number

FIRST = {
    "accuracy": "accuracy",
    "uar": "unweighted average recall",
    "weighted_f1": "weighted F1",
    "ccc": "concordance correlation",
    "mae": "mean absolute error",
    "ece": "expected calibration error",
}
"""Metrics to be seen first, of those there are."""


LEFT = tuple(range(100))
"""All columns: they hold text."""


def parts(contents: Contents) -> Iterator[Part]:
    """Yield the numbers to be seen first and the facts about each run and experiment."""
    if len(contents.runs) > 1:
        yield _runs(contents)
    known = {run.name: (run, run.main) for run in contents.runs if run.main}
    if len(known) == 1:
        yield from (Tiles(tuple(_tiles(main))) for _, main in known.values())
    yield from _all_facts({name: dict(_facts(*own)) for name, own in known.items()})
    for names, text in texts.named({name: _cautions(*own) for name, own in known.items()}):
        yield Note(f"{names}: {text}" if len(known) > 1 else text, warning=True)
    for each in contents.experiments:
        if len(contents.experiments) > 1 or contents.runs:
            yield Heading(each.report.title, 3)
        yield from _experiment(each)


def _all_facts(facts: Mapping[str, Mapping[str, str]]) -> Iterator[Part]:
    """Yield the facts that all runs share, and then those that differ, run by run."""
    if not facts:
        return
    first = next(iter(facts.values()))
    shared = {k: v for k, v in first.items() if all(own[k] == v for own in facts.values())}
    yield Facts(shared)
    others = [name for name in first if name not in shared]
    if others:
        rows = [(name, *(own[name] for own in facts.values())) for name in others]
        yield Grid(
            ("what", *facts), [[cell.replace("`", "") for cell in r] for r in rows], left=LEFT
        )


def _tiles(report: EvaluationReport) -> Iterator[Tile]:
    clean = report.clean
    for name, shown in FIRST.items():
        if not math.isnan(clean.metrics.get(name, math.nan)):
            notes, own = [], clean.interval_of(name)
            if name == clean.shown[0] and own:
                both = texts.interval(own.ci, own.ci_clips)
                notes += [f"95 %: {both}"] if both != NO_NUMBER else []
            if f"{name}_std" in clean.metrics:
                notes += [f"± {number(clean.metrics[f'{name}_std'])} over the seeds"]
            yield Tile(number(clean.metrics[name]), shown, "; ".join(notes))


def _runs(contents: Contents) -> Grid:
    rows = []
    known = [(run, run.main) for run in contents.runs if run.main]
    shown = known[0][1].clean.shown[:2]
    for run, main in known:
        features = ", ".join(view.feature for view in run.config.features.values())
        rows.append(
            (
                *(run.name, run.config.fusion, run.config.preset, features),
                *(str(len(run.config.seeds)), str(main.n)),
                *(texts.metric(main.clean.metrics, name) for name in shown),
            )
        )
    columns = ("run", "network", "preset", "features", "seeds", "clips", *map(texts.title, shown))
    return Grid(columns, rows, left=(0, 1, 2, 3))


def _facts(run: RunRecords, report: EvaluationReport) -> Iterator[tuple[str, str]]:
    config = run.config
    seeds = ", ".join(map(str, config.seeds))
    yield "Network", f"{config.fusion}, preset `{config.preset}`"
    yield "Seeds", seeds
    yield "Features", ", ".join(f"{m}: {v.feature}" for m, v in config.features.items())
    trained = "" if report.dataset == report.trained_on else f"; trained on {report.trained_on}"
    yield "Dataset", f"{report.dataset}{trained}"
    folds = f", {len(run.folds)} folds pooled" if run.folds else ""
    yield "Clips", f"{report.n} of split `{report.split}`{folds}{_people(run, report)}"
    yield "Predicted", f"{_task(report)} {', '.join(_counted(report))}"
    conditions = dict.fromkeys(side.label for each in run.own for side in each.conditions)
    normalised = f"; features {report.normalised}" if report.normalised else ""
    yield "Test conditions", f"{', '.join(conditions)}{normalised}"
    yield "Repair", report.repair or "nothing is done about modalities that are not trusted"
    lacking = (number_of(n, f"clips have no {m}") for m, n in report.missing.items() if n)
    unlabelled = [number_of(report.unlabelled, "clips have no label")] if report.unlabelled else []
    yield "Left out or lacking", ", ".join([*unlabelled, *lacking])


def _people(run: RunRecords, report: EvaluationReport) -> str:
    """Count speakers and dialogues of the test clips, where the manifest is still there."""
    clips = _tested(run, report)
    speakers = {clip.speaker for clip in clips if clip.speaker}
    dialogues = {clip.dialogue for clip in clips if clip.dialogue}
    known = ((speakers, "speakers"), (dialogues, "dialogues"))
    return "".join(f", {number_of(len(names), what)}" for names, what in known if names)


def _tested(run: RunRecords, report: EvaluationReport) -> list[Clip]:
    corpus = run.corpus
    if corpus is None or report.inputs.manifest != run.config.manifest.fingerprint:
        return []
    labelled = [clip for clip in corpus.clips if corpus.is_labelled(clip)]
    clips = labelled if run.folds else [c for c in labelled if c.split == report.split]
    return clips if len(clips) == report.n else []


def _task(report: EvaluationReport) -> str:
    words = {"single": "one of", "multi": "any of", "intensity": "the intensity of each of"}
    return words[report.task]


def _counted(report: EvaluationReport) -> Iterator[str]:
    """Name the classes with the number of clips that show each."""
    for name, metrics in report.clean.per_class.items():
        yield f"{name} ({metrics['n']:.0f})" if "n" in metrics else name


def _cautions(run: RunRecords, report: EvaluationReport) -> Iterator[str]:
    """Say what a reader should know before the numbers."""
    if run.is_stale(report):
        yield (
            "The run's networks have changed since this evaluation: it is not theirs. "
            f"`{texts.command('emocli evaluate RUN', run)}` makes a new one."
        )
    if not run.is_own(report):
        tested = f"{report.dataset}, {report.split}"
        yield f"This is no evaluation of the run's own test clips: {tested}."
    for file in run.otherwise_normalised:
        name = file.report.clean.shown[0]
        yield (
            f"`{file.path.name}` is not among the numbers here: its features are "
            f"{file.report.normalised or 'not normalised by speaker'} "
            f"({texts.title(name)} {texts.metric(file.report.clean.metrics, name)} of clean clips)."
        )
    yield from report.warnings
    yield from report.remarks


def _experiment(each: ExperimentRecords) -> Iterator[Part]:
    report = each.report
    folds = f"{report.folds} folds pooled" if report.folds else "the manifest's test split"
    done = sum(row.state == "done" for row in report.rows)
    facts = {
        "Experiment": f"`{report.experiment}`, {done} of {len(report.rows)} rows run",
        "Dataset": report.dataset,
        "Clips": f"{report.n} test clips ({folds})",
        "Predicted": f"{report.task}: {', '.join(report.classes)}",
        "Features": ", ".join(dict.fromkeys(f for row in report.rows for f in row.features)),
        "Networks": f"preset `{report.preset}`, {number_of(report.seeds, 'seeds')}",
        "Intervals": report.interval,
    }
    yield Facts(facts)
    yield from (Note(text, warning=True) for text in report.warnings)


SECTION = Section(10, "What, and on what", parts)
