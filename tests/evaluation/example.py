"""The report of an evaluation with round numbers, and its plain values."""

from __future__ import annotations

from typing import Any

from emocli.evaluation.report import EvaluationReport

CLASSES = ["anger", "joy"]
CHANGE = {"accuracy": -0.2, "accuracy_ci": [-0.3, -0.1], "p": 0.01}
METRICS = ("accuracy", "uar", "weighted_f1", "macro_f1")


def report(**options: Any) -> EvaluationReport:
    return EvaluationReport.from_data(data(**options))


def data(
    corrupted: bool = False, check: bool = False, sweep: bool = False, seeds: int = 1
) -> dict[str, Any]:
    clean = _condition(0.9, [], seeds, 2 if check else None)
    label = "visual gaussian 0 dB"
    changed = _condition(0.7, [label], seeds, 30 if check else None) if corrupted else None
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
        **(changed or clean),
        "format": EvaluationReport.FORMAT,
        "emocli": "1.0",
        "run": "demo",
        "fusion": "late",
        "preset": "plus",
        "seeds": list(range(seeds)),
        "dataset": "toy",
        "trained_on": "toy",
        "split": "test",
        "task": "single",
        "n": 40,
        "classes": CLASSES,
        "check": check,
        "remarks": [],
        "trained_with": {},
        "corruption_seed": 0,
        "device": "cpu",
        "interval": "95 %, bootstrap over dialogues",
        "warnings": [],
        "rules": {},
        "unlabelled": 0,
        "missing": {},
        "non_finite": {},
        "clipped": {},
        "inputs": {"manifest": "m", "features": {}, "models": {}, "checks": {}},
        "repair": "check, discard" if check else "",
        "definitions": dict.fromkeys(METRICS, "what it is"),
        "clean": clean,
        "corrupted": changed,
        "difference": CHANGE if corrupted else None,
        "sweep": points if sweep else [],
        "baselines": {"prior": dict.fromkeys(METRICS, 0.5)},
        "folds": [],
    }


def _condition(value: float, labels: list[str], seeds: int, flagged: int | None) -> dict[str, Any]:
    metrics: dict[str, Any] = dict.fromkeys(METRICS, value)
    if seeds > 1:
        metrics |= dict.fromkeys((f"{name}_std" for name in METRICS), 0.02)
    condition = {
        **metrics,
        "accuracy_ci": [value - 0.1, value + 0.05],
        "corruption": labels,
        "per_class": {name: {"n": 20, "recall": value, "f1": value} for name in CLASSES},
        "by_seed": [{"seed": k, **dict.fromkeys(METRICS, value)} for k in range(seeds)],
        "undefined": {},
        "confusion": [[19 * seeds, seeds], [3 * seeds, 17 * seeds]],
    }
    if flagged is not None:
        corrupted = 36 if labels else 0
        counts = {"corrupted": corrupted, "flagged": flagged, "detected": min(flagged, corrupted)}
        condition["flagged"] = {"visual": {"clips": 40, **counts, "regenerated": 0}}
    return condition
