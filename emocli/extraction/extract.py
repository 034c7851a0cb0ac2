"""The extraction of features of a manifest's clips into a store; a killed one resumes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TypedDict, cast

from emocli import plugins
from emocli.config import Plain, Settings, build, require_known
from emocli.data.manifest import Manifest, ManifestOrPath
from emocli.data.media.content import lacking
from emocli.data.pool import Pool, Progress, open_pool
from emocli.data.stamp import changed, joined, stamps
from emocli.data.store import (
    FeatureStore,
    FeatureWriter,
    Recipe,
    features_in,
    open_feature,
    store_path,
)
from emocli.data.store.resume import ExtractionState, extraction_state
from emocli.errors import ConfigError, StoreError
from emocli.extraction.failures import Failure, record
from emocli.extraction.results import Extraction, ExtractionPlan
from emocli.extraction.worker import Outcome, PartJob, SharedExtractor, compute, misfit
from emocli.paths import StrPath, listed
from emocli.plugin.feature import Extractor, Feature
from emocli.version import version_of

PART = 8
"""Clips in a part at most: what a kill costs each worker."""

_Link = dict[str, str]
"""What is recorded of an upstream feature: its ``recipe``, ``method`` and ``digest``."""


def plan(
    manifest: Manifest,
    features: Sequence[str],
    store: Path,
    *,
    settings: Mapping[str, Plain],
    overwrite: bool = False,
    update: bool = False,
) -> list[ExtractionPlan]:
    """Say what :func:`extract` would do; nothing is written or computed."""
    return _plans(_jobs(manifest, features, store, settings, overwrite, update))


def extract(
    manifest: ManifestOrPath,
    features: str | Sequence[str],
    store: StrPath,
    *,
    settings: Mapping[str, Plain] | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    pool: Pool | None = None,
    overwrite: bool = False,
    update: bool = False,
    extractors: Mapping[str, Extractor] | None = None,
    progress: Progress = lambda done, total: None,
) -> list[Extraction]:
    """Compute features into a store.

    Clips that are there are kept, those that failed are tried again. A feature is computed after
    those it needs. Where clips have joined the manifest, features whose clips stand alone keep all
    that is there.

    Parameters
    ----------
    manifest : Manifest, str or Path
        The clips.
    features : str or sequence of str
        Names of feature plug-ins.
    store : str or Path
        Folder of the store; made if need be.
    settings : mapping, optional
        Feature to its settings; those of features that are not named have no effect.
    workers, scheduler
        Where to compute, see :func:`emocli.data.pool.open_pool`.
    pool : Pool, optional
        One that is open, to compute in instead.
    overwrite : bool
        Compute everything anew; finished files stay until the new ones take their place.
    update : bool
        Compute clips anew that have changed in the manifest or whose media files were replaced,
        and drop those that have left the manifest.
    extractors : mapping, optional
        Feature to an extractor that stands for the one its plug-in makes, and gives the same.
    progress : callable
        Called with clips done and clips to do, of all features together.

    Returns
    -------
    list of Extraction
        One per feature, in the order they were computed.

    Raises
    ------
    ConfigError
        For an unknown feature or setting, or a needed feature that is not in the store.
    StoreError
        If the store was made with other settings or for a manifest that this one does not just
        add clips to, is being written by another process, or the disk is full; if no clip has the
        medium of a feature, or none of them can be used.
    """
    corpus, folder = Manifest.of(manifest), Path(store)
    jobs = _jobs(corpus, listed(features), folder, settings or {}, overwrite, update)
    jobs = [replace(job, extractor=(extractors or {}).get(job.feature)) for job in jobs]
    plans = _plans(jobs)
    # Before any is computed: what a later one lacks is not said after hours.
    jobs = [
        each.prepared() if now.remaining else each for each, now in zip(jobs, plans, strict=True)
    ]
    advance = _counter(progress, sum(each.remaining for each in plans))
    links = _upstream(jobs)
    results = []
    with open_pool(workers, scheduler) if pool is None else nullcontext(pool) as place:
        for job in jobs:
            result, links[job.feature] = job.run(job.recipe(links), place, advance)
            results.append(result)
    return results


class NothingExtractedError(StoreError):
    """No clip has the medium of a feature, or none of those that have it could be used."""


class _Options(TypedDict):
    sources: Mapping[str, str] | None
    media: Mapping[str, str]
    overwrite: bool
    update: bool


@dataclass(frozen=True)
class _Job:
    """One feature to extract."""

    feature: str
    module: Feature
    config: Settings
    manifest: Manifest
    folder: Path
    overwrite: bool
    update: bool
    extractor: Extractor | None = None

    def recipe(self, links: Mapping[str, _Link]) -> Recipe:
        return Recipe(
            self.feature,
            self.module.MODALITY,
            self.manifest.fingerprint,
            self.config.model_dump(mode="json"),
            {name: links[name] for name in self.module.REQUIRES},
            self.module.PER_CLIP,
            (*self.module.LIBRARIES, *plugins.packages("features", self.feature)),
        )

    @property
    def lacks(self) -> str:
        """Why no clip can have a feature of emocli's own; empty if some can.

        What a feature of another package reads is not known before it is computed.
        """
        if self.module.REQUIRES or self.feature not in plugins.files(plugins.KINDS["features"]):
            return ""
        reasons = [lacking(clip, self.module.MODALITY) for clip in self.manifest.clips]
        return reasons[0] if all(reasons) else ""

    def prepared(self) -> _Job:
        """Return it with the extractor that its plug-in makes, if it has none."""
        if self.extractor is not None:
            return self
        own = self.module.prepare(self.config, self.manifest.clips)
        place = type(self.config).__module__
        plugins.require(own, Callable, "the result of prepare", self.feature, place)
        return replace(self, extractor=own)

    def plan(self, recipe: Recipe) -> ExtractionPlan:
        try:
            now = extraction_state(self.folder, recipe, **self._options(recipe))
        except StoreError:
            if recipe.settings.get("digest") == "":  # without a file, for the reason that this says
                self.module.prepare(self.config, self.manifest.clips)
            raise
        clips, there, absent = len(self.manifest.clips), len(now.written), len(now.absent)
        return ExtractionPlan(
            feature=self.feature,
            path=store_path(self.folder, self.feature),
            clips=clips,
            present=there,
            absent=absent,
            remaining=clips - there - absent,
            changed=len(now.changed),
            former=self._former(now.sources),
        )

    def _former(self, stores: Sequence[FeatureStore]) -> str:
        """Name its package in the versions of stores but for the one that is installed."""
        former = {
            f"{package} {text}"
            for package in plugins.packages("features", self.feature)
            for store in stores
            for text in store.header.versions.get(package, "").split(", ")
            if text not in ("", version_of(package))
        }
        return ", ".join(sorted(former))

    def _options(self, recipe: Recipe) -> _Options:
        sources = self.manifest.sources if recipe.per_clip else None
        media, overwrite = self._media(), self.overwrite
        return _Options(sources=sources, media=media, overwrite=overwrite, update=self.update)

    def _media(self) -> dict[str, str]:
        """Return the state of the clips' files: what a needed feature was made of, or as it is."""
        paths = [store_path(self.folder, name) for name in self.module.REQUIRES]
        if not paths or not all(path.exists() for path in paths):
            return stamps(self.manifest.clips)
        with ExitStack() as stack:
            stores = [stack.enter_context(FeatureStore.open(path)) for path in paths]
            ids = {clip_id for store in stores for clip_id in store.media}
            return {i: joined(store.media.get(i, "") for store in stores) for i in ids}

    def run(
        self, recipe: Recipe, pool: Pool, advance: Callable[[int], None]
    ) -> tuple[Extraction, _Link]:
        started = time.monotonic()
        order = [clip.id for clip in self.manifest.clips]
        with FeatureWriter(self.folder, recipe, order, **self._options(recipe)) as writer:
            before = writer.extraction_state()
            outcomes = []
            parts = self._part_jobs(writer, recipe, before, pool.in_flight)
            for outcome in pool.results(compute, parts):
                outcomes.append(outcome)
                advance(outcome.clips)
            failures = self._failures(outcomes, writer.extraction_state())
            written = {clip_id for outcome in outcomes for clip_id in outcome.written}
            stored = writer.finish(written - {row.id for row in failures})
        listed = record(self.folder, self.feature, failures)
        if stored is None:
            raise self._nothing(outcomes, failures, listed)
        with stored:
            result = Extraction(
                feature=self.feature,
                path=stored.path,
                done=len(stored) - len(before.written),
                resumed=len(before.written),
                absent=len(stored.absent),
                failed=len(failures),
                notes=stored.header.notes,
                failures=listed,
                first_failure=failures[0].message if failures else "",
                seconds=time.monotonic() - started,
                non_finite=stored.header.non_finite,
                damaged=before.damaged,
                changed=len(changed(stored.media, stamps(self.manifest.clips))),
                former=self._former([stored]),
            )
            return result, stored.header.link

    def _part_jobs(
        self, writer: FeatureWriter, recipe: Recipe, before: ExtractionState, room: int
    ) -> list[PartJob]:
        known = before.written | before.absent
        clips = [clip for clip in self.manifest.clips if clip.id not in known]
        if not clips:
            return []
        shared = SharedExtractor(cast(Extractor, self.prepared().extractor))
        upstream = {name: store_path(self.folder, name) for name in self.module.REQUIRES}
        size = max(1, min(PART, len(clips) // room))  # few clips still occupy every worker
        chunks = [tuple(clips[k : k + size]) for k in range(0, len(clips), size)]
        pairs = zip(writer.reserve(len(chunks)), chunks, strict=True)
        return [PartJob(path, chunk, recipe, shared, upstream) for path, chunk in pairs]

    def _failures(self, outcomes: Sequence[Outcome], after: ExtractionState) -> list[Failure]:
        """All clips that failed, in the order of the manifest."""
        rows = {row.id: row for outcome in outcomes for row in outcome.failures}
        why = "its arrays have another shape or type than those of other clips"
        misfits = [clip_id for part in after.misfits for clip_id in part.ids]
        rows |= {clip_id: misfit(self.feature, clip_id, why) for clip_id in misfits}
        return [rows[clip.id] for clip in self.manifest.clips if clip.id in rows]

    def _nothing(
        self, outcomes: Sequence[Outcome], failures: Sequence[Failure], listed: Path | None
    ) -> NothingExtractedError:
        where = f"feature '{self.feature}'"
        if failures:
            what = f"no clip could be extracted; the first: {failures[0].message}"
            return NothingExtractedError(what, where=where, hint=f"all are in {listed}")
        reasons = [reason for outcome in outcomes for reason in outcome.absent.values()]
        return _no_medium(self.feature, reasons[0] if reasons else "")


def _plans(jobs: Sequence[_Job]) -> list[ExtractionPlan]:
    links, plans = _upstream(jobs), []
    for job in jobs:
        recipe = job.recipe(links)
        links[job.feature] = {"recipe": recipe.fingerprint, "method": recipe.method, "digest": ""}
        plans.append(job.plan(recipe))
    _require_media([job for job, each in zip(jobs, plans, strict=True) if not each.present], jobs)
    return plans


def _no_medium(feature: str, why: str, instead: str = "") -> NothingExtractedError:
    what = f"no clip has what it is computed from{f' ({why})' if why else ''}"
    hint = f"see the columns of the manifest{instead}"
    return NothingExtractedError(what, where=f"feature '{feature}'", hint=hint)


def _require_media(anew: Sequence[_Job], jobs: Sequence[_Job]) -> None:
    """Refuse features of which no clip has the medium before any is computed."""
    lacks = {job.feature: why for job in anew if (why := job.lacks)}
    if not lacks:
        return
    left_out = dict.fromkeys(lacks)
    for job in jobs:  # each is behind those it needs
        if not left_out.keys().isdisjoint(job.module.REQUIRES):
            left_out[job.feature] = None
    feature, why = next(iter(lacks.items()))
    names = " ".join(f"-f {name}" for name in left_out)
    raise _no_medium(feature, why, f", or leave out {names}" if len(left_out) < len(jobs) else "")


def _jobs(
    manifest: Manifest,
    features: Sequence[str],
    folder: Path,
    settings: Mapping[str, Plain],
    overwrite: bool,
    update: bool,
) -> list[_Job]:
    """Load the plug-ins, and put each behind those it needs."""
    _check_settings(settings, features)
    modules = {name: cast(Feature, plugins.load("features", name)) for name in features}
    needs = {name: set(module.REQUIRES) for name, module in modules.items()}
    _check_needs(needs, folder)
    try:
        order = [n for n in TopologicalSorter(needs).static_order() if n in modules]
    except CycleError as error:
        raise ConfigError(f"features need each other: {', '.join(error.args[1])}") from None
    configs = {n: build(m.Config, settings.get(n, {}), n) for n, m in modules.items()}
    return [_Job(n, modules[n], configs[n], manifest, folder, overwrite, update) for n in order]


def _check_needs(needs: Mapping[str, set[str]], folder: Path) -> None:
    there = {*needs, *features_in(folder)}
    for name, needed in needs.items():
        for absent in sorted(needed - there):
            what = f"feature '{name}' is computed from '{absent}', which is not in the store"
            raise ConfigError(what, where=folder, hint=f"add -f {absent}")


def _check_settings(settings: Mapping[str, Plain], features: Sequence[str]) -> None:
    """Refuse settings that there are not; those of other features are not used, and may be there.

    One file may hold those of all features.
    """
    known = plugins.names("features")
    for name, values in settings.items():
        if name not in known:
            hint = f"there are: {', '.join(known)}"
            raise ConfigError(f"settings for '{name}', which is no feature", hint=hint)
        if name not in features:
            require_known(cast(Feature, plugins.load("features", name)).Config, values, name)


def _upstream(jobs: Sequence[_Job]) -> dict[str, _Link]:
    """Look up the needed features that are not among those to extract."""
    own = {job.feature for job in jobs}
    links = {}
    for job in jobs:
        for name in set(job.module.REQUIRES) - own:
            with open_feature(job.folder, name, job.manifest) as store:
                links[name] = store.header.link
    return links


def _counter(progress: Progress, total: int) -> Callable[[int], None]:
    done = 0

    def advance(clips: int) -> None:
        nonlocal done
        done += clips
        progress(done, total)

    progress(0, total)
    return advance
