"""A trained run in Python: one call from features to class probabilities."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from emocli.data.arrays import as_numbers
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest, ManifestOrPath, Task
from emocli.data.store import open_features
from emocli.errors import ConfigError, EmocliWarning, RunError, choice
from emocli.evaluation.evaluator import RunEvaluator
from emocli.evaluation.run_inputs import imported_remarks, read_corpus
from emocli.models import rundir
from emocli.models.run_config import RunConfig
from emocli.paths import StrPath, StrPaths
from emocli.plugin.feature import device as chosen_device
from emocli.prediction.arrays import ClipArrays
from emocli.prediction.inputs import MANIFEST
from emocli.prediction.networks import Ensemble
from emocli.prediction.packing.folder import is_packed, read_pack, verified
from emocli.prediction.packing.hub import located
from emocli.prediction.packing.stores import require_feature
from emocli.prediction.predict import PredictOptions, Predictor
from emocli.prediction.timeline import PredictionReport
from emocli.training.compute import deterministic_torch
from emocli.training.outputs import predict


@dataclass(frozen=True)
class ClipPredictions:
    """The predictions of a run for clips.

    Attributes
    ----------
    ids : tuple of str
        The clips.
    classes : tuple of str
        Columns of ``values``.
    task : {'single', 'multi', 'intensity'}
        What ``values`` are: probabilities of the classes, which sum to 1 unless the training was of
        one class against the rest; probabilities of each class by itself; or intensities.
        `emocli.models.losses.probabilities` says how they follow from the logits.
    values : ndarray of float64, shape (n, C)
        Mean over the networks of the run: its seeds, and the folds of a cross-validation.
    spread : ndarray of float64, shape (n, C)
        Standard deviation over the networks; 0 for one network.
    """

    ids: tuple[str, ...]
    classes: tuple[str, ...]
    task: Task
    values: NDArray[np.float64]
    spread: NDArray[np.float64]

    def __repr__(self) -> str:
        return f"ClipPredictions({len(self.ids)} clips, {len(self.classes)} classes)"

    @property
    def labels(self) -> tuple[str, ...]:
        """The class of the greatest value, for each clip."""
        return tuple(self.classes[k] for k in self.values.argmax(axis=1))

    def table(self) -> dict[str, dict[str, float]]:
        """Return the values by clip and class."""
        rows = zip(self.ids, self.values.tolist(), strict=True)
        return {clip_id: dict(zip(self.classes, row, strict=True)) for clip_id, row in rows}


@dataclass(frozen=True)
class LoadedRun:
    """A run: one network, several seeds, or the folds of a cross-validation.

    Attributes
    ----------
    path : Path
        Its folder.
    """

    path: Path

    @cached_property
    def config(self) -> RunConfig:
        """Its configuration; of a cross-validation that of the first fold."""
        return rundir.read_config(self._folders[0])

    @property
    def _folders(self) -> list[Path]:
        return rundir.folds(self.path) or [self.path]

    @overload
    def predict(
        self,
        inputs: ManifestOrPath,
        store: StrPath | None = None,
        *,
        options: PredictOptions | None = None,
    ) -> ClipPredictions: ...

    @overload
    def predict(
        self, inputs: StrPaths, *, options: PredictOptions | None = None
    ) -> PredictionReport: ...

    def predict(
        self,
        inputs: ManifestOrPath | StrPaths,
        store: StrPath | None = None,
        *,
        options: PredictOptions | None = None,
    ) -> ClipPredictions | PredictionReport:
        """Predict clips or recordings, labelled or not.

        Parameters
        ----------
        inputs : Manifest, str, Path, or a list
            A manifest, or its path, whose features are in a store, and whose task and classes are
            the run's; or a list of recordings, folders of them, or paths of manifests, whose
            features are computed.
        store : str or Path, optional
            Folder of the features of a manifest, computed as those of the training; by default
            the run's own.
        options : PredictOptions, optional
            How recordings are cut and predicted; of a manifest's clips, where they are predicted
            and repaired (``device``, ``repair``). By default as in the training, on a CPU.

        Returns
        -------
        ClipPredictions or PredictionReport
            Of a manifest the former, of recordings the latter, with their segments.

        Raises
        ------
        EmocliError
            If something is absent, damaged, or does not fit.
        """
        if isinstance(inputs, Manifest | str | PathLike):
            _require_manifest(inputs)
            stored = None if store is None else Path(store)
            return self._stored(inputs, stored, _of_clips(options or PredictOptions()))
        if store is not None:
            hint = "predict(MANIFEST, store) for clips whose features are there"
            raise ConfigError("the features of recordings are computed, not in a store", hint=hint)
        predictor = Predictor.open(self.path, options or PredictOptions())
        with TemporaryDirectory(prefix="emocli-") as work:
            return predictor.predict([Path(each) for each in inputs], Path(work))

    def predict_arrays(
        self, arrays: Mapping[str, NDArray[Any] | Sequence[NDArray[Any]]]
    ) -> ClipPredictions:
        """Predict clips whose features are given, as they were before standardisation.

        Parameters
        ----------
        arrays : mapping
            Modality to the array of one clip, shape (T, D), or to a list of them, one per clip. A
            modality that is left out, or has no row (T = 0) in a clip, is missing.

        Returns
        -------
        ClipPredictions
            Its ids count the clips from "0".

        Raises
        ------
        ConfigError
            If a modality is unknown, an array is not of numbers or has another width, or the lists
            have other lengths.
        """
        return predict_arrays(Ensemble.open(self.path), arrays)

    def _stored(
        self, manifest: ManifestOrPath, where: Path | None, options: PredictOptions
    ) -> ClipPredictions:
        if is_packed(self.path):
            return self._unpacked(manifest, where, options)
        device = chosen_device(options.device, "device")
        evaluators = [
            RunEvaluator.open(folder, None, manifest, where, options.repair).on(device)
            for folder in self._folders
        ]
        _warn_of_imported(self.config, evaluators[0].samples.manifest)
        ids = tuple(clip.id for clip in evaluators[0].samples.clips)
        values = np.stack([each for evaluator in evaluators for each in _values(evaluator, ids)])
        config = self.config
        return ClipPredictions(ids, config.classes, config.task, values.mean(0), values.std(0))

    def _unpacked(
        self, manifest: ManifestOrPath, where: Path | None, options: PredictOptions
    ) -> ClipPredictions:
        """Predict the clips of a manifest with a packed run, which has no store of its own."""
        if where is None:
            hint = "name the folder of the features: predict(MANIFEST, STORE)"
            raise RunError("its store is not packed with it", where=self.path, hint=hint)
        ensemble, pack = Ensemble.open(self.path, options.repair), read_pack(self.path)
        config, device = self.config, chosen_device(options.device, "device")
        corpus = read_corpus(self.path, config, manifest)
        stores = open_features(where, [v.feature for v in config.features.values()], corpus)
        for modality, view in config.features.items():
            require_feature(stores.get(modality), view, pack)
        _warn_of_imported(config, corpus)
        outputs = ensemble.predict(corpus.clips, stores, device)
        ids = tuple(clip.id for clip in corpus.clips)
        values = outputs.values
        return ClipPredictions(ids, config.classes, config.task, values.mean(0), values.std(0))


def _require_manifest(inputs: ManifestOrPath) -> None:
    """Refuse a recording that stands by itself: by its path alone a manifest is given."""
    if not isinstance(inputs, Manifest) and Path(inputs).suffix.lower() != MANIFEST:
        what, name = f"is no manifest ({MANIFEST})", Path(inputs).name
        raise ConfigError(what, where=inputs, hint=f"recordings are a list: predict(['{name}'])")


def _warn_of_imported(config: RunConfig, corpus: Manifest) -> None:
    for remark in imported_remarks(config, corpus):
        warnings.warn(remark, EmocliWarning, stacklevel=4)


def _of_clips(options: PredictOptions) -> PredictOptions:
    """Refuse options that clips of a store know nothing of."""
    if options != PredictOptions(repair=options.repair, device=options.device):
        what = "of the options only repair and device are for clips whose features are in a store"
        raise ConfigError(what, hint="predict([MANIFEST], options=...) computes their features")
    return options


def _values(evaluator: RunEvaluator, ids: Sequence[str]) -> Iterator[NDArray[np.float64]]:
    """Predict the clips with each seed's network, in the order of ``ids``."""
    config, samples = evaluator.config, evaluator.transformed([], seed=0)
    with deterministic_torch(config.train.threads):
        for member in evaluator.members:
            network = member.network.to(evaluator.device)
            outputs = predict(network, samples, config.train.batch_size, evaluator.device)
            rows = {clip_id: row for row, clip_id in enumerate(outputs.ids)}
            values = outputs.values(config.task, config.train, member.temperature).astype(
                np.float64
            )
            yield values[[rows[clip_id] for clip_id in ids]]


def predict_arrays(
    ensemble: Ensemble, arrays: Mapping[str, NDArray[Any] | Sequence[NDArray[Any]]]
) -> ClipPredictions:
    """Predict clips of arrays in memory; see `LoadedRun.predict_arrays`."""
    config = ensemble.config
    rows = {modality: _rows(modality, each, config) for modality, each in arrays.items()}
    counts = {modality: len(each) for modality, each in rows.items()}
    if len(set(counts.values())) != 1:
        many = ", ".join(f"{count} of {modality}" for modality, count in counts.items())
        raise ConfigError(f"the clips are {many or 'none'}", hint="give an array per clip to each")
    ids = tuple(map(str, range(next(iter(counts.values())))))
    stores = {
        modality: ClipArrays(modality, view, _shown(ids, rows.get(modality, ())))
        for modality, view in config.features.items()
    }
    clips = [Clip(clip_id, split="test") for clip_id in ids]
    values = ensemble.predict(clips, stores).values
    return ClipPredictions(ids, config.classes, config.task, values.mean(0), values.std(0))


def _rows(
    modality: str, arrays: NDArray[Any] | Sequence[NDArray[Any]], config: RunConfig
) -> list[NDArray[np.float32]]:
    if modality not in config.features:
        hint = choice(modality, list(config.features))
        raise ConfigError(f"the run does not know modality '{modality}'", hint=hint)
    clips = [arrays] if isinstance(arrays, np.ndarray) else arrays
    width, rows = config.features[modality].dim, []
    for index, clip in enumerate(clips):
        array = as_numbers(clip, np.float32, f"{modality} of clip {index}")
        if array.ndim != 2 or array.shape[1] != width:
            what = f"an array of shape {array.shape}, not (T, {width})"
            raise ConfigError(what, where=f"{modality} of clip {index}")
        if not np.isfinite(array).all():
            what = "holds numbers that are not finite"
            raise ConfigError(what, where=f"{modality} of clip {index}")
        rows.append(array)
    return rows


def _shown(
    ids: Sequence[str], rows: Sequence[NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    pairs = zip(ids, rows, strict=bool(rows))
    return {clip_id: array for clip_id, array in pairs if len(array)}


def load_run(path: StrPath) -> LoadedRun:
    """Load a run: a folder, packed or not, or ``user/name[@revision]`` of the Hugging Face hub.

    Raises
    ------
    RunError
        If there is none, its training or packing has not come to its end, or what was packed is
        not what is there.

    Examples
    --------
    ``emocli.load_run("runs/rrnn").predict("new.csv", "store").table()["clip 1"]["joy"]``
    """
    run = LoadedRun(located(Path(path)))
    if is_packed(run.path):
        verified(run.path)
    for folder in run._folders:
        for member in rundir.member_folders(folder):
            rundir.require_finished(member)
    return run
