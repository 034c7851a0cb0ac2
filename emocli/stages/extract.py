"""Computing features of every clip of a manifest into a store; killed at any moment, it resumes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import cast

from emocli import plugins
from emocli.config import Settings, Tree, build
from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore, features_in, open_feature, store_path
from emocli.data.track import Feature
from emocli.data.writer import FeatureWriter, Recipe, Standing, standing
from emocli.errors import ConfigError, StoreError
from emocli.stages.failures import Failure, record
from emocli.stages.part import Outcome, Parcel, Work, compute, misfit
from emocli.stages.pool import Pool, open_pool

PART = 8
"""Clips in a part: what a kill costs each worker at most."""

Progress = Callable[[int, int], None]

_Made = dict[str, str]
"""How an upstream feature was made: ``recipe`` and ``digest``."""


@dataclass(frozen=True)
class Plan:
    """What an extraction would do for one feature.

    Attributes
    ----------
    feature : str
        The feature.
    path : Path
        The store file it would write.
    clips, present, absent, remaining : int
        Clips of the manifest; those already there; those known to have no such medium; those that
        would be computed.
    """

    feature: str
    path: Path
    clips: int
    present: int
    absent: int
    remaining: int


@dataclass(frozen=True)
class Extraction:
    """What an extraction has done for one feature.

    Attributes
    ----------
    feature : str
        The feature.
    path : Path
        The store file.
    done, resumed, absent, failed : int
        Clips computed now; clips that were there; clips without such a medium; clips that could
        not be extracted.
    notes : mapping
        Sums of the extractor's notes over all clips in the store.
    failures : Path, optional
        The file that lists the failures, if there are any.
    seconds : float
        Time it took.
    non_finite : int
        NaN and infinite numbers in the store; they are read as 0.
    damaged : int
        Parts of an earlier run that could not be read and were computed again.
    """

    feature: str
    path: Path
    done: int
    resumed: int
    absent: int
    failed: int
    notes: Mapping[str, float] = field(default_factory=dict)
    failures: Path | None = None
    seconds: float = 0.0
    non_finite: int = 0
    damaged: int = 0


@dataclass(frozen=True)
class _Job:
    """One feature to extract: its plug-in and settings."""

    feature: str
    module: Feature
    config: Settings

    def recipe(self, manifest: Manifest, made: Mapping[str, _Made]) -> Recipe:
        return Recipe(
            self.feature,
            self.module.MODALITY,
            manifest.fingerprint,
            self.config.model_dump(mode="json"),
            {name: made[name] for name in self.module.REQUIRES},
        )


def plan(
    manifest: Manifest,
    features: Sequence[str],
    store: Path,
    *,
    settings: Mapping[str, Tree],
    overwrite: bool = False,
) -> list[Plan]:
    """Say what :func:`extract` would do; nothing is written or computed."""
    jobs = _jobs(features, settings, store)
    made = _upstream(jobs, manifest, store)
    plans = []
    for job in jobs:
        recipe = job.recipe(manifest, made)
        made[job.feature] = {"recipe": recipe.fingerprint, "digest": ""}
        now = standing(store, recipe, overwrite=overwrite)
        there, absent = len(now.written), len(now.absent)
        clips = len(manifest.clips)
        path = store_path(store, job.feature)
        plans.append(Plan(job.feature, path, clips, there, absent, clips - there - absent))
    return plans


def extract(
    manifest: Manifest,
    features: Sequence[str],
    store: Path,
    *,
    settings: Mapping[str, Tree],
    workers: int = 1,
    scheduler: str | None = None,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
) -> list[Extraction]:
    """Compute features into a store.

    Clips that are there are kept, those that failed are tried again. A feature is computed after
    those it needs.

    Parameters
    ----------
    manifest : Manifest
        The clips.
    features : sequence of str
        Names of feature plug-ins.
    store : Path
        Folder of the store; made if need be.
    settings : mapping
        Feature to its settings.
    workers, scheduler
        Where to compute, see :func:`emocli.stages.pool.open_pool`.
    overwrite : bool
        Compute everything anew; finished files stay until the new ones take their place.
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
        If the store was made with other settings or for another manifest, is being written by
        another process, or the disk is full; if no clip has the medium of a feature, or none of
        them can be used.
    """
    plans = plan(manifest, features, store, settings=settings, overwrite=overwrite)
    jobs = _jobs(features, settings, store)
    made = _upstream(jobs, manifest, store)
    advance = _counter(progress, sum(each.remaining for each in plans))
    results = []
    with open_pool(workers, scheduler) as pool:
        for job in jobs:
            run = _Run(job, job.recipe(manifest, made), manifest, store, pool, advance)
            result, made[job.feature] = run(overwrite)
            results.append(result)
    return results


@dataclass(frozen=True)
class _Run:
    """The extraction of one feature."""

    job: _Job
    recipe: Recipe
    manifest: Manifest
    store: Path
    pool: Pool
    advance: Callable[[int], None]

    def __call__(self, overwrite: bool) -> tuple[Extraction, _Made]:
        started = time.monotonic()
        order = [clip.id for clip in self.manifest.clips]
        with FeatureWriter(self.store, self.recipe, order, overwrite=overwrite) as writer:
            before = writer.standing()
            outcomes = list(self._compute(writer, before))
            failures = self._failures(outcomes, writer.standing())
            store = writer.finish()
        listed = record(self.store, self.job.feature, failures)
        if store is None:
            raise self._nothing(outcomes, failures, listed)
        written = {clip_id for outcome in outcomes for clip_id in outcome.written}
        with store:
            self._check_complete(store, written - {row.id for row in failures})
        result = Extraction(
            feature=self.job.feature,
            path=store.path,
            done=len(store) - len(before.written),
            resumed=len(before.written),
            absent=len(store.absent),
            failed=len(failures),
            notes=store.attributes["notes"],
            failures=listed,
            seconds=time.monotonic() - started,
            non_finite=store.non_finite,
            damaged=before.damaged,
        )
        return result, {"recipe": store.recipe, "digest": store.fingerprint}

    def _compute(self, writer: FeatureWriter, before: Standing) -> Iterator[Outcome]:
        known = before.written | before.absent
        clips = [clip for clip in self.manifest.clips if clip.id not in known]
        if not clips:
            return
        parcel = Parcel(self.job.module.prepare(self.job.config, self.manifest.clips))
        upstream = {name: store_path(self.store, name) for name in self.job.module.REQUIRES}
        chunks = [tuple(clips[k : k + PART]) for k in range(0, len(clips), PART)]
        works = [
            Work(path, chunk, self.recipe, parcel, upstream)
            for path, chunk in zip(writer.reserve(len(chunks)), chunks, strict=True)
        ]
        for outcome in self.pool.results(compute, works):
            self.advance(outcome.clips)
            yield outcome

    def _failures(self, outcomes: Sequence[Outcome], after: Standing) -> list[Failure]:
        rows = [row for outcome in outcomes for row in outcome.failures]
        why = "its arrays have another shape or type than those of other clips"
        rows += [misfit(self.job.feature, i, why) for part in after.misfits for i in part.ids]
        order = {clip.id: k for k, clip in enumerate(self.manifest.clips)}
        return sorted(rows, key=lambda row: order[row.id])

    def _nothing(
        self, outcomes: Sequence[Outcome], failures: Sequence[Failure], listed: Path | None
    ) -> StoreError:
        where = f"feature '{self.job.feature}'"
        if failures:
            what = f"no clip could be extracted; the first: {failures[0].message}"
            return StoreError(what, where=where, mend=f"all are in {listed}")
        reasons = [reason for outcome in outcomes for reason in outcome.absent.values()]
        return StoreError(
            f"no clip has what it is computed from ({reasons[0] if reasons else 'none is left'})",
            where=where,
            mend="see the media columns of the manifest",
        )

    def _check_complete(self, store: FeatureStore, written: set[str]) -> None:
        lost = written - set(store.ids)
        if lost:
            what = f"parts with {len(lost)} clips vanished while they were put together"
            raise StoreError(what, where=store.path, mend="run the same command again")


def _jobs(features: Sequence[str], settings: Mapping[str, Tree], store: Path) -> list[_Job]:
    """Load the plug-ins, and put each behind those it needs."""
    _check_names(settings)
    modules = {name: cast(Feature, plugins.load("features", name)) for name in features}
    there = features_in(store)
    for name, module in modules.items():
        for needed in module.REQUIRES:
            if needed not in modules and needed not in there:
                what = f"feature '{name}' is computed from '{needed}', which is not in the store"
                raise ConfigError(what, where=store, mend=f"add -f {needed}")
    needs = {n: [needed for needed in m.REQUIRES if needed in modules] for n, m in modules.items()}
    try:
        ordered = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise ConfigError(f"features need each other: {', '.join(error.args[1])}") from None
    return [
        _Job(name, modules[name], build(modules[name].Config, settings.get(name, {}), name))
        for name in ordered
    ]


def _check_names(settings: Mapping[str, Tree]) -> None:
    known = plugins.names("features")
    for name in settings:
        if name not in known:
            raise ConfigError(f"settings for '{name}', which is no feature", mend=_listed(known))


def _upstream(jobs: Sequence[_Job], manifest: Manifest, store: Path) -> dict[str, _Made]:
    """Look up the needed features that are not among those to extract."""
    own = {job.feature for job in jobs}
    needed = {name for job in jobs for name in job.module.REQUIRES} - own
    made = {}
    for name in sorted(needed):
        with open_feature(store, name, manifest) as upstream:
            made[name] = {"recipe": upstream.recipe, "digest": upstream.fingerprint}
    return made


def _counter(progress: Progress, total: int) -> Callable[[int], None]:
    done = 0

    def advance(clips: int) -> None:
        nonlocal done
        done += clips
        progress(done, total)

    progress(0, total)
    return advance


def _listed(names: Sequence[str]) -> str:
    return f"there are: {', '.join(names)}"
