"""The evaluation of a run: its metrics clean and corrupted, with and without the check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from emocli import plugins
from emocli.data.clip import Clip, Split
from emocli.data.durable import digest, write_bytes, write_lock
from emocli.data.filenames import named
from emocli.data.json_io import as_json
from emocli.data.manifest import ManifestOrPath
from emocli.data.normalisation import GIVEN, UNUSED, TestNormalisation
from emocli.data.pool import Progress
from emocli.evaluation.clips import clips_csv
from emocli.evaluation.condition import condition_report, drawn_with, sweep_point
from emocli.evaluation.cross_validation import Evaluator, open_evaluator
from emocli.evaluation.drawing import draw
from emocli.evaluation.evaluator import RunEvaluator
from emocli.evaluation.groups import GroupedReport, grouped, groups_csv, require_known
from emocli.evaluation.predictions import Predictions
from emocli.evaluation.report import (
    ConditionReport,
    EvaluationReport,
    FoldReport,
    InputFingerprints,
)
from emocli.evaluation.tables import tables
from emocli.metrics.metrics import ONE_VS_REST, RULES, Metrics, definitions, score
from emocli.metrics.statistics import interval_over, warnings
from emocli.metrics.summary import compare, means
from emocli.models.calibration import calibration_remarks
from emocli.models.run_config import RunConfig
from emocli.models.rundir import REPORTS
from emocli.parsing import Tree
from emocli.paths import StrPath, listed
from emocli.plugin.feature import Device
from emocli.plugin.feature import device as chosen_device
from emocli.plugin.robustness import TRAINED, CorruptionSpec, RepairOptions, on, packages, read
from emocli.report.canvas import STYLES, StyleName
from emocli.report.canvas import write as write_figures
from emocli.report.tables import ReportTable
from emocli.training.data_warnings import step_warnings
from emocli.version import version, versions

GROUPS = "-groups.csv"
"""End of the name of the file of groups."""

LEVELS = ("20dB", "10dB", "0dB", "-10dB", "-20dB")
"""Signal-to-noise ratios of a sweep, if none are given."""

NESTED = (
    "the settings of each fold were chosen by a search without the clips it tests: study.html in "
    "the folder of the study"
)
"""What is said of folds whose settings were chosen by `emocli tune`."""


@dataclass(frozen=True)
class Evaluation:
    """An evaluation and its files.

    Attributes
    ----------
    path : Path
        The report, a JSON file in the run's ``reports/``.
    report : EvaluationReport
        Its content.
    clips : Path
        The predictions clip by clip, a CSV file beside it; see `clips_csv`.
    figures : tuple of Path
        Drawings beside it, PNG and SVG; the caption of each is beside it (``.txt``).
    """

    path: Path
    report: EvaluationReport
    clips: Path
    figures: tuple[Path, ...]

    @cached_property
    def data(self) -> Tree:
        """The content in plain values: the metrics of the condition asked for at the top."""
        return self.report.data()

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """The report to be read."""
        return tables(self.report)


def evaluate(
    run: StrPath,
    *,
    manifest: ManifestOrPath | None = None,
    store: StrPath | None = None,
    split: Split = "test",
    corrupt: str | CorruptionSpec | Iterable[str | CorruptionSpec] = (),
    sweep: str | Sequence[str] | None = None,
    repair: RepairOptions = TRAINED,
    by: str | Sequence[str] = (),
    seed: int = 0,
    figures: bool = True,
    style: StyleName = "screen",
    device: Device = "cpu",
    ensemble: bool = False,
    normalise: TestNormalisation | None = None,
    progress: Progress = lambda done, total: None,
) -> Evaluation:
    """Evaluate all seeds of a run, and write a report into it.

    The test clips of a cross-validation's folds are pooled: every clip is judged by the networks
    of the fold that tests it, and the metrics are those of all clips together.

    Parameters
    ----------
    run : str or Path
        A finished run, or the folder of a cross-validation.
    manifest : Manifest, str or Path, optional
    store : str or Path, optional
        Instead of those it was trained on.
    split : str
        Which clips.
    corrupt : str, CorruptionSpec or iterable of these
        Corruptions, all at once: ``visual``, ``visual:gaussian@0.01``, ``audio:zero``, ...
    sweep : str or sequence of str, optional
        Levels: each corruption by itself (of every modality, if none is given) at each level. None
        given: `LEVELS`.
    repair : RepairOptions
        What is done about modalities that are not trusted; by default what was done in training.
    by : str or sequence of str
        What to take metrics of groups by: ``speaker``, ``dialogue``, or ``group.<name>``'s name.
    seed : int
        Of the corruptions.
    figures : bool
        Whether to draw.
    style : {'screen', 'paper'}
        The figures' look.
    device : {'cpu', 'auto', 'cuda'}
        Where the networks predict; on a CPU equal files give equal numbers.
    ensemble : bool
        Whether the mean of all seeds' predictions is evaluated, as of one network; of a
        cross-validation on another corpus, the mean over the folds too. On its own corpus only the
        fold that never saw a clip judges it.
    normalise : {'none', 'speaker', 'given'}, optional
        ``none`` reads features that the training normalised by speaker as if there were no other
        clips of anybody, ``given`` takes the statistics of speakers of the tested clips as they
        are given, after the corruption; by default they are of clips as they are in the store.
    progress : callable
        Told conditions done, and all conditions.

    Raises
    ------
    EmocliError
        If the run is no run, its features have changed, or what is asked does not fit it.
    """
    place, requested, by = chosen_device(device, "--device"), read(corrupt), listed(by)
    run, folder = Path(run), None if store is None else Path(store)
    opened = open_evaluator(run, split, manifest, folder, repair, ensemble, normalise)
    evaluator = opened.on(place)
    require_known(by, evaluator.samples.clips)
    requested = on(requested, evaluator.modalities)
    levels = None if sweep is None else listed(sweep)
    swept = _swept(requested, levels, evaluator.modalities)
    conditions = [(), *([requested] if requested else []), *((corruption,) for corruption in swept)]
    predictions = []
    for index, corruptions in enumerate(conditions):
        progress(index, len(conditions))
        predictions.append(evaluator.predict(corruptions, seed))
    progress(len(conditions), len(conditions))
    clean, points = predictions[0], predictions[len(conditions) - len(swept) :]
    corrupted = predictions[1] if requested else None
    report = _report(evaluator, split, seed, by, clean, corrupted, points)
    changes = [*(each.label for each in requested), *(["sweep"] if swept else [])]
    name = _name(evaluator, split, changes, seed, by)
    rows = _clips(evaluator, [clean, *([corrupted] if corrupted else [])])
    drawn = draw(report, style=STYLES[style]) if figures else {}
    return _write(run / REPORTS, name, report, rows, drawn)


def _swept(
    requested: Sequence[CorruptionSpec], levels: Sequence[str] | None, modalities: Sequence[str]
) -> tuple[CorruptionSpec, ...]:
    """Return the corruptions of a sweep, each at every level."""
    if levels is None:
        return ()
    swept = requested or [CorruptionSpec(modality) for modality in modalities]
    return on((each.at(level) for each in swept for level in levels or LEVELS), modalities)


def _report(
    evaluator: Evaluator,
    split: Split,
    seed: int,
    by: Sequence[str],
    clean: Predictions,
    corrupted: Predictions | None,
    points: Iterable[Predictions],
) -> EvaluationReport:
    config, samples = evaluator.config, evaluator.samples
    ovr = config.train.one_vs_rest
    manifest, stores = samples.manifest, samples.stores.values()
    sides = [condition_report(evaluator, each) for each in (clean, corrupted) if each]
    return EvaluationReport(
        **vars(sides[-1]),
        format=EvaluationReport.FORMAT,
        emocli=version(),
        versions=versions(_packages(config, (clean, *([corrupted] if corrupted else []), *points))),
        run=evaluator.run.resolve().name,
        fusion=config.fusion,
        preset=config.preset,
        seeds=tuple(config.seeds),
        ensemble=evaluator.networks if evaluator.networks > 1 else None,
        normalised=evaluator.normalised or None,
        dataset=manifest.dataset,
        trained_on=config.dataset,
        task=config.task,
        classes=tuple(config.classes),
        split=split,
        n=len(samples),
        check=evaluator.repair.trust == "check",
        repair=evaluator.repair.label,
        remarks=(
            *evaluator.parts[0].repair_factory.remarks(evaluator.repair),
            *step_warnings({split: samples}),
            *dict.fromkeys(line for part in evaluator.parts for line in part.remarks),
            *calibration_remarks(m.calibration for part in evaluator.parts for m in part.members),
            *([NESTED] if config.tuned else []),
        ),
        trained_with={**config.robust, "check": config.check},
        corruption_seed=seed,
        device=evaluator.device,
        interval=interval_over(samples.clips),
        warnings=tuple(warnings(samples.clips)),
        definitions=definitions(config.task, config.classes),
        rules={**RULES[config.task], **({"binary": ONE_VS_REST} if ovr else {})},
        unlabelled=evaluator.unlabelled,
        missing=samples.missing(),
        non_finite={store.name: store.header.non_finite for store in stores},
        clipped={samples.stores[m].name: count for m, count in evaluator.clipped.items()},
        inputs=InputFingerprints(
            manifest=manifest.fingerprint,
            features={store.name: store.fingerprint for store in stores},
            models=evaluator.fingerprints,
            checks=_checks(evaluator),
        ),
        clean=sides[0],
        corrupted=sides[1] if corrupted else None,
        difference=compare(clean.scores, corrupted.scores, drawn_with(evaluator, clean))
        if corrupted
        else None,
        sweep=tuple(sweep_point(evaluator, point) for point in points),
        baselines=_baselines(evaluator, clean),
        folds=_folds(evaluator, clean, corrupted),
        by=_grouped(by, samples.clips, sides, [clean, *([corrupted] if corrupted else [])]),
    )


def _packages(config: RunConfig, conditions: Iterable[Predictions]) -> list[str]:
    """Return the installed packages that add the network, or a corruption of one of conditions."""
    corruptions = (each for condition in conditions for each in condition.corruptions)
    return [*plugins.packages("fusion", config.fusion), *packages(corruptions)]


def _grouped(
    by: Sequence[str],
    clips: Sequence[Clip],
    sides: Sequence[ConditionReport],
    predictions: Sequence[Predictions],
) -> tuple[GroupedReport, ...] | None:
    """Return the metrics of groups, if any are asked for."""
    names = [side.label for side in sides]
    return grouped(by, clips, list(zip(names, predictions, strict=True))) if by else None


def _baselines(evaluator: Evaluator, clean: Predictions) -> dict[str, Metrics]:
    """Return the metrics of the classes' frequencies in the train split, for every clip."""
    values = evaluator.prior()
    if values is None:
        return {}
    return {"prior": score(clean.task, clean.targets, values, clean.classes).overall}


def _folds(
    evaluator: Evaluator, clean: Predictions, corrupted: Predictions | None
) -> tuple[FoldReport, ...]:
    """Return the metrics of each fold of a cross-validation by itself."""
    if len(evaluator.parts) == 1 or evaluator.other:
        return ()

    def own(predictions: Predictions, part: RunEvaluator) -> Metrics:
        return means([s.overall for s in predictions.only(part.samples.clips).scores])

    return tuple(
        FoldReport(
            fold=index,
            n=len(part.samples),
            clean=own(clean, part),
            corrupted=own(corrupted, part) if corrupted else None,
        )
        for index, part in enumerate(evaluator.parts)
    )


def _checks(evaluator: Evaluator) -> dict[str, str]:
    """Return the digest of each modality check that was asked, by its file's name."""
    if evaluator.repair.trust != "check":
        return {}
    places = [part.repair_factory.place for part in evaluator.parts]
    return {place.name: digest(place) for place in places}


def _name(
    evaluator: Evaluator,
    split: str,
    changes: Sequence[str],
    seed: int,
    by: Sequence[str],
) -> str:
    """Name a report by split, corpus and conditions; ``changes`` are labels of corruptions."""
    repair = evaluator.repair.label
    labels = list(changes)
    if repair:
        labels.append(repair)
    if seed and changes:
        labels.append(f"seed {seed}")
    if evaluator.networks > 1:
        labels.append("ensemble")
    kinds = {UNUSED: "normalise none", GIVEN: "normalise given"}
    if evaluator.normalised in kinds:
        labels.append(kinds[evaluator.normalised])
    if by:
        labels.append(f"by {' '.join(by)}")
    return named("+".join([split, *filter(None, [evaluator.other]), *labels]))


def _clips(evaluator: Evaluator, conditions: Sequence[Predictions]) -> str:
    """Return the predictions clip by clip, without those of a sweep."""
    clips = {clip.id: clip for clip in evaluator.samples.clips}
    return clips_csv(conditions, evaluator.seeds, clips)


def _write(
    folder: Path, name: str, report: EvaluationReport, rows: str, drawn: Mapping[str, bytes]
) -> Evaluation:
    """Write the drawings and the clips, then the report."""
    path = folder / f"{name}.json"
    with write_lock(path, wait=True):
        figures = write_figures(folder, name, drawn)
        groups = {GROUPS: groups_csv(report.by)} if report.by else {}
        for suffix, text in {".csv": rows, **groups, ".json": as_json(report)}.items():
            write_bytes(folder / f"{name}{suffix}", text.encode())
    return Evaluation(path, report, folder / f"{name}.csv", figures)
