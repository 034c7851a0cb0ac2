"""The prediction of recordings: segments, features, networks, and the files that hold the result.

Recordings are done in units of at least `UNIT` segments. What a unit gave is kept until all are
done, and its features are removed: a killed prediction goes on with the unit it was at, and an
hour of video takes no more memory than a minute.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from emocli.config import Plain
from emocli.data.clip import Clip
from emocli.data.durable import locked, make_folder, used_folder, write_text
from emocli.data.json_io import as_json
from emocli.data.pool import Pool, open_pool
from emocli.data.stamp import stamps
from emocli.errors import MediaError, ReportError
from emocli.paths import StrPath, StrPaths, listed
from emocli.plugin.feature import Device
from emocli.plugin.feature import device as chosen_device
from emocli.plugin.robustness import TRAINED, RepairOptions
from emocli.plugin.writer import SegmentPrediction
from emocli.prediction.clips import Piece, manifest_of, units
from emocli.prediction.extracted import Extracted, ShareDone, extract_apart, extracted
from emocli.prediction.inputs import pieces_for
from emocli.prediction.networks import Ensemble
from emocli.prediction.packing.hub import located
from emocli.prediction.people import MAIN, FaceChoice
from emocli.prediction.progress import SILENT, Stages, UnitClock
from emocli.prediction.recompute import RunFeatures, run_features
from emocli.prediction.rows import SegmentOutputs, failed
from emocli.prediction.segment_people import PeopleAssignment, SegmentPeople
from emocli.prediction.segmentation import transcriber
from emocli.prediction.segmentation.segmenter import SegmentOptions
from emocli.prediction.timeline import Cutting, FailedInput, PredictionReport, UnitReport
from emocli.prediction.vocabulary import unknown_words
from emocli.prediction.writers import write_all
from emocli.prediction.writers.formats import require_formats, write_formats
from emocli.version import version, versions

SHARE = 16
"""Segments that are worth a process of their own."""

WORK = ".work"
"""The folder, inside that of the result, of what is not finished."""


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """Options of a prediction of recordings.

    Attributes
    ----------
    segments : SegmentOptions
        How recordings are cut.
    settings : mapping
        Feature to settings that are other on this machine: where word vectors and encoders are.
    repair : RepairOptions
        What is done about modalities that are not trusted; by default what was done in training.
    workers : int
        Processes that compute features, beside this one, which looks for people and predicts; 1
        is this one alone, and so is any number for few segments.
    device : {'cpu', 'auto', 'cuda'}
        Where the networks predict.
    face : str
        Whose face: ``main``, ``largest``, ``each``, or a person by number (see
        `emocli.prediction.people`). Empty is ``main`` for recordings; for the clips of manifests
        it is what the feature itself looks at, as in `emocli.evaluation`.
    formats : tuple of str
        What is written beside CSV, JSON and page: ``eaf``, ``textgrid``, ``srt``, ``vtt``.
    """

    segments: SegmentOptions = field(default_factory=SegmentOptions)
    settings: Mapping[str, Plain] = field(default_factory=dict)
    repair: RepairOptions = TRAINED
    workers: int = 1
    device: Device = "cpu"
    face: str = ""
    formats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "formats", listed(self.formats))


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
        ensemble = Ensemble.open(located(run), options.repair)
        first = ensemble.folds[0]
        placed = ensemble.pack.placed(ensemble.path) if ensemble.pack else {}
        features = run_features(first.path, first.config, options.settings, placed)
        PeopleAssignment.require(features, options.face, run)
        place = chosen_device(options.device, "--device")
        return cls(ensemble, features, replace(options, device=place))

    def predict(
        self, inputs: Sequence[Path], work: Path, progress: Stages = SILENT
    ) -> PredictionReport:
        """Predict files, folders, or the clips of manifests; what is not finished is in ``work``.

        Raises
        ------
        EmocliError
            If an input is not there, or nothing could be predicted.
        """
        make_folder(work)
        classes, segmenting = self.ensemble.config.classes, self.options.segments
        cut = pieces_for(inputs, classes, segmenting, work, progress.cutting)
        pieces, failures = cut.pieces, cut.failures
        how = self.options.face or (MAIN if cut.cutting else "")
        assignment = PeopleAssignment.of(self.features, FaceChoice.of(how)) if how else None
        parts = units(pieces) if cut.cutting or not self._by_speaker else (pieces,)
        clock = UnitClock(PeopleAssignment.seconds(pieces), len(pieces), progress)
        reports = []
        with open_pool(min(self.options.workers, max(1, len(pieces) // SHARE))) as pool:
            for unit in parts:
                reports.append(self._unit(unit, work, clock, assignment, pool, zeros=not how))
                clock.finish(PeopleAssignment.seconds(unit), len(unit))
        segments = tuple(segment for report in reports for segment in report.segments)
        failures += tuple(failure for report in reports for failure in report.failures)
        _require_some(pieces, segments, failures, self)
        notes = (*cut.notes, *(remark for report in reports for remark in report.remarks))
        if assignment is not None:
            seen = self.features.built_on(assignment.feature)
            notes += tuple(assignment.remarks(pieces, segments, seen))
        if cut.cutting:
            notes += tuple(self.ensemble.segment_remarks())
        face = str(assignment.choice) if assignment else ""
        return self._report(segments, failures, notes, face, cut.cutting)

    def _unit(
        self,
        pieces: Sequence[Piece],
        work: Path,
        clock: UnitClock,
        assignment: PeopleAssignment | None,
        pool: Pool,
        *,
        zeros: bool,
    ) -> UnitReport:
        folder = work / self._key(pieces, assignment, zeros)
        path = folder.with_suffix(".json")
        try:
            return UnitReport.read(path)
        except ReportError:
            pass  # not done yet, or by another version
        assigned = None

        def advance(share: float) -> None:
            clock.predicted(share * len(pieces))

        if assignment is not None:
            with self._meanwhile(pieces, folder, assignment, pool, advance):
                assigned = assignment.assign(pieces, work, clock.known)
        report = self._predicted(pieces, folder, advance, assigned, pool, zeros=zeros)
        make_folder(work)
        write_text(path, as_json(report))
        shutil.rmtree(folder, ignore_errors=True)
        return report

    def _meanwhile(
        self,
        pieces: Sequence[Piece],
        folder: Path,
        assignment: PeopleAssignment,
        pool: Pool,
        advance: ShareDone,
    ) -> AbstractContextManager[None]:
        """While people are looked for, let other processes compute what they have no part in."""
        if not (pool.is_parallel and assignment.takes_all):
            return nullcontext()
        clips, config = [piece.clip for piece in pieces], self.ensemble.config
        return pool.background(
            lambda: extract_apart(
                assignment.feature, clips, self.features, config, folder, pool, advance
            )
        )

    def _few(self, clips: Sequence[Clip], features: Extracted) -> Iterator[str]:
        """Say of whom there are too few segments for statistics of their own."""
        return self.ensemble.folds[0].remarks(self.ensemble.samples(clips, features.stores))

    def _predicted(
        self,
        pieces: Sequence[Piece],
        folder: Path,
        advance: ShareDone,
        assigned: SegmentPeople | None,
        pool: Pool,
        *,
        zeros: bool,
    ) -> UnitReport:
        if assigned is not None and not assigned.rows:
            return _unit_report((), assigned.failures, assigned.remarks)
        config = self.ensemble.config
        features = extracted(
            [piece.clip for piece in (assigned.segments if assigned else pieces)],
            self.features,
            config,
            folder,
            pool,
            advance,
            zeros,
            assigned.clips if assigned else None,
        )
        rows = assigned.rows if assigned else tuple(pieces)
        clips, stores = [row.clip for row in rows], features.stores
        there = any(store.length(clip.id) for store in stores.values() for clip in clips)
        outputs = self.ensemble.predict(clips, stores, self.options.device) if there else None
        widths = self.ensemble.half_widths
        predicted = SegmentOutputs(config, rows, stores, outputs, widths, features.faces)
        failures = failed((*pieces, *rows), features.failures)
        remarks = (
            *features.remarks,
            *unknown_words(pieces, features.words),
            *self._few(clips, features),
        )
        if assigned is not None:
            failures = (*assigned.failures, *failures)
            remarks = (*assigned.remarks, *remarks)
        return _unit_report(predicted.segments(), failures, remarks)

    def _key(self, pieces: Sequence[Piece], people: PeopleAssignment | None, zeros: bool) -> str:
        """Return a name that is equal for equal clips, files, features and networks."""
        clips = [piece.clip for piece in pieces]
        facts = [
            manifest_of(clips, self.ensemble.config).fingerprint,
            sorted(stamps(clips).items()),
            [(clip.speaker, clip.dialogue, clip.turn) for clip in clips],
            [(recipe.name, recipe.settings) for recipe in self.features.recipes],
            self._networks,
            str(people.choice) if people else "",
            zeros,
            version(),
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]

    @cached_property
    def _networks(self) -> str:
        return self.ensemble.fingerprint

    @property
    def _by_speaker(self) -> bool:
        """Whether clips depend on all others of their speaker, who may be in any of a manifest."""
        recipes = self.features.recipes
        return self.ensemble.config.train.normalise == "speaker" or any(
            recipe.by_speaker for recipe in recipes
        )

    def _libraries(self) -> dict[str, str]:
        """Return the versions of what is installed here of the libraries that take part."""
        trained, features = self.ensemble.config.versions, self.features.libraries
        return versions([*trained, *features, *transcriber.LIBRARIES])

    def _report(
        self,
        segments: tuple[SegmentPrediction, ...],
        failures: tuple[FailedInput, ...],
        notes: tuple[str, ...],
        face: str,
        cutting: Cutting | None,
    ) -> PredictionReport:
        config, ensemble = self.ensemble.config, self.ensemble
        return PredictionReport(
            format=PredictionReport.FORMAT,
            emocli=version(),
            run=ensemble.path.resolve().name,
            fusion=config.fusion,
            networks=ensemble.networks,
            task=config.task,
            classes=config.classes,
            features={modality: view.feature for modality, view in config.features.items()},
            repair=ensemble.folds[0].repair.label,
            face=face,
            calibrated=ensemble.calibrated,
            cutting=cutting,
            versions=config.versions,
            libraries=self._libraries(),
            segments=segments,
            failures=failures,
            remarks=(*self.features.remarks, *notes, *ensemble.remarks()),
        )


def predict(
    run: StrPath,
    inputs: StrPath | StrPaths,
    out: StrPath,
    *,
    options: PredictOptions | None = None,
    progress: Stages = SILENT,
) -> PredictionReport:
    """Predict recordings and write ``predictions.csv``, ``predictions.json`` and ``report.html``.

    Parameters
    ----------
    run : str or Path
        A run of one seed or several, or a cross-validation; or a packed run, or the name of one
        on the Hugging Face hub.
    inputs : str or Path, or a list
        Media files, folders of them, or manifests, whose clips need no labels.
    out : str or Path
        Folder of the result. Repeated after an interruption, the same call goes on.
    options : PredictOptions, optional
        How.
    progress : Stages
        Who is told how far it is.

    Raises
    ------
    EmocliError
        In one line, if something is absent, damaged or does not fit, or nothing can be predicted.
    """
    chosen = options or PredictOptions()
    require_formats(chosen.formats)
    predictor = Predictor.open(Path(run), chosen)
    return predict_into(predictor, list(map(Path, listed(inputs))), Path(out), progress)


def predict_into(
    predictor: Predictor,
    inputs: Sequence[Path],
    out: Path,
    progress: Stages = SILENT,
) -> PredictionReport:
    """Predict recordings with a run that is ready, and write the result; see `predict`."""
    with used_folder(out / WORK), locked(out / ".lock"):
        report = predictor.predict(inputs, out / WORK, progress)
        write_formats(report, out, predictor.options.formats)
        write_all(report, out)
        shutil.rmtree(out / WORK, ignore_errors=True)
    return report


def _unit_report(
    segments: tuple[SegmentPrediction, ...],
    failures: tuple[FailedInput, ...],
    remarks: tuple[str, ...],
) -> UnitReport:
    return UnitReport(
        format=UnitReport.FORMAT, segments=segments, failures=failures, remarks=remarks
    )


def _require_some(
    pieces: Sequence[Piece],
    segments: Sequence[SegmentPrediction],
    failures: Sequence[FailedInput],
    predictor: Predictor,
) -> None:
    """Raise `MediaError` if no segment has anything that the run reads."""
    if any(not each.missing for segment in segments for each in segment.modalities.values()):
        return
    if not segments and failures:
        more = f" (and {len(failures) - 1} others likewise)" if len(failures) > 1 else ""
        raise MediaError(f"{failures[0].description}{more}")
    names = [f"{m} ({v.feature})" for m, v in predictor.features.views.items()]
    what = f"nothing could be predicted: no segment has {' or '.join(names)}"
    why = f"; the first failure: {failures[0].description}" if failures else ""
    media = [path for piece in pieces for path in piece.clip.media.values()]
    hint = "choose recordings that have what the run reads"
    if media and not any(path.exists() for path in media):
        hint = (
            "none of the media is there: paths are relative to the manifest's folder, or to the "
            "'root' that the TOML file beside it names"
        )
    raise MediaError(f"{what}{why}", hint=hint)
