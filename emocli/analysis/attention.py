"""Where a network attends: the weight of each moment of each view, hop by hop.

Source: Beard 2018, CoNLL, Fig. 4.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from emocli.analysis import Finding, OfRun, Progress, file_name
from emocli.analysis._choice import TOKEN, first_whole
from emocli.analysis._conditions import about
from emocli.data.clip import Clip
from emocli.errors import ConfigError, RunError
from emocli.options import Option
from emocli.report.canvas import COLOURS, GREY, canvas, legend
from emocli.report.tables import Table
from emocli.robust.options import RobustOptions

if TYPE_CHECKING:
    import numpy as np
    import torch
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from emocli.data.batch import Batch, FusionOutput, Padded
    from emocli.data.store import FeatureStore
    from emocli.evaluation.evaluator import RunEvaluator

Hop = Literal["last", "all"]

TEXT = "text"
"""The modality under whose curve the words stand."""

CURVE = (
    "attention to the state that a step belongs to, over that of attention which prefers none; "
    "mean over the steps 1, so that a short last block weighs no more than a long one"
)
"""What is drawn. A step's share of the weights is also larger where its block is shorter."""

Data = Mapping[str, Any]

WIDTH = 9.0

PANEL = 1.7
"""Inches."""

LETTERS = 90
"""So many letters fit side by side below a panel; longer texts are turned."""

FEW = 40
"""A curve of so few steps shows them as dots."""


@dataclass(frozen=True, kw_only=True)
class Options(RobustOptions, OfRun):
    """Show the attention of every view of a clip over time, words under that of the text.

    The clip is read as in emocli evaluate: corrupted if asked for, and with the run's own repair
    unless another is asked for. Of a cross-validation the fold that tests the clip is taken.
    Without --clip: the first test clip that has all modalities, of those whose text has the word
    --word, if any has.
    """

    clip: Annotated[str, Option("Id of a clip of the corpus.  [default: a test clip]")] = ""
    word: Annotated[str, Option("A word that the text of a clip to be chosen has.")] = ""
    hop: Annotated[Hop, Option("Hops to draw; the data hold all.")] = "last"


def measure(options: Options, progress: Progress) -> Finding:
    """Collect the attention of every view of one clip; curves are the mean over the run's seeds.

    Raises
    ------
    EmocliError
        If the run is no run, there is no such clip or nothing is left of it, its network attends to
        no steps, or what is asked does not fit it.
    """
    from emocli.data.batch import Batch, Padded
    from emocli.evaluation.cross_validation import open_evaluator, open_tester
    from emocli.robust.corrupt import parse_all

    if options.clip and options.word:
        raise ConfigError("--clip and --word", hint="choose one of them")
    run = options.run
    clip, rule = options.clip, ""
    if not clip:
        tested = open_evaluator(run, "test", options.manifest, options.store, options)
        clip, rule = first_whole(tested, options.word)
    evaluator = open_tester(run, clip, options.manifest, options.store, options)
    asked = parse_all(options.corrupt, evaluator.modalities)
    chosen = evaluator.samples.manifest.clip(clip)
    seen = evaluator.seen_alone(chosen, asked, options.seed)
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
        "chosen": rule,
        "split": chosen.split,
        "label": chosen.label,
        "labels": dict(chosen.labels),
        "said": _predicted(evaluator, outputs),
        "hop": options.hop,
        "curve": CURVE,
        "corruption": labels,
        "corruption_seed": options.seed,
        "repair": evaluator.repair.label,
        "flagged": [m for m in evaluator.modalities if clip in seen.flagged[m]],
        "regenerated": [m for m in evaluator.modalities if clip in seen.regenerated[m]],
        "views": views,
    }
    parts = (f"attention-{clip}-{options.hop}", evaluator.other, *labels, evaluator.repair.label)
    return Finding(
        file_name(*parts, seed=options.seed),
        data,
        _rows(views),
        (tabulate(data),),
        lambda: draw(data),
    )


def _outputs(evaluator: RunEvaluator, batch: Batch) -> list[FusionOutput]:
    """Let every seed of the run look at the clip.

    Raises
    ------
    RunError
        If there is no attention over steps.
    """
    import torch

    from emocli.training.compute import deterministic_torch
    from emocli.training.outputs import level

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
    import torch

    from emocli.training.compute import deterministic_torch

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
) -> dict[str, dict[str, Any]]:
    """Collect times, words, weights and curves (seed, hop, step) of the views that are read."""
    import numpy as np

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
    import numpy as np

    if not store.length(clip.id):
        return None
    times = store.track(clip.id).times
    if times is None and store.header.rate is not None:
        return np.arange(store.length(clip.id)) / store.header.rate
    known = times is not None and np.isfinite(times).all()
    return np.asarray(times, np.float64) if known else None


def _words(clip: Clip, places: NDArray[np.float64], timed: bool) -> Iterator[dict[str, Any]]:
    """Find the words and where they stand: in the middle of their time, or with their row."""
    import numpy as np

    from emocli.data.words import read_words

    if timed and "words" in clip.media and clip.media["words"].is_file():
        start, end = clip.start or 0.0, np.inf if clip.end is None else clip.end
        for word in read_words(clip.media["words"]):
            middle = (word.start + word.end) / 2
            if start <= middle < end:
                yield {"word": word.text, "time": middle - start}
    elif not timed and len(tokens := TOKEN.findall(clip.text)) == len(places):
        for token, place in zip(tokens, places.tolist(), strict=True):
            yield {"word": token, "time": place}


def _predicted(evaluator: RunEvaluator, outputs: Sequence[FusionOutput]) -> dict[str, float]:
    """Give each class's probability, or intensity; the mean over the seeds."""
    import torch

    from emocli.models.losses import probabilities

    config = evaluator.config
    logits = torch.cat([output.logits for output in outputs])
    values = probabilities(config.task, config.train.loss, logits).mean(dim=0)
    return dict(zip(config.classes, values.tolist(), strict=True))


def _rows(views: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Turn the data into a table; weights and curves are means over the seeds."""
    import numpy as np

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


def tabulate(data: Data) -> Table:
    """Return a row per view: what was read of it, and the moment of the highest attention."""
    rows = tuple(
        (name, view["feature"], len(view["times"]), _state(data, name) or "as it is", _peak(view))
        for name, view in data["views"].items()
    )
    return Table(_title(data), ("view", "feature", "steps", "read", "peak (s)"), rows)


def draw(data: Data) -> dict[str, Figure]:
    """Draw the attention to every step of every view, as a multiple of uniform attention.

    What a network reads in blocks is drawn by block: a step of a short last one, in whose weight
    fewer steps share, is no peak for that. The mean over the steps is 1.

    With hop ``all`` there is a line per hop, else one for the last; of several seeds the mean, and
    their standard deviation as a band. Views with words come first.
    """
    views = sorted(data["views"].items(), key=lambda item: not item[1]["words"])
    every = data["hop"] == "all"
    drawing, panels = canvas(WIDTH, len(views) * PANEL + 0.7, rows=len(views))
    for axes, (name, view) in zip(panels, views, strict=True):
        _curves(axes, view, every)
        remarks = ("" if view["timed"] else "no times", _state(data, name))
        axes.set_ylabel("\n".join([name, *(f"({remark})" for remark in remarks if remark)]))
        axes.tick_params(labelbottom=axes is panels[-1])
        if view["words"]:
            _write_words(axes, view["words"])
    limits = [axes.get_xlim() for axes in panels]
    for axes in panels:
        axes.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))
    timed = any(view["timed"] for _, view in views)
    panels[-1].set_xlabel("time (seconds)" if timed else "step")
    drawing.supylabel("attention (1: uniform; by block, mean over steps 1)", fontsize=10)
    panels[0].set_title(_title(data))
    if every:
        legend(panels[0])
    return {"": drawing}


def _state(data: Data, name: str) -> str:
    """Say what was done about a modality; nothing if it was read as it is."""
    if name in data["regenerated"]:
        return "regenerated"
    return "not trusted" if name in data["flagged"] else ""


def _peak(view: Data) -> float:
    """Return when the last hop attends most, mean over the seeds; NaN where times are unknown."""
    import numpy as np

    curve = np.mean(view["curve"], axis=0)[-1]
    return float(view["times"][int(curve.argmax())]) if view["timed"] else float("nan")


def _curves(axes: Axes, view: Data, every: bool) -> None:
    import numpy as np

    weights = np.array(view["curve"])  # seed, hop, step
    mean, dots = weights.mean(axis=0), "o" if weights.shape[2] < FEW else None
    for hop in range(len(mean)) if every else [len(mean) - 1]:
        colour = COLOURS[hop % len(COLOURS)] if every else COLOURS[0]
        label = f"hop {hop + 1}"
        axes.plot(view["times"], mean[hop], color=colour, marker=dots, markersize=3, label=label)
        if len(weights) > 1:
            spread = weights[:, hop].std(axis=0, ddof=1)
            band = (mean[hop] - spread, mean[hop] + spread)
            axes.fill_between(view["times"], *band, color=colour, alpha=0.15, linewidth=0)
    axes.axhline(1, color=GREY, linestyle=":", linewidth=1)
    axes.set_ylim(bottom=0)


def _write_words(axes: Axes, words: Sequence[Data]) -> None:
    """Write words at their moments below a panel, turned where there are many."""
    turned = sum(len(word["word"]) + 1 for word in words) > LETTERS
    axes.set_xticks(
        [word["time"] for word in words],
        [word["word"] for word in words],
        rotation=90 if turned else 0,
        fontsize=8,
    )
    axes.tick_params(labelbottom=True)


def _title(data: Data) -> str:
    said = max(data["said"], key=data["said"].__getitem__)
    shown = f"shown: {data['label']}, " if data["label"] else ""
    hop = "all hops" if data["hop"] == "all" else "last hop"
    under = [" + ".join(data["corruption"]), data["repair"]]
    parts = [
        data["run"],
        data["dataset"],
        f"{data['clip']} ({shown}said: {said})",
        f"attention, {hop}",
        data["chosen"],
        *under,
    ]
    return textwrap.fill(" · ".join(filter(None, parts)), 90)
