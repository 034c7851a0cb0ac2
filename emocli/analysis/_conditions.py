"""Under which conditions an analysis looks at a network: clean, and corrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from emocli.robust.corrupt import CorruptionSpec, parse_all

CLEAN = "clean"

Found = TypeVar("Found")


def conditions(
    corrupt: Sequence[str], modalities: Sequence[str], default: str = ""
) -> dict[str, tuple[CorruptionSpec, ...]]:
    """Return each condition's label and corruptions, the clean one first.

    Parameters
    ----------
    corrupt : sequence of str
        Corruptions, all at once (as in `emocli evaluate`).
    modalities : sequence of str
        Which ones the network knows.
    default : str
        What is done to every modality in turn where none is given, e.g. ``gaussian@0dB``; by
        default the usual corruption.

    Raises
    ------
    ConfigError
        If there is no such corruption or modality.
    """
    each = [[f"{modality}:{default}" if default else modality] for modality in modalities]
    asked = [parse_all(specs, modalities) for specs in ([corrupt] if corrupt else each)]
    return {CLEAN: (), **{" + ".join(c.label for c in own): own for own in asked}}


def through(
    asked: Mapping[str, tuple[CorruptionSpec, ...]],
    look: Callable[[tuple[CorruptionSpec, ...]], Found],
    progress: Callable[[int, int], None],
) -> dict[str, Found]:
    """Look under each condition in turn; ``progress`` is told conditions done, and all of them."""
    found: dict[str, Found] = {}
    for label, corruptions in asked.items():
        progress(len(found), len(asked))
        found[label] = look(corruptions)
    progress(len(found), len(asked))
    return found
