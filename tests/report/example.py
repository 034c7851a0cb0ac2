"""The plain values of a report."""

from __future__ import annotations

from typing import Any

CLASSES = ["anger", "joy"]
CHANGE = {"accuracy": -0.2, "accuracy_ci": [-0.3, -0.1], "p": 0.01}
FIGURES = ("accuracy", "uar", "weighted_f1", "macro_f1")


def report(
    corrupted: bool = False, check: bool = False, sweep: bool = False, seeds: int = 1
) -> dict[str, Any]:
    """As the stage makes it, with round numbers."""
    clean = _condition(0.9, [], seeds, 2 if check else None)
    label = "visual gaussian 0 dB"
    spoilt = _condition(0.7, [label], seeds, 30 if check else None) if corrupted else None
    points = [
        {
            **_condition(
                0.9 - 0.1 * loss - 0.05 * k,
                [f"{modality} gaussian {level} dB"],
                seeds,
                10 * loss if check else None,
            ),
            "modality": modality,
            "name": "gaussian",
            "level": f"{level} dB",
            "snr_db": float(level),
        }
        for k, modality in enumerate(("audio", "text", "visual"))
        for loss, level in enumerate((10, 0, -10, -20))
    ]
    return {
        "run": "demo",
        "dataset": "toy",
        "split": "test",
        "task": "single",
        "n": 40,
        "classes": CLASSES,
        "repair": "check, discard" if check else "",
        "protocols": dict.fromkeys(FIGURES, "what it is"),
        "corruption": [label] if corrupted else [],
        "clean": clean,
        "corrupted": spoilt,
        "difference": {"accuracy": -0.2, "accuracy_ci": [-0.3, -0.1], "p": 0.01}
        if corrupted
        else None,
        "sweep": points if sweep else [],
        "baselines": {"prior": dict.fromkeys(FIGURES, 0.5)},
        "folds": [],
    }


def _condition(value: float, labels: list[str], seeds: int, flagged: int | None) -> dict[str, Any]:
    figures: dict[str, Any] = dict.fromkeys(FIGURES, value)
    if seeds > 1:
        figures |= dict.fromkeys((f"{name}_std" for name in FIGURES), 0.02)
    found = {
        **figures,
        "accuracy_ci": [value - 0.1, value + 0.05],
        "corruption": labels,
        "per_class": {name: {"n": 20, "recall": value, "f1": value} for name in CLASSES},
        "confusion": [[19 * seeds, seeds], [3 * seeds, 17 * seeds]],
    }
    if flagged is not None:
        spoilt = 36 if labels else 0
        counts = {"corrupted": spoilt, "flagged": flagged, "found": min(flagged, spoilt)}
        found["flagged"] = {"visual": {"clips": 40, **counts, "regenerated": 0}}
    return found
