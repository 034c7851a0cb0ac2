"""How well a modality can be regenerated from the others, from clips that were learnt and others.

Source: Mittal et al. 2020, section 3.4 and Figure 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli import __version__
from emocli.analysis._proxies_figure import draw
from emocli.analysis._subject import Subject, subjects
from emocli.analysis._written import Analysis, titled, write
from emocli.data.clip import Split
from emocli.data.json_io import plain
from emocli.data.samples import Samples
from emocli.errors import StoreError
from emocli.robust.proxy.generator import ProxyGenerator
from emocli.robust.proxy.settings import ProxyConfig, configure

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]

KINDS = ("paper", "plus", "literal", "mean")
"""What is compared, besides `MEMORY`."""

MEMORY = "memory"
MEMORISED = {"mode": "knn_ls", "k": 10, "ridge": 1e-6}
"""So few neighbours and so little regularisation that a clip that was learnt returns itself."""

MOST = 256
"""Clips of each kind that are regenerated."""

SHOWN = 3
"""Clips that are drawn."""

NOISE = "0.01"
"""Signal-to-noise ratio of the noisy curves."""

BATCH = 64


def proxies(
    place: Path,
    *,
    kinds: Sequence[str] = KINDS,
    split: Split = "test",
    seed: int = 0,
    manifest: Path | None = None,
    store: Path | None = None,
    figures: bool = True,
    progress: Progress = lambda done, total: None,
) -> Analysis:
    """Write down and draw how far proxies are from what they stand for.

    Of a cross-validation every fold's proxies are tried on its own clips, and the errors are those
    of all together; the curves are of the first fold that has a clip with all modalities.

    Parameters
    ----------
    place : Path
        A run, the folder of a cross-validation, or a store; then ``manifest`` says what its clips
        are.
    kinds : sequence of str
        Modes and presets of proxies. The first one is drawn.
    split : str
        The clips that have no part in the proxies.
    seed : int
        Of the noise that is drawn.
    manifest, store : Path, optional
        Instead of those the run was trained on.
    figures : bool
        Whether to draw.
    progress : callable
        Told kinds done, and all kinds.

    Raises
    ------
    EmocliError
        If what is asked does not fit, or no clip of the split has all modalities.
    """
    parts = subjects(place, split, manifest, store)
    first = parts[0]
    configs = {kind: configure(kind) for kind in kinds}
    configs[MEMORY] = ProxyConfig.model_validate(MEMORISED)
    most = -(-MOST // len(parts))
    sets = {
        "learnt": [_some(part.split("train"), most) for part in parts],
        "held out": [_some(part.clips, most) for part in parts],
    }
    shown = next((part for part, own in zip(parts, sets["held out"], strict=True) if own), None)
    if shown is None:
        what = f"no clip of split '{split}' has all of {', '.join(first.clips.stores)}"
        raise StoreError(what, where=place, hint="choose another with --split")
    errors = []
    for index, (kind, config) in enumerate(configs.items()):
        progress(index, len(configs))
        generators = [part.repair_factory.generator(config) for part in parts]
        for modality in first.clips.stores:
            for sources in _sources(modality, list(first.clips.stores)):
                found = {
                    name: _error(zip(generators, own, strict=True), modality, sources)
                    for name, own in sets.items()
                }
                from_ = " + ".join(sources)
                errors.append({"kind": kind, "modality": modality, "from": from_, **found})
    progress(len(configs), len(configs))
    drawn_kind = next(iter(configs.values()))
    data: dict[str, Any] = plain(
        {
            "format": 1,
            "emocli": __version__,
            "of": place.resolve().name,
            "dataset": first.clips.manifest.dataset,
            "split": split,
            "n": {name: sum(map(len, own)) for name, own in sets.items()},
            "corruption_seed": seed,
            "settings": {kind: config.model_dump() for kind, config in configs.items()},
            "error": "L2 norm of proxy less original, over that of the original; all clips' sums",
            "errors": errors,
            "noise": NOISE,
            "curves": _curves(shown, shown.repair_factory.generator(drawn_kind), seed),
        }
    )
    drawn = draw(data) if figures else {}
    unusual = () if tuple(kinds) == KINDS else kinds
    name = titled("proxies", split, first.other, *unusual, seed=seed)
    return write(place, name, data, list(_rows(data)), drawn)


def _some(samples: Samples, most: int) -> Samples:
    """Take clips that have everything, evenly spread."""
    stores = samples.stores.values()
    whole = [clip for clip in samples.clips if all(store.length(clip.id) for store in stores)]
    picks = np.unique(np.linspace(0, len(whole) - 1, min(most, len(whole))).astype(int))
    return replace(samples, clips=tuple(whole[k] for k in picks))


def _sources(modality: str, modalities: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield each of the other modalities, and all of them."""
    others = tuple(m for m in modalities if m != modality)
    yield from ((m,) for m in others)
    if len(others) > 1:
        yield others


def _error(
    parts: Iterable[tuple[ProxyGenerator, Samples]], modality: str, sources: Sequence[str]
) -> float:
    """Return the relative error of the proxies of a modality; NaN where there are none."""
    off = size = 0.0
    for generator, samples in parts:
        for original, made in _pairs(generator, samples, modality, sources):
            off += float(np.linalg.norm(made - original))
            size += float(np.linalg.norm(original))
    return off / size if size else float("nan")


def _pairs(
    generator: ProxyGenerator, samples: Samples, modality: str, sources: Sequence[str]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Regenerate a modality of clips from others; yield what was there and what is now."""
    for batch in samples.batches(BATCH):
        views = {m: batch.views[m] for m in (*sources, modality)}
        flags = {m: np.full(len(batch), m != modality) for m in views}
        made = generator.fill(views, flags)[modality].rows()
        told = generator.fillable(views, flags)[modality]
        pairs = zip(views[modality].rows(), made, told, strict=True)
        yield from ((original, proxy) for original, proxy, there in pairs if there)


def _curves(subject: Subject, generator: ProxyGenerator, seed: int) -> list[dict[str, Any]]:
    """Show a few clips: original, noisy and regenerated vectors, means over the steps."""
    few = _some(subject.clips, MOST)
    picks = np.unique(np.linspace(0, len(few) - 1, SHOWN + 2).astype(int)[1:-1])
    few = replace(few, clips=tuple(few.clips[k] for k in picks))
    found = []
    for modality in few.stores:
        others = [m for m in few.stores if m != modality]
        noisy, _ = subject.corrupted(f"{modality}:gaussian@{NOISE}", seed)
        made = _pairs(generator, few, modality, others)
        for clip, (original, proxy) in zip(few.clips, made, strict=False):
            found.append(
                {
                    "clip": clip.id,
                    "modality": modality,
                    "original": original.mean(axis=0).tolist(),
                    "noisy": noisy.array(clip.id, modality).mean(axis=0).tolist(),
                    "regenerated": proxy.mean(axis=0).tolist(),
                }
            )
    return found


def _rows(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Turn the errors into a table."""
    yield from data["errors"]
