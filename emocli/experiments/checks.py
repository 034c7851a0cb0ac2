"""The modality checks of an experiment: one for each fold, fitted where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path

from emocli.config import Tree
from emocli.data.manifest import Manifest
from emocli.data.pool import Say
from emocli.data.speakers import SpeakerNormaliser
from emocli.data.store import StoredFeature, check_path
from emocli.errors import EmocliError, UnfittableError
from emocli.experiments.experiment import Experiment
from emocli.plugin.robustness import CorruptionSpec
from emocli.robust.check.io import load_check
from emocli.robust.check.model import ModalityCheck
from emocli.robust.check.settings import CheckConfig
from emocli.training.fit_cca import fit_cca


def fit_checks(experiment: Experiment, say: Say) -> Experiment:
    """Fit the modality checks that rows ask, of every fold that has none for these features.

    Returns
    -------
    Experiment
        The same; rows whose check cannot be fitted, of a fold, are lacking.

    Raises
    ------
    UnfittableError
        If no row is left.
    EmocliError
        If something else is wrong.
    """
    for fit_on in experiment.checks:
        try:
            _fit_all(experiment, fit_on, say)
        except UnfittableError as error:
            experiment = experiment.without_check(fit_on, f"its modality check: {error}")
            if all(system.lacking for system in experiment.due):
                raise
    return experiment


def _fit_all(experiment: Experiment, fit_on: str, say: Say) -> None:
    """Fit those of every fold that are fitted on this; what fails says of which fold it is."""
    inputs, stores = experiment.inputs, experiment.stores
    features = [store.name for store in stores.values()]
    for corrupt, corpus in product(experiment.checks[fit_on], inputs.corpora):
        config = experiment.check.model_copy(update={"fit_on": fit_on})
        settings: Tree = {"check": {**experiment.check_settings, "fit_on": fit_on}}
        path = check_path(inputs.store, corpus.fold, fit_on, config.normalise)
        kept = _kept(path, corpus, stores, config, corrupt)
        if kept is None:
            say(f"fitting the modality check {path}")
            preset = inputs.config.check_preset
            try:
                fit_cca(corpus, inputs.store, features, preset, settings, corrupt)
            except UnfittableError as error:
                raise UnfittableError(error.what, where=path, hint=error.hint) from None
        elif kept.config != config:
            what = "has other settings than would be given it here, and is used as it is"
            say(f"warning: {path} {what}; remove it to have another")


def _kept(
    path: Path,
    corpus: Manifest,
    stores: Mapping[str, StoredFeature],
    config: CheckConfig,
    corrupt: tuple[CorruptionSpec, ...],
) -> ModalityCheck | None:
    """Return the check that is there and stays: a user's own, or of a fold one fitted on this."""
    if not path.is_file():
        return None
    if corpus.fold is None:
        return load_check(path)
    try:
        check = load_check(path)
    except EmocliError:
        return None
    normaliser = SpeakerNormaliser.of(config, config.clip_outliers, corpus, stores)
    stores = normaliser.features() if normaliser else stores
    provenance = check.provenance
    clips = tuple(clip.id for clip in corpus.split("train") if corpus.is_labelled(clip))
    same = (
        provenance is not None
        and provenance.fingerprints == {m: store.fingerprint for m, store in stores.items()}
        and provenance.ids == clips
        and provenance.corrupt == corrupt
        and check.config == config
    )
    return check if same else None
