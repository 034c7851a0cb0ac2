"""The prediction of recordings: segments, features, networks, and the files that hold the result.

Recordings are done in units of at least `UNIT` segments. What a unit gave is kept until all are
done, and its features are removed: a killed prediction goes on with the unit it was at, and an
hour of video takes no more memory than a minute.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from emocli import __version__
from emocli.config import Tree
from emocli.data.clip import Clip
from emocli.data.durable import locked, make_folder, used_folder, write_text
from emocli.data.json_io import as_json
from emocli.data.pool import Progress
from emocli.data.stamp import stamps
from emocli.errors import MediaError, ReportError
from emocli.plugin.feature import Device
from emocli.plugin.feature import device as chosen_device
from emocli.plugin.robustness import TRAINED, RepairOptions
from emocli.prediction.clips import Piece, manifest_of
from emocli.prediction.extracted import Extracted, extracted
from emocli.prediction.inputs import pieces_for
from emocli.prediction.networks import Ensemble
from emocli.prediction.recompute import RunFeatures, run_features
from emocli.prediction.rows import SegmentOutputs, failed
from emocli.prediction.segment import SegmentOptions
from emocli.prediction.timeline import FailedInput, PredictionReport, SegmentPrediction, UnitReport
from emocli.prediction.vocabulary import unknown_words
from emocli.prediction.writers import write_all
from emocli.prediction.writers.formats import require_formats, write_formats

UNIT = 64
"""Segments of short recordings that are done together."""

WORK = ".work"
"""The folder, inside that of the result, of what is not finished."""


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """How recordings are predicted.

    Attributes
    ----------
    segments : SegmentOptions
        How recordings are cut.
    settings : mapping
        Feature to settings that are other on this machine: where word vectors and encoders are.
    repair : RepairOptions
        What is done about modalities that are not trusted; by default what was done in training.
    workers : int
        Processes that compute features.
    device : {'cpu', 'auto', 'cuda'}
        Where the networks predict.
    formats : tuple of str
        What is written beside CSV, JSON and page: ``eaf``, ``textgrid``, ``srt``, ``vtt``.
    """

    segments: SegmentOptions = field(default_factory=SegmentOptions)
    settings: Mapping[str, Tree] = field(default_factory=dict)
    repair: RepairOptions = TRAINED
    workers: int = 1
    device: Device = "cpu"
    formats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Predictor:
    """A run that is ready to predict recordings.

    Attributes
    ----------
    ensemble : Ensemble
        Its networks.
    features : RunFeatures
        What they read, and how it is computed.
    options : PredictOptions
        How recordings are predicted.
    """

    ensemble: Ensemble
    features: RunFeatures
    options: PredictOptions

    @classmethod
    def open(cls, run: Path, options: PredictOptions) -> Predictor:
        """Load a run and make sure, before any work, that its features can be computed here.

        Raises
        ------
        EmocliError
            In one line, if something is absent, damaged or does not fit.
        """
        ensemble = Ensemble.open(run, options.repair)
        first = ensemble.folds[0]
        features = run_features(first.path, first.config, options.settings)
        return cls(ensemble, features, replace(options, device=_device(options.device)))

    def predict(
        self,
        inputs: Sequence[Path],
        work: Path,
        progress: Progress = lambda done, total: None,
    ) -> PredictionReport:
        """Predict files, folders, or the clips of manifests; what is not finished is in ``work``.

        Raises
        ------
        EmocliError
            If an input is not there, or nothing could be predicted.
        """
        make_folder(work)
        cut = pieces_for(inputs, self.ensemble.config.classes, self.options.segments, work)
        pieces, failures = cut.pieces, cut.failures
        reports, total, before = [], len(pieces), 0
        for unit in _units(pieces):

            def advance(done: int, before: int = before) -> None:
                progress(before + done, total)

            reports.append(self._unit(unit, work, advance, zeros=not cut.cut))
            before += len(unit)
        segments = tuple(segment for report in reports for segment in report.segments)
        failures += tuple(failure for report in reports for failure in report.failures)
        _require_some(segments, failures, self)
        notes = (*cut.notes, *(remark for report in reports for remark in report.remarks))
        return self._report(segments, failures, notes)

    def _unit(
        self, pieces: Sequence[Piece], work: Path, advance: Callable[[int], None], *, zeros: bool
    ) -> UnitReport:
        folder = work / self._key(pieces, zeros)
        path = folder.with_suffix(".json")
        try:
            return UnitReport.read(path)
        except ReportError:
            pass  # not done yet, or by another version
        clips = [piece.clip for piece in pieces]
        config, options = self.ensemble.config, self.options
        features = extracted(
            clips,
            self.features,
            config,
            folder,
            options.workers,
            lambda share: advance(int(share * len(pieces))),
            zeros,
        )
        there = any(store.length(clip.id) for store in features.stores.values() for clip in clips)
        outputs = self.ensemble.predict(clips, features.stores, options.device) if there else None
        widths = self.ensemble.half_widths
        rows = SegmentOutputs(config, pieces, features.stores, outputs, widths, features.faces)
        report = UnitReport(
            format=UnitReport.FORMAT,
            segments=rows.segments(),
            failures=failed(pieces, features.failures),
            remarks=(
                *features.remarks,
                *unknown_words(pieces, features.words),
                *self._few(clips, features),
            ),
        )
        make_folder(work)
        write_text(path, as_json(report))
        shutil.rmtree(folder, ignore_errors=True)
        advance(len(pieces))
        return report

    def _few(self, clips: Sequence[Clip], features: Extracted) -> Iterator[str]:
        """Say of whom there are too few segments for statistics of their own."""
        return self.ensemble.folds[0].remarks(self.ensemble.samples(clips, features.stores))

    def _key(self, pieces: Sequence[Piece], zeros: bool) -> str:
        """Return a name that is equal for equal clips, files, features and networks."""
        clips = [piece.clip for piece in pieces]
        facts = [
            manifest_of(clips, self.ensemble.config).fingerprint,
            sorted(stamps(clips).items()),
            [(clip.speaker, clip.dialogue, clip.turn) for clip in clips],
            [(recipe.name, recipe.settings) for recipe in self.features.recipes],
            self._networks,
            zeros,
            __version__,
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]

    @cached_property
    def _networks(self) -> str:
        return self.ensemble.fingerprint

    def _report(
        self,
        segments: tuple[SegmentPrediction, ...],
        failures: tuple[FailedInput, ...],
        notes: tuple[str, ...],
    ) -> PredictionReport:
        config, ensemble = self.ensemble.config, self.ensemble
        return PredictionReport(
            format=PredictionReport.FORMAT,
            emocli=__version__,
            run=ensemble.path.resolve().name,
            fusion=config.fusion,
            networks=ensemble.networks,
            task=config.task,
            classes=config.classes,
            features={modality: view.feature for modality, view in config.features.items()},
            repair=ensemble.folds[0].repair.label,
            calibrated=ensemble.calibrated,
            versions=config.versions,
            segments=segments,
            failures=failures,
            remarks=(*notes, *ensemble.remarks()),
        )


def predict(
    run: Path,
    inputs: Sequence[Path],
    out: Path,
    *,
    options: PredictOptions | None = None,
    progress: Progress = lambda done, total: None,
) -> PredictionReport:
    """Predict recordings and write ``predictions.csv``, ``predictions.json`` and ``report.html``.

    Parameters
    ----------
    run : Path
        A run of one seed or several, or a cross-validation.
    inputs : sequence of Path
        Media files, folders of them, or manifests, whose clips need no labels.
    out : Path
        Folder of the result. Repeated after an interruption, the same call goes on.
    options : PredictOptions, optional
        How.
    progress : callable
        Told segments done, and all segments.

    Raises
    ------
    EmocliError
        In one line, if something is absent, damaged or does not fit, or nothing can be predicted.
    """
    chosen = options or PredictOptions()
    require_formats(chosen.formats)
    return predict_into(Predictor.open(run, chosen), inputs, out, progress)


def predict_into(
    predictor: Predictor,
    inputs: Sequence[Path],
    out: Path,
    progress: Progress = lambda done, total: None,
) -> PredictionReport:
    """Predict recordings with a run that is ready, and write the result; see `predict`."""
    with used_folder(out / WORK), locked(out / ".lock"):
        report = predictor.predict(inputs, out / WORK, progress)
        write_formats(report, out, predictor.options.formats)
        write_all(report, out)
        shutil.rmtree(out / WORK, ignore_errors=True)
    return report


def _device(wanted: Device) -> Device:
    return "cuda" if chosen_device(wanted, "--device") == "cuda" else "cpu"


def _units(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, ...]]:
    """Put recordings together until there are enough segments; none is taken apart."""
    unit: list[Piece] = []
    for index, piece in enumerate(pieces):
        own = piece.clip.dialogue or piece.clip.id
        before = pieces[index - 1].clip if index else None
        if len(unit) >= UNIT and before and (before.dialogue or before.id) != own:
            yield tuple(unit)
            unit = []
        unit.append(piece)
    if unit:
        yield tuple(unit)


def _require_some(
    segments: Sequence[SegmentPrediction], failures: Sequence[FailedInput], predictor: Predictor
) -> None:
    """Raise `MediaError` if no segment has anything that the run reads."""
    if any(segment.label for segment in segments):
        return
    names = [f"{m} ({v.feature})" for m, v in predictor.features.views.items()]
    what = f"nothing could be predicted: no segment has {' or '.join(names)}"
    why = f"; the first failure: {failures[0].message}" if failures else ""
    raise MediaError(f"{what}{why}", hint="choose recordings that have what the run reads")
