"""Where a network attends: the weight of each moment of each view, hop by hop.

Source: Beard 2018, CoNLL, Fig. 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from emocli.analysis._attention_figure import draw
from emocli.analysis._written import Analysis, about, titled, write
from emocli.data.batch import Batch, FusionOutput, Padded
from emocli.data.clip import Clip
from emocli.data.store import FeatureStore
from emocli.data.words import read_words
from emocli.errors import RunError
from emocli.evaluation.cross_validation import open_tester
from emocli.evaluation.evaluator import RunEvaluator
from emocli.models.losses import probabilities
from emocli.robust.corrupt import parse_all
from emocli.training.compute import deterministic_torch
from emocli.training.outputs import level

Hop = Literal["all", "last"]

TEXT = "text"
"""The modality under whose curve the words stand."""

CURVE = (
    "attention to the state that a step belongs to, over that of attention which prefers none; "
    "mean over the steps 1, so that a short last block weighs no more than a long one"
)
"""What is drawn. A step's share of the weights is also larger where its block is shorter."""

TOKEN = re.compile(r"\w+(?:['\u2019-]\w+)*|[^\w\s]")
"""A word or a punctuation mark, for texts whose words have no times."""


def attention(
    run: Path,
    clip: str,
    *,
    hop: Hop = "last",
    corrupt: Sequence[str] = (),
    repair: Mapping[str, Any] | None = None,
    seed: int = 0,
    manifest: Path | None = None,
    store: Path | None = None,
    figures: bool = True,
) -> Analysis:
    """Write down and draw the attention of every view of one clip over time.

    Curves are the mean over the run's seeds; the data hold every seed. The clip is read as in
    `emocli evaluate`: corrupted if asked for, and repaired.

    Parameters
    ----------
    run : Path
        A finished run of a network with attention over steps, or the folder of a cross-validation,
        of which the fold that tests the clip is taken.
    clip : str
        Id of a clip of the corpus, of any split.
    hop : {'last', 'all'}
        Which hops are drawn; the data hold all.
    corrupt : sequence of str
        Corruptions, all at once (as in `emocli evaluate`).
    repair : mapping, optional
        What is done about modalities that are not trusted, as `RepairConfig.with_options` takes it.
        By default what was done in training.
    seed : int
        Of the corruptions.
    manifest, store : Path, optional
        Instead of those the run was trained on.
    figures : bool
        Whether to draw.

    Raises
    ------
    EmocliError
        If the run is no run, there is no such clip or nothing is left of it, its network attends to
        no steps, or what is asked does not fit it.
    """
    evaluator = open_tester(run, clip, manifest, store, repair)
    asked = parse_all(corrupt, evaluator.modalities)
    chosen = evaluator.samples.manifest.clip(clip)
    seen = evaluator.seen_alone(chosen, asked, seed)
    read = {m: Padded.from_rows([seen.samples.array(clip, m)]) for m in evaluator.modalities}
    if not any(view.observed for view in read.values()):
        raise RunError(f"clip '{clip}' has none of its features", where=run)
    batch = Batch((clip,), read)
    outputs = _outputs(evaluator, batch)
    views = _views(evaluator, chosen, read, outputs, _uniform(evaluator, batch))
    labels = [corruption.label for corruption in asked]
    data = {
        **about(run, evaluator),
        "fold": evaluator.config.fold and evaluator.config.fold.index,
        "clip": chosen.id,
        "split": chosen.split,
        "label": chosen.label,
        "labels": dict(chosen.labels),
        "said": _said(evaluator, outputs),
        "hop": hop,
        "curve": CURVE,
        "corruption": labels,
        "corruption_seed": seed,
        "repair": evaluator.repair.label,
        "flagged": [m for m in evaluator.modalities if clip in seen.flagged[m]],
        "regenerated": [m for m in evaluator.modalities if clip in seen.regenerated[m]],
        "views": views,
    }
    drawn = draw(data) if figures else {}
    name = titled(
        f"attention-{clip}-{hop}", evaluator.other, *labels, evaluator.repair.label, seed=seed
    )
    return write(run, name, data, list(_rows(views)), drawn)


def _outputs(evaluator: RunEvaluator, batch: Batch) -> list[FusionOutput]:
    """Let every seed of the run look at the clip.

    Raises
    ------
    RunError
        If there is no attention over steps.
    """
    outputs = []
    with deterministic_torch(evaluator.config.train.threads), torch.inference_mode():
        for member in evaluator.members:
            output = member.network.eval()(batch) if level(member.network) == "clip" else None
            if output is None or not output.attention:
                raise RunError(
                    f"its network '{evaluator.config.fusion}' has no attention over steps",
                    where=evaluator.run,
                    hint="train one that has: rrnn, gca or early",
                )
            outputs.append(output)
    return outputs


def _uniform(evaluator: RunEvaluator, batch: Batch) -> Mapping[str, torch.Tensor]:
    """Return the weights (1, T) of steps under attention that prefers no state to another.

    They are those of the settings, the same for every seed; a network that does not tell is taken
    to weigh each step by itself.
    """
    network = evaluator.members[0].network.eval()
    with deterministic_torch(evaluator.config.train.threads), torch.inference_mode():
        return network.uniform(batch)


def _curve(weights: NDArray[np.float64], uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compare weights (seed, hop, step) with uniform ones; the mean over the steps stays 1."""
    ratio = np.divide(weights, uniform, out=np.zeros_like(weights), where=uniform > 0)
    mean = ratio.mean(axis=-1, keepdims=True)
    return np.asarray(np.divide(ratio, mean, out=np.zeros_like(ratio), where=mean > 0))


def _views(
    evaluator: RunEvaluator,
    clip: Clip,
    read: Mapping[str, Padded],
    outputs: Sequence[FusionOutput],
    uniform: Mapping[str, torch.Tensor],
) -> dict[str, dict[str, Any]]:
    """Collect times, words, weights and curves (seed, hop, step) of the views that are read."""
    stores = evaluator.samples.stores
    ends = [times[-1] for store in stores.values() if (times := _times(store, clip)) is not None]
    found = {}
    for modality in outputs[0].attention:
        store = stores[modality]
        steps = int(read[modality].lengths)
        if not steps:
            continue
        # What was regenerated where there was nothing has no times.
        times = _times(store, clip) if steps == store.length(clip.id) else None
        # Where nobody knows the time, a step takes the place of a second.
        weights = [output.attention[modality][0, :, :steps].tolist() for output in outputs]
        even = uniform[modality][0, :steps].double().numpy() if uniform else np.ones(steps)
        places = (np.arange(steps) + 0.5) * max(ends, default=steps) / steps
        found[modality] = {
            "feature": store.name,
            "timed": times is not None,
            "times": (places if times is None else times).tolist(),
            "words": list(_words(clip, places, times is not None)) if modality == TEXT else [],
            "weights": weights,
            "curve": _curve(np.array(weights), even).tolist(),
        }
    return found


def _times(store: FeatureStore, clip: Clip) -> NDArray[np.float64] | None:
    """Seconds of the clip's rows; None where the store does not know them, or has none."""
    if not store.length(clip.id):
        return None
    times = store.track(clip.id).times
    if times is None and store.header.rate is not None:
        return np.arange(store.length(clip.id)) / store.header.rate
    known = times is not None and np.isfinite(times).all()
    return np.asarray(times, np.float64) if known else None


def _words(clip: Clip, places: NDArray[np.float64], timed: bool) -> Iterator[dict[str, Any]]:
    """Find the words and where they stand: in the middle of their time, or with their row."""
    if timed and "words" in clip.media and clip.media["words"].is_file():
        start, end = clip.start or 0.0, np.inf if clip.end is None else clip.end
        for word in read_words(clip.media["words"]):
            middle = (word.start + word.end) / 2
            if start <= middle < end:
                yield {"word": word.text, "time": middle - start}
    elif not timed and len(tokens := TOKEN.findall(clip.text)) == len(places):
        for token, place in zip(tokens, places.tolist(), strict=True):
            yield {"word": token, "time": place}


def _said(evaluator: RunEvaluator, outputs: Sequence[FusionOutput]) -> dict[str, float]:
    """Give each class's probability, or intensity; the mean over the seeds."""
    config = evaluator.config
    logits = torch.cat([output.logits for output in outputs])
    values = probabilities(config.task, config.train.loss, logits).mean(dim=0)
    return dict(zip(config.classes, values.tolist(), strict=True))


def _rows(views: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Turn the data into a table; weights and curves are means over the seeds."""
    for modality, view in views.items():
        found = (np.mean(view[key], axis=0).tolist() for key in ("weights", "curve"))
        for hop, columns in enumerate(zip(*found, strict=True), 1):
            rows = zip(view["times"], *columns, strict=True)
            for step, (time, weight, curve) in enumerate(rows):
                yield {
                    "view": modality,
                    "hop": hop,
                    "step": step,
                    "seconds": time,
                    "weight": weight,
                    "curve": curve,
                }
