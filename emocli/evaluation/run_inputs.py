"""Corpus and features that a run is evaluated on, which have to fit those of its training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from emocli.config import Tree
from emocli.data.filenames import content
from emocli.data.manifest import Manifest, ManifestOrPath
from emocli.data.normalisation import TestNormalisation, normalisation_note
from emocli.data.speakers import SpeakerNormaliser
from emocli.data.store import StoredFeature
from emocli.data.store.imported import without_files
from emocli.data.store.recipe import is_former_digest
from emocli.display import number_of
from emocli.errors import ConfigError, EmocliError, RunError, StoreError
from emocli.models import rundir
from emocli.models.run_config import RunConfig, Source, View
from emocli.models.rundir import CONFIG, Run
from emocli.models.speakers import read_speakers
from emocli.models.tensors import RESTORE
from emocli.training.prepare import labels

if TYPE_CHECKING:
    from emocli.data.samples import Samples


def normaliser_of(
    member: Run,
    corpus: Manifest,
    stores: Mapping[str, StoredFeature],
    same: bool,
    normalise: TestNormalisation | None,
) -> SpeakerNormaliser | None:
    """Return the normaliser of the training; on another corpus without its speakers.

    Raises
    ------
    ConfigError
        If that is asked for, and was not done in training.
    """
    config = member.config
    if config.train.normalise == "none":
        if normalise not in (None, "none"):
            what = f"--normalise {normalise}: its training did not"
            raise ConfigError(what, where=member.path, hint="train --set train.normalise=speaker")
        return None
    kept = read_speakers(member.path, config.dims)
    return SpeakerNormaliser(
        config.train,
        config.train.outliers,
        corpus,
        stores,
        kept if same else kept.without_speakers,
        unknown=normalise == "none",
    )


def speaker_note(place: Path) -> tuple[str, ...]:
    """Say of a run, or a cross-validation, that its features are normalised by speaker."""
    folder = next(iter(rundir.folds(place)), place)
    if not (folder / CONFIG).is_file():
        return ()  # a store
    return normalisation_note(rundir.read_config(folder).train)


def find(run: Path, what: str, source: Source) -> Path:
    """Return where what a run was made from is.

    Raises
    ------
    RunError
        If it is neither beside the run nor where it was.
    """
    path = source.locate(run)
    if not path.exists():
        gone = f"is no longer at {source.absolute}" if source.absolute else "is not packed with it"
        raise RunError(
            f"its {what} {gone}",
            where=run,
            hint=f"name it with --{what}",
        )
    return path


def read_corpus(run: Path, config: RunConfig, manifest: ManifestOrPath | None) -> Manifest:
    """Read a run's manifest; another than its own must ask for the same classes.

    Raises
    ------
    EmocliError
        If it does not fit.
    """
    corpus = Manifest.of(find(run, "manifest", config.manifest) if manifest is None else manifest)
    if manifest is None and corpus.fingerprint != config.manifest.fingerprint:
        raise RunError(
            "its clips are no longer those the run was trained on",
            where=corpus.path or "",
            hint="restore it, or name another with --manifest",
        )
    if (corpus.task, corpus.classes) != (config.task, config.classes):
        raise RunError(
            f"has task '{corpus.task}' with classes {', '.join(corpus.classes)}; the run knows "
            f"'{config.task}' with {', '.join(config.classes)}",
            where=corpus.path or "",
            hint="name a manifest of the same task and classes",
        )
    if corpus.fingerprint == config.manifest.fingerprint and config.fold is not None:
        corpus = corpus.folded(config.fold.index, config.fold.count)
        if labels(corpus) != config.labels:
            # Else clips might be tested that were trained on.
            what = "its labels or folds are no longer those the run was trained on"
            raise RunError(what, where=corpus.path or "", hint=RESTORE)
    return corpus


def is_own(run: Path, config: RunConfig, manifest: ManifestOrPath | None, corpus: Manifest) -> bool:
    """Tell whether a corpus is a run's own, labels and splits and all; in doubt it is not."""
    own = config.manifest.locate(run)
    if manifest is None:
        return True
    if not isinstance(manifest, Manifest) and own.exists() and own.samefile(manifest):
        return True  # an object may differ from the file that it was read from
    try:
        return content(read_corpus(run, config, None)) == content(corpus)
    except EmocliError:
        return False


def of_its_modality(store: StoredFeature | None, view: View) -> StoredFeature:
    """Return a feature that is there in the modality of the training.

    Raises
    ------
    StoreError
        If it is not.
    """
    if store is None:
        what = f"feature '{view.feature}' is of another modality than in the training"
        raise StoreError(what, hint="import it again with --modality, into another store")
    return store


def made_alike(here: Tree, noted: Tree) -> bool:
    """Whether a feature has the settings that a run noted, a digest of a former version too.

    Of an imported feature these are format and layout: the files are those of other clips.
    """
    now, then = without_files(here), without_files(noted)
    same = (now[k] == v or is_former_digest(k, v, now[k]) for k, v in then.items() if k in now)
    return now.keys() == then.keys() and all(same)


def imported_remarks(config: RunConfig, corpus: Manifest) -> Iterator[str]:
    """Say of which features nobody but the user knows that they were computed as in training."""
    if corpus.fingerprint == config.manifest.fingerprint:
        return
    for view in config.features.values():
        if view.imported:
            yield (
                f"{view.feature} was imported, of these clips and of the training's from files of "
                "their own: that the same program wrote both in the same way cannot be checked"
            )


def learnt_remarks(run: Path, config: RunConfig, samples: Samples, own: bool) -> Iterator[str]:
    """Say that clips are tested which the run was trained or validated on, or may have been.

    Of a run whose manifest is gone nobody knows. Clips of the ``own`` corpus are of the split that
    was asked for.
    """
    here, name = samples.manifest, run.resolve().name
    try:
        corpus = here if own else read_corpus(run, config, None)
    except EmocliError:
        return
    if labels(corpus) != config.labels:
        if here.fingerprint == corpus.fingerprint:
            yield (
                f"{name}: labels or splits of the train and valid split are no longer those of its "
                "training; tested clips may be among those it was trained on"
            )
        return
    if own:
        return
    seen = {clip.id for clip in corpus.clips if clip.split != "test"}
    known = {corpus.sources[clip] for clip in seen}
    named = seen if here.dataset == corpus.dataset else set()
    shared = sum(c.id in named or here.sources[c.id] in known for c in samples.clips)
    if shared:
        trained = f"of {len(samples):,} tested clips are among those it was trained or validated on"
        yield f"{name}: {number_of(shared, trained)}"


def check_feature(store: StoredFeature | None, view: View, same: bool) -> None:
    """Refuse a feature that is not what the run was trained on.

    Raises
    ------
    StoreError
        If it is not.
    """
    store = of_its_modality(store, view)
    if same and store.fingerprint != view.fingerprint:
        what = "is no longer what the run was trained on"
        raise StoreError(what, where=store.path, hint=RESTORE)
    require_made_alike(store, view, store.header.settings, view.settings)


def require_made_alike(store: StoredFeature, view: View, here: Tree, noted: Tree) -> None:
    """Refuse a feature of other settings, width or columns than that of the training.

    Raises
    ------
    StoreError
        If it is one.
    """
    again = "import it again" if view.imported else "extract it again"
    hint = f"{again} with the settings in the run's config.json"
    if store.dim != view.dim or not made_alike(here, noted):
        what = "was computed with other settings than the feature the run was trained on"
        raise StoreError(what, where=store.path, hint=hint)
    if view.columns and store.dim_names and store.dim_names != view.columns:
        what = "has other columns than the feature the run was trained on"
        raise StoreError(what, where=store.path, hint=hint)
