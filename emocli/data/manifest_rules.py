"""The rules every manifest keeps, read from a file or built from a corpus.

What breaks one raises a `ManifestError` that names the place.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from emocli.data.clip import SPLIT_NAMES, SPLITS, Clip
from emocli.errors import ManifestError, choice

Task = Literal["single", "multi", "intensity"]

Place = Callable[[int, str], str]
"""(index of a clip, column) -> where that is, for a message."""

Fault = tuple[str, str, str] | None
"""Column, what is wrong, how to mend it."""

MEDIA = "media."
LABEL = "label."
GROUP = "group."
MOST_NAMES = 12


def check_ids(clips: Sequence[Clip], place: Place) -> None:
    """Require that every clip has an id of its own."""
    seen: dict[str, int] = {}
    for index, clip in enumerate(clips):
        if not clip.id:
            raise ManifestError("is empty", where=place(index, "id"))
        first = seen.setdefault(clip.id, index)
        if first != index:
            raise ManifestError(
                f"id '{clip.id}' is already that of another clip",
                where=place(index, "id"),
                hint=f"see {place(first, 'id')}",
            )


def check_values(
    clips: Sequence[Clip], classes: Sequence[str], task: Task, root: Path, place: Place
) -> None:
    """Require known splits and classes, sensible times and labels, media inside the root."""
    prefix = folder_prefix(root)
    folded = any(clip.fold is not None for clip in clips)
    for index, clip in enumerate(clips):
        fault = (
            _split_fault(clip)
            or _fold_fault(clip, folded)
            or _time_fault(clip)
            or _label_fault(clip, classes)
            or _task_fault(clip, classes, task)
            or _media_fault(clip, prefix)
        )
        if fault:
            column, what, hint = fault
            raise ManifestError(what, where=place(index, column), hint=hint)


def check_groups(clips: Sequence[Clip], place: Place) -> None:
    """Require that no speaker and no dialogue is in two splits, or in two folds."""
    for column in ("speaker", "dialogue"):
        _check_together(clips, column, "split", place)
        _check_together(clips, column, "fold", place)


def check_links(clips: Sequence[Clip], root: Path, place: Place) -> None:
    """Require that no symbolic link leads from the media out of the root; the root may be one."""
    real = os.path.realpath(root).rstrip(os.sep) + os.sep
    folders: dict[str, bool] = {}
    for index, clip in enumerate(clips):
        for name, path in clip.media.items():
            folder = os.path.dirname(path)  # noqa: PTH120 - fast: there are many
            if folder not in folders:
                folders[folder] = (os.path.realpath(folder) + os.sep).startswith(real)
            if folders[folder] and not os.path.islink(path):  # noqa: PTH114 - any name will do
                continue
            target = os.path.realpath(path)
            if not target.startswith(real):
                raise ManifestError(
                    f"'{path}' is, by a symbolic link, '{target}', outside the root '{root}'",
                    where=place(index, MEDIA + name),
                    hint="copy it into the root, or give a root that holds both",
                )


def _check_together(clips: Sequence[Clip], column: str, part: str, place: Place) -> None:
    parts: dict[str, str | int] = {}
    for index, clip in enumerate(clips):
        group, own = getattr(clip, column), getattr(clip, part)
        first = parts.setdefault(group, own) if group else own
        if first != own:
            name = "" if part == "split" else f"{part} "
            raise ManifestError(
                f"{column} '{group}' is in {name}{first} and in {name}{own}",
                where=place(index, column),
                hint=f"keep it in one {part}, or say 'overlap = true' in the .toml file",
            )


def absolute(path: Path) -> Path:
    """Return the path from the root of the file system, without ``..``, links left as they are."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def folder_prefix(root: Path) -> str:
    """Return the folder as the beginning of the absolute paths inside it."""
    return str(absolute(root)).rstrip(os.sep) + os.sep


def relative(path: Path, prefix: str) -> str | None:
    """Return the path below ``prefix``, with forward slashes; None if it is elsewhere."""
    full = os.path.abspath(path)  # noqa: PTH100 - as absolute(), and fast
    return full[len(prefix) :].replace(os.sep, "/") if full.startswith(prefix) else None


def repeated(names: Iterable[str]) -> str | None:
    """Return the first name that is there twice."""
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _split_fault(clip: Clip) -> Fault:
    if clip.split in SPLITS:
        return None
    also = [name for name in SPLIT_NAMES if name not in SPLITS]
    hint = f"splits are: {', '.join(SPLITS)} (also called {', '.join(also)})"
    return "split", f"there is no split '{clip.split}'", hint


def _fold_fault(clip: Clip, folded: bool) -> Fault:
    if folded and clip.fold is None:
        return "fold", "is empty, though other clips have one", "give every clip a fold, or none"
    if clip.fold is not None and clip.fold < 0:
        return "fold", f"there is no fold {clip.fold}", "folds are numbered from 0"
    return None


def _time_fault(clip: Clip) -> Fault:
    start = 0.0 if clip.start is None else clip.start
    if not (start >= 0 and math.isfinite(start)):
        return "start", f"{start:g} s is no time in a file", "times are seconds, 0 or more"
    if clip.end is not None and not (clip.end > start and math.isfinite(clip.end)):
        return "end", f"{clip.end:g} s is not after the start, {start:g} s", ""
    return None


def _label_fault(clip: Clip, classes: Sequence[str]) -> Fault:
    if clip.label is not None and clip.label not in classes:
        return "label", f"'{clip.label}' is not a class", choice(clip.label, classes, MOST_NAMES)
    for name, value in clip.labels.items():
        if name not in classes:
            return LABEL + name, f"'{name}' is not a class", choice(name, classes, MOST_NAMES)
        if not math.isfinite(value):
            return LABEL + name, f"{value} is not a finite number", ""
    return None


def _task_fault(clip: Clip, classes: Sequence[str], task: Task) -> Fault:
    if task == "single" or not clip.labels:
        return None
    for name in classes:
        value = clip.labels.get(name)
        if value is None:
            return LABEL + name, "has no value, though other classes of the clip do", ""
        if task == "multi" and value not in (0, 1):
            return LABEL + name, f"{value:g} is neither 0 nor 1", "task 'intensity' takes others"
    return None


def _media_fault(clip: Clip, prefix: str) -> Fault:
    for name, path in clip.media.items():
        if relative(path, prefix) is None:
            return MEDIA + name, f"'{path}' is outside the root '{prefix}'", "give another root"
    return None
