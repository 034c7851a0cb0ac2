"""The modality checks of an experiment: one for each fold, fitted where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path

from emocli.data.manifest import Manifest
from emocli.data.store import Feature, check_path
from emocli.errors import EmocliError
from emocli.experiments.experiment import Experiment
from emocli.experiments.rows import Say
from emocli.pipeline.fit_cca import fit_cca
from emocli.robust.check.io import load_check
from emocli.robust.check.model import ModalityCheck
from emocli.robust.check.settings import CheckConfig


def fit_checks(experiment: Experiment, say: Say) -> None:
    """Fit the modality checks that rows ask, of every fold that has none for these features."""
    inputs, stores = experiment.inputs, experiment.stores
    features = [store.name for store in stores.values()]
    needed = [(fit_on, each) for fit_on, several in experiment.checks.items() for each in several]
    for (fit_on, corrupt), corpus in product(needed, inputs.corpora):
        config = experiment.check.model_copy(update={"fit_on": fit_on})
        settings = {"check": {**experiment.settings.get("check", {}), "fit_on": fit_on}}
        path = check_path(inputs.store, corpus.fold, fit_on)
        kept = _kept(path, corpus, stores, config, corrupt)
        if kept is None:
            say(f"fitting the modality check {path}")
            preset = inputs.config.check_preset
            fit_cca(corpus, inputs.store, features, preset, settings, corrupt)
        elif kept.config != config:
            what = "has other settings than would be given it here, and is used as it is"
            say(f"warning: {path} {what}; remove it to have another")


def _kept(
    path: Path,
    corpus: Manifest,
    stores: Mapping[str, Feature],
    config: CheckConfig,
    corrupt: tuple[str, ...],
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
