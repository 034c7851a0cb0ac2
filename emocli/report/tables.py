"""A report as tables: what `emocli evaluate` prints, drawn from the report's plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Data = Mapping[str, Any]
Cell = str | float | int

SWEPT = ("accuracy", "uar", "weighted_f1")
"""Figures a sweep's table shows; the report has all."""


NONE = (None, None)
"""Bounds that there are not."""


@dataclass(frozen=True)
class Table:
    """A title, column names, and rows of text and numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def tables(report: Data) -> tuple[Table, ...]:
    """Return the conditions side by side, then folds, classes, confusion, check and sweep."""
    found = [_conditions(report)]
    if report["folds"]:
        found.append(_folds(report))
    found += [_classes(report), *confusions(report)]
    if report["repair"]:
        found.append(_repair(report))
    if report["sweep"]:
        found.append(_sweep(report))
    return tuple(found)


def _conditions(report: Data) -> Table:
    sides, baselines = both(report), report["baselines"]
    blank = [""] * len(baselines)
    rows: list[tuple[Cell, ...]] = []
    for name in report["protocols"]:
        others = (_number(data[name]) for data in baselines.values())
        rows.append((_title(name), *(_cell(data, name) for _, data in sides), *others))
        if name == "accuracy":
            bounds = (_bounds(data["accuracy_ci"]) for _, data in sides)
            rows.append(("  95 % interval", *bounds, *blank))
            if any("accuracy_ci_clips" in data for _, data in sides):
                apart = (_bounds(data.get("accuracy_ci_clips", NONE)) for _, data in sides)
                rows.append(("  95 %, over clips", *apart, *blank))
    if report["difference"]:
        change = report["difference"]
        rows.append(("change of accuracy", "", f"{change['accuracy']:+.3f}", *blank))
        rows.append(("  95 % interval", "", _bounds(change["accuracy_ci"]), *blank))
        if "accuracy_ci_clips" in change:
            rows.append(("  95 %, over clips", "", _bounds(change["accuracy_ci_clips"]), *blank))
    title = f"{report['run']} on {report['n']} clips of {report['dataset']} ({report['split']})"
    return Table(title, ("figure", *(label for label, _ in sides), *baselines), tuple(rows))


def _folds(report: Data) -> Table:
    """Each fold by itself, mean over the seeds."""
    names = [name for name in ("clean", "corrupted") if name in report["folds"][0]]
    columns = [f"{_title(figure)} {name}" for name in names for figure in SWEPT]
    rows = [
        (fold["fold"], fold["n"], *(_cell(fold[name], f) for name in names for f in SWEPT))
        for fold in report["folds"]
    ]
    return Table("folds", ("fold", "clips", *columns), tuple(rows))


def _classes(report: Data) -> Table:
    """Means over the seeds."""
    keys = ("recall", "f1") if report["task"] == "single" else ("uar", "weighted_f1")
    names = ("clean", "corrupted") if report["corrupted"] else ("clean",)
    sides = [(name, report[name]["per_class"]) for name in names]
    columns = [f"{_title(key)} {name}" for name, _ in sides for key in keys]
    rows = [
        (
            name,
            int(found["n"]),
            *(_number(classes[name][key]) for _, classes in sides for key in keys),
        )
        for name, found in report["clean"]["per_class"].items()
    ]
    return Table("classes", ("class", "clips", *columns), tuple(rows))


def confusions(report: Data) -> list[Table]:
    """Return the confusion matrix of each condition, in per cent of each row."""
    classes = report["classes"]
    return [
        Table(
            f"confusion in % of each row, {label}",
            ("shown", *classes),
            tuple(
                (name, *(_percent(count, sum(row)) for count in row))
                for name, row in zip(classes, data["confusion"], strict=True)
            ),
        )
        for label, data in both(report)
    ]


def _repair(report: Data) -> Table:
    rows = [
        (
            label,
            modality,
            found["clips"],
            found["corrupted"],
            _percent(found["found"], found["corrupted"]),
            _percent(found["flagged"] - found["found"], found["clips"] - found["corrupted"]),
            found["regenerated"],
        )
        for label, data in [*both(report), *_points(report)]
        for modality, found in data["flagged"].items()
    ]
    columns = ("condition", "modality", "clips", "corrupted", "found %", "false %", "regenerated")
    return Table(f"repair: {report['repair']}", columns, tuple(rows))


def _sweep(report: Data) -> Table:
    rows = [
        (label, *(_cell(data, name) for name in SWEPT))
        for label, data in [("clean", report["clean"]), *_points(report)]
    ]
    return Table("sweep", ("condition", *map(_title, SWEPT)), tuple(rows))


def both(report: Data) -> list[tuple[str, Data]]:
    """Return the clean condition and, if there is one, the corrupted one, each with its label."""
    sides = [("clean", report["clean"])]
    if report["corrupted"]:
        sides.append((" + ".join(report["corruption"]), report["corrupted"]))
    return sides


def _points(report: Data) -> list[tuple[str, Data]]:
    return [(" + ".join(point["corruption"]), point) for point in report["sweep"]]


def titled(data: Data) -> str:
    """Say of which run and clips an analysis is, and what was repaired."""
    repair = f" · {data['repair']}" if data["repair"] else ""
    return f"{data['run']} · {data['dataset']}, {data['split']} ({data['n']} clips){repair}"


def _title(name: str) -> str:
    return name.replace("_", " ")


def _cell(data: Data, name: str) -> Cell:
    """Return a figure; of several seeds, with its spread."""
    value, std = data[name], data.get(f"{name}_std")
    return _number(value) if value is None or std is None else f"{value:.3f} ± {std:.3f}"


def _number(value: float | None) -> Cell:
    return "-" if value is None else float(value)


def _bounds(interval: Sequence[float | None]) -> str:
    low, high = interval
    return "-" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def _percent(part: float, whole: float) -> Cell:
    return round(100 * part / whole) if whole else "-"
