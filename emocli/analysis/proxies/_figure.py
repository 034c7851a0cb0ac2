"""The report of the analysis of proxies drawn: features of clips, and errors."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from emocli.analysis.proxies._report import ProxiesReport
from emocli.plugin.analysis.drawing import COLOURS, GREY, SCREEN, Drawing, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEMORY = "memory"

PANEL = (3.4, 2.0)
"""Inches."""

LINES: Mapping[str, Mapping[str, Any]] = {
    "noisy": {"color": "#e69f00", "linewidth": 0.5, "alpha": 0.7},
    "original": {"color": "#0072b2", "linewidth": 1.8},
    "regenerated": {"color": "#000000", "linewidth": 0.9, "linestyle": (0, (3, 1))},
}
"""Looks, the lowest first: the noise would hide the others, and they each other."""

WORST = 2.5
"""Relative error at which bars are cut; how long they would be stands on them."""


def about(report: ProxiesReport) -> str:
    """Title of the figures: whose proxies, and which clips."""
    return f"proxies of {report.of} · {report.dataset}, {report.split}"


def curves(report: ProxiesReport, style: Style = SCREEN) -> Drawing:
    """Draw clips as Figure 7 of the paper does: a row per modality, a column per clip."""
    modalities = list(dict.fromkeys(curve.modality for curve in report.curves))
    clips = list(dict.fromkeys(curve.clip for curve in report.curves))
    size = (PANEL[0] * len(clips) + 0.4, PANEL[1] * len(modalities) + 0.7)
    drawing, panels = style.canvas(*size, columns=max(len(clips), 1), rows=max(len(modalities), 1))
    for curve in report.curves:
        row, column = modalities.index(curve.modality), clips.index(curve.clip)
        axes = panels[row * len(clips) + column]
        for name, look in LINES.items():
            label = f"noisy ({_decibel(report.noise)})" if name == "noisy" else name
            axes.plot(getattr(curve, name), label=label, **look)
        highest = 1.5 * max(map(abs, [*curve.original, *curve.regenerated, 1e-6]))
        axes.set_ylim(-highest, highest)  # the noise goes far beyond
        if row == 0:
            axes.set_title(textwrap.shorten(curve.clip, 28))
        if row == len(modalities) - 1:
            axes.set_xlabel("dimension")
        if column == 0:
            axes.set_ylabel(f"{curve.modality}\n(mean over steps)")
    style.legend(drawing)
    kind = next(iter(report.settings), "")
    caption = (
        f"Features of clips of {report.dataset} ({report.split}), means over the steps: as they "
        f"are (original), with Gaussian noise at a signal-to-noise ratio of {report.noise} "
        f"({_decibel(report.noise)}), and regenerated from the other modalities by proxies of "
        f"kind {kind}. The vertical axes are cut: the noise goes beyond them."
    )
    return style.drawing(drawing, about(report), caption)


def _decibel(ratio: str) -> str:
    return f"{10 * math.log10(float(ratio)):g} dB"


def errors(report: ProxiesReport, style: Style = SCREEN) -> Drawing:
    """Draw relative errors, a panel per modality: of clips that were learnt, and held out."""
    from matplotlib.patches import Patch

    modalities = list(dict.fromkeys(row.modality for row in report.errors))
    kinds = list(dict.fromkeys(row.kind for row in report.errors))
    drawing, panels = style.panels(len(modalities), PANEL[0], 3.2, sharey=True)
    for axes, modality in zip(panels, modalities, strict=True):
        rows = [row for row in report.errors if row.modality == modality]
        sources = list(dict.fromkeys(row.sources for row in rows))
        width = 0.8 / (2 * len(kinds))
        for row in rows:
            place, kind = sources.index(row.sources), kinds.index(row.kind)
            for side, error in enumerate(row.errors.values()):
                x = place - 0.4 + (2 * kind + side + 0.5) * width
                _bar(axes, x, width, 0.0 if math.isnan(error) else error, kind, side, style)
        axes.axhline(1, color=GREY, linestyle="--", linewidth=1)
        axes.set_xticks(range(len(sources)), [s.replace(" + ", "\n+ ") for s in sources])
        axes.set_title(modality)
    drawing.supxlabel("regenerated from", fontsize=style.size)
    drawing.supylabel("relative error", fontsize=style.size)
    sides = enumerate(dict.fromkeys(name for row in report.errors for name in row.errors))
    style.legend(
        drawing,
        *(Patch(facecolor=COLOURS[k % len(COLOURS)], label=kind) for k, kind in enumerate(kinds)),
        *(Patch(**_side(-1, side), label=name) for side, name in sides),
    )
    return style.drawing(drawing, about(report), _errors_caption(report))


def _errors_caption(report: ProxiesReport) -> str:
    counts = " and ".join(f"{count} clips {name}" for name, count in report.n.items())
    return (
        f"Relative error of regenerated features of {report.dataset} ({report.error}), a panel "
        f"per regenerated modality, for {counts} ({report.split}): plain bars are clips the "
        "proxies were fitted on, hatched ones are held out. The dashed line at 1 is the error of "
        f"the mean. Bars above {WORST:g} are cut, and their length stands on them. {MEMORY}: ten "
        "neighbours and next to no regularisation, which returns what it has learnt."
    )


def _side(kind: int, side: int) -> dict[str, Any]:
    """Look of a bar: plain for learnt clips, hatched for held-out ones."""
    colour = COLOURS[kind % len(COLOURS)] if kind >= 0 else GREY
    return {
        "facecolor": colour,
        "edgecolor": "white",
        "hatch": "////" if side else "",
        "linewidth": 0,
    }


def _bar(
    axes: Axes, x: float, width: float, height: float, kind: int, side: int, style: Style
) -> None:
    if height > WORST:
        text: dict[str, Any] = {
            "fontsize": style.small - 2,
            "ha": "center",
            "va": "bottom",
            "rotation": 90,
        }
        axes.text(x, WORST, f"{height:.1f}", **text)
    axes.bar(x, min(height, WORST), width, **_side(kind, side))
