"""Errors of proxies: of modalities regenerated from the others, of learnt and of other clips.

Source: Mittal et al. 2020, section 3.4 and Figure 7.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from emocli.analysis.proxies._figure import MEMORY, curves, errors
from emocli.analysis.proxies._report import Curves, Errors
from emocli.analysis.proxies._report import ProxiesReport as Report
from emocli.errors import StoreError
from emocli.limits import MOST_SEED
from emocli.plugin.analysis import (
    Finding,
    OfRunOrStore,
    Option,
    PlaceReport,
    Progress,
    Split,
    file_name,
)
from emocli.plugin.analysis.drawing import Cell, ReportTable
from emocli.plugin.robustness import CorruptionSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from emocli.analysis._subject import Subject
    from emocli.plugin.analysis.networks import Samples
    from emocli.robust.proxy.generator import ProxyGenerator
    from emocli.robust.proxy.settings import ProxyConfig


KINDS = ("paper", "plus", "literal", "mean")
"""Kinds of proxies that are compared, besides `MEMORY`."""

MEMORISED = {"mode": "knn_ls", "k": 10, "ridge": 1e-6}
"""So few neighbours and so little regularisation that a clip that was learnt returns itself."""

MOST = 256
"""Clips of each kind that are regenerated."""

SHOWN = 3
"""Clips that are drawn."""

NOISE = "0.01"
"""Signal-to-noise ratio of the noisy curves."""

BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Options(OfRunOrStore):
    """Compare proxies with the features that they replace.

    Draws original, noisy and regenerated features of a few clips (Mittal 2020, Figure 7), and
    measures the relative error for clips that were learnt and for others, from each modality and
    from all. An error of 1 is that of the mean. The kind memory, ten neighbours and next to no
    regularisation, returns what it has learnt, and is added to show what that is worth.
    """

    unit: ClassVar[str] = "kinds"

    kind: Annotated[
        tuple[str, ...],
        Option("Mode or preset; repeat for more. Default: paper, plus, literal, mean."),
    ] = ()
    split: Annotated[Split, Option("Held-out clips.")] = "test"
    seed: Annotated[int, Option("Seed of the noise.", least=0, most=MOST_SEED)] = 0


def measure(options: Options, progress: Progress) -> Finding:
    """Measure the distance of proxies from the features that they replace.

    Of a cross-validation every fold's proxies regenerate the clips that the fold tests; the errors
    are those of all together; the curves are of the first fold that has a clip with all modalities.

    Raises
    ------
    EmocliError
        If what is asked does not fit, or no clip of the split has all modalities.
    """
    from emocli.analysis._subject import subjects
    from emocli.robust.proxy.settings import ProxyConfig, configure

    split, kinds = options.split, options.kind or KINDS
    parts = subjects(options.place, split, options.manifest, options.store)
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
        raise StoreError(what, where=options.place, hint="choose another with --split")
    generator = shown.repair_factory.generator(next(iter(configs.values())))
    report = Report(
        **vars(PlaceReport.about(options.place, first.clips.manifest.dataset, split)),
        n={name: sum(map(len, own)) for name, own in sets.items()},
        corruption_seed=options.seed,
        settings={kind: config.model_dump() for kind, config in configs.items()},
        error="L2 norm of proxy less original, over that of the original; all clips' sums",
        errors=tuple(_errors(parts, configs, sets, progress)),
        noise=NOISE,
        curves=tuple(_curves(shown, generator, options.seed)),
    )
    chosen = () if tuple(kinds) == KINDS else kinds
    return Finding(
        file_name("proxies", split, first.other, *chosen, seed=options.seed),
        report,
        [row.data() for row in report.errors],
        (tabulate(report),),
        lambda style: {"": curves(report, style), "-errors": errors(report, style)},
    )


def _errors(
    parts: Sequence[Subject],
    configs: Mapping[str, ProxyConfig],
    sets: Mapping[str, Sequence[Samples]],
    progress: Progress,
) -> Iterator[Errors]:
    """Yield the errors of every kind, modality and source, in each set of clips."""
    modalities = list(parts[0].clips.stores)
    for index, (kind, config) in enumerate(configs.items()):
        progress(index, len(configs))
        generators = [part.repair_factory.generator(config) for part in parts]
        for modality in modalities:
            for sources in _sources(modality, modalities):
                errors = {
                    name: _error(zip(generators, own, strict=True), modality, sources)
                    for name, own in sets.items()
                }
                names = " + ".join(sources)
                yield Errors(kind=kind, modality=modality, sources=names, errors=errors)
    progress(len(configs), len(configs))


def _some(samples: Samples, most: int) -> Samples:
    """Take clips that have everything, evenly spread."""
    import numpy as np

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
    import numpy as np

    off = size = 0.0
    for generator, samples in parts:
        for original, proxy in _pairs(generator, samples, modality, sources):
            off += float(np.linalg.norm(proxy - original))
            size += float(np.linalg.norm(original))
    return off / size if size else float("nan")


def _pairs(
    generator: ProxyGenerator, samples: Samples, modality: str, sources: Sequence[str]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Regenerate a modality of clips from others; yield originals and proxies."""
    import numpy as np

    for batch in samples.batches(BATCH):
        views = {m: batch.views[m] for m in (*sources, modality)}
        flags = {m: np.full(len(batch), m != modality) for m in views}
        proxies = generator.fill(views, flags)[modality].rows()
        filled = generator.fillable(views, flags)[modality]
        pairs = zip(views[modality].rows(), proxies, filled, strict=True)
        yield from ((original, proxy) for original, proxy, is_filled in pairs if is_filled)


def _curves(subject: Subject, generator: ProxyGenerator, seed: int) -> Iterator[Curves]:
    """Yield the features of a few clips: original, noisy and regenerated."""
    import numpy as np

    few = _some(subject.clips, MOST)
    picks = np.unique(np.linspace(0, len(few) - 1, SHOWN + 2).astype(int)[1:-1])
    few = replace(few, clips=tuple(few.clips[k] for k in picks))
    for modality in few.stores:
        others = [m for m in few.stores if m != modality]
        noisy, _ = subject.corrupted(CorruptionSpec(modality, strength=NOISE), seed)
        pairs = _pairs(generator, few, modality, others)
        for clip, (original, proxy) in zip(few.clips, pairs, strict=False):
            yield Curves(
                clip=clip.id,
                modality=modality,
                original=_mean(original),
                noisy=_mean(noisy.array(clip.id, modality)),
                regenerated=_mean(proxy),
            )


def _mean(values: NDArray[np.float32]) -> tuple[float, ...]:
    """Return the mean over the steps."""
    return tuple(values.mean(axis=0).tolist())


def tabulate(report: Report) -> ReportTable:
    """Return a row per kind, modality and source."""
    rows = tuple(
        (row.kind, row.modality, row.sources, *map(_cell, row.errors.values()))
        for row in report.errors
    )
    counts = ", ".join(f"{count} {name}" for name, count in report.n.items())
    title = f"relative error of proxies on {report.dataset} ({counts})"
    return ReportTable(title, ("kind", "of", "from", *report.n), rows)


def _cell(error: float) -> Cell:
    return "-" if math.isnan(error) else error
