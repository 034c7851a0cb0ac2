"""The merge of a feature's finished file and parts into one, in the manifest's order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from emocli.data.store.format import StoreContents
from emocli.data.store.parts import note_text
from emocli.data.store.reader import FeatureStore
from emocli.data.store.recipe import Recipe
from emocli.data.store.resume import ExtractionState, kinds_of
from emocli.data.track import Array


def merged(
    recipe: Recipe,
    state: ExtractionState,
    order: Sequence[str],
    fingerprints: Mapping[str, str] | None,
) -> StoreContents:
    """Put the clips of all sources into the manifest's order.

    ``fingerprints`` are, by clip, of what its arrays are made from.
    """
    sources, places, known = state.sources, state.places, state.absent
    ids = [clip_id for clip_id in order if clip_id in places]
    absent = [clip_id for clip_id in order if clip_id in known]
    model = next((s for s in sources if s.steps), next(s for s in sources if len(s)))
    return StoreContents(
        ids=ids,
        lengths=[sources[places[i][0]].length(i) for i in ids],
        columns=kinds_of(model),
        blocks=_blocks(sources, [places[i] for i in ids]),
        names=model.dim_names,
        notes=[note_text(sources[places[i][0]].notes(i)) for i in ids],
        absent=absent,
        attributes=recipe.attributes(
            model.header.rate, _united([s.header.versions for s in sources])
        ),
        sources=[fingerprints[clip_id] for clip_id in (*ids, *absent)] if fingerprints else (),
        media=_known_media(state, ids, absent),
    )


def _known_media(state: ExtractionState, ids: Sequence[str], absent: Sequence[str]) -> list[str]:
    """Return what each clip's source knows of its media; nothing if none knows anything."""
    known: dict[str, str] = {}
    for source in state.sources:
        for clip_id in source.absent:
            if clip_id not in state.stale.get(source, ()):
                known.setdefault(clip_id, source.media.get(clip_id, ""))
    places = state.places
    present = [state.sources[places[clip_id][0]].media.get(clip_id, "") for clip_id in ids]
    media = [*present, *(known[clip_id] for clip_id in absent)]
    return media if any(media) else []


def _blocks(
    sources: Sequence[FeatureStore], places: Iterable[tuple[int, int]]
) -> Iterator[tuple[str, Array]]:
    """Read the clips at (source, position), neighbours together, one file open at a time."""
    for number, first, last in _runs(places):
        with sources[number] as source:
            for name in source.columns:
                for start, stop in source.blocks(name, *source.span(first, last)):
                    yield name, source.rows(name, start, stop)


def _runs(places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Join places that follow each other in one source: (source, first, last + 1)."""
    run: tuple[int, int, int] | None = None
    for number, k in places:
        if run and run[0] == number and run[2] == k:
            run = number, run[1], k + 1
            continue
        if run:
            yield run
        run = number, k, k + 1
    if run:
        yield run


def _united(versions: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Join versions; where a library changed between two runs, both are named."""
    known: dict[str, set[str]] = {}
    for some in versions:
        for name, text in some.items():
            known.setdefault(name, set()).update(text.split(", "))
    return {name: ", ".join(sorted(texts)) for name, texts in sorted(known.items())}
