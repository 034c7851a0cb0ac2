"""Attention of a network over time: the weight of each moment of each view, hop by hop.

Source: Beard 2018, CoNLL, Fig. 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from emocli.analysis._choice import TOKEN, first_whole
from emocli.analysis.attention._figure import draw, tabulate
from emocli.analysis.attention._report import AttentionReport as Report
from emocli.analysis.attention._report import Hop, PerStep, ViewAttention, WordTime
from emocli.errors import ConfigError, RunError
from emocli.plugin.analysis import Clip, CsvRow, Finding, OfRun, Option, Progress, about, file_name
from emocli.plugin.robustness import RobustOptions, on

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from emocli.plugin.analysis.networks import (
        Batch,
        FusionOutput,
        Padded,
        RunEvaluator,
        StoredFeature,
    )

TEXT = "text"
"""The modality under whose curve the words stand."""

CURVE = (
    "attention to the state that a step belongs to, over that of attention which prefers none; "
    "mean over the steps 1, so that a short last block weighs no more than a long one"
)
"""What is drawn. A step's share of the weights is also larger where its block is shorter."""


@dataclass(frozen=True, kw_only=True)
class Options(RobustOptions, OfRun):
    """Show the attention of every view of a clip over time, words under that of the text.

    The clip is read as in emocli evaluate: corrupted if asked for, and with the run's own repair
    unless another is asked for. Of a cross-validation the fold that tests the clip is taken.
    Without --clip: the first test clip that has all modalities, of those whose text has the word
    --word, if any has.
    """

    clip: Annotated[str, Option("Id of a clip of the corpus (default: a test clip).")] = ""
    word: Annotated[str, Option("Choose a clip whose text has this word.")] = ""
    hop: Annotated[Hop, Option("Hops to draw; the data have all of them.")] = "last"


def measure(options: Options, progress: Progress) -> Finding:
    """Collect the attention of every view of one clip; curves are the mean over the run's seeds.

    Raises
    ------
    EmocliError
        If the run is no run, there is no such clip or nothing is left of it, its network attends to
        no steps, or what is asked does not fit it.
    """
    from emocli.plugin.analysis.networks import Batch, Padded, open_evaluator, open_tester

    if options.clip and options.word:
        raise ConfigError("--clip and --word", hint="choose one of them")
    run = options.run
    clip, rule = options.clip, ""
    if not clip:
        tested = open_evaluator(run, "test", options.manifest, options.store, options)
        clip, rule = first_whole(tested, options.word)
    evaluator = open_tester(run, clip, options.manifest, options.store, options)
    corruptions = on(options.corrupt, evaluator.modalities)
    chosen = evaluator.samples.manifest.clip(clip)
    transformed = evaluator.transformed_clip(chosen, corruptions, options.seed)
    read = {m: Padded.from_rows([transformed.samples.array(clip, m)]) for m in evaluator.modalities}
    if not any(view.observed for view in read.values()):
        raise RunError(f"clip '{clip}' has none of its features", where=run)
    batch = Batch((clip,), read)
    outputs = _outputs(evaluator, batch)
    labels = [corruption.label for corruption in corruptions]
    report = Report(
        **vars(about(run, evaluator)),
        fold=evaluator.config.fold.index if evaluator.config.fold else None,
        clip=chosen.id,
        chosen=rule,
        split=chosen.split,
        label=chosen.label,
        labels=dict(chosen.labels),
        predicted=_predicted(evaluator, outputs),
        hop=options.hop,
        curve=CURVE,
        corruption=tuple(labels),
        corruption_seed=options.seed,
        repair=evaluator.repair.label,
        flagged=tuple(m for m in evaluator.modalities if clip in transformed.flagged[m]),
        regenerated=tuple(m for m in evaluator.modalities if clip in transformed.regenerated[m]),
        views=_views(evaluator, chosen, read, outputs, _uniform(evaluator, batch)),
    )
    parts = (f"attention-{clip}-{options.hop}", evaluator.other, *labels, evaluator.repair.label)
    return Finding(
        file_name(*parts, seed=options.seed),
        report,
        _rows(report.views),
        (tabulate(report),),
        lambda style: draw(report, style),
    )


def _outputs(evaluator: RunEvaluator, batch: Batch) -> list[FusionOutput]:
    """Let every seed of the run look at the clip.

    Raises
    ------
    RunError
        If there is no attention over steps.
    """
    import torch

    from emocli.plugin.analysis.networks import deterministic_torch, level

    outputs = []
    with deterministic_torch(evaluator.config.train.threads), torch.inference_mode():
        for member in evaluator.members:
            output = member.network.eval()(batch) if level(member.network) == "clip" else None
            if output is None or not output.attention:
                raise RunError(
                    f"its network '{evaluator.config.fusion}' has no attention over steps",
                    where=evaluator.run,
                    hint="train one that has: its output holds `attention`, see docs/analyses.md",
                )
            outputs.append(output)
    return outputs


def _uniform(evaluator: RunEvaluator, batch: Batch) -> Mapping[str, torch.Tensor]:
    """Return the weights (1, T) of steps under attention that prefers no state to another.

    They are those of the settings, the same for every seed; a network that does not tell is taken
    to weigh each step by itself.
    """
    import torch

    from emocli.plugin.analysis.networks import deterministic_torch

    network = evaluator.members[0].network.eval()
    with deterministic_torch(evaluator.config.train.threads), torch.inference_mode():
        return network.uniform(batch)


def _curve(weights: NDArray[np.float64], uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compare weights (seed, hop, step) with uniform ones; the mean over the steps stays 1."""
    import numpy as np

    ratio = np.divide(weights, uniform, out=np.zeros_like(weights), where=uniform > 0)
    mean = ratio.mean(axis=-1, keepdims=True)
    return np.asarray(np.divide(ratio, mean, out=np.zeros_like(ratio), where=mean > 0))


def _views(
    evaluator: RunEvaluator,
    clip: Clip,
    read: Mapping[str, Padded],
    outputs: Sequence[FusionOutput],
    uniform: Mapping[str, torch.Tensor],
) -> dict[str, ViewAttention]:
    """Collect times, words, weights and curves (seed, hop, step) of the views that are read."""
    import numpy as np

    stores = evaluator.samples.stores
    ends = [times[-1] for store in stores.values() if (times := _times(store, clip)) is not None]
    views = {}
    for modality in outputs[0].attention:
        store = stores[modality]
        steps = int(read[modality].lengths)
        if not steps:
            continue
        # What was regenerated where there was nothing has no times.
        times = _times(store, clip) if steps == store.length(clip.id) else None
        # Where nobody knows the time, a step takes the place of a second.
        weights = np.array([o.attention[modality][0, :, :steps].tolist() for o in outputs])
        even = uniform[modality][0, :steps].double().numpy() if uniform else np.ones(steps)
        places = (np.arange(steps) + 0.5) * max(ends, default=steps) / steps
        words = _words(clip, places, times is not None) if modality == TEXT else ()
        views[modality] = ViewAttention(
            feature=store.name,
            timed=times is not None,
            times=tuple((places if times is None else times).tolist()),
            words=tuple(words),
            weights=_per_step(weights),
            curve=_per_step(_curve(weights, even)),
        )
    return views


def _per_step(values: NDArray[np.float64]) -> PerStep:
    return tuple(tuple(map(tuple, hops)) for hops in values.tolist())


def _times(store: StoredFeature, clip: Clip) -> NDArray[np.float64] | None:
    """Seconds of the clip's rows; None where the store does not know them, or has none."""
    import numpy as np

    if not store.length(clip.id):
        return None
    times = store.track(clip.id).times
    if times is None and store.header.rate is not None:
        return np.arange(store.length(clip.id)) / store.header.rate
    known = times is not None and np.isfinite(times).all()
    return np.asarray(times, np.float64) if known else None


def _words(clip: Clip, places: NDArray[np.float64], timed: bool) -> Iterator[WordTime]:
    """Yield the words where they stand: in the middle of their time, or with their row."""
    import numpy as np

    from emocli.plugin.analysis.networks import read_words

    if timed and "words" in clip.media and clip.media["words"].is_file():
        start, end = clip.start or 0.0, np.inf if clip.end is None else clip.end
        for word in read_words(clip.media["words"]):
            middle = (word.start + word.end) / 2
            if start <= middle < end:
                yield WordTime(word=word.text, time=middle - start)
    elif not timed and len(tokens := TOKEN.findall(clip.text)) == len(places):
        for token, place in zip(tokens, places.tolist(), strict=True):
            yield WordTime(word=token, time=place)


def _predicted(evaluator: RunEvaluator, outputs: Sequence[FusionOutput]) -> dict[str, float]:
    """Give each class's probability, or intensity; the mean over the seeds."""
    import torch

    from emocli.plugin.analysis.networks import probabilities

    config = evaluator.config
    logits = torch.cat([output.logits for output in outputs])
    values = probabilities(config.logit_task, config.train.loss, logits).mean(dim=0)
    return dict(zip(config.classes, values.tolist(), strict=True))


def _rows(views: Mapping[str, ViewAttention]) -> Iterator[CsvRow]:
    """Yield a row per view, hop and step; weights and curves are means over the seeds."""
    import numpy as np

    for modality, view in views.items():
        means = (np.mean(values, axis=0).tolist() for values in (view.weights, view.curve))
        for hop, columns in enumerate(zip(*means, strict=True), 1):
            rows = zip(view.times, *columns, strict=True)
            for step, (time, weight, curve) in enumerate(rows):
                yield {
                    "view": modality,
                    "hop": hop,
                    "step": step,
                    "seconds": time,
                    "weight": weight,
                    "curve": curve,
                }
