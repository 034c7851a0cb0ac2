"""The features of the clips of recordings, computed as those of the training were.

Features of clips that stand alone are computed in chunks of clips, each in a store of its own, and
what is only computed from is removed when its chunk is done: a long recording needs little room.
All others are computed for all clips at once, for they depend on each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from emocli.data.clip import Clip
from emocli.data.durable import make_folder, write_text
from emocli.data.manifest import Manifest
from emocli.data.media.content import SILENT
from emocli.data.pool import Pool
from emocli.data.store import StoredFeature, features_in, open_feature, store_path
from emocli.data.store.folder import open_joined
from emocli.data.store.joined import JOIN
from emocli.display import number_of
from emocli.errors import NoSoundError, RunError
from emocli.extraction.extract import NothingExtractedError, extract
from emocli.extraction.failures import Failure, listed
from emocli.extraction.normalise import normalise
from emocli.models.run_config import RunConfig, View
from emocli.plugin.feature import Extractor, UnknownWordsError
from emocli.prediction.arrays import ClipArrays, Columns, StoredArrays
from emocli.prediction.clear_faces import ClearFaces, clear_faces, keep_clear_faces
from emocli.prediction.clips import manifest_of, with_speakers
from emocli.prediction.recompute import FeatureRecipe, RunFeatures, parts
from emocli.prediction.vocabulary import Counts, counted_words

CHUNK = 64
"""Clips in a chunk."""

MOST_CHUNKS = 100
"""Chunks of one unit, whose stores are open together."""

FEW = 5
"""Segments of a speaker below which their mean and deviation say little."""

APART = "clips"
"""The folder of features that people have no part in."""

DONE = "done"
"""The file that says that a chunk is complete, and of which features no word is known."""

ShareDone = Callable[[float], None]
"""Told the share that is done."""


ExtractorFor = Callable[[Sequence[Clip]], Extractor]
"""Returns an extractor of some clips."""


@dataclass(frozen=True)
class Extracted:
    """The features of clips by modality, what could not be computed, and remarks on the rest.

    ``words`` is what features of words noted about clips, see `counted_words`; ``faces`` where the
    surest faces of clips are.
    """

    stores: dict[str, ClipArrays]
    failures: tuple[Failure, ...]
    remarks: tuple[str, ...] = ()
    words: Counts = field(default_factory=dict)
    faces: ClearFaces = field(default_factory=dict)


@dataclass(frozen=True)
class _Part:
    """Clips whose features of some recipes go into one store."""

    folder: Path
    manifest: Manifest
    recipes: tuple[FeatureRecipe, ...]


@dataclass(frozen=True)
class PersonClips:
    """Clips of people of whom features are computed, in place of clips of all that is seen.

    Attributes
    ----------
    feature : str
        The feature that tells people apart.
    extractor : callable
        Returns what computes it for some of the clips.
    clips : tuple of Clip
        Several may be of one stretch of a recording, each for another person.
    stretches : mapping
        Clip to the one that stands for its stretch.
    """

    feature: str
    extractor: ExtractorFor
    clips: tuple[Clip, ...]
    stretches: Mapping[str, str]


def extracted(
    clips: Sequence[Clip],
    features: RunFeatures,
    config: RunConfig,
    folder: Path,
    pool: Pool | None = None,
    progress: ShareDone = lambda share: None,
    zeros: bool = True,
    people: PersonClips | None = None,
) -> Extracted:
    """Compute the features of clips into stores below ``folder``; a killed computation resumes.

    A clip without a medium, or without a sample of sound, lacks its modality; so does one of which
    a feature cannot be computed, and that is among the failures. Without ``zeros``, so does one of
    which a feature is nothing but zeros, which is how features of faces say that there is none in
    any frame. With ``people``, the features that are built on theirs are those of their clips,
    which all stores are of then.

    Raises
    ------
    EmocliError
        If settings, disk or machine do not allow it.
    """
    computation = _Computation(config, pool, zeros)
    if people is None:
        return computation.extracted(clips, features, folder, progress)
    seen, shared = _with_and_without(people.feature, features)
    apart_share = _share_apart(shared, clips, seen, people.clips)
    heard = computation.extracted(
        clips, shared, folder / APART, lambda share: progress(apart_share * share)
    )
    shown = replace(computation, extractors={people.feature: people.extractor}).extracted(
        people.clips,
        seen,
        folder / "people",
        lambda share: progress(apart_share + (1 - apart_share) * share),
    )
    stores = {m: store.shared(people.stretches) for m, store in heard.stores.items()} | shown.stores
    return Extracted(
        {modality: stores[modality] for modality in features.views},
        (*heard.failures, *shown.failures),
        (*heard.remarks, *shown.remarks),
        {**heard.words, **shown.words},
        {**heard.faces, **shown.faces},
    )


def extract_apart(
    people_feature: str,
    clips: Sequence[Clip],
    features: RunFeatures,
    config: RunConfig,
    folder: Path,
    pool: Pool,
    progress: ShareDone = lambda share: None,
) -> None:
    """Compute what people have no part in before they are known; `extracted` goes on from there.

    Raises
    ------
    EmocliError
        As `extracted`.
    """
    seen, others = _with_and_without(people_feature, features)
    apart_share = _share_apart(others, clips, seen, clips)
    _Computation(config, pool, zeros=False).compute(
        clips, others, folder / APART, lambda share: progress(apart_share * share)
    )


def _share_apart(
    others: RunFeatures, clips: Sequence[Clip], seen: RunFeatures, people: Sequence[Clip]
) -> float:
    """Return the share of the arrays to compute that people have no part in."""
    first, last = len(others.recipes) * len(clips), len(seen.recipes) * len(people)
    return first / max(first + last, 1)


def _with_and_without(feature: str, features: RunFeatures) -> tuple[RunFeatures, RunFeatures]:
    """Return the features of the modalities that are built on one, and those of the others."""
    seen = features.built_on(feature)
    return features.only(seen), features.only(features.views.keys() - seen)


@dataclass(frozen=True)
class _Computation:
    """A computation of features: for which run, where, and by which extractors."""

    config: RunConfig
    pool: Pool | None
    zeros: bool
    extractors: Mapping[str, ExtractorFor] = field(default_factory=dict)

    def extracted(
        self, clips: Sequence[Clip], features: RunFeatures, folder: Path, progress: ShareDone
    ) -> Extracted:
        plan = self.compute(clips, features, folder, progress)
        remarks = tuple(line for part in plan for line in _remarks(part))
        failures = tuple(failure for part in plan for failure in _causes(part))
        stores = {m: _view(m, view, plan, self.zeros) for m, view in features.views.items()}
        words = {i: each for p in plan for i, each in counted_words(p.folder, p.manifest).items()}
        faces = {i: face for p in plan for i, face in clear_faces(p.folder).items()}
        return Extracted(stores, failures, remarks, words, faces)

    def compute(
        self, clips: Sequence[Clip], features: RunFeatures, folder: Path, progress: ShareDone
    ) -> Sequence[_Part]:
        """Compute what is not there yet, and return the parts that it is in."""
        plan = list(_parts(clips, features.recipes, self.config, folder))
        total, before = sum(len(p.recipes) * len(p.manifest.clips) for p in plan), 0
        for part in plan:

            def advance(done: float, before: int = before) -> None:
                progress((before + done) / total)

            self._compute(part, features.read, advance)
            before += len(part.recipes) * len(part.manifest.clips)
        return plan

    def _compute(self, part: _Part, kept: frozenset[str], advance: Callable[[float], None]) -> None:
        if (part.folder / DONE).is_file():
            return
        unknown = []
        for index, recipe in enumerate(part.recipes):
            if set(recipe.requires) <= set(features_in(part.folder)):
                try:
                    self.extract(part, recipe, index, advance)
                except UnknownWordsError as error:  # as rows of zeros: the modality is missing
                    unknown.append(f"{recipe.name}: {error}\n")
            else:
                advance((index + 1) * len(part.manifest.clips))
        make_folder(part.folder)
        keep_clear_faces(part.folder, part.manifest)
        write_text(part.folder / DONE, "".join(unknown))
        for name in set(features_in(part.folder)) - kept:
            store_path(part.folder, name).unlink()

    def extract(
        self, part: _Part, recipe: FeatureRecipe, index: int, advance: Callable[[float], None]
    ) -> None:
        """Compute one feature of a part, the ``index``-th."""
        size = len(part.manifest.clips)

        def computed(done: int, total: int) -> None:
            advance(size * (index + (done / total if total else 1.0)))

        if recipe.by_speaker:
            normalise(with_speakers(part.manifest), part.folder, recipe.requires[0])
            computed(1, 1)
            return
        try:
            extract(
                part.manifest,
                [recipe.name],
                part.folder,
                settings={recipe.name: recipe.settings},
                pool=self.pool,
                extractors=self._extractors(recipe.name, part.manifest.clips),
                progress=computed,
            )
        except NothingExtractedError:  # the modality is missing; what failed is listed
            computed(1, 1)

    def _extractors(self, name: str, clips: Sequence[Clip]) -> dict[str, Extractor]:
        return {name: self.extractors[name](clips)} if name in self.extractors else {}


def _parts(
    clips: Sequence[Clip], recipes: Sequence[FeatureRecipe], config: RunConfig, folder: Path
) -> Iterator[_Part]:
    together = _together(recipes)
    whole = tuple(recipe for recipe in recipes if recipe.name in together)
    separate = tuple(recipe for recipe in recipes if recipe.name not in together)
    if whole:
        yield _Part(folder / "whole", manifest_of(clips, config), whole)
    if separate:
        size = max(CHUNK, -(-len(clips) // MOST_CHUNKS))
        for number, start in enumerate(range(0, len(clips), size)):
            chunk = manifest_of(clips[start : start + size], config)
            yield _Part(folder / f"part-{number:04d}", chunk, separate)


def _together(recipes: Sequence[FeatureRecipe]) -> frozenset[str]:
    """Name the features of which all clips are computed at once, and those they are made from."""
    names = {recipe.name for recipe in recipes if not recipe.per_clip}
    requires = {recipe.name: set(recipe.requires) for recipe in recipes}
    while True:
        above = {name for name, needed in requires.items() if needed & names}
        below = {needed for name in names for needed in requires[name]}
        if above | below <= names:
            return frozenset(names)
        names |= above | below


def _causes(part: _Part) -> Iterator[Failure]:
    """Yield root failures, without the features that depend on a failed one.

    That a stretch of a recording has no sound is no failure: the modality is missing there.
    """
    failures = listed(part.folder)
    failed = {(failure.feature, failure.id) for failure in failures}
    requires = {recipe.name: recipe.requires for recipe in part.recipes}
    for failure in failures:
        silent = failure.error == NoSoundError.__name__
        if not silent and not any((n, failure.id) in failed for n in requires[failure.feature]):
            yield failure


def _remarks(part: _Part) -> Iterator[str]:
    """Return remarks on unknown words and on speakers with too few clips for statistics."""
    yield from (part.folder / DONE).read_text("utf-8").splitlines()
    if not any(recipe.by_speaker for recipe in part.recipes):
        return
    counts = Counter(clip.speaker for clip in with_speakers(part.manifest).clips)
    few = {name: count for name, count in counts.items() if count < FEW}
    for name, count in few.items():
        who = name.rstrip(":")
        yield (
            f"features are normalised by speaker, and {who} has {number_of(count, 'segments')}: "
            "what is usual for a speaker is told by more of them"
        )


def _view(modality: str, view: View, plan: Sequence[_Part], zeros: bool = True) -> ClipArrays:
    places: dict[str, tuple[StoredFeature, Columns]] = {}
    for part in plan:
        there = set(features_in(part.folder))
        names = [name for name in parts(view) if name in there]
        if names:
            store = open_joined(part.folder, JOIN.join(names), part.manifest)
            columns = _columns(part, view, names, store)
            lost = frozenset() if zeros else _silent(part, names)
            shown = [i for i in store.ids if zeros or (i not in lost and np.any(store[i]))]
            places |= dict.fromkeys(shown, (store, columns))
    return ClipArrays(modality, view, StoredArrays(places, view.dim))


def _silent(part: _Part, names: Sequence[str]) -> frozenset[str]:
    """Return the clips in whose stream of sound there is none, by the notes of their features."""
    silent: set[str] = set()
    for name in names:
        with open_feature(part.folder, name, part.manifest) as store:
            silent |= {i for i in store.ids if store.notes(i).get(SILENT)}
    return frozenset(silent)


def _columns(part: _Part, view: View, names: Sequence[str], store: StoredFeature) -> Columns:
    """Return which columns of a view a store fills; one of joined features may be missing in it.

    Raises
    ------
    RunError
        If its rows are not as wide as those the run was trained on.
    """
    gap = view.dim - store.dim
    absent = [name for name in parts(view) if name not in names]
    if gap < 0 or (gap == 0) != (not absent) or len(absent) > 1:
        what = f"'{view.feature}' has {view.dim} columns, {', '.join(names)} of it has {store.dim}"
        raise RunError(what, hint="a feature is computed otherwise by now; train the run again")
    columns, start = [], 0
    for name in parts(view):
        width = gap
        if name in names:
            with open_feature(part.folder, name, part.manifest) as own:
                width = own.dim
            columns.append(np.arange(start, start + width))
        start += width
    return np.concatenate(columns)
