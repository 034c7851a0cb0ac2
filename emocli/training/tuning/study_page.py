"""The page of a search: its history, the importances of settings, and the trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from emocli.config import Plain, leaves
from emocli.models.run_config import RunConfig
from emocli.report.canvas import GREY, SCREEN, Drawing, Style, render
from emocli.report.document import Block, Grid, Heading, Listing, Paragraph, Picture
from emocli.report.palette import COLOURS
from emocli.space import Value
from emocli.training.tuning.study_summary import SearchSummary, Trial, value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from emocli.training.tuning.search import Search

SHOWN = 20
"""Trials in the table, the best ones and the chosen one."""

CAPTIONS = {
    "history": "Validation of each trial that came to its end (points), and the best so far "
    "(line). The number of the best flatters, for it is the best of all.",
    "parallel": "Settings of the trials that came to their end, a line each, and their "
    "validation; the darker the better, the best one thick. Scales are each setting's own.",
    "importances": "Share of the variance of the validation over trials that each setting explains "
    "(fANOVA).",
}


def blocks(summary: SearchSummary, files: Mapping[str, bytes]) -> list[Block]:
    """Return the page's parts; ``files`` are the drawings there are."""
    best = summary.best
    chosen = [f"`{name} = {value}`" for name, value in summary.chosen.items()]
    reason = summary.reason
    return [
        Heading(f"{summary.fusion}: {len(summary.trials)} trials", 1),
        Paragraph(
            f"Trial {best.number} validates best: {summary.monitor} {best.valid or 0:.4f}, which "
            "flatters, for it is the best of all. The test split has had no part in it."
        ),
        *([Paragraph(f"{reason[0].upper()}{reason[1:]}.")] if reason else []),
        Paragraph(f"Trial {summary.chosen_trial.number} is chosen:"),
        *normalisation((summary,)),
        Listing(tuple(chosen)),
        Paragraph(f"{summary.budget}. Drawn by {summary.sampler}."),
        *pictures(CAPTIONS, files),
        Heading("Space"),
        Grid(("setting", "range"), list(summary.space.items()), left=(0, 1)),
        Heading("The best trials"),
        _table(summary),
        *_failed(summary.trials),
    ]


def request_parts(search: Search, config: RunConfig) -> list[Block]:
    """Return what was searched on, and with what; ``config`` is that of a chosen network."""
    base, corpus = search.base, search.base.manifest
    name = corpus.path.name if corpus.path else corpus.dataset
    fold = f", fold {corpus.fold.index} of {corpus.fold.count}" if corpus.fold else ""
    first = config.seeds[0]
    pruning = "" if search.prune else ", without pruning"
    rows = {
        "manifest": f"{name}: {corpus.dataset}, {len(corpus.clips)} clips{fold}",
        "features": ", ".join(f"{m}: {view.feature}" for m, view in config.features.items()),
        "network": f"{base.fusion}, preset {base.preset}",
        "fixed settings": _stated(base.settings),
        "robustness": _stated(base.robust.stated()),
        "seeds of a trial": _listed(range(first, first + search.base.seeds)),
        "seeds of what was chosen": _listed(config.seeds),
        "sampler": f"{search.sampler}, seed {search.seed}{pruning}",
    }
    return [
        Heading("What it was searched on"),
        Grid(("what", "value"), list(rows.items()), left=(0, 1)),
    ]


def _listed(seeds: Iterable[int]) -> str:
    return ", ".join(map(str, seeds))


def _stated(tree: Mapping[str, Plain]) -> str:
    """Write settings that differ from the defaults in one line."""
    return ", ".join(f"{name}={value}" for name, value in leaves(tree)) or "-"


def normalisation(summaries: Iterable[SearchSummary]) -> list[Block]:
    """Return of which trials features are normalised by speaker, if of any."""
    lines = dict.fromkeys(each.normalised for each in summaries if each.normalised)
    return [Paragraph(f"{line[0].upper()}{line[1:]}.") for line in lines]


def pictures(captions: Mapping[str, str], files: Mapping[str, bytes]) -> list[Block]:
    """Return the drawings that there are."""
    return [
        Picture(f"{name}.png", name, caption)
        for name, caption in captions.items()
        if f"{name}.png" in files
    ]


def _table(summary: SearchSummary) -> Grid:
    names = list(summary.space)
    done = [trial for trial in summary.trials if trial.valid is not None]
    chosen = summary.chosen_trial
    nearest = sorted(done, key=lambda t: abs((t.valid or 0) - (summary.best.valid or 0)))
    shown = nearest[:SHOWN] if chosen in nearest[:SHOWN] else [*nearest[: SHOWN - 1], chosen]
    rows = [
        (
            f"{trial.number} (chosen)" if trial == chosen else str(trial.number),
            f"{trial.valid:.4f}",
            str(trial.epochs),
            *(value_text(trial.settings.get(name)) for name in names),
        )
        for trial in shown
    ]
    return Grid(("trial", f"valid {summary.monitor}", "epochs", *names), rows)


def _failed(trials: Iterable[Trial]) -> list[Block]:
    """Return why trials failed, if any did."""
    rows = [(str(trial.number), trial.error or "-") for trial in trials if trial.state == "failed"]
    return [Heading("Trials that failed"), Grid(("trial", "why"), rows, left=(1,))] if rows else []


def drawings(
    trials: Sequence[Trial],
    importances: Mapping[str, float],
    monitor: str,
    lower: bool,
    style: Style = SCREEN,
) -> dict[str, bytes]:
    """Return the drawings and captions as files: of trials that came to their end."""
    done = [trial for trial in trials if trial.valid is not None]
    with style.active():
        figures = {"history": _history(done, monitor, lower, style)}
        if len(done) > 1:
            figures["parallel"] = parallel(done, monitor, lower, style, CAPTIONS["parallel"])
        if importances:
            figures["importances"] = importance_bars(importances, style, CAPTIONS["importances"])
        return render(figures, style)


def _history(done: Sequence[Trial], monitor: str, lower: bool, style: Style) -> Drawing:
    from matplotlib.ticker import MaxNLocator

    drawing, (axes,) = style.canvas(5, 3.2)
    values = np.array([trial.valid for trial in done], float)
    best = np.minimum.accumulate(values) if lower else np.maximum.accumulate(values)
    numbers = [trial.number for trial in done]
    axes.plot(numbers, values, "o", color=GREY, markersize=4, label="trial")
    axes.step(numbers, best, where="post", color=COLOURS[0], label="best so far")
    axes.set_xlabel("trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel(f"validation {monitor}")
    style.legend(drawing)
    return style.drawing(drawing, f"{len(done)} trials", CAPTIONS["history"])


def importance_bars(importances: Mapping[str, float], style: Style, caption: str) -> Drawing:
    """Draw the importance of each setting."""
    drawing, (axes,) = style.canvas(5, 1.1 + 0.35 * len(importances))
    names = sorted(importances, key=lambda name: importances[name])
    axes.barh(names, [importances[name] for name in names], color=COLOURS[0])
    axes.set_xlabel("importance")
    return style.drawing(drawing, "importance of settings", caption)


def parallel(
    done: Sequence[Trial], monitor: str, lower: bool, style: Style, caption: str
) -> Drawing:
    """Draw the trials as lines over their settings and the metric, a scale each."""
    import matplotlib as mpl

    names = list(done[0].settings)
    drawing, (axes,) = style.canvas(0.9 * (len(names) + 1) + 1, 4)
    columns = [_scaled(axes, k, [t.settings.get(n) for t in done]) for k, n in enumerate(names)]
    columns.append(_scaled(axes, len(names), [t.valid for t in done]))
    worst_first = np.argsort([-float(t.valid or 0) if lower else float(t.valid or 0) for t in done])
    shades = mpl.colormaps["viridis"](np.linspace(0.95, 0.05, len(done)))
    for rank, row in enumerate(worst_first):
        heights = [column[row] for column in columns]
        best = rank == len(done) - 1
        axes.plot(heights, color=shades[rank], linewidth=2.5 if best else 0.8)
    axes.set_xticks(range(len(columns)), [*names, monitor], rotation=30, ha="right")
    axes.set_yticks([])
    axes.set_ylim(-0.15, 1.15)  # room for the ends of the scales
    return style.drawing(drawing, "settings side by side", caption)


def _scaled(axes: Axes, place: int, values: Sequence[Value]) -> list[float]:
    """Return heights from 0 to 1 for the values of a setting, and write the ends beside them."""
    numbers = [v for v in values if type(v) in (int, float)]
    if len(numbers) == len(values):
        heights = np.array(numbers, float)
        if (heights > 0).all() and heights.max() > 50 * heights.min():
            heights = np.log(heights)
        shown = {float(h): value_text(v) for h, v in zip(heights, values, strict=True)}
    else:
        texts = sorted({str(v) for v in values})
        heights = np.array([texts.index(str(v)) for v in values], float)
        shown = {float(k): text for k, text in enumerate(texts)}
    low, high = heights.min(), heights.max()
    spread = (high - low) or 1.0
    axes.axvline(place, color="#bbb", linewidth=0.8, zorder=0)
    for end, below in ((low, True), (high, False)):
        height, align = (end - low) / spread, "top" if below else "bottom"
        axes.text(place, height + (-0.03 if below else 0.03), shown[end], ha="center", va=align)
    return [float(h) for h in (heights - low) / spread]
